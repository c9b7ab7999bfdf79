//! What can go wrong while setting up; afterwards telemetry never fails its users.

use std::path::PathBuf;

/// A part of telemetry cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A log file cannot be opened.
    #[error("log file {path}: {source}", path = .path.display())]
    LogFile {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The levels of single parts are not understood.
    #[error("log filter `{filter}`: {source}")]
    Filter {
        /// The filter as it was given.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The exporter of traces cannot be made, for example because the endpoint is no URL.
    #[error("trace exporter: {0}")]
    TraceExporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// Traces were not all exported before the time ran out.
    #[error("trace export: {0}")]
    TraceExport(opentelemetry_sdk::error::OTelSdkError),
    /// The exporter of metrics cannot be made.
    #[error("metrics: {0}")]
    Metrics(opentelemetry_sdk::error::OTelSdkError),
    /// The metrics cannot be written as text.
    #[error("metrics: {0}")]
    MetricsText(#[from] prometheus::Error),
    /// A subscriber is installed already.
    #[error("telemetry is installed once a process")]
    InstalledTwice,
    /// The listener of metrics and health failed.
    #[error("metrics listener: {0}")]
    Listener(std::io::Error),
}

/// The families of errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// What was asked for is wrong: a filter, an endpoint.
    Configuration,
    /// The operating system or a receiver refuses for now.
    Unavailable,
    /// A mistake of ours.
    Internal,
}

impl Error {
    /// Returns the family of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Filter { .. } | Self::TraceExporter(_) => ErrorKind::Configuration,
            Self::LogFile { .. } | Self::Listener(_) | Self::TraceExport(_) => ErrorKind::Unavailable,
            Self::Metrics(_) | Self::MetricsText(_) | Self::InstalledTwice => ErrorKind::Internal,
        }
    }

    /// Says whether the same may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.kind() == ErrorKind::Unavailable
    }
}

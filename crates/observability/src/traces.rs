//! Spans, exported over OTLP.

use std::future::Future;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_otlp::WithExportConfig as _;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData,
};

pub use opentelemetry_otlp::SpanExporter;

use crate::error::Error;
use crate::privacy::is_private;

/// What is traced and where it goes.
#[derive(Clone, Debug)]
pub struct TraceOptions {
    /// URL of an OTLP receiver over gRPC, as in `http://collector:4317`; spans are not made when none.
    pub endpoint: Option<String>,
    /// Share of traces that are kept, from 0 to 1; a trace that began elsewhere follows the decision made there.
    pub ratio: f64,
    /// Spans that wait for export; more are dropped.
    pub queue_max: usize,
    /// Time that one export may take.
    pub export_timeout: Duration,
    /// Name of the service.
    pub service_name: String,
    /// Name of this process among those of the service.
    pub instance: String,
    /// Version of the program.
    pub version: String,
}

impl Default for TraceOptions {
    fn default() -> Self {
        Self {
            endpoint: None,
            ratio: 0.01,
            queue_max: 2048,
            export_timeout: Duration::from_secs(10),
            service_name: "facteur".to_owned(),
            instance: String::new(),
            version: String::new(),
        }
    }
}

/// The spans of this process on their way out.
#[derive(Clone)]
pub struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Returns traces that are exported to `endpoint`. Must be called within a tokio runtime.
    ///
    /// # Errors
    ///
    /// Fails if the endpoint is no URL.
    pub fn to_endpoint(endpoint: &str, options: &TraceOptions) -> Result<Self, Error> {
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .with_timeout(options.export_timeout)
            .build()?;
        Ok(Self::to_exporter(exporter, options))
    }

    /// Returns traces that leave by an exporter which is already there.
    pub fn to_exporter(exporter: SpanExporter, options: &TraceOptions) -> Self {
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(options.queue_max)
            .build();
        let processor = BatchSpanProcessor::builder(Withholding(exporter))
            .with_batch_config(batches)
            .build();
        let resource = Resource::builder_empty()
            .with_service_name(options.service_name.clone())
            .with_attribute(KeyValue::new("service.instance.id", options.instance.clone()))
            .with_attribute(KeyValue::new("service.version", options.version.clone()))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
                options.ratio,
            ))))
            .with_resource(resource)
            .build();
        Self { provider }
    }

    pub(crate) fn provider(&self) -> &SdkTracerProvider {
        &self.provider
    }

    /// Exports what waits. Blocks, so it is not for a thread that runs tasks.
    ///
    /// # Errors
    ///
    /// Fails if the receiver does not take it in time.
    pub fn flush(&self) -> Result<(), Error> {
        self.provider.force_flush().map_err(Error::TraceExport)
    }

    /// Exports what waits and ends. Blocks, so it is not for a thread that runs tasks.
    ///
    /// # Errors
    ///
    /// Fails if the receiver does not take it in time.
    pub fn shutdown(&self) -> Result<(), Error> {
        self.provider.shutdown().map_err(Error::TraceExport)
    }
}

/// Takes private attributes out of spans before they leave the process.
#[derive(Debug)]
struct Withholding(SpanExporter);

impl opentelemetry_sdk::trace::SpanExporter for Withholding {
    fn export(&self, mut batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        for span in &mut batch {
            span.attributes
                .retain(|attribute| !is_private(attribute.key.as_str()));
            for event in &mut span.events.events {
                event
                    .attributes
                    .retain(|attribute| !is_private(attribute.key.as_str()));
            }
        }
        self.0.export(batch)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

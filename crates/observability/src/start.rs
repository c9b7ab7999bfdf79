//! Puts the parts together into one subscriber.

use tracing::{Dispatch, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::{fmt, reload};

use opentelemetry::trace::TracerProvider as _;

use crate::error::Error;
use crate::log::auth::{AUTH_TARGET, AuthLog};
use crate::log::fields::SpanFields;
use crate::log::level::{self, LevelControl};
use crate::log::line::LineFormat;
use crate::log::sink::Sink;
use crate::log::{AuthLogOptions, LogOptions};
use crate::metrics::{Metrics, SpanDurations};
use crate::traces::{TraceOptions, Traces};

/// Everything that `server` decides.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The log for people.
    pub log: LogOptions,
    /// The authentication log.
    pub auth_log: AuthLogOptions,
    /// Traces.
    pub traces: TraceOptions,
}

/// Log and traces of one process.
pub struct Observability {
    dispatch: Dispatch,
    level: LevelControl,
    traces: Option<Traces>,
    durations: SpanDurations,
}

/// Libraries whose spans say nothing about mail, and are many; those of the exporter's own connection would feed on
/// themselves.
const FOREIGN: &[&str] = &[
    "h2",
    "hyper",
    "hyper_util",
    "tonic",
    "tower",
    "openraft",
    "opentelemetry",
    "rustls",
    "axum",
];

impl Observability {
    /// Builds log and traces. Must be called within a tokio runtime when traces are exported.
    ///
    /// # Errors
    ///
    /// Fails if a file cannot be opened or an option is not understood.
    pub fn start(options: &Options) -> Result<Self, Error> {
        let log = match &options.log.file {
            Some(path) => Sink::file(path)?,
            None => Sink::stderr(),
        };
        let auth = match &options.auth_log.file {
            Some(path) => Sink::file(path)?,
            None => log.clone(),
        };
        let endpoint = options.traces.endpoint.as_deref();
        let traces = endpoint
            .map(|endpoint| Traces::to_endpoint(endpoint, &options.traces))
            .transpose()?;
        Self::with_sinks(options, log, auth, traces)
    }

    /// Builds log and traces into sinks and an exporter that are already there.
    ///
    /// # Errors
    ///
    /// Fails if the filter is not understood.
    pub fn with_sinks(
        options: &Options,
        log: Sink,
        auth: Sink,
        traces: Option<Traces>,
    ) -> Result<Self, Error> {
        let filter = level::filter(options.log.level, options.log.filter.as_deref())?;
        let (filter, handle) = reload::Layer::<EnvFilter, Registry>::new(filter);
        let lines = fmt::layer()
            .fmt_fields(SpanFields)
            .event_format(LineFormat {
                format: options.log.format,
            })
            .with_writer(log)
            .with_ansi(false)
            .with_filter(filter.and(filter_fn(|metadata| metadata.target() != AUTH_TARGET)));
        let auth_log = options.auth_log.enabled.then(|| {
            let attempts = filter_fn(|metadata| metadata.target() == AUTH_TARGET);
            AuthLog::new(auth, options.log.format).with_filter(attempts)
        });
        let durations = SpanDurations::default();
        let measured = durations.clone().with_filter(filter_fn(SpanDurations::measures));
        let subscriber = Registry::default()
            .with(lines)
            .with(auth_log)
            .with(measured)
            .with(traces.as_ref().map(span_layer));
        Ok(Self {
            dispatch: Dispatch::new(subscriber),
            level: LevelControl::new(handle),
            traces,
            durations,
        })
    }

    /// Records into these metrics, from now on, how long commits and the like take.
    pub fn measure(&self, metrics: &Metrics) {
        self.durations.record_into(&metrics.meter("spans"));
    }

    /// Makes this the process's own: every event and span goes here from now on, and trace contexts of other
    /// processes are understood (W3C Trace Context).
    ///
    /// # Errors
    ///
    /// Fails if that was done before.
    pub fn install(&self) -> Result<(), Error> {
        opentelemetry::global::set_text_map_propagator(
            opentelemetry_sdk::propagation::TraceContextPropagator::new(),
        );
        tracing::dispatcher::set_global_default(self.dispatch.clone()).map_err(|_| Error::InstalledTwice)
    }

    /// Returns the subscriber, for a test that installs it for one thread.
    pub fn dispatch(&self) -> &Dispatch {
        &self.dispatch
    }

    /// Returns what changes the level of the log.
    pub fn level(&self) -> &LevelControl {
        &self.level
    }

    /// Exports the spans that wait and ends. Blocks, so it is not for a thread that runs tasks.
    ///
    /// # Errors
    ///
    /// Fails if the receiver does not take them in time.
    pub fn shutdown(&self) -> Result<(), Error> {
        self.traces.as_ref().map_or(Ok(()), Traces::shutdown)
    }
}

fn span_layer<S>(traces: &Traces) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let tracer = traces.provider().tracer("facteur");
    let layer = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false);
    layer
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(is_traced))
}

fn is_traced(metadata: &Metadata<'_>) -> bool {
    let library = metadata.target().split("::").next().unwrap_or_default();
    let wanted = *metadata.level() <= Level::DEBUG && metadata.target() != AUTH_TARGET;
    wanted && !FOREIGN.contains(&library)
}

//! Collects what the roles record and writes it for Prometheus, within the bounds of the catalog.

mod buckets;
mod durations;
mod guard;
mod process;

use std::sync::{Arc, Mutex, PoisonError};

use opentelemetry::metrics::{Meter, MeterProvider as _};
use opentelemetry_sdk::metrics::{Aggregation, Instrument, SdkMeterProvider, Stream};
use prometheus::{Encoder, Registry, TextEncoder};

use crate::catalog::{self, MetricKind};
use crate::error::Error;
pub use durations::SpanDurations;
pub use guard::Violation;

/// Instruments outside the catalog that are remembered by name; a program has only so many mistakes.
const UNKNOWN_MAX: usize = 100;

/// The metrics of one process. Cloning it gives another handle to the same ones.
#[derive(Clone)]
pub struct Metrics {
    provider: SdkMeterProvider,
    registry: Registry,
    unknown: Arc<Mutex<Vec<String>>>,
}

impl Metrics {
    /// Returns metrics to which nothing has been recorded yet, but for those of the process itself.
    ///
    /// # Errors
    ///
    /// Fails if the exporter cannot be registered.
    pub fn new() -> Result<Self, Error> {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .without_target_info()
            .build()
            .map_err(Error::Metrics)?;
        let unknown = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&unknown);
        let provider = SdkMeterProvider::builder()
            .with_reader(exporter)
            .with_view(move |instrument: &Instrument| stream(instrument, &noted))
            .build();
        let metrics = Self {
            provider,
            registry,
            unknown,
        };
        process::observe(&metrics.meter("process"));
        Ok(metrics)
    }

    /// Returns the meter from which one role makes its instruments.
    pub fn meter(&self, role: &'static str) -> Meter {
        self.provider.meter(role)
    }

    /// Writes all metrics in Prometheus' text format. A series that breaks the catalog is left out.
    ///
    /// # Errors
    ///
    /// Fails if a family cannot be written.
    pub fn text(&self) -> Result<String, Error> {
        let (families, violations) = guard::keep_within_catalog(self.registry.gather());
        for violation in violations {
            tracing::error!(metric = violation.metric, %violation, "metric left out");
        }
        let mut bytes = Vec::new();
        TextEncoder::new().encode(&families, &mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Returns what was recorded against the catalog, for tests that assert that nothing was.
    pub fn violations(&self) -> Vec<Violation> {
        let (_, mut violations) = guard::keep_within_catalog(self.registry.gather());
        let unknown = self.unknown.lock().unwrap_or_else(PoisonError::into_inner);
        violations.extend(unknown.iter().map(|name| Violation::unknown_metric(name)));
        violations
    }
}

/// Decides what becomes of an instrument: what the catalog says, or nothing.
fn stream(instrument: &Instrument, unknown: &Mutex<Vec<String>>) -> Option<Stream> {
    let Some(metric) = catalog::find(instrument.name()) else {
        let mut unknown = unknown.lock().unwrap_or_else(PoisonError::into_inner);
        if unknown.len() < UNKNOWN_MAX {
            unknown.push(instrument.name().to_owned());
        }
        return Stream::builder().with_aggregation(Aggregation::Drop).build().ok();
    };
    let keys = metric
        .labels
        .iter()
        .map(|label| opentelemetry::Key::from_static_str(label.name));
    let builder = Stream::builder()
        .with_allowed_attribute_keys(keys)
        .with_description(metric.help)
        .with_unit(metric.unit);
    let builder = match metric.kind {
        MetricKind::Counter | MetricKind::Gauge => builder,
        MetricKind::Histogram => builder.with_aggregation(Aggregation::ExplicitBucketHistogram {
            boundaries: buckets::of_unit(metric.unit).to_vec(),
            record_min_max: false,
        }),
    };
    builder.build().ok()
}

//! Histograms of what spans cover, so that the engines below need no instruments of their own.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, Meter};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// The spans that are measured.
const MEASURED: &[&str] = &["consensus.propose", "wal.sync", "rpc.serve"];

/// The services of the cluster's protocols, as their paths name them, and the values of the label.
const SERVICES: &[(&str, &str)] = &[
    ("facteur.admin.v1.Admin", "admin"),
    ("facteur.node.v1.Delivery", "delivery"),
    ("facteur.node.v1.Login", "login"),
    ("facteur.node.v1.Mail", "mail"),
    ("facteur.node.v1.NodeAdmin", "node-admin"),
    ("facteur.raft.v1.Content", "content"),
    ("facteur.raft.v1.Raft", "raft"),
];

/// Measures spans once it has instruments; until then nothing is recorded.
#[derive(Clone, Default)]
pub struct SpanDurations {
    instruments: Arc<OnceLock<Instruments>>,
}

struct Instruments {
    commit: Histogram<f64>,
    sync: Histogram<f64>,
    serve: Histogram<f64>,
}

/// What a span that is measured keeps until it ends.
struct Begun {
    at: Instant,
    service: Option<&'static str>,
}

impl SpanDurations {
    /// Returns whether the layer wants to see a span.
    pub fn measures(metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && MEASURED.contains(&metadata.name())
    }

    /// Records into instruments of this meter from now on. Only the first meter counts.
    pub fn record_into(&self, meter: &Meter) {
        let histogram = |name: &'static str| meter.f64_histogram(name).build();
        self.instruments.get_or_init(|| Instruments {
            commit: histogram("facteur_commit_duration"),
            sync: histogram("facteur_wal_sync_duration"),
            serve: histogram("facteur_rpc_serve_duration"),
        });
    }
}

impl<S> Layer<S> for SpanDurations
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut service = Service(None);
        attributes.record(&mut service);
        span.extensions_mut().insert(Begun {
            at: Instant::now(),
            service: service.0,
        });
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some((span, instruments)) = context.span(&id).zip(self.instruments.get()) else {
            return;
        };
        let extensions = span.extensions();
        let Some(begun) = extensions.get::<Begun>() else {
            return;
        };
        let elapsed = begun.at.elapsed().as_secs_f64();
        match (span.name(), begun.service) {
            ("consensus.propose", _) => instruments.commit.record(elapsed, &[]),
            ("wal.sync", _) => instruments.sync.record(elapsed, &[]),
            ("rpc.serve", Some(service)) => {
                instruments
                    .serve
                    .record(elapsed, &[KeyValue::new("service", service)]);
            }
            // A path that somebody made up.
            _ => {}
        }
    }
}

/// Finds the service in the path of a method.
struct Service(Option<&'static str>);

impl Visit for Service {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() != "method" {
            return;
        }
        let path = value.trim_start_matches('/');
        let named = SERVICES
            .iter()
            .find(|(name, _)| path.split('/').next() == Some(name));
        self.0 = named.map(|(_, label)| *label);
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

//! What is counted (docs/metrics.md).

use std::time::Duration;

use lmtp_wire::Reply;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter};

/// The role's instruments.
#[derive(Clone, Debug)]
pub(crate) struct Instruments {
    recipients: Counter<u64>,
    delivery: Histogram<f64>,
    refused: Counter<u64>,
    traffic: Counter<u64>,
}

impl Instruments {
    pub(crate) fn new(meter: &Meter) -> Self {
        Self {
            recipients: meter.u64_counter("facteur_lmtp_recipients").build(),
            delivery: meter.f64_histogram("facteur_lmtp_delivery_duration").build(),
            refused: meter.u64_counter("facteur_connections_refused").build(),
            traffic: meter.u64_counter("facteur_traffic").build(),
        }
    }

    /// Counts octets that came in, before TLS.
    pub(crate) fn received(&self, octets: usize) {
        self.count("in", octets);
    }

    /// Counts octets that went out, before TLS.
    pub(crate) fn sent(&self, octets: usize) {
        self.count("out", octets);
    }

    fn count(&self, direction: &'static str, octets: usize) {
        let labels = [
            KeyValue::new("protocol", "lmtp"),
            KeyValue::new("direction", direction),
        ];
        self.traffic.add(octets as u64, &labels);
    }

    /// Counts the answer for one recipient of a whole message.
    pub(crate) fn answered(&self, reply: &Reply) {
        self.recipients
            .add(1, &[KeyValue::new("outcome", outcome(reply))]);
    }

    /// Records the time from a whole message to its last answer.
    pub(crate) fn delivered(&self, elapsed: Duration) {
        self.delivery.record(elapsed.as_secs_f64(), &[]);
    }

    /// Counts a connection that was turned away.
    pub(crate) fn refused(&self) {
        let labels = [
            KeyValue::new("protocol", "lmtp"),
            KeyValue::new("limit", "connections"),
        ];
        self.refused.add(1, &labels);
    }
}

/// Says in a word what a reply means for a recipient.
pub(crate) fn outcome(reply: &Reply) -> &'static str {
    if reply.code().is_transient() {
        "deferred"
    } else if reply.code().number() / 100 == 2 {
        "delivered"
    } else {
        "rejected"
    }
}

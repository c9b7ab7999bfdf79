//! What the role counts. Labels come from closed sets: never a name of an account or a mailbox.

use std::time::Duration;

use imap_wire::command::{Addressing, CommandKind};
use imap_wire::response::Condition;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter, UpDownCounter};

/// The role's instruments.
pub(crate) struct Metrics {
    connections: UpDownCounter<i64>,
    refused: Counter<u64>,
    logins: Counter<u64>,
    commands: Counter<u64>,
    durations: Histogram<f64>,
    leniencies: Counter<u64>,
    limits: Counter<u64>,
    traffic: Counter<u64>,
}

/// Counts the octets of one connection, before compression and TLS.
#[derive(Clone)]
pub(crate) struct Traffic {
    counter: Counter<u64>,
    protocol: &'static str,
}

impl Traffic {
    pub(crate) fn received(&self, octets: usize) {
        self.count("in", octets);
    }

    pub(crate) fn sent(&self, octets: usize) {
        self.count("out", octets);
    }

    fn count(&self, direction: &'static str, octets: usize) {
        let labels = [
            KeyValue::new("protocol", self.protocol),
            KeyValue::new("direction", direction),
        ];
        self.counter.add(octets as u64, &labels);
    }
}

/// What a connection is doing, as far as it is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    NotAuthenticated,
    Authenticated,
    Selected,
    Idle,
}

/// How a login ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LoginOutcome {
    Ok,
    Credentials,
    Throttled,
    Aborted,
    Unavailable,
    Malformed,
}

impl Metrics {
    pub(crate) fn new(meter: &Meter) -> Self {
        let metrics = Self {
            connections: meter.i64_up_down_counter("facteur_connections").build(),
            refused: meter.u64_counter("facteur_connections_refused").build(),
            logins: meter.u64_counter("facteur_logins").build(),
            commands: meter.u64_counter("facteur_imap_commands").build(),
            durations: meter
                .f64_histogram("facteur_imap_command_duration")
                .with_unit("s")
                .build(),
            leniencies: meter.u64_counter("facteur_imap_leniencies").build(),
            limits: meter.u64_counter("facteur_limits_reached").build(),
            traffic: meter.u64_counter("facteur_traffic").build(),
        };
        // Served from the start, so that whoever watches it sees it rise.
        metrics.leniencies.add(0, &[]);
        metrics
    }

    /// Returns what counts the octets of a connection of this protocol.
    pub(crate) fn traffic(&self, protocol: &'static str) -> Traffic {
        Traffic {
            counter: self.traffic.clone(),
            protocol,
        }
    }

    /// Counts a connection that goes from one stage to another, or comes, or goes.
    pub(crate) fn stage(&self, protocol: &'static str, from: Option<Stage>, to: Option<Stage>) {
        if from == to {
            return;
        }
        for (stage, change) in [(from, -1), (to, 1)] {
            if let Some(stage) = stage {
                let labels = [
                    KeyValue::new("protocol", protocol),
                    KeyValue::new("state", stage.label()),
                ];
                self.connections.add(change, &labels);
            }
        }
    }

    pub(crate) fn refused(&self, protocol: &'static str, limit: &'static str) {
        let labels = [KeyValue::new("protocol", protocol), KeyValue::new("limit", limit)];
        self.refused.add(1, &labels);
    }

    pub(crate) fn login(&self, protocol: &'static str, mechanism: &str, outcome: LoginOutcome) {
        let labels = [
            KeyValue::new("protocol", protocol),
            KeyValue::new("mechanism", mechanism.to_ascii_lowercase()),
            KeyValue::new("outcome", outcome.label()),
        ];
        self.logins.add(1, &labels);
    }

    pub(crate) fn command(&self, command: &str, condition: Condition, duration: Duration) {
        let command = KeyValue::new("command", command.to_owned());
        self.durations
            .record(duration.as_secs_f64(), std::slice::from_ref(&command));
        self.commands
            .add(1, &[command, KeyValue::new("outcome", outcome(condition))]);
    }

    /// Counts a command that broke the grammar and was taken all the same (PROTOCOL §2.18).
    pub(crate) fn leniency(&self) {
        self.leniencies.add(1, &[]);
    }

    pub(crate) fn limit(&self, limit: &'static str) {
        self.limits.add(1, &[KeyValue::new("limit", limit)]);
    }
}

/// Returns how a command ended as metrics and spans have it.
pub(crate) fn outcome(condition: Condition) -> &'static str {
    match condition {
        Condition::Ok | Condition::PreAuth => "ok",
        Condition::No | Condition::Bye => "no",
        Condition::Bad => "bad",
    }
}

impl Stage {
    fn label(self) -> &'static str {
        match self {
            Self::NotAuthenticated => "not-authenticated",
            Self::Authenticated => "authenticated",
            Self::Selected => "selected",
            Self::Idle => "idle",
        }
    }
}

impl LoginOutcome {
    /// Returns the word for metrics and the authentication log.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Credentials => "credentials",
            Self::Throttled => "throttled",
            Self::Aborted => "aborted",
            Self::Unavailable => "unavailable",
            Self::Malformed => "malformed",
        }
    }
}

/// Returns a command's name as metrics and spans have it: `fetch`, `uid fetch`.
pub(crate) fn command_name(kind: CommandKind, addressing: Addressing) -> String {
    let name = kind.spec().name.to_ascii_lowercase();
    match addressing {
        Addressing::Sequence => name,
        Addressing::Uid => format!("uid {name}"),
    }
}

//! Every metric there is: name, labels and the values that each label may have.
//!
//! Roles make their instruments from a `Meter` under these names. An instrument that is not here is dropped, a label
//! that is not here is cut off, and a series whose label has another value is not served, so that no account or
//! mailbox name can become a label. This file uses nothing but the standard library: repository tasks read it too,
//! to write `docs/metrics.md`.

/// What kind of instrument a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only rises; served with the ending `_total`.
    Counter,
    /// Rises and falls, or is observed.
    Gauge,
    /// A distribution.
    Histogram,
}

/// One label and all its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// The label's name.
    pub name: &'static str,
    /// Every value that it may have.
    pub values: &'static [&'static str],
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// The instrument's name.
    pub name: &'static str,
    /// What kind of instrument it is.
    pub kind: MetricKind,
    /// The unit as UCUM writes it: `s`, `By`, or nothing for a count.
    pub unit: &'static str,
    /// Its labels.
    pub labels: &'static [Label],
    /// What it says.
    pub help: &'static str,
}

impl Metric {
    /// Returns the name under which Prometheus sees it, with unit and ending.
    pub fn exported_name(&self) -> String {
        let unit = match self.unit {
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "",
        };
        let ending = if self.kind == MetricKind::Counter {
            "_total"
        } else {
            ""
        };
        format!("{}{unit}{ending}", self.name)
    }
}

/// Returns the metric with this instrument name.
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

const COMMAND: Label = Label {
    name: "command",
    values: &[
        "append",
        "authenticate",
        "capability",
        "check",
        "close",
        "compress",
        "copy",
        "create",
        "delete",
        "enable",
        "examine",
        "expunge",
        "fetch",
        "getquota",
        "getquotaroot",
        "id",
        "idle",
        "list",
        "login",
        "logout",
        "lsub",
        "move",
        "namespace",
        "noop",
        "rename",
        "search",
        "select",
        "setquota",
        "starttls",
        "status",
        "store",
        "subscribe",
        "uid copy",
        "uid expunge",
        "uid fetch",
        "uid move",
        "uid search",
        "uid store",
        "unknown",
        "unselect",
        "unsubscribe",
        "xlist",
    ],
};
const OUTCOME: Label = Label {
    name: "outcome",
    values: &["ok", "no", "bad"],
};
const PROTOCOL: Label = Label {
    name: "protocol",
    values: &["imap", "imaps", "lmtp"],
};
const DIRECTION: Label = Label {
    name: "direction",
    values: &["in", "out"],
};
const STATE: Label = Label {
    name: "state",
    values: &["not-authenticated", "authenticated", "selected", "idle"],
};
const MECHANISM: Label = Label {
    name: "mechanism",
    values: &[
        "login-command",
        "plain",
        "login",
        "scram-sha-256",
        "scram-sha-256-plus",
        "unknown",
    ],
};
const LOGIN: Label = Label {
    name: "outcome",
    values: &[
        "ok",
        "credentials",
        "throttled",
        "aborted",
        "unavailable",
        "malformed",
    ],
};
const LIMIT: Label = Label {
    name: "limit",
    values: &[
        "preauth-timeout",
        "preauth-bad-commands",
        "connections-per-user",
        "memory",
        "storage-requests",
    ],
};
const ADMISSION: Label = Label {
    name: "limit",
    values: &["preauth-connections", "connections", "memory", "storage-requests"],
};
const REQUEST: Label = Label {
    name: "state",
    values: &["running", "waiting"],
};
const DELIVERY: Label = Label {
    name: "outcome",
    values: &["delivered", "rejected", "deferred"],
};
const REPLICA: Label = Label {
    name: "role",
    values: &["leader", "follower"],
};
const SERVICE: Label = Label {
    name: "service",
    values: &[
        "admin",
        "content",
        "delivery",
        "login",
        "mail",
        "node-admin",
        "raft",
    ],
};
const DISK: Label = Label {
    name: "kind",
    values: &["total", "free", "reserve"],
};
const fn counter(name: &'static str, labels: &'static [Label], help: &'static str) -> Metric {
    Metric {
        name,
        kind: MetricKind::Counter,
        unit: "",
        labels,
        help,
    }
}

const fn gauge(name: &'static str, labels: &'static [Label], help: &'static str) -> Metric {
    Metric {
        name,
        kind: MetricKind::Gauge,
        unit: "",
        labels,
        help,
    }
}

const fn seconds(name: &'static str, labels: &'static [Label], help: &'static str) -> Metric {
    Metric {
        name,
        kind: MetricKind::Histogram,
        unit: "s",
        labels,
        help,
    }
}

const fn in_bytes(metric: Metric) -> Metric {
    Metric { unit: "By", ..metric }
}

/// Every metric, in the order of the documentation.
pub const METRICS: &[Metric] = &[
    gauge(
        "facteur_connections",
        &[PROTOCOL, STATE],
        "Connections that are open.",
    ),
    counter(
        "facteur_connections_refused",
        &[PROTOCOL, ADMISSION],
        "Connections that a limit turned away.",
    ),
    in_bytes(counter(
        "facteur_traffic",
        &[PROTOCOL, DIRECTION],
        "Bytes of mail protocols, before compression and TLS.",
    )),
    counter(
        "facteur_logins",
        &[PROTOCOL, MECHANISM, LOGIN],
        "Attempts to log in.",
    ),
    counter("facteur_imap_commands", &[COMMAND, OUTCOME], "Commands answered."),
    seconds(
        "facteur_imap_command_duration",
        &[COMMAND],
        "Time from a whole command to its tagged answer.",
    ),
    counter(
        "facteur_imap_leniencies",
        &[],
        "Commands taken although their syntax was slightly wrong.",
    ),
    counter(
        "facteur_limits_reached",
        &[LIMIT],
        "Times that a limit stopped a client.",
    ),
    in_bytes(gauge(
        "facteur_spool",
        &[],
        "Room that is taken by messages on their way through this process.",
    )),
    gauge(
        "facteur_storage_requests",
        &[REQUEST],
        "Requests of this process to storage nodes.",
    ),
    counter(
        "facteur_storage_requests_refused",
        &[],
        "Requests to storage nodes that were refused because too many waited.",
    ),
    counter("facteur_lmtp_recipients", &[DELIVERY], "Recipients answered."),
    seconds(
        "facteur_lmtp_delivery_duration",
        &[],
        "Time from a whole message to the last recipient's answer.",
    ),
    gauge("facteur_groups", &[REPLICA], "Replicas on this node."),
    gauge(
        "facteur_groups_without_leader",
        &[],
        "Replicas on this node that know no leader.",
    ),
    gauge(
        "facteur_groups_parked",
        &[],
        "Replicas on this node whose group nobody uses, so that they send nothing.",
    ),
    counter(
        "facteur_leader_changes",
        &[],
        "Times that a replica on this node came to lead its group.",
    ),
    seconds(
        "facteur_commit_duration",
        &[],
        "Time from proposing a change here to applying it.",
    ),
    seconds(
        "facteur_wal_sync_duration",
        &[],
        "Time until a change that was proposed here was durable in the log here.",
    ),
    in_bytes(gauge("facteur_wal_size", &[], "The log on disk.")),
    in_bytes(gauge("facteur_blob_size", &[], "Bodies of messages on disk.")),
    counter(
        "facteur_blobs_damaged",
        &[],
        "Bodies of messages that the check of all bodies found to be bad.",
    ),
    in_bytes(gauge(
        "facteur_disk",
        &[DISK],
        "The disk that holds the data directory.",
    )),
    seconds(
        "facteur_rpc_serve_duration",
        &[SERVICE],
        "Time to answer one call of another process.",
    ),
    in_bytes(gauge(
        "facteur_process_resident",
        &[],
        "Resident memory of the process.",
    )),
    gauge(
        "facteur_process_open_files",
        &[],
        "Open file descriptors of the process.",
    ),
];

/// Returns the reference of all metrics, in Markdown.
pub fn reference() -> String {
    let mut text = String::from(
        "# Metrics\n\n\
         This file is generated by `cargo xtask fix`; edit `crates/observability/src/catalog.rs`.\n\n\
         Served at `/metrics` of `listen.metrics` in Prometheus' text format. Labels take their values from the closed\n\
         sets given here; account names, mailbox names and addresses are never among them.\n\n\
         | Metric | Kind | Labels | What it says |\n|---|---|---|---|\n",
    );
    for metric in METRICS {
        let labels: Vec<String> = metric
            .labels
            .iter()
            .map(|label| format!("`{}`", label.name))
            .collect();
        let kind = format!("{:?}", metric.kind).to_lowercase();
        let row = format!(
            "| `{}` | {kind} | {} | {} |\n",
            metric.exported_name(),
            labels.join(", "),
            metric.help
        );
        text.push_str(&row);
    }
    text.push_str("\n## Labels\n\n| Metric | Label | Values |\n|---|---|---|\n");
    for metric in METRICS {
        for label in metric.labels {
            let values: Vec<String> = label.values.iter().map(|value| format!("`{value}`")).collect();
            let row = format!(
                "| `{}` | `{}` | {} |\n",
                metric.exported_name(),
                label.name,
                values.join(", ")
            );
            text.push_str(&row);
        }
    }
    text
}

//! The process itself and what can be seen of it.

use std::path::PathBuf;
use std::time::Duration;

use crate::choices::{LogFormat, LogLevel, Role};
use crate::section::section;

section! {
    /// The process: where its data lies and which parts it plays.
    Server = "server" {
        /// Directory that holds everything this process keeps: log, blobs, tables, keys and certificates.
        /// It belongs to one process at a time. FACTEUR_DATA_DIR sets it too.
        data_dir: PathBuf = "facteur-data";
        /// The parts that this process plays. All of them in one process is the default and needs no other service.
        roles: Vec<Role> = "proxy, storage, lmtp";
        /// Name in greetings, `Received:` lines and certificates; the machine's host name when empty.
        host_name: Option<String> = "";
        /// Threads that run connections; 0 for one a processor.
        worker_threads: u32 = "0" in "0" to "1024";
        /// Threads for calls that block: tables, file flushes, password hashes.
        blocking_threads: u32 = "32" in "4" to "1024";
        /// Time between SIGTERM and the end of new connections, in which the process says that it is not ready: as long
        /// as whoever sends clients here takes to notice.
        shutdown_delay: Duration = "0" in "0" to "10m";
        /// Time that sessions and commands in flight have to end after that. Sessions that wait are told one after the
        /// other, so that their clients do not come back all at once.
        shutdown_timeout: Duration = "30s" in "0" to "1h";
    }
}

section! {
    /// The log for people. Passwords and the content of messages are never in it.
    Log = "log" {
        /// Text for a terminal, or one JSON object a line for a log service.
        format: LogFormat = "text";
        /// The least important level that is logged; it can be changed while the process runs.
        level: LogLevel = "info";
        /// Levels of single parts, as in "proxy=debug,wal=trace"; they go before `level`.
        filter: Option<String> = "";
        /// File to write to; standard error when empty.
        file: Option<PathBuf> = "";
        /// Whether logins are logged with name and address, in the format that `docs/authentication-log.md` gives
        /// for fail2ban. It is the only place where names and addresses appear.
        auth_log: bool = "true";
        /// File of the authentication log; the general log when empty.
        auth_log_file: Option<PathBuf> = "";
    }
}

section! {
    /// Traces and metrics.
    Telemetry = "telemetry" {
        /// URL of an OTLP receiver over gRPC, as in "http://collector:4317"; traces are not exported when empty.
        otlp_endpoint: Option<String> = "";
        /// Share of commands that are traced, from 0 to 1.
        trace_ratio: f64 = "0.01" in "0.0" to "1.0";
        /// Spans that wait for export; more are dropped.
        trace_queue_max: u32 = "2048" in "1" to "1048576";
        /// Time that one export may take.
        export_timeout: Duration = "10s" in "100ms" to "5m";
        /// Whether metrics are collected; they are served at `/metrics` of `listen.metrics`.
        metrics: bool = "true";
        /// Name of the service in traces.
        service_name: String = "facteur";
    }
}

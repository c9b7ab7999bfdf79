//! What can be seen of a process from outside: log, authentication log, traces, metrics and health.
//!
//! Other crates know only the interfaces of `tracing` and of OpenTelemetry's metrics: they open spans, emit events
//! and record to instruments of the [`opentelemetry::metrics::Meter`] that `server` gives them. Here is what becomes
//! of it: how lines look, where they go, what is exported, and what is held back. Two rules are enforced here for
//! everybody. Passwords, message content and names of people do not leave the process except in the authentication
//! log ([`privacy`]). Metrics are those of the [`catalog`], and their labels take values from closed sets.
//!
//! The crate does not know mail, storage or settings; `server` fills its options structs.
//!
//! Start reading at [`Observability::start`], then [`Metrics`] and [`Health`].

#![deny(missing_docs)]

pub mod catalog;
mod error;
mod health;
mod http;
mod log;
mod metrics;
pub mod privacy;
mod start;
mod traces;

pub use error::{Error, ErrorKind};
pub use health::{GroupHealth, Health, State};
pub use http::{router, serve};
pub use log::auth::AUTH_TARGET;
pub use log::level::LevelControl;
pub use log::sink::Sink;
pub use log::{AuthLogOptions, LogFormat, LogOptions};
pub use metrics::{Metrics, Violation};
pub use start::{Observability, Options};
pub use traces::{SpanExporter, TraceOptions, Traces};

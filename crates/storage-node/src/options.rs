//! Bounds and habits of a storage node.

use std::time::Duration;

use auth::{HashParameters, LimiterOptions, Limits, LoginCacheOptions};

use crate::sessions::SessionLimits;

/// Bounds and habits of a storage node.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// The node's name, as in the layout.
    pub name: String,
    /// Version of the binary, for status.
    pub version: String,
    /// Largest message, in octets.
    pub message_bytes_max: u64,
    /// Time that one SEARCH may take.
    pub search_budget: Duration,
    /// Reads of content that run at one time, and that may wait.
    pub content_readers: usize,
    /// See [`content_readers`](Self::content_readers).
    pub content_readers_waiting: usize,
    /// Password checks that run at one time, and that may wait.
    pub hashers: usize,
    /// See [`hashers`](Self::hashers).
    pub hashers_waiting: usize,
    /// Bounds of the session registry.
    pub sessions: SessionLimits,
    /// How passwords are hashed.
    pub hash: HashParameters,
    /// What the SASL exchanges allow.
    pub exchange: Limits,
    /// Defence against guessing.
    pub limiter: LimiterOptions,
    /// Remembers good passwords for a while; `None` checks each in full.
    pub login_cache: Option<LoginCacheOptions>,
    /// How long content that nothing names is kept.
    pub blob_grace: Duration,
}

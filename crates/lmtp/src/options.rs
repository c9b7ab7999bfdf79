//! What the role may be told: its name, limits and times.

use std::time::Duration;

use lmtp_wire::LINE_BYTES_MAX_DEFAULT;

/// Everything that can be set. [`LmtpOptions::default`] holds the defaults, nothing else does.
#[derive(Clone, Debug)]
pub struct LmtpOptions {
    /// Names this host in the greeting and in `Received:`.
    pub host_name: String,
    /// Largest message as it comes in, announced as SIZE (RFC 1870). Stored, it is longer by the trace fields that
    /// are put before it, at most [`TRACE_BYTES_MAX`](crate::TRACE_BYTES_MAX).
    pub message_bytes_max: u64,
    /// Recipients of one message (RFC 5321 §4.5.3.1.8 asks for 100).
    pub recipients_max: usize,
    /// Longest command line.
    pub line_bytes_max: usize,
    /// Commands that may be refused as malformed or out of order before the connection is closed.
    pub bad_commands_max: u32,
    /// Connections at one time.
    pub connections_max: usize,
    /// What a sender hears for an account without quota left.
    pub over_quota: OverQuota,
    /// Whether mail to `name+detail` reaches `name` (RFC 5233).
    pub subaddress: bool,
    /// Times.
    pub times: Times,
}

/// What a sender hears for an account without quota left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OverQuota {
    /// 452 4.2.2: the MTA keeps it and tries again.
    Defer,
    /// 552 5.2.2: the message goes back.
    Refuse,
}

/// Times.
#[derive(Clone, Debug)]
pub struct Times {
    /// How long a client may take over a command (RFC 5321 §4.5.3.2.7 asks for 5 minutes).
    pub command_pause_max: Duration,
    /// How long a client may pause within a message.
    pub data_pause_max: Duration,
    /// How long a message may take in all.
    pub data_max: Duration,
    /// How long a client may fail to take what is sent to it.
    pub write_max: Duration,
    /// How long a TLS handshake may take.
    pub handshake_max: Duration,
    /// How long the storage may take over one step before the client hears of a passing failure. The
    /// storage's own patience ends earlier; this is for one that hangs.
    pub storage_max: Duration,
    /// How long the results of a delivery are waited for. Clients wait ten minutes
    /// (RFC 5321 §4.5.3.2.6).
    pub delivery_max: Duration,
    /// How long a transaction may run on after shutdown was asked for.
    pub drain_max: Duration,
}

impl Default for LmtpOptions {
    fn default() -> Self {
        Self {
            host_name: "localhost".to_owned(),
            message_bytes_max: 150 * 1024 * 1024,
            recipients_max: 100,
            line_bytes_max: LINE_BYTES_MAX_DEFAULT,
            bad_commands_max: 20,
            connections_max: 1000,
            over_quota: OverQuota::Defer,
            subaddress: true,
            times: Times::default(),
        }
    }
}

impl Default for Times {
    fn default() -> Self {
        Self {
            command_pause_max: Duration::from_secs(5 * 60),
            data_pause_max: Duration::from_secs(3 * 60),
            data_max: Duration::from_secs(30 * 60),
            write_max: Duration::from_secs(5 * 60),
            handshake_max: Duration::from_secs(30),
            storage_max: Duration::from_secs(60),
            delivery_max: Duration::from_secs(5 * 60),
            drain_max: Duration::from_secs(30),
        }
    }
}

//! What the proxy may be told: names, limits and times.

use std::sync::Arc;
use std::time::Duration;

/// Everything that can be set. [`ProxyOptions::default`] holds the defaults, nothing else does.
#[derive(Clone, Debug)]
pub struct ProxyOptions {
    /// Names this process in tokens, session lists and the greeting.
    pub name: Arc<str>,
    /// Accepts passwords without TLS from clients on the loopback interface. Meant for trying things
    /// out; elsewhere LOGINDISABLED stands until STARTTLS (RFC 3501 §6.2.3).
    pub plaintext_on_loopback: bool,
    /// Names of capabilities that are not announced; see [`can_be_hidden`](crate::can_be_hidden).
    pub hidden_capabilities: Vec<String>,
    /// What the server says of itself to ID (RFC 2971 §3.3).
    pub id_fields: Vec<(String, String)>,
    /// Whether clients may compress the connection (RFC 4978).
    pub compress: bool,
    /// Limits before login.
    pub before_login: BeforeLoginLimits,
    /// Limits on what one command may bring along.
    pub command: CommandLimits,
    /// How many connections are taken.
    pub connections: ConnectionLimits,
    /// Times.
    pub times: Times,
    /// Octets that may wait to be sent on one connection.
    pub output_bytes_max: usize,
    /// Octets that all connections together may hold of what was received and what waits to be sent; beyond that
    /// nobody new is let in.
    pub buffered_bytes_max: usize,
    /// Messages in all cached mailbox views together, at about 32 octets each.
    pub view_messages_max: usize,
}

/// Limits before login (RELIABILITY §3: at most 64 KiB a connection).
#[derive(Clone, Debug)]
pub struct BeforeLoginLimits {
    /// Largest literal.
    pub literal_bytes_max: usize,
    /// Longest command, with its literals.
    pub command_bytes_max: usize,
    /// Commands that may be refused as BAD before the connection is closed.
    pub bad_commands_max: u32,
    /// Login attempts that may fail before the connection is closed.
    pub failed_logins_max: u32,
    /// Time from the connection's start until login must have succeeded.
    pub time_max: Duration,
}

/// Limits on one command after login.
#[derive(Clone, Debug)]
pub struct CommandLimits {
    /// Longest line.
    pub line_bytes_max: usize,
    /// Longest command, with all its literals; APPEND's message does not count.
    pub command_bytes_max: usize,
    /// Largest message (RFC 7889).
    pub append_bytes_max: u32,
    /// Commands in a row that may be refused as BAD before the connection is closed.
    pub bad_commands_max: u32,
}

/// How many connections are taken.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// In all.
    pub total_max: usize,
    /// Not logged in, from one address.
    pub before_login_per_peer_max: usize,
    /// Logged in to one account from one address.
    pub per_account_and_peer_max: usize,
}

/// Times.
#[derive(Clone, Debug)]
pub struct Times {
    /// A session without a command for so long is logged out; at least 30 minutes
    /// (RFC 3501 §5.4).
    pub autologout: Duration,
    /// The interval of `* OK Still here` in IDLE.
    pub idle_keepalive: Duration,
    /// How long a client may fail to take what is sent to it.
    pub write_max: Duration,
    /// How long a client may take over a literal or a continuation that it announced.
    pub literal_pause_max: Duration,
    /// How long the flags of a mailbox are kept after their last use.
    pub view_idle: Duration,
    /// How long the answer to a wrong password is held back.
    pub failed_login_delay: Duration,
    /// How long a TLS handshake may take.
    pub handshake_max: Duration,
    /// How long sessions and their commands may go on after shutdown was asked for.
    pub drain_max: Duration,
}

impl Default for ProxyOptions {
    fn default() -> Self {
        Self {
            name: Arc::from("proxy"),
            plaintext_on_loopback: false,
            hidden_capabilities: Vec::new(),
            id_fields: [("name", "Facteur"), ("version", env!("CARGO_PKG_VERSION"))]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            compress: true,
            before_login: BeforeLoginLimits::default(),
            command: CommandLimits::default(),
            connections: ConnectionLimits::default(),
            times: Times::default(),
            output_bytes_max: 256 * 1024,
            buffered_bytes_max: 1024 * 1024 * 1024,
            view_messages_max: 8 * 1024 * 1024,
        }
    }
}

impl Default for BeforeLoginLimits {
    fn default() -> Self {
        Self {
            literal_bytes_max: 8 * 1024,
            command_bytes_max: 16 * 1024,
            bad_commands_max: 8,
            failed_logins_max: 3,
            time_max: Duration::from_secs(60),
        }
    }
}

impl Default for CommandLimits {
    fn default() -> Self {
        Self {
            line_bytes_max: 64 * 1024,
            command_bytes_max: 256 * 1024,
            append_bytes_max: 150 * 1024 * 1024,
            bad_commands_max: 20,
        }
    }
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            total_max: 100_000,
            before_login_per_peer_max: 20,
            per_account_and_peer_max: 40,
        }
    }
}

impl Default for Times {
    fn default() -> Self {
        Self {
            autologout: Duration::from_secs(30 * 60),
            idle_keepalive: Duration::from_secs(110),
            write_max: Duration::from_secs(5 * 60),
            literal_pause_max: Duration::from_secs(60),
            view_idle: Duration::from_secs(10),
            failed_login_delay: Duration::from_secs(2),
            handshake_max: Duration::from_secs(30),
            drain_max: Duration::from_secs(30),
        }
    }
}

//! How much a client may make the server hold.

/// Bounds of one command, the message literals of APPEND excepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest line with its CRLF, in bytes.
    pub line_bytes_max: usize,
    /// The largest literal of an argument, in bytes.
    pub literal_bytes_max: u64,
    /// The longest command with all its lines and literals, in bytes.
    pub command_bytes_max: usize,
    /// The largest literal that may come without waiting, APPEND's included: 4096 for LITERAL-
    /// (RFC 7888 §5), no limit of its own for LITERAL+.
    pub non_synchronising_bytes_max: u64,
    /// The most bytes of a rejected command's literals that are read over; beyond it the connection
    /// is closed.
    pub skip_bytes_max: u64,
}

impl Limits {
    /// Returns the limits for a client that has not logged in.
    pub const fn before_login() -> Self {
        Self {
            line_bytes_max: 16 * 1024,
            literal_bytes_max: 8 * 1024,
            command_bytes_max: 16 * 1024,
            non_synchronising_bytes_max: 8 * 1024,
            skip_bytes_max: 0,
        }
    }

    /// Returns the limits for a client that has logged in.
    pub const fn after_login() -> Self {
        Self {
            line_bytes_max: 64 * 1024,
            literal_bytes_max: 256 * 1024,
            command_bytes_max: 256 * 1024,
            non_synchronising_bytes_max: u64::MAX,
            skip_bytes_max: 256 * 1024,
        }
    }
}

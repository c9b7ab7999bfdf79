//! What can go wrong before a connection is a session.

use std::io;

/// Whose doing an error is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// Nobody's: it may pass.
    Passing,
}

/// Why a connection was not served.
#[derive(Debug, thiserror::Error)]
pub enum LmtpError {
    /// The listener failed to hand over a connection; file descriptors may have run out.
    #[error("cannot accept a connection")]
    Accept(#[source] io::Error),
    /// There are as many connections as there may be.
    #[error("too many connections")]
    TooMany,
}

impl LmtpError {
    /// Returns the family.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Accept(_) | Self::TooMany => ErrorKind::Passing,
        }
    }

    /// Tells whether the same client may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.kind() == ErrorKind::Passing
    }
}

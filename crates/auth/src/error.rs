//! What can go wrong, and whose fault it is.

/// The family an error belongs to, which decides who is told and whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The client sent something that cannot be accepted.
    Client,
    /// A condition that may pass by itself.
    Transient,
    /// Stored secrets, settings or code are at fault.
    Internal,
}

/// An error of authentication. None of them carries a password or any part of one.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// A user name is empty, too long, or has forbidden characters.
    #[error("invalid user name")]
    InvalidName,
    /// A new password is empty, too long, or has characters that SASLprep prohibits (RFC 4013 §2.3).
    #[error("password has forbidden characters or length")]
    ForbiddenPassword,
    /// A password hash is of no supported form.
    #[error("unsupported or malformed password hash")]
    MalformedHash,
    /// A password hash would cost more to check than we allow.
    #[error("password hash has excessive cost parameters")]
    ExcessiveHashCost,
    /// The hash function refused its parameters or could not get memory.
    #[error("password hashing failed: {0}")]
    Hashing(argon2::Error),
    /// Stored verifiers are damaged.
    #[error("malformed credentials record")]
    MalformedVerifiers,
    /// Stored verifiers were written by a newer version.
    #[error("credentials record of unknown version {0}")]
    UnknownVerifiersVersion(u8),
    /// Bytes that are no Ed25519 key.
    #[error("malformed token key")]
    MalformedKey,
    /// A session token is not to be believed.
    #[error("session token refused")]
    Token(#[from] TokenError),
    /// A user directory cannot answer now.
    #[error("user directory unavailable: {detail}")]
    DirectoryUnavailable {
        /// What the directory said, for the log.
        detail: String,
    },
}

/// Why a session token is not to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not of the form of a token.
    #[error("malformed token")]
    Malformed,
    /// Signed with a key that is not, or no longer, in the ring.
    #[error("unknown signing key")]
    UnknownKey,
    /// The signature is wrong.
    #[error("bad signature")]
    Signature,
    /// Its time is over.
    #[error("token expired")]
    Expired,
    /// Issued further in the future than clocks may differ.
    #[error("token not valid yet")]
    NotYetValid,
    /// Meant for another process.
    #[error("token for another audience")]
    Audience,
}

impl AuthError {
    /// Returns the family of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidName
            | Self::ForbiddenPassword
            | Self::MalformedHash
            | Self::ExcessiveHashCost
            | Self::Token(_) => ErrorKind::Client,
            Self::DirectoryUnavailable { .. } => ErrorKind::Transient,
            Self::Hashing(_)
            | Self::MalformedVerifiers
            | Self::UnknownVerifiersVersion(_)
            | Self::MalformedKey => ErrorKind::Internal,
        }
    }

    /// Returns whether the same call may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        self.kind() == ErrorKind::Transient
    }
}

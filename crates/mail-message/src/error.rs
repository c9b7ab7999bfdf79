//! What can go wrong here. A message itself never does: whatever its bytes are, it has a summary.

/// Why there is no summary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The message is longer than 32-bit offsets reach.
    #[error("message of {bytes} bytes is too large to be summarised")]
    MessageTooLarge {
        /// How long it is.
        bytes: usize,
    },
    /// The stored summary has another format; it is to be made again from the message.
    #[error("summary format {found} is not the current one")]
    OtherVersion {
        /// The format that was found.
        found: u8,
    },
    /// The stored bytes are no summary; they are to be made again from the message.
    #[error("stored summary is damaged")]
    Damaged,
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The client asked for something impossible.
    Client,
    /// Our own data is wrong.
    Internal,
}

impl Error {
    /// Returns whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::MessageTooLarge { .. } => ErrorKind::Client,
            Self::OtherVersion { .. } | Self::Damaged => ErrorKind::Internal,
        }
    }

    /// Tells whether trying again may succeed. It never does: the same bytes give the same answer.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::MessageTooLarge { .. } | Self::OtherVersion { .. } | Self::Damaged => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_size_is_the_clients_fault() {
        assert_eq!(Error::MessageTooLarge { bytes: 1 }.kind(), ErrorKind::Client);
        assert_eq!(Error::OtherVersion { found: 9 }.kind(), ErrorKind::Internal);
        assert_eq!(Error::Damaged.kind(), ErrorKind::Internal);
        assert!(!Error::Damaged.is_retryable());
    }
}

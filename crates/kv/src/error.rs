//! What can go wrong, and which shelf it takes with it.

use crate::ShelfId;

/// An error of a table, a shelf or an engine.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KvError {
    /// The shelf can no longer be believed: every table on it must be rebuilt.
    ///
    /// Each later call on the shelf gives the same answer until [`crate::Engine::wipe_shelf`].
    #[error("shelf {shelf} is lost: {cause}")]
    ShelfLost {
        /// The shelf whose tables are gone.
        shelf: ShelfId,
        /// What made it unbelievable.
        cause: LossCause,
    },
    /// A call failed and left the shelf as it was.
    #[error("shelf {shelf} could not serve the call: {detail}")]
    Unavailable {
        /// The shelf that was asked.
        shelf: ShelfId,
        /// What the engine or the operating system said.
        detail: String,
    },
    /// The shelf could not be opened, even empty.
    #[error("shelf {shelf} cannot be opened: {detail}")]
    Open {
        /// The shelf that was to be opened.
        shelf: ShelfId,
        /// What the engine or the operating system said.
        detail: String,
    },
    /// A reader still held the shelf when it was closed, so it was not marked as cleanly shut down.
    #[error("shelf {shelf} was still being read when it was closed")]
    InUse {
        /// The shelf that will be rebuilt at the next start unless the kernel keeps running.
        shelf: ShelfId,
    },
    /// The engine has been closed.
    #[error("the engine is closed")]
    Closed,
    /// A key is longer than [`crate::KEY_BYTES_MAX`].
    #[error("a key of {bytes} bytes is longer than an engine takes")]
    KeyTooLong {
        /// The length of the key that was refused.
        bytes: usize,
    },
    /// A value is longer than [`crate::VALUE_BYTES_MAX`].
    #[error("a value of {bytes} bytes is longer than an engine takes")]
    ValueTooLong {
        /// The length of the value that was refused.
        bytes: usize,
    },
    /// The number of shelves is zero or more than an engine takes.
    #[error("{count} shelves asked for, allowed are 1 to {max}")]
    ShelfCount {
        /// What was asked for.
        count: u16,
        /// The largest count that is taken.
        max: u16,
    },
}

/// Why a shelf is no longer believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LossCause {
    /// The engine returned an error.
    #[error("the engine failed: {0}")]
    Failed(String),
    /// The engine panicked.
    #[error("the engine panicked: {0}")]
    Panicked(String),
}

/// The family of an error: whose fault it is, and so who must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The caller asked for something that can never succeed.
    Caller,
    /// A passing condition: the same call may succeed later.
    Passing,
    /// Our fault or the machine's: tables must be rebuilt or an operator must act.
    Fault,
}

impl KvError {
    /// Returns the family of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::KeyTooLong { .. } | Self::ValueTooLong { .. } | Self::ShelfCount { .. } => {
                ErrorKind::Caller
            }
            Self::Unavailable { .. } | Self::InUse { .. } => ErrorKind::Passing,
            Self::ShelfLost { .. } | Self::Open { .. } | Self::Closed => ErrorKind::Fault,
        }
    }

    /// Returns whether the same call may succeed later with nobody having acted.
    pub fn is_retryable(&self) -> bool {
        self.kind() == ErrorKind::Passing
    }

    /// Returns the shelf whose tables must be rebuilt because of this error, if it means that.
    pub fn lost_shelf(&self) -> Option<ShelfId> {
        match self {
            Self::ShelfLost { shelf, .. } => Some(*shelf),
            Self::Unavailable { .. }
            | Self::Open { .. }
            | Self::InUse { .. }
            | Self::Closed
            | Self::KeyTooLong { .. }
            | Self::ValueTooLong { .. }
            | Self::ShelfCount { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_a_family_and_only_a_loss_names_a_lost_shelf() {
        let shelf = ShelfId::new(3);
        let detail = || "x".to_owned();
        let table = [
            (
                KvError::ShelfLost {
                    shelf,
                    cause: LossCause::Failed(detail()),
                },
                ErrorKind::Fault,
                Some(shelf),
            ),
            (
                KvError::Unavailable {
                    shelf,
                    detail: detail(),
                },
                ErrorKind::Passing,
                None,
            ),
            (
                KvError::Open {
                    shelf,
                    detail: detail(),
                },
                ErrorKind::Fault,
                None,
            ),
            (KvError::InUse { shelf }, ErrorKind::Passing, None),
            (KvError::Closed, ErrorKind::Fault, None),
            (KvError::KeyTooLong { bytes: 9 }, ErrorKind::Caller, None),
            (KvError::ValueTooLong { bytes: 9 }, ErrorKind::Caller, None),
            (KvError::ShelfCount { count: 0, max: 9 }, ErrorKind::Caller, None),
        ];
        for (error, kind, lost) in table {
            assert_eq!(error.kind(), kind, "{error}");
            assert_eq!(error.is_retryable(), kind == ErrorKind::Passing, "{error}");
            assert_eq!(error.lost_shelf(), lost, "{error}");
        }
    }
}

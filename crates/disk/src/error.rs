//! What can go wrong between an engine and its disk.

use std::fmt;
use std::io;

use crate::DiskPath;

/// The result of a disk operation.
pub type Result<T> = std::result::Result<T, Error>;

/// The family that an error belongs to; callers decide by this, never by the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The caller asked for something that cannot be, such as a path outside the root.
    Caller,
    /// A condition that passes without a repair, such as a full disk.
    Passing,
    /// The medium or this program is at fault.
    Fault,
}

/// The operation during which an error occurred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Creating a file.
    Create,
    /// Opening a file.
    Open,
    /// Reading from a file.
    Read,
    /// Writing to a file.
    Write,
    /// Making file contents durable.
    Sync,
    /// Reading or changing the length of a file.
    Length,
    /// Renaming a file.
    Rename,
    /// Removing a file.
    Remove,
    /// Listing, creating or syncing a directory.
    Directory,
    /// Asking for free space.
    FreeSpace,
    /// Locking the root.
    Lock,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Create => "create",
            Self::Open => "open",
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::Length => "length",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::Directory => "directory",
            Self::FreeSpace => "free space",
            Self::Lock => "lock",
        };
        f.write_str(name)
    }
}

/// An error of a [`crate::Disk`] or [`crate::DiskFile`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system or the quota is full. A prefix of the bytes may have been written.
    #[error("no space left to {operation} {path}")]
    NoSpace {
        /// What was attempted.
        operation: Operation,
        /// The file concerned.
        path: DiskPath,
    },
    /// The file or directory does not exist.
    #[error("{path} does not exist")]
    NotFound {
        /// The missing path.
        path: DiskPath,
    },
    /// A file that must be new exists already.
    #[error("{path} exists already")]
    AlreadyExists {
        /// The existing path.
        path: DiskPath,
    },
    /// A read reached past the end of the file.
    #[error("read of {len} bytes at {offset} passes the end of {path}")]
    PastEnd {
        /// The file concerned.
        path: DiskPath,
        /// Where the read began, in bytes.
        offset: u64,
        /// How many bytes were asked for.
        len: usize,
    },
    /// The medium or the operating system failed.
    #[error("{operation} of {path} failed")]
    Io {
        /// What was attempted.
        operation: Operation,
        /// The file concerned.
        path: DiskPath,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process holds the root.
    #[error("the data directory is in use by another process")]
    Locked,
    /// The path is empty, absolute, or leaves the root.
    #[error("invalid path {path:?}")]
    InvalidPath {
        /// The refused text.
        path: String,
    },
}

impl Error {
    /// Returns the family of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoSpace { .. } | Self::Locked => ErrorKind::Passing,
            Self::NotFound { .. } | Self::AlreadyExists { .. } | Self::InvalidPath { .. } => {
                ErrorKind::Caller
            }
            Self::PastEnd { .. } | Self::Io { .. } => ErrorKind::Fault,
        }
    }

    /// Returns whether the same call may succeed later without a repair. A failed sync never may: the
    /// kernel drops the dirty pages, so a second sync would report success for bytes that are lost.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind(), ErrorKind::Passing)
    }

    /// Sorts an error of the operating system into ours.
    pub(crate) fn from_io(operation: Operation, path: &DiskPath, source: io::Error) -> Self {
        let path = path.clone();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace { operation, path },
            io::ErrorKind::NotFound => Self::NotFound { path },
            io::ErrorKind::AlreadyExists => Self::AlreadyExists { path },
            _ => Self::Io {
                operation,
                path,
                source,
            },
        }
    }
}

//! What can go wrong in the store.

use std::sync::Arc;

use disk::ErrorKind;

use crate::{BlobId, GroupId, SegmentId};

/// The result of a store operation.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The disk is full or below its reserve. Nothing has been stored.
    #[error("not enough free space for blobs")]
    NoSpace,
    /// As many changes wait for the disk as may. Nothing has been taken.
    #[error("too much waits for the disk of the blobs")]
    QueueFull,
    /// The group has no such blob.
    #[error("blob {blob} is not here")]
    NotFound {
        /// The group asked.
        group: GroupId,
        /// The blob asked for.
        blob: BlobId,
    },
    /// The blob's bytes on this disk are not what was written. They are never served; another replica, or a
    /// new upload of the same bytes, can replace them.
    #[error("blob {blob} is corrupt in segment {}", segment.0)]
    Corrupt {
        /// The group concerned.
        group: GroupId,
        /// The blob concerned.
        blob: BlobId,
        /// The segment that holds the bad bytes.
        segment: SegmentId,
    },
    /// The blob is larger than the configured limit.
    #[error("a blob of more than {bytes_max} bytes is refused")]
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// An earlier write or sync failed: what is durable is unknown. The process must stop and recover.
    #[error("the blob store failed earlier and accepts nothing more")]
    Poisoned {
        /// The first failure.
        #[source]
        cause: Arc<disk::Error>,
    },
    /// The disk failed while the store was opened or read.
    #[error("the disk under the blob store failed")]
    Disk {
        /// What the disk said.
        #[source]
        source: Arc<disk::Error>,
    },
    /// A segment was written by a version that this one does not understand.
    #[error("segment {} has format version {version}, which this version cannot read", segment.0)]
    UnknownVersion {
        /// The segment concerned.
        segment: SegmentId,
        /// Its version.
        version: u32,
    },
    /// The store has been closed.
    #[error("the blob store is closed")]
    Closed,
}

impl Error {
    /// Returns the family of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoSpace | Self::QueueFull | Self::Closed => ErrorKind::Passing,
            Self::NotFound { .. } | Self::TooLarge { .. } => ErrorKind::Caller,
            Self::Corrupt { .. }
            | Self::Poisoned { .. }
            | Self::Disk { .. }
            | Self::UnknownVersion { .. } => ErrorKind::Fault,
        }
    }

    /// Returns whether the same call may succeed later on the same store.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::NoSpace)
    }
}

impl From<disk::Error> for Error {
    fn from(source: disk::Error) -> Self {
        match source {
            disk::Error::NoSpace { .. } => Self::NoSpace,
            source => Self::Disk {
                source: Arc::new(source),
            },
        }
    }
}

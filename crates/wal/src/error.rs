//! What can go wrong in the log.

use std::sync::Arc;

use disk::ErrorKind;

use crate::{DamageReport, GroupId, LogIndex, SegmentId};

/// The result of a log operation.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of the log.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The disk is full, or below its reserve and the operation would grow the log. Nothing was written.
    #[error("not enough free space for the log")]
    NoSpace,
    /// An earlier write or sync failed: what is durable is unknown. The process must stop and recover.
    #[error("the log failed earlier and accepts nothing more")]
    Poisoned {
        /// The first failure.
        #[source]
        cause: Arc<disk::Error>,
    },
    /// The disk failed while the log was opened or read.
    #[error("the disk under the log failed")]
    Disk {
        /// What the disk said.
        #[source]
        source: Arc<disk::Error>,
    },
    /// The log on the disk has lost bytes that had been durable.
    #[error("the log is damaged: {0}")]
    Damaged(Box<DamageReport>),
    /// A record failed its checksum when it was read back.
    #[error("{group} {index} in {segment} at byte {offset} is corrupt")]
    CorruptEntry {
        /// The group read from.
        group: GroupId,
        /// The entry read.
        index: LogIndex,
        /// Where it should be.
        segment: SegmentId,
        /// Where in the segment, in bytes.
        offset: u64,
    },
    /// The log was written by a version that this one does not understand.
    #[error("{segment} has format version {version}, which this version cannot read")]
    UnknownVersion {
        /// The segment concerned.
        segment: SegmentId,
        /// Its version.
        version: u32,
    },
    /// An entry does not follow the last one of its group.
    #[error("{group}: entry {index} does not follow the log, whose next is {expected}")]
    NotContiguous {
        /// The group concerned.
        group: GroupId,
        /// The index given.
        index: LogIndex,
        /// The index that would follow.
        expected: LogIndex,
    },
    /// The entries asked for are not in the log: purged, or beyond its end.
    #[error("{group}: {index} is not in the log")]
    NotInLog {
        /// The group concerned.
        group: GroupId,
        /// The first missing index.
        index: LogIndex,
    },
    /// A record is larger than the configured limit.
    #[error("a record of {bytes} bytes exceeds the limit of {bytes_max}")]
    TooLarge {
        /// Size of the record.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The log has been closed.
    #[error("the log is closed")]
    Closed,
}

impl Error {
    /// Returns the family of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoSpace | Self::Closed => ErrorKind::Passing,
            Self::Poisoned { .. }
            | Self::Disk { .. }
            | Self::Damaged(_)
            | Self::CorruptEntry { .. }
            | Self::UnknownVersion { .. } => ErrorKind::Fault,
            Self::NotContiguous { .. } | Self::NotInLog { .. } | Self::TooLarge { .. } => ErrorKind::Caller,
        }
    }

    /// Returns whether the same call may succeed later on the same log.
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

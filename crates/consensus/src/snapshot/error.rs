//! What can go wrong with a snapshot.

use std::sync::Arc;

use crate::ErrorKind;
use crate::error::disk_kind;
use crate::tables::TablesError;

/// An error of a snapshot.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SnapshotError {
    /// The disk failed or is full.
    #[error("the disk under the snapshot failed")]
    Disk(#[source] Arc<disk::Error>),
    /// A file does not hold what was written to it. Nothing is changed when this is given.
    #[error("snapshot file {file} is damaged: {detail}")]
    Damaged {
        /// The damaged file.
        file: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The snapshot was written by a version that this one does not understand.
    #[error("snapshot file {file} has format version {version}, which this version cannot read")]
    UnknownVersion {
        /// The file.
        file: String,
        /// Its version.
        version: u32,
    },
    /// The tables failed.
    #[error("the tables failed: {detail}")]
    Tables {
        /// The error of the engine, if it was one.
        #[source]
        engine: Option<kv::KvError>,
        /// What they said.
        detail: String,
    },
    /// A peer sent parts that do not make up a snapshot.
    #[error("the received snapshot is incomplete: {detail}")]
    Incomplete {
        /// What is wrong.
        detail: String,
    },
}

impl SnapshotError {
    /// Returns the family of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Disk(error) => disk_kind(error.kind()),
            Self::Tables {
                engine: Some(error), ..
            } if error.is_retryable() => ErrorKind::Passing,
            Self::Incomplete { .. } => ErrorKind::Passing,
            Self::Damaged { .. } | Self::UnknownVersion { .. } | Self::Tables { .. } => ErrorKind::Fault,
        }
    }

    /// Returns whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.kind() == ErrorKind::Passing
    }

    pub(super) fn damaged(file: &disk::DiskPath, detail: impl Into<String>) -> Self {
        Self::Damaged {
            file: file.to_string(),
            detail: detail.into(),
        }
    }
}

impl From<disk::Error> for SnapshotError {
    fn from(error: disk::Error) -> Self {
        Self::Disk(Arc::new(error))
    }
}

impl From<TablesError> for SnapshotError {
    fn from(error: TablesError) -> Self {
        let detail = error.to_string();
        let engine = match error {
            TablesError::Engine(engine) => Some(engine),
            TablesError::Damaged(_) => None,
        };
        Self::Tables { engine, detail }
    }
}

//! What can go wrong with a group.

use mailstore::GroupId;

use crate::{NodeId, ReplicaId};

/// The result of an operation on a group.
pub type Result<T> = std::result::Result<T, Error>;

/// An error of this crate.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No replica of the group runs here.
    #[error("group {} has no replica here", .group.0)]
    NoSuchGroup {
        /// The group that was asked for.
        group: GroupId,
    },
    /// The call was meant for another replica than the one that runs here.
    #[error("replica {target} is not the one that runs here")]
    WrongReplica {
        /// The replica that was meant.
        target: ReplicaId,
    },
    /// This replica does not lead the group. Nothing was proposed.
    #[error("not the leader")]
    NotLeader {
        /// The leader, if one is known.
        hint: Option<LeaderHint>,
    },
    /// The replica leads but cannot reach a quorum, so it cannot answer reads.
    #[error("no quorum")]
    NoQuorum,
    /// The entry was appended but it is not known whether it was or will be committed. A retry must carry the
    /// same request id.
    #[error("the outcome is not known")]
    OutcomeUnknown,
    /// The replica was restarted a short time ago and does not vote yet.
    #[error("votes are withheld after a restart")]
    VoteWithheld,
    /// The replica does not vote because its group is parked, so that its leader is known to live. It wakes.
    #[error("the leader lives")]
    LeaderLives,
    /// The peer answered, but refused the call.
    #[error("node {node} refuses: {detail}")]
    Refused {
        /// The node that was called.
        node: NodeId,
        /// What it said.
        detail: String,
    },
    /// The entry is larger than an entry may be.
    #[error("an entry of {bytes} bytes exceeds the limit of {bytes_max}")]
    EntryTooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// The deadline passed.
    #[error("the deadline passed")]
    Timeout,
    /// The peer could not be reached.
    #[error("node {node} cannot be reached: {detail}")]
    Unreachable {
        /// The node that was called.
        node: NodeId,
        /// What the transport said.
        detail: String,
    },
    /// A peer sent bytes that are not a message.
    #[error("a malformed message: {detail}")]
    Malformed {
        /// What is wrong with it.
        detail: String,
    },
    /// The options contradict each other.
    #[error("the options are not valid: {detail}")]
    Options {
        /// What is wrong.
        detail: String,
    },
    /// A change of membership was refused.
    #[error("the membership cannot be changed: {detail}")]
    Membership {
        /// Why.
        detail: String,
    },
    /// The group is stopping or has stopped.
    #[error("the replica has stopped")]
    Stopped,
    /// The replica stopped because its log, tables or snapshot failed.
    #[error("the replica failed: {detail}")]
    Failed {
        /// What failed.
        detail: String,
    },
    /// The log failed.
    #[error("the log failed")]
    Log(#[from] wal::Error),
    /// An entry could not be applied.
    #[error("an entry cannot be applied: {detail}")]
    Machine {
        /// What the state machine said.
        detail: String,
    },
    /// The rows contradict each other, so the group's tables must be rebuilt.
    #[error("the tables are damaged: {detail}")]
    DamagedTables {
        /// What is wrong with them.
        detail: String,
    },
    /// The tables failed. With [`kv::KvError::lost_shelf`] the shelf must be rebuilt.
    #[error("the tables failed")]
    Tables(#[from] kv::KvError),
    /// The snapshot failed.
    #[error("the snapshot failed")]
    Snapshot(#[from] crate::snapshot::SnapshotError),
}

/// Who leads a group, as far as the answering replica knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaderHint {
    /// The leading replica.
    pub replica: ReplicaId,
    /// The node that hosts it, if the replica is a member.
    pub node: Option<NodeId>,
}

/// The family of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The caller asked for what cannot be.
    Caller,
    /// A passing condition.
    Passing,
    /// Damage or a defect on our side.
    Fault,
}

impl Error {
    /// Returns the family of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoSuchGroup { .. }
            | Self::WrongReplica { .. }
            | Self::NotLeader { .. }
            | Self::NoQuorum
            | Self::OutcomeUnknown
            | Self::VoteWithheld
            | Self::LeaderLives
            | Self::Refused { .. }
            | Self::Timeout
            | Self::Unreachable { .. }
            | Self::Stopped => ErrorKind::Passing,
            Self::EntryTooLarge { .. } | Self::Membership { .. } | Self::Options { .. } => ErrorKind::Caller,
            Self::Malformed { .. }
            | Self::Failed { .. }
            | Self::Machine { .. }
            | Self::DamagedTables { .. } => ErrorKind::Fault,
            Self::Tables(error) => match error.kind() {
                kv::ErrorKind::Caller => ErrorKind::Caller,
                kv::ErrorKind::Passing => ErrorKind::Passing,
                kv::ErrorKind::Fault => ErrorKind::Fault,
            },
            Self::Log(error) => disk_kind(error.kind()),
            Self::Snapshot(error) => error.kind(),
        }
    }

    /// Returns the shelf that must be rebuilt because of this error, if it means that.
    pub fn lost_shelf(&self) -> Option<kv::ShelfId> {
        match self {
            Self::Tables(error)
            | Self::Snapshot(crate::SnapshotError::Tables {
                engine: Some(error), ..
            }) => error.lost_shelf(),
            _ => None,
        }
    }

    /// Returns whether the same call may succeed later. After [`Error::OutcomeUnknown`] and
    /// [`Error::Timeout`] it may also have succeeded already, so the retry must be recognisable.
    pub fn is_retryable(&self) -> bool {
        self.kind() == ErrorKind::Passing
    }
}

impl From<crate::tables::TablesError> for Error {
    fn from(error: crate::tables::TablesError) -> Self {
        match error {
            crate::tables::TablesError::Engine(error) => Self::Tables(error),
            crate::tables::TablesError::Damaged(error) => Self::DamagedTables {
                detail: error.to_string(),
            },
        }
    }
}

impl From<crate::MachineError> for Error {
    fn from(error: crate::MachineError) -> Self {
        match error {
            crate::MachineError::Engine(error) => Self::Tables(error),
            crate::MachineError::UnknownEntry(source) => Self::Machine {
                detail: source.to_string(),
            },
            crate::MachineError::DamagedRows(source) => Self::DamagedTables {
                detail: source.to_string(),
            },
        }
    }
}

/// Maps the family of a disk's or log's error.
pub(crate) fn disk_kind(kind: disk::ErrorKind) -> ErrorKind {
    match kind {
        disk::ErrorKind::Caller => ErrorKind::Caller,
        disk::ErrorKind::Passing => ErrorKind::Passing,
        disk::ErrorKind::Fault => ErrorKind::Fault,
    }
}

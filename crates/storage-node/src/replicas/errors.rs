//! Errors of the consensus layer in the errors of the ports, and why replicas cannot run.

use consensus::NodeId;
use mailstore::{GroupId, StoreError};

/// Returns the error of the ports for an error of a group. `name` knows the nodes.
pub(super) fn store_error(
    error: &consensus::Error,
    name: impl FnOnce(NodeId) -> Option<String>,
) -> StoreError {
    use consensus::Error;
    match error {
        Error::NotLeader { hint } => {
            let node = hint.as_ref().and_then(|hint| hint.node);
            StoreError::NotLeader {
                hint: node.and_then(name),
            }
        }
        Error::NoSuchGroup { .. } | Error::WrongReplica { .. } => StoreError::NotLeader { hint: None },
        Error::NoQuorum | Error::VoteWithheld | Error::LeaderLives => {
            StoreError::Unavailable("no majority answers")
        }
        Error::OutcomeUnknown | Error::Timeout => StoreError::OutcomeUnknown,
        Error::Stopped | Error::Unreachable { .. } | Error::Refused { .. } => {
            StoreError::Unavailable("the replica has stopped")
        }
        Error::EntryTooLarge { .. } => mailstore::Rejection::TooManyMessages.into(),
        Error::Log(wal::Error::NoSpace) => StoreError::NoSpace,
        // The replica has stopped, or will: it is filled again, or the process starts anew or gives way
        // to another node. Whoever repairs it says why in the log.
        Error::Log(_)
        | Error::Failed { .. }
        | Error::Tables(_)
        | Error::DamagedTables { .. }
        | Error::Snapshot(_) => StoreError::Unavailable("the replica has failed"),
        Error::Malformed { .. }
        | Error::Options { .. }
        | Error::Membership { .. }
        | Error::Machine { .. } => StoreError::Internal(error.to_string()),
    }
}

/// Why replicas could not be started, changed or repaired.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A list of replicas names a node that does not exist.
    #[error("there is no storage node {node}, which is to have replicas")]
    UnknownNode {
        /// The name.
        node: String,
    },
    /// A placement is meant for another node.
    #[error("a placement for node {told} was given to node {this}")]
    OtherNode {
        /// This node.
        this: NodeId,
        /// The node that it is for.
        told: NodeId,
    },
    /// A replica cannot run.
    #[error("replica of group {} cannot run: {source}", .group.0)]
    Replica {
        /// The group.
        group: GroupId,
        /// Why.
        source: consensus::Error,
    },
    /// What is left of a replica cannot be removed.
    #[error("a replica of group {} that left cannot be removed: {source}", .group.0)]
    Removal {
        /// The group.
        group: GroupId,
        /// Why.
        source: consensus::Error,
    },
    /// The content of a group that left cannot be removed.
    #[error("content of group {}, which left, cannot be removed: {source}", .group.0)]
    Content {
        /// The group.
        group: GroupId,
        /// Why.
        source: StoreError,
    },
    /// The placement was not written because the node stops.
    #[error("the placement is not kept: {0}")]
    Keeping(#[source] consensus::Error),
    /// The disk failed under the kept placement.
    #[error("the placement cannot be kept: {0}")]
    Disk(#[from] disk::Error),
    /// The kept placement is not what was written.
    #[error("the kept placement {file} is damaged: {detail}")]
    Damaged {
        /// The file.
        file: String,
        /// What is wrong with it.
        detail: String,
    },
}

impl StartError {
    /// Returns who has to do something about it.
    #[must_use]
    pub fn kind(&self) -> mailstore::ErrorKind {
        match self {
            Self::UnknownNode { .. } | Self::OtherNode { .. } => mailstore::ErrorKind::Client,
            Self::Replica { .. }
            | Self::Removal { .. }
            | Self::Content { .. }
            | Self::Keeping(_)
            | Self::Disk(_)
            | Self::Damaged { .. } => mailstore::ErrorKind::Internal,
        }
    }

    /// Tells whether another attempt may succeed; not without somebody's help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        false
    }
}

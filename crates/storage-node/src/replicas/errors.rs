//! Errors of the consensus layer in the errors of the ports.

use mailstore::StoreError;

use super::Membership;

impl Membership {
    /// Returns the error of the ports for an error of a group.
    pub(super) fn store_error(&self, error: &consensus::Error) -> StoreError {
        use consensus::Error;
        match error {
            Error::NotLeader { hint } => {
                let node = hint.as_ref().and_then(|hint| hint.node);
                StoreError::NotLeader {
                    hint: node.and_then(|node| self.name(node)).map(str::to_owned),
                }
            }
            Error::NoSuchGroup { .. } | Error::WrongReplica { .. } => StoreError::NotLeader { hint: None },
            Error::NoQuorum | Error::VoteWithheld => StoreError::Unavailable("no majority answers"),
            Error::OutcomeUnknown | Error::Timeout => StoreError::OutcomeUnknown,
            Error::Stopped | Error::Unreachable { .. } => StoreError::Unavailable("the replica has stopped"),
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
}

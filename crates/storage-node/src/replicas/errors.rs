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
            Error::Log(_)
            | Error::Malformed { .. }
            | Error::Options { .. }
            | Error::Membership { .. }
            | Error::Failed { .. }
            | Error::Machine { .. }
            | Error::Tables(_)
            | Error::DamagedTables { .. }
            | Error::Snapshot(_) => StoreError::Internal(error.to_string()),
        }
    }
}

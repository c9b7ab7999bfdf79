//! From openraft's errors to ours.

use openraft::errors::{
    ClientWriteError, ForwardToLeader, InitializeError, LinearizableReadError, RaftError,
};

use super::Group;
use crate::machine::Machine;
use crate::types::TypeConfig;
use crate::{Error, LeaderHint};

impl<M: Machine> Group<M> {
    pub(super) fn write_error(&self, error: RaftError<TypeConfig, ClientWriteError<TypeConfig>>) -> Error {
        match error {
            RaftError::APIError(ClientWriteError::ForwardToLeader(forward)) => not_leader(&forward),
            RaftError::APIError(ClientWriteError::LogEntryDiscarded(_)) => Error::OutcomeUnknown,
            RaftError::APIError(
                error
                @ (ClientWriteError::ChangeMembershipError(_) | ClientWriteError::PreconditionFailed(_)),
            ) => Error::Membership {
                detail: error.to_string(),
            },
            // The entry may have been appended, and may be committed by another leader or after a restart.
            RaftError::Fatal(_) => Error::OutcomeUnknown,
        }
    }

    pub(super) fn read_error(
        &self,
        error: RaftError<TypeConfig, LinearizableReadError<TypeConfig>>,
    ) -> Error {
        match error {
            RaftError::APIError(LinearizableReadError::ForwardToLeader(forward)) => not_leader(&forward),
            RaftError::APIError(LinearizableReadError::QuorumNotEnough(_)) => Error::NoQuorum,
            RaftError::Fatal(fatal) => self.fatal(fatal),
        }
    }

    pub(super) fn membership_error(
        &self,
        error: RaftError<TypeConfig, InitializeError<TypeConfig>>,
    ) -> Error {
        match error {
            RaftError::APIError(error) => Error::Membership {
                detail: error.to_string(),
            },
            RaftError::Fatal(fatal) => self.fatal(fatal),
        }
    }
}

fn not_leader(forward: &ForwardToLeader<TypeConfig>) -> Error {
    let node = forward.leader_node.map(|host| host.node);
    Error::NotLeader {
        hint: forward.leader_id.map(|replica| LeaderHint { replica, node }),
    }
}

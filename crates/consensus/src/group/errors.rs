//! From openraft's errors to ours.

use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::{
    ClientWriteError, Fatal, ForwardToLeader, InitializeError, LinearizableReadError, RaftError,
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

impl<M: Machine> Group<M> {
    /// Says why the replica stopped, preferring the cause over openraft's account of it.
    pub(crate) fn fatal(&self, fatal: Fatal<TypeConfig>) -> Error {
        match (self.machine.applier.failure(), fatal) {
            (Some(cause), _) => cause,
            (None, Fatal::Stopped) => Error::Stopped,
            (None, fatal @ (Fatal::StorageError(_) | Fatal::Panicked)) => Error::Failed {
                detail: fatal.to_string(),
            },
        }
    }

    /// Says why the replica stopped, once it has.
    pub(super) fn stop_cause(&self) -> Error {
        let fatal = self.raft.metrics().borrow_watched().running_state.clone().err();
        self.fatal(fatal.unwrap_or(Fatal::Stopped))
    }
}

fn not_leader(forward: &ForwardToLeader<TypeConfig>) -> Error {
    let node = forward.leader_node.map(|host| host.node);
    Error::NotLeader {
        hint: forward.leader_id.map(|replica| LeaderHint { replica, node }),
    }
}

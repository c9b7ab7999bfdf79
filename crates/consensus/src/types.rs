//! What this crate puts into openraft's type parameters.

use std::any::Any;
use std::fmt;

use bytes::Bytes;
use openraft::impls::leader_id_std;

use tracing::Span;

use crate::ids::{NodeId, ReplicaId};
use crate::runtime::Runtime;

openraft::declare_raft_types!(
    /// Our choice of types. Standard leader ids make a log id the pair (term, index) of the Raft paper,
    /// which is also what a record of the log carries.
    pub(crate) TypeConfig:
        D = Command,
        R = Outcome,
        NodeId = ReplicaId,
        Node = Host,
        Term = u64,
        LeaderId = leader_id_std::LeaderId<u64, ReplicaId>,
        AsyncRuntime = Runtime,
);

pub(crate) type Entry = openraft::alias::EntryOf<TypeConfig>;
pub(crate) type EntryPayload = openraft::EntryPayload<Command, ReplicaId, Host>;
pub(crate) type LogId = openraft::alias::LogIdOf<TypeConfig>;
pub(crate) type Vote = openraft::alias::VoteOf<TypeConfig>;
pub(crate) type Membership = openraft::Membership<ReplicaId, Host>;
pub(crate) type StoredMembership = openraft::alias::StoredMembershipOf<TypeConfig>;
pub(crate) type SnapshotMeta = openraft::alias::SnapshotMetaOf<TypeConfig>;

/// Returns the log id of this term and index.
pub(crate) fn log_id(term: u64, index: u64) -> LogId {
    LogId::new(
        openraft::alias::CommittedLeaderIdOf::<TypeConfig>::new(term),
        index,
    )
}

/// Where a replica lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Host {
    pub(crate) node: NodeId,
}

/// An encoded entry of the state machine, opaque to this crate.
#[derive(Clone)]
pub(crate) struct Command {
    /// The entry.
    pub(crate) bytes: Bytes,
    /// Where it was proposed, on the node that did: not part of the entry, never stored or sent.
    pub(crate) proposed: Span,
}

impl Command {
    /// Returns a command that came from the log or another node.
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self {
            bytes,
            proposed: Span::none(),
        }
    }

    /// Returns a command that is proposed now.
    pub(crate) fn proposed(bytes: Bytes) -> Self {
        Self {
            bytes,
            proposed: Span::current(),
        }
    }
}

impl PartialEq for Command {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Command {}

impl fmt::Debug for Command {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The content is somebody's mail, so only its size is ever printed.
        write!(formatter, "{} bytes", self.bytes.len())
    }
}

impl fmt::Display for Command {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, formatter)
    }
}

/// What applying an entry gave.
pub(crate) enum Outcome {
    /// The machine's reply, of the type that the machine declares.
    Reply(Box<dyn Any + Send + Sync>),
    /// The entry was not of the machine: a blank one or a change of membership.
    Internal,
    /// The tables already held the effect of this entry, so its reply is not known.
    Skipped,
}

impl fmt::Debug for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Reply(_) => "reply",
            Self::Internal => "internal",
            Self::Skipped => "skipped",
        })
    }
}

//! Messages between the replicas of a group, and the port to whatever carries them.

mod client;
mod messages;
mod pace;
mod receive;
mod serve;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mailstore::GroupId;

use crate::{NodeId, ReplicaId, Result};

pub(crate) use client::PeerNetwork;
pub(crate) use pace::SnapshotPace;
pub(crate) use receive::Receiving;

/// The most bytes that one message of a snapshot carries. Other messages carry what one read of the log gives,
/// at most one entry more than 1 MiB.
pub(crate) const PIECE_BYTES_MAX: usize = 64 * 1024;

/// What a message is about. The transport may send kinds over connections of their own, so that a snapshot
/// never delays a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeerCallKind {
    /// Entries, or a heartbeat without any.
    AppendEntries,
    /// A request for a vote, or for the promise of one.
    Vote,
    /// The leader hands its office over.
    TransferLeader,
    /// A piece of a snapshot.
    Snapshot,
    /// One node tells another that it lives. No replica is meant; the group says only which of several sets of
    /// groups on the other node.
    Ping,
}

/// A call from one replica to another. The payload is opaque to the transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerCall {
    /// The group of both replicas.
    pub group: GroupId,
    /// The replica that is meant. A call to one that was replaced is refused.
    pub target: ReplicaId,
    /// The node that hosts it.
    pub node: NodeId,
    /// What the call is about.
    pub kind: PeerCallKind,
    /// The encoded message.
    pub payload: Bytes,
}

/// Carries calls to other nodes, where they are given to [`crate::Groups::serve`].
#[async_trait]
pub trait PeerTransport: Send + Sync + 'static {
    /// Sends a call and waits for the answer, for at most `deadline`. It must not be sent twice.
    ///
    /// # Errors
    /// [`crate::Error::Unreachable`] when the call has not arrived, which makes the caller wait longer before
    /// the next; [`crate::Error::Timeout`] when it is not known; [`crate::Error::Refused`] when the node answered and
    /// did not take it; otherwise the error of the replica.
    async fn call(&self, call: PeerCall, deadline: Duration) -> Result<Bytes>;
}

/// Returns an encoded request for a vote.
#[cfg(test)]
pub(crate) fn vote_for_tests(term: u64, replica: u64) -> Bytes {
    let vote = crate::types::Vote::new(term, ReplicaId(replica));
    messages::encode_vote(&openraft::raft::VoteRequest::new(vote, None), false)
}

//! Opaque messages between the replicas of a group.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mailstore::GroupId;
use tonic::{Code, Request, Response, Status};

use crate::generated::raft as proto;
use crate::generated::raft::raft_client::RaftClient as Client;
use crate::generated::raft::raft_server::{Raft, RaftServer};
use crate::transport::{Connection, Dialer, Services, may_use_raft};

/// Largest Raft message that is taken: one batch of entries and its frame.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What a call is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RaftKind {
    /// Entries, or a heartbeat without any.
    AppendEntries,
    /// A request for a vote, or for the promise of one.
    Vote,
    /// The leader hands its office over.
    TransferLeader,
    /// A piece of a snapshot.
    Snapshot,
    /// One node tells another that it lives.
    Ping,
}

/// A call from one replica to another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RaftCall {
    /// The group of both.
    pub group: GroupId,
    /// The replica that is meant.
    pub target: u64,
    /// What the call is about.
    pub kind: RaftKind,
    /// The encoded message.
    pub payload: Bytes,
}

/// Why a call has no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RaftFailure {
    /// The node could not be reached: the call has not arrived.
    #[error("node cannot be reached: {0}")]
    Unreachable(String),
    /// The deadline passed: whether the call arrived is not known.
    #[error("deadline passed")]
    Timeout,
    /// The replica refused the call or failed.
    #[error("{0}")]
    Refused(String),
}

/// Answers calls of other replicas.
#[async_trait]
pub trait RaftHandler: Send + Sync + 'static {
    /// Answers a call.
    ///
    /// # Errors
    /// When the replica refuses or fails; the text is for the other side's log.
    async fn call(&self, call: RaftCall) -> Result<Bytes, String>;
}

impl Services {
    /// Offers the replicas of this node to other storage nodes.
    pub fn add_raft(&mut self, handler: Arc<dyn RaftHandler>) {
        let server = RaftServer::new(HandlerServer { handler });
        self.add(server.max_decoding_message_size(MESSAGE_BYTES_MAX));
    }
}

/// Calls replicas on one other node. Votes (and pings), entries and snapshots go over connections of their own, so
/// that none delays another.
#[derive(Clone)]
pub struct RaftClient {
    entries: Client<Connection>,
    votes: Client<Connection>,
    snapshots: Client<Connection>,
}

impl RaftClient {
    /// Returns a client that connects when first used.
    #[must_use]
    pub fn new(dialer: &Dialer) -> Self {
        let client = || Client::new(dialer.channel()).max_decoding_message_size(MESSAGE_BYTES_MAX);
        Self {
            entries: client(),
            votes: client(),
            snapshots: client(),
        }
    }

    /// Sends a call once and waits for the answer.
    ///
    /// # Errors
    /// See [`RaftFailure`].
    pub async fn call(&self, call: RaftCall, deadline: Duration) -> Result<Bytes, RaftFailure> {
        let mut client = match call.kind {
            RaftKind::AppendEntries => self.entries.clone(),
            RaftKind::Vote | RaftKind::TransferLeader | RaftKind::Ping => self.votes.clone(),
            RaftKind::Snapshot => self.snapshots.clone(),
        };
        let request = proto::RaftRequest {
            group: call.group.0,
            kind: proto::Kind::from(call.kind).into(),
            payload: call.payload,
            target: call.target,
        };
        match tokio::time::timeout(deadline, client.call(request)).await {
            Ok(Ok(response)) => Ok(response.into_inner().payload),
            Ok(Err(status)) => Err(failure(&status)),
            Err(_) => Err(RaftFailure::Timeout),
        }
    }
}

fn failure(status: &Status) -> RaftFailure {
    match status.code() {
        Code::Unavailable | Code::Unknown => RaftFailure::Unreachable(status.to_string()),
        Code::Cancelled | Code::DeadlineExceeded => RaftFailure::Timeout,
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::DataLoss
        | Code::Unauthenticated => RaftFailure::Refused(status.message().to_owned()),
    }
}

impl From<RaftKind> for proto::Kind {
    fn from(kind: RaftKind) -> Self {
        match kind {
            RaftKind::AppendEntries => Self::AppendEntries,
            RaftKind::Vote => Self::Vote,
            RaftKind::TransferLeader => Self::TransferLeader,
            RaftKind::Snapshot => Self::Snapshot,
            RaftKind::Ping => Self::Ping,
        }
    }
}

impl TryFrom<proto::Kind> for RaftKind {
    type Error = Status;

    fn try_from(kind: proto::Kind) -> Result<Self, Status> {
        match kind {
            proto::Kind::Unspecified => Err(Status::unimplemented("unknown kind of Raft message")),
            proto::Kind::AppendEntries => Ok(Self::AppendEntries),
            proto::Kind::Vote => Ok(Self::Vote),
            proto::Kind::TransferLeader => Ok(Self::TransferLeader),
            proto::Kind::Snapshot => Ok(Self::Snapshot),
            proto::Kind::Ping => Ok(Self::Ping),
        }
    }
}

struct HandlerServer {
    handler: Arc<dyn RaftHandler>,
}

#[async_trait]
impl Raft for HandlerServer {
    async fn call(
        &self,
        request: Request<proto::RaftRequest>,
    ) -> Result<Response<proto::RaftResponse>, Status> {
        may_use_raft(&request)?;
        let message = request.into_inner();
        let call = RaftCall {
            group: GroupId(message.group),
            target: message.target,
            kind: message.kind().try_into()?,
            payload: message.payload,
        };
        let answer = self
            .handler
            .call(call)
            .await
            .map_err(Status::failed_precondition)?;
        Ok(Response::new(proto::RaftResponse { payload: answer }))
    }
}

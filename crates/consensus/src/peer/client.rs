//! openraft's network over our transport.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use mailstore::GroupId;
use openraft::OptionalSend;
use openraft::errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{RPCOption, RaftNetworkFactory, RaftNetworkV2};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use prost::Message;

use super::messages::{self, WirePiece, WirePieceOutcome};
use super::{PIECE_BYTES_MAX, PeerCall, PeerCallKind, PeerTransport, SnapshotPace};
use crate::group::Parts;
use crate::hold::Hold;
use crate::snapshot::SnapshotHandle;
use crate::state_machine::Snapshot;
use crate::types::{Host, TypeConfig, Vote};
use crate::wire::{self, DecodeError, WireVote};
use crate::{Blocking, Error, ReplicaId};

type RpcError = RPCError<TypeConfig>;

/// Makes clients for the peers of one replica.
#[derive(Clone)]
pub(crate) struct PeerNetwork {
    group: GroupId,
    replica: ReplicaId,
    transport: Arc<dyn PeerTransport>,
    blocking: Blocking,
    pace: Arc<SnapshotPace>,
    transfers: Arc<AtomicU64>,
    hold: Hold,
}

/// A client for one peer.
pub(crate) struct PeerClient {
    network: PeerNetwork,
    target: ReplicaId,
    host: Host,
}

impl PeerNetwork {
    /// Returns the network of one replica of the group. Snapshots go at the pace of the node.
    pub(crate) fn new((group, replica): (GroupId, ReplicaId), parts: &Parts, hold: Hold) -> Self {
        Self {
            group,
            replica,
            transport: Arc::clone(&parts.transport),
            blocking: parts.blocking.clone(),
            pace: Arc::clone(&parts.snapshot_pace),
            transfers: Arc::default(),
            hold,
        }
    }
}

impl RaftNetworkFactory<TypeConfig> for PeerNetwork {
    type Network = PeerClient;

    async fn new_client(&mut self, target: ReplicaId, host: &Host) -> PeerClient {
        PeerClient {
            network: self.clone(),
            target,
            host: *host,
        }
    }
}

impl PeerClient {
    async fn call(&self, kind: PeerCallKind, payload: Bytes, deadline: Duration) -> Result<Bytes, RpcError> {
        let call = PeerCall {
            group: self.network.group,
            target: self.target,
            node: self.host.node,
            kind,
            payload,
        };
        let answer = self.network.transport.call(call, deadline);
        self.network.hold.unless_ended(answer).await.map_err(rpc_error)
    }

    /// Waits for its turn, sends the manifest, every part and the end, and returns the peer's vote after it has installed all.
    async fn send_snapshot(
        &self,
        vote: Vote,
        snapshot: SnapshotHandle,
        deadline: Duration,
    ) -> Result<Vote, RpcError> {
        let _turn = self.network.pace.turn(self.host.node).await;
        let transfer = self.network.transfers.fetch_add(1, Ordering::Relaxed);
        let mut sending = Sending {
            client: self,
            vote: WireVote::from(&vote),
            transfer,
            sequence: 0,
            deadline,
        };
        sending.bytes(snapshot.stored.manifest.encode().into()).await?;
        for part in snapshot.stored.manifest.parts() {
            let (store, part) = (Arc::clone(&snapshot.store), *part);
            let read = self.network.blocking.run(move || store.read_part(&part)).await;
            let bytes = read
                .map_err(rpc_error)?
                .map_err(|error| rpc_error(error.into()))?;
            sending.bytes(bytes).await?;
        }
        let outcome = sending.piece(Bytes::new(), false, true).await?;
        messages::required_vote(outcome.vote).map_err(malformed)
    }
}

/// A snapshot on its way.
struct Sending<'a> {
    client: &'a PeerClient,
    vote: WireVote,
    transfer: u64,
    sequence: u64,
    deadline: Duration,
}

impl Sending<'_> {
    /// Sends the manifest or one part, in pieces.
    async fn bytes(&mut self, mut bytes: Bytes) -> Result<(), RpcError> {
        loop {
            let piece = bytes.split_to(bytes.len().min(PIECE_BYTES_MAX));
            self.client.network.pace.pass(piece.len()).await;
            self.piece(piece, bytes.is_empty(), false).await?;
            if bytes.is_empty() {
                return Ok(());
            }
        }
    }

    async fn piece(
        &mut self,
        bytes: Bytes,
        completes: bool,
        ends: bool,
    ) -> Result<WirePieceOutcome, RpcError> {
        let piece = WirePiece {
            vote: Some(self.vote),
            transfer: self.transfer,
            sender: self.client.network.replica.0,
            sequence: self.sequence,
            bytes,
            completes,
            ends,
        };
        self.sequence += 1;
        let payload = piece.encode_to_vec().into();
        let answer = self
            .client
            .call(PeerCallKind::Snapshot, payload, self.deadline)
            .await?;
        wire::decode(answer, "an answer to a piece").map_err(malformed)
    }
}

impl RaftNetworkV2<TypeConfig> for PeerClient {
    type SnapshotData = SnapshotHandle;

    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<TypeConfig>, RpcError> {
        let payload = messages::encode_append(&request);
        let answer = self
            .call(PeerCallKind::AppendEntries, payload, option.soft_ttl())
            .await?;
        messages::decode_append_outcome(answer).map_err(malformed)
    }

    async fn vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RpcError> {
        let payload = messages::encode_vote(&request, false);
        let answer = self.call(PeerCallKind::Vote, payload, option.soft_ttl()).await?;
        messages::decode_vote_outcome(answer).map_err(malformed)
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RpcError> {
        let payload = messages::encode_vote(&request, true);
        let answer = self.call(PeerCallKind::Vote, payload, option.soft_ttl()).await?;
        messages::decode_vote_outcome(answer).map_err(malformed)
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        let send = self.send_snapshot(vote, snapshot.snapshot, option.soft_ttl());
        tokio::select! {
            biased;
            closed = cancel => Err(StreamingError::Closed(closed)),
            sent = send => Ok(SnapshotResponse::new(sent?)),
        }
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<TypeConfig>, RpcError> {
        let payload = messages::encode_transfer(&request);
        let answer = self
            .call(PeerCallKind::TransferLeader, payload, option.soft_ttl())
            .await?;
        messages::decode_transfer_outcome(answer).map_err(malformed)
    }
}

fn malformed(error: DecodeError) -> RpcError {
    RPCError::Network(NetworkError::new(&error))
}

/// Tells openraft whether to try again at once or to wait. A peer that cannot vote yet or has no space will
/// not be able to a moment later either.
fn rpc_error(error: Error) -> RpcError {
    match error {
        Error::Timeout | Error::Malformed { .. } => RPCError::Network(NetworkError::new(&error)),
        error => RPCError::Unreachable(Unreachable::new(&error)),
    }
}

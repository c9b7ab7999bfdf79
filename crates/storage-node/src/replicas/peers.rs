//! The other storage nodes: Raft messages and content, over gRPC.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use consensus::{NodeId, PeerCall, PeerCallKind, PeerTransport, ReplicaId};
use mailstore::ports::BoxStream;
use mailstore::{BlobId, GroupId, StoreError};
use rpc::{ContentClient, Dialer, RaftCall, RaftClient, RaftFailure, RaftHandler, RaftKind};

use super::{Membership, Replicas};
use crate::stored_content::{ContentPeer, ContentPush};

/// The clients for all other storage nodes.
#[derive(Clone, Default)]
pub struct Peers {
    nodes: Arc<BTreeMap<NodeId, Peer>>,
}

struct Peer {
    name: String,
    raft: RaftClient,
    content: Arc<dyn ContentPeer>,
}

impl Peers {
    /// Returns clients for the nodes that have a dialer.
    #[must_use]
    pub fn new(membership: &Membership, dialers: &BTreeMap<String, Dialer>) -> Self {
        let peers = dialers.iter().filter_map(|(name, dialer)| {
            let content = Arc::new(RemoteContent(ContentClient::new(dialer)));
            Some((
                membership.number(name)?,
                Peer {
                    name: name.clone(),
                    raft: RaftClient::new(dialer),
                    content,
                },
            ))
        });
        Self {
            nodes: Arc::new(peers.collect()),
        }
    }

    /// Returns the content of the nodes, by name.
    pub(super) fn contents(&self) -> BTreeMap<String, Arc<dyn ContentPeer>> {
        let peers = self.nodes.values();
        peers
            .map(|peer| (peer.name.clone(), Arc::clone(&peer.content)))
            .collect()
    }
}

#[async_trait]
impl PeerTransport for Peers {
    async fn call(&self, call: PeerCall, deadline: Duration) -> consensus::Result<Bytes> {
        let node = call.node;
        let Some(peer) = self.nodes.get(&node) else {
            return Err(consensus::Error::Unreachable {
                node,
                detail: "no such node".into(),
            });
        };
        let kind = match call.kind {
            PeerCallKind::AppendEntries => RaftKind::AppendEntries,
            PeerCallKind::Vote => RaftKind::Vote,
            PeerCallKind::TransferLeader => RaftKind::TransferLeader,
            PeerCallKind::Snapshot => RaftKind::Snapshot,
        };
        let sent = RaftCall {
            group: call.group,
            target: call.target.0,
            kind,
            payload: call.payload,
        };
        peer.raft
            .call(sent, deadline)
            .await
            .map_err(|failure| match failure {
                RaftFailure::Timeout => consensus::Error::Timeout,
                RaftFailure::Unreachable(detail) | RaftFailure::Refused(detail) => {
                    consensus::Error::Unreachable { node, detail }
                }
            })
    }
}

/// Gives calls of other nodes to the replicas here.
pub struct RaftEntrance {
    replicas: Replicas,
}

impl RaftEntrance {
    pub(super) fn new(replicas: Replicas) -> Self {
        Self { replicas }
    }
}

#[async_trait]
impl RaftHandler for RaftEntrance {
    async fn call(&self, call: RaftCall) -> Result<Bytes, String> {
        let kind = match call.kind {
            RaftKind::AppendEntries => PeerCallKind::AppendEntries,
            RaftKind::Vote => PeerCallKind::Vote,
            RaftKind::TransferLeader => PeerCallKind::TransferLeader,
            RaftKind::Snapshot => PeerCallKind::Snapshot,
        };
        let groups = &self.replicas.groups;
        let received = PeerCall {
            group: call.group,
            target: ReplicaId(call.target),
            node: groups.node(),
            kind,
            payload: call.payload,
        };
        groups.serve(received).await.map_err(|error| error.to_string())
    }
}

/// The content of another node.
struct RemoteContent(ContentClient);

#[async_trait]
impl ContentPeer for RemoteContent {
    fn push(&self, group: GroupId, size: u64) -> Box<dyn ContentPush> {
        Box::new(RemotePush(self.0.replicate(group, size)))
    }

    async fn fetch(
        &self,
        group: GroupId,
        blob: BlobId,
    ) -> Result<BoxStream<Result<Bytes, StoreError>>, StoreError> {
        self.0.fetch(group, blob).await
    }
}

struct RemotePush(rpc::Replication);

#[async_trait]
impl ContentPush for RemotePush {
    async fn push(&mut self, octets: Bytes) -> Result<(), StoreError> {
        self.0.push(octets).await
    }

    async fn finish(self: Box<Self>, blob: BlobId) -> Result<(), StoreError> {
        self.0.finish(blob).await
    }
}

//! The other storage nodes: Raft messages and content, over gRPC or however else they are reached.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use consensus::{NodeId, PeerCall, PeerCallKind, PeerTransport, ReplicaId};
use mailstore::ports::BoxStream;
use mailstore::{BlobId, GroupId, StoreError};
use parking_lot::RwLock;
use rpc::{
    ContentClient, ControlClient, Dialer, GroupControl, RaftCall, RaftClient, RaftFailure, RaftHandler,
    RaftKind, SlotControl, SlotsClient,
};

use super::Replicas;
use super::placement::{NodeAddress, Placement};
use crate::stored_content::{ContentPeer, ContentPush};

/// One other storage node, as far as replicas are concerned.
#[derive(Clone)]
pub struct PeerLink {
    /// Its replicas.
    pub raft: Arc<dyn PeerTransport>,
    /// Its content.
    pub content: Arc<dyn ContentPeer>,
    /// What it is asked about its replicas.
    pub control: Arc<dyn GroupControl>,
    /// What it is asked when slots move.
    pub slots: Arc<dyn SlotControl>,
}

/// Makes links to other storage nodes, which connect when they are first used.
pub trait PeerLinks: Send + Sync + 'static {
    /// Returns the link to a node; `None` when there is no way to it.
    fn link(&self, node: &NodeAddress) -> Option<PeerLink>;
}

/// The other storage nodes. Cheap to clone; all clones see the same nodes.
#[derive(Clone)]
pub struct Peers {
    links: Arc<dyn PeerLinks>,
    linked: Arc<RwLock<BTreeMap<NodeId, (NodeAddress, PeerLink)>>>,
}

impl Peers {
    /// Returns a set of peers in which there is nobody until a placement names them.
    #[must_use]
    pub fn new(links: Arc<dyn PeerLinks>) -> Self {
        Self {
            links,
            linked: Arc::default(),
        }
    }

    /// Makes links to the other nodes of a placement. Those to nodes that have moved are made anew, those to
    /// nodes that are gone are given up, the rest stay.
    pub(super) fn connect(&self, placement: &Placement) {
        let mut linked = self.linked.write();
        linked.retain(|node, (address, _)| placement.nodes.get(node) == Some(address));
        for (node, address) in &placement.nodes {
            if *node == placement.this || linked.contains_key(node) {
                continue;
            }
            if let Some(link) = self.links.link(address) {
                linked.insert(*node, (address.clone(), link));
            }
        }
    }

    /// Returns the link to a node.
    pub(super) fn link(&self, node: NodeId) -> Option<PeerLink> {
        self.linked.read().get(&node).map(|(_, link)| link.clone())
    }
}

#[async_trait]
impl PeerTransport for Peers {
    async fn call(&self, call: PeerCall, deadline: Duration) -> consensus::Result<Bytes> {
        let node = call.node;
        match self.link(node) {
            Some(link) => link.raft.call(call, deadline).await,
            None => Err(consensus::Error::Unreachable {
                node,
                detail: "no such node".into(),
            }),
        }
    }
}

/// Links over gRPC.
pub struct GrpcLinks<D> {
    dial: D,
}

impl<D> GrpcLinks<D>
where
    D: Fn(&NodeAddress) -> Option<Dialer>,
{
    /// Returns links over the connections that `dial` makes.
    #[must_use]
    pub fn new(dial: D) -> Self {
        Self { dial }
    }
}

impl<D> PeerLinks for GrpcLinks<D>
where
    D: Fn(&NodeAddress) -> Option<Dialer> + Send + Sync + 'static,
{
    fn link(&self, node: &NodeAddress) -> Option<PeerLink> {
        let dialer = (self.dial)(node)?;
        Some(PeerLink {
            raft: Arc::new(RemoteReplicas(RaftClient::new(&dialer))),
            content: Arc::new(RemoteContent(ContentClient::new(&dialer))),
            control: Arc::new(ControlClient::new(&dialer)),
            slots: Arc::new(SlotsClient::new(&dialer)),
        })
    }
}

/// The replicas of another node.
struct RemoteReplicas(RaftClient);

#[async_trait]
impl PeerTransport for RemoteReplicas {
    async fn call(&self, call: PeerCall, deadline: Duration) -> consensus::Result<Bytes> {
        let node = call.node;
        let kind = match call.kind {
            PeerCallKind::AppendEntries => RaftKind::AppendEntries,
            PeerCallKind::Vote => RaftKind::Vote,
            PeerCallKind::TransferLeader => RaftKind::TransferLeader,
            PeerCallKind::Snapshot => RaftKind::Snapshot,
            PeerCallKind::Ping => RaftKind::Ping,
        };
        let sent = RaftCall {
            group: call.group,
            target: call.target.0,
            kind,
            payload: call.payload,
        };
        let answered = self.0.call(sent, deadline).await;
        answered.map_err(|failure| match failure {
            RaftFailure::Timeout => consensus::Error::Timeout,
            RaftFailure::Unreachable(detail) => consensus::Error::Unreachable { node, detail },
            RaftFailure::Refused(detail) => consensus::Error::Refused { node, detail },
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
            RaftKind::Ping => PeerCallKind::Ping,
        };
        let groups = &self.replicas.inner.groups;
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

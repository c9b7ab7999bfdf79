//! One machine's ways to the others over the network, as its replicas use them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use consensus::{PeerCall, PeerCallKind, PeerTransport};
use futures::StreamExt;
use mailstore::ports::BoxStream;
use mailstore::{BlobId, GroupId, StoreError};
use rpc::{ContentHandler, GroupControl, GroupView, RaftCall, RaftHandler, RaftKind, ReplicaProgress};
use storage_node::{ContentPeer, ContentPush, NodeAddress, PeerLink, PeerLinks, StoredContentHandler};
use tokio_util::sync::CancellationToken;

use crate::network::{Network, WeakNetwork};

/// One machine's ways to the others. Holds the network weakly, since the network holds the machines' services.
pub(crate) struct Lines {
    from: String,
    network: WeakNetwork,
    gone: CancellationToken,
}

impl Lines {
    /// Returns the ways of a process, which end when `gone` is cancelled.
    pub(crate) fn new(network: &Network, from: &str, gone: CancellationToken) -> Self {
        Self {
            from: from.to_owned(),
            network: network.downgrade(),
            gone,
        }
    }
}

impl PeerLinks for Lines {
    fn link(&self, node: &NodeAddress) -> Option<PeerLink> {
        let line = Line {
            from: self.from.clone(),
            to: node.name.clone(),
            network: self.network.clone(),
            gone: self.gone.clone(),
        };
        Some(PeerLink {
            raft: Arc::new(line.clone()),
            content: Arc::new(line.clone()),
            control: Arc::new(line),
        })
    }
}

/// One machine's way to another.
#[derive(Clone)]
struct Line {
    from: String,
    to: String,
    network: WeakNetwork,
    gone: CancellationToken,
}

impl Line {
    /// Returns the network for as long as the process is there that speaks.
    fn network(&self) -> Option<Network> {
        self.network.upgrade().filter(|_| !self.gone.is_cancelled())
    }

    async fn content(&self) -> Result<Arc<StoredContentHandler>, StoreError> {
        let unreachable = StoreError::Unavailable("no way to the node");
        let network = self.network().ok_or_else(|| unreachable.clone())?;
        let services = network.reach(&self.from, &self.to).await;
        services.map(|services| services.content).ok_or(unreachable)
    }

    async fn control(&self) -> Result<Arc<dyn GroupControl>, StoreError> {
        let unreachable = StoreError::Unavailable("no way to the node");
        let network = self.network().ok_or_else(|| unreachable.clone())?;
        let services = network.reach(&self.from, &self.to).await;
        services.map(|services| services.control).ok_or(unreachable)
    }

    async fn raft(&self, call: PeerCall) -> consensus::Result<Bytes> {
        let node = call.node;
        let unreachable = |detail: &str| consensus::Error::Unreachable {
            node,
            detail: detail.to_owned(),
        };
        let network = self.network().ok_or_else(|| unreachable("no network"))?;
        let services = network.reach(&self.from, &self.to).await;
        let services = services.ok_or_else(|| unreachable("no way"))?;
        let kind = match call.kind {
            PeerCallKind::AppendEntries => RaftKind::AppendEntries,
            PeerCallKind::Vote => RaftKind::Vote,
            PeerCallKind::TransferLeader => RaftKind::TransferLeader,
            PeerCallKind::Snapshot => RaftKind::Snapshot,
        };
        let received = RaftCall {
            group: call.group,
            target: call.target.0,
            kind,
            payload: call.payload,
        };
        let answered = services.raft.call(received).await;
        if !network.carry(&self.to, &self.from).await {
            // The deadline of the call is what ends it.
            std::future::pending::<()>().await;
        }
        answered.map_err(|detail| unreachable(&detail))
    }
}

#[async_trait]
impl PeerTransport for Line {
    async fn call(&self, call: PeerCall, deadline: Duration) -> consensus::Result<Bytes> {
        let answered = tokio::time::timeout(deadline, self.raft(call)).await;
        answered.unwrap_or(Err(consensus::Error::Timeout))
    }
}

#[async_trait]
impl ContentPeer for Line {
    fn push(&self, group: GroupId, size: u64) -> Box<dyn ContentPush> {
        Box::new(RemotePush {
            line: self.clone(),
            group,
            size,
            pieces: Vec::new(),
        })
    }

    async fn fetch(
        &self,
        group: GroupId,
        blob: BlobId,
    ) -> Result<BoxStream<Result<Bytes, StoreError>>, StoreError> {
        self.content().await?.load(group, blob).await
    }
}

#[async_trait]
impl GroupControl for Line {
    async fn group_status(&self, group: GroupId) -> Result<GroupView, StoreError> {
        self.control().await?.group_status(group).await
    }

    async fn replica_progress(&self, group: GroupId, upto: u64) -> Result<ReplicaProgress, StoreError> {
        self.control().await?.replica_progress(group, upto).await
    }

    async fn add_learner(&self, group: GroupId, replica: u64, node: u64) -> Result<(), StoreError> {
        self.control().await?.add_learner(group, replica, node).await
    }

    async fn change_voters(&self, group: GroupId, voters: Vec<u64>) -> Result<(), StoreError> {
        self.control().await?.change_voters(group, voters).await
    }

    async fn transfer_leader(&self, group: GroupId, replica: u64) -> Result<(), StoreError> {
        self.control().await?.transfer_leader(group, replica).await
    }
}

/// Content on its way to another machine; it goes out whole, at its end.
struct RemotePush {
    line: Line,
    group: GroupId,
    size: u64,
    pieces: Vec<Result<Bytes, StoreError>>,
}

#[async_trait]
impl ContentPush for RemotePush {
    async fn push(&mut self, octets: Bytes) -> Result<(), StoreError> {
        self.pieces.push(Ok(octets));
        Ok(())
    }

    async fn finish(self: Box<Self>, blob: BlobId) -> Result<(), StoreError> {
        let content = self.line.content().await?;
        let pieces = futures::stream::iter(self.pieces).boxed();
        let stored = content.store(self.group, self.size, pieces).await?;
        let network = self.line.network();
        let network = network.ok_or(StoreError::OutcomeUnknown)?;
        if !network.carry(&self.line.to, &self.line.from).await {
            return Err(StoreError::OutcomeUnknown);
        }
        if stored == blob {
            Ok(())
        } else {
            Err(StoreError::Internal("another name".into()))
        }
    }
}

//! The network between machines: calls that take time, and links that can be cut.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use consensus::{PeerCall, PeerCallKind, PeerTransport};
use futures::StreamExt;
use mailstore::command::Subject;
use mailstore::ports::BoxStream;
use mailstore::slots::{SlotCommand, SlotSet};
use mailstore::{BlobId, GroupId, StoreError};
use parking_lot::Mutex;
use rpc::{
    ContentHandler, ContentProgress, CopyProgress, GroupControl, GroupView, RaftCall, RaftHandler, RaftKind,
    ReplicaProgress, SlotControl, SlotMove, SlotSubject, SubjectRows,
};
use storage_node::{
    ContentPeer, ContentPush, Node, NodeAddress, PeerLink, PeerLinks, RaftEntrance, StoredContentHandler,
};
use tokio_util::sync::CancellationToken;

/// How long a message takes each way.
const LATENCY: Duration = Duration::from_millis(1);

/// What one machine answers to others.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) raft: Arc<RaftEntrance>,
    pub(crate) content: Arc<StoredContentHandler>,
    pub(crate) control: Arc<dyn GroupControl>,
    pub(crate) slots: Arc<dyn SlotControl>,
    pub(crate) node: Node,
    /// Cancelled when the process is gone.
    pub(crate) gone: CancellationToken,
}

/// The network. Cheap to clone.
#[derive(Clone, Default)]
pub struct Network {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    listening: BTreeMap<String, Services>,
    cut: BTreeSet<(String, String)>,
}

impl Network {
    /// Cuts the link from one machine to another; the other way stays.
    pub fn cut(&self, from: &str, to: &str) {
        self.state.lock().cut.insert((from.to_owned(), to.to_owned()));
    }

    /// Mends all links.
    pub fn heal(&self) {
        self.state.lock().cut.clear();
    }

    pub(crate) fn listen(&self, name: &str, services: Services) {
        self.state.lock().listening.insert(name.to_owned(), services);
    }

    pub(crate) fn hang_up(&self, name: &str) {
        if let Some(services) = self.state.lock().listening.remove(name) {
            services.gone.cancel();
        }
    }

    /// Brings a message from one machine to another, and gives what that one answers to.
    pub(crate) async fn reach(&self, from: &str, to: &str) -> Option<Services> {
        tokio::time::sleep(LATENCY).await;
        let state = self.state.lock();
        let open = !state.cut.contains(&(from.to_owned(), to.to_owned()));
        state.listening.get(to).filter(|_| open).cloned()
    }

    /// Brings an answer back.
    pub(crate) async fn answer(&self, from: &str, to: &str) -> bool {
        tokio::time::sleep(LATENCY).await;
        !self.state.lock().cut.contains(&(from.to_owned(), to.to_owned()))
    }

    fn downgrade(&self) -> Weak<Mutex<State>> {
        Arc::downgrade(&self.state)
    }
}

/// One machine's ways to the others. Holds the network weakly, since the network holds the machines' services.
pub(crate) struct Lines {
    from: String,
    state: Weak<Mutex<State>>,
}

impl Lines {
    pub(crate) fn new(network: &Network, from: &str) -> Self {
        Self {
            from: from.to_owned(),
            state: network.downgrade(),
        }
    }
}

impl PeerLinks for Lines {
    fn link(&self, node: &NodeAddress) -> Option<PeerLink> {
        let line = Line {
            from: self.from.clone(),
            to: node.name.clone(),
            state: self.state.clone(),
        };
        Some(PeerLink {
            raft: Arc::new(line.clone()),
            content: Arc::new(line.clone()),
            control: Arc::new(line.clone()),
            slots: Arc::new(line),
        })
    }
}

/// One machine's way to another.
#[derive(Clone)]
struct Line {
    from: String,
    to: String,
    state: Weak<Mutex<State>>,
}

impl Line {
    fn network(&self) -> Option<Network> {
        self.state.upgrade().map(|state| Network { state })
    }

    async fn content(&self) -> Result<Arc<StoredContentHandler>, StoreError> {
        let unreachable = StoreError::Unavailable("no way to the node");
        let network = self.network().ok_or_else(|| unreachable.clone())?;
        let services = network.reach(&self.from, &self.to).await;
        services.map(|services| services.content).ok_or(unreachable)
    }

    async fn slots(&self) -> Result<Arc<dyn SlotControl>, StoreError> {
        let unreachable = StoreError::Unavailable("no way to the node");
        let network = self.network().ok_or_else(|| unreachable.clone())?;
        let services = network.reach(&self.from, &self.to).await;
        services.map(|services| services.slots).ok_or(unreachable)
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
            PeerCallKind::Ping => RaftKind::Ping,
        };
        let received = RaftCall {
            group: call.group,
            target: call.target.0,
            kind,
            payload: call.payload,
        };
        let answered = services.raft.call(received).await;
        if !network.answer(&self.to, &self.from).await {
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
        if !network.answer(&self.line.to, &self.line.from).await {
            return Err(StoreError::OutcomeUnknown);
        }
        if stored == blob {
            Ok(())
        } else {
            Err(StoreError::Internal("another name".into()))
        }
    }
}

#[async_trait]
impl SlotControl for Line {
    async fn take_slot_step(&self, group: GroupId, command: SlotCommand) -> Result<(), StoreError> {
        self.slots().await?.take_slot_step(group, command).await
    }

    async fn slot_subjects(&self, group: GroupId, slots: SlotSet) -> Result<Vec<SlotSubject>, StoreError> {
        self.slots().await?.slot_subjects(group, slots).await
    }

    async fn subject_rows(
        &self,
        group: GroupId,
        subject: Subject,
        after: Option<Bytes>,
    ) -> Result<SubjectRows, StoreError> {
        self.slots().await?.subject_rows(group, subject, after).await
    }

    async fn copy_slots(&self, slots: SlotMove, urgent: bool) -> Result<CopyProgress, StoreError> {
        self.slots().await?.copy_slots(slots, urgent).await
    }

    async fn fetch_slot_content(&self, slots: SlotMove, upto: u64) -> Result<ContentProgress, StoreError> {
        self.slots().await?.fetch_slot_content(slots, upto).await
    }

    async fn clear_slots(&self, group: GroupId, slots: SlotSet) -> Result<bool, StoreError> {
        self.slots().await?.clear_slots(group, slots).await
    }
}

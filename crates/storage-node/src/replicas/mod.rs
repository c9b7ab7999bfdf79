//! This node's replicas: the consensus layer behind the [`Replication`](crate::Replication) port.

mod adopt;
mod content_handler;
mod content_placement;
mod control;
mod errors;
mod figures;
mod fill;
mod kept;
mod named;
mod office;
mod peers;
mod placement;
mod replication;

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;

use consensus::{Blocking, EventSink, Groups, MailMachine, NodeParts as GroupParts, Remedy, ReplicaId};
use disk::Disk;
use mailstore::{GroupId, StoreError};
use parking_lot::{Mutex, RwLock};

use crate::slots::SlotWork;
use crate::stored_content::StoredContent;
use fill::{Fills, Pace};
use kept::Kept;

pub use content_handler::StoredContentHandler;
pub use content_placement::ReplicaPlacement;
pub use errors::StartError;
pub use peers::{GrpcLinks, PeerLink, PeerLinks, Peers, RaftEntrance};
pub use placement::{FixedLayout, GroupReplicas, NodeAddress, Placement, PlacementEpoch};

/// What the replicas of a node stand on.
pub struct ReplicaParts {
    /// Log, tables, disk and options. Their transport is to be the peers.
    pub groups: GroupParts,
    /// The other nodes.
    pub peers: Peers,
    /// The content of the groups.
    pub content: StoredContent,
    /// Takes the events of the replicas.
    pub events: Arc<dyn EventSink>,
    /// How many octets of missing content are fetched in a second, at the most.
    pub fetch_bytes_per_second_max: NonZeroU64,
}

/// The replicas of this node, running. Cheap to clone.
#[derive(Clone)]
pub struct Replicas {
    inner: Arc<Inner>,
}

struct Inner {
    groups: Groups<MailMachine>,
    machine: Arc<MailMachine>,
    peers: Peers,
    content: StoredContent,
    fills: Fills,
    pace: Pace,
    disk: Arc<dyn Disk>,
    blocking: Blocking,
    placement: RwLock<Arc<Placement>>,
    /// Replicas that left and may not have been removed in full.
    leaving: Mutex<BTreeMap<ReplicaId, GroupId>>,
    // Held while what runs is made to agree with a placement.
    adopting: tokio::sync::Mutex<()>,
    slots: SlotWork,
}

impl Replicas {
    /// Starts the replicas that the node is to have, and begins those groups that have not begun and that a
    /// replica here is to begin. Returns when all have recovered what their log says was committed.
    ///
    /// A later placement than `placement` that was adopted before goes before it.
    ///
    /// # Errors
    /// Damage to log, tables or snapshots, by name.
    pub async fn start(parts: ReplicaParts, placement: Placement) -> Result<Self, StartError> {
        let (disk, blocking) = (Arc::clone(&parts.groups.disk), parts.groups.blocking.clone());
        let read = {
            let disk = Arc::clone(&disk);
            blocking.run(move || Kept::read(&*disk)).await
        };
        let kept = read.map_err(StartError::Keeping)??;
        let target = newest(kept, placement)?;
        let inner = Inner {
            groups: Groups::new(parts.groups),
            machine: Arc::new(MailMachine::new(parts.events)),
            peers: parts.peers,
            content: parts.content,
            fills: Fills::default(),
            pace: Pace::new(parts.fetch_bytes_per_second_max),
            disk,
            blocking,
            placement: RwLock::new(Arc::new(target.placement.clone())),
            leaving: Mutex::default(),
            adopting: tokio::sync::Mutex::default(),
            slots: SlotWork::default(),
        };
        let replicas = Self {
            inner: Arc::new(inner),
        };
        replicas.take(target).await?;
        Ok(replicas)
    }

    /// Returns the placement that was adopted last.
    #[must_use]
    pub fn placement(&self) -> Arc<Placement> {
        Arc::clone(&self.inner.placement.read())
    }

    /// Returns the error of the ports for an error of a group.
    pub(crate) fn store_error(&self, error: &consensus::Error) -> StoreError {
        self.placement().store_error(error)
    }

    /// Returns the way to another node.
    pub(crate) fn peer(&self, node: consensus::NodeId) -> Option<PeerLink> {
        self.inner.peers.link(node)
    }

    pub(crate) fn content(&self) -> &StoredContent {
        &self.inner.content
    }

    pub(crate) fn slot_work(&self) -> &SlotWork {
        &self.inner.slots
    }

    /// Waits until as much time has passed as so many octets may take that are fetched from elsewhere.
    pub(crate) async fn pay_for(&self, bytes: u64) {
        self.inner.pace.spend(bytes).await;
    }

    /// Waits for a replica that stops without being asked to, and repairs it by filling its tables again
    /// when that is what it needs.
    ///
    /// # Errors
    /// When it cannot be repaired here: the process should stop, since its disk or a replicated entry is at
    /// fault.
    pub async fn repair_next_failure(&self) -> Result<(), StartError> {
        let failure = self.inner.groups.next_failure().await;
        if self.placement().replica_here(failure.group) != Some(failure.replica) {
            // It is being removed.
            return Ok(());
        }
        let (group, remedy) = (failure.group, failure.remedy());
        tracing::warn!(group = group.0, error = %failure.error, ?remedy, "replica has failed");
        let repaired = match remedy {
            Remedy::RebuildShelf(shelf) => self.inner.groups.rebuild_shelf(shelf).await,
            Remedy::RebuildTables(group) => self.inner.groups.rebuild(group).await,
            Remedy::StopProcess => Err(failure.error),
        };
        match repaired {
            // It was removed meanwhile.
            Err(consensus::Error::NoSuchGroup { .. }) => Ok(()),
            repaired => repaired.map_err(|source| StartError::Replica { group, source }),
        }
    }

    /// Returns the way in for calls of other replicas.
    #[must_use]
    pub fn entrance(&self) -> Arc<RaftEntrance> {
        Arc::new(RaftEntrance::new(self.clone()))
    }

    /// Stops all replicas in order.
    ///
    /// # Errors
    /// When one did not stop in order.
    pub async fn shutdown(&self) -> Result<(), StoreError> {
        self.inner
            .groups
            .shutdown()
            .await
            .map_err(|error| StoreError::Internal(error.to_string()))
    }
}

/// Returns what is to run: what was kept, or what is given now when that is newer.
fn newest(kept: Option<Kept>, given: Placement) -> Result<Kept, StartError> {
    let Some(mut kept) = kept else {
        return Ok(Kept {
            placement: given,
            leaving: BTreeMap::new(),
        });
    };
    if kept.placement.this != given.this {
        // The disk is that of another node, whose replicas must not be taken for this one's.
        return Err(StartError::OtherNode {
            this: given.this,
            told: kept.placement.this,
        });
    }
    if given.epoch > kept.placement.epoch {
        kept.leaving
            .extend(adopt::no_longer_here(&kept.placement, &given));
        kept.placement = given;
    }
    Ok(kept)
}

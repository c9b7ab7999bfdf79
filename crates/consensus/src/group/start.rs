//! Starting a replica from what is on its disk.

use std::sync::Arc;

use disk::{Disk, DiskPath};
use kv::{Engine, TableId};
use mailstore::GroupId;
use openraft::{Raft, StorageHelper};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use wal::Log;

use super::{Group, GroupStatus, Role};
use crate::hold::{Hold, Holds};
use crate::log_store::LogStore;
use crate::machine::Machine;
use crate::options::GroupOptions;
use crate::parking::Parking;
use crate::peer::{PeerNetwork, PeerTransport, SnapshotPace};
use crate::snapshot::SnapshotStore;
use crate::state_machine::{Applier, StateMachine};
use crate::tables::GroupTables;
use crate::{Blocking, Error, NodeId, ReplicaId, Result};

/// What all groups of a node share.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) node: NodeId,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) space_reserve_bytes: u64,
    pub(crate) log: Arc<Log>,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) transport: Arc<dyn PeerTransport>,
    pub(crate) blocking: Blocking,
    pub(crate) options: GroupOptions,
    pub(crate) snapshot_pace: Arc<SnapshotPace>,
}

/// What a replica finds when it starts.
struct Restored {
    /// It may have granted a lease before it was restarted, which openraft does not remember.
    may_have_granted_lease: bool,
    /// It is the only voter, so that it need not wait for anyone.
    is_alone: bool,
}

impl<M: Machine> Group<M> {
    /// Starts a replica: fills its tables from the snapshot and the log where they lack something, and begins
    /// to follow, or to lead when it is alone.
    pub(crate) async fn start(
        parts: &Parts,
        id: GroupId,
        replica: ReplicaId,
        machine: Arc<M>,
    ) -> Result<Arc<Self>> {
        let holds = Holds::default();
        let (mut machine, mut log_store) = parts.storage(replica, machine, holds.hold()).await?;
        let restored = restored(&mut log_store, &mut machine, replica).await?;
        let withholds = restored.may_have_granted_lease && !restored.is_alone;
        let withheld_until = withholds.then(|| Instant::now() + parts.options.vote_withholding());
        let config = parts.options.config(!withholds)?;
        let network = PeerNetwork::new((id, replica), parts, holds.hold());
        let held = machine.held(holds.hold());
        let built = Raft::build(replica, config, network, log_store, held).await;
        let raft = built.map_err(|error| match machine.applier.failure() {
            Some(cause) => cause,
            None => Error::Failed {
                detail: error.to_string(),
            },
        })?;
        let group = Arc::new(Self {
            id,
            replica,
            options: parts.options.clone(),
            disk: Arc::clone(&parts.disk),
            space_reserve_bytes: parts.space_reserve_bytes,
            raft,
            machine,
            receiving: Arc::default(),
            withheld_until,
            parking: Mutex::new(Parking::new(Instant::now())),
            campaign_changed: Notify::new(),
            preferred: Mutex::new(None),
            stop: CancellationToken::new(),
            holds,
        });
        group.raft.run();
        if restored.is_alone
            && let Err(error) = group.lead_alone().await
        {
            // Whoever repairs the tables must find nobody who still writes them. Why it failed says more than
            // how it stopped.
            let _ = group.shutdown().await;
            return Err(error);
        }
        Ok(group)
    }

    /// Elects the only voter without waiting for a timeout.
    async fn lead_alone(&self) -> Result<()> {
        self.raft
            .trigger()
            .elect(false)
            .await
            .map_err(|error| self.fatal(error))?;
        let decided = |status: &GroupStatus| status.role == Role::Leader || !status.is_running;
        self.watch().wait_for(decided).await?;
        self.machine.applier.failure().map_or(Ok(()), Err)
    }
}

impl Parts {
    /// Throws away the rows of a replica that does not run.
    pub(crate) async fn reset_tables(&self, replica: ReplicaId) -> Result<()> {
        let tables = GroupTables::new(self.engine.table(TableId::new(replica.0)));
        Ok(self.blocking.run(move || tables.reset()).await??)
    }

    /// Removes what a replica that does not run has on this node.
    pub(crate) async fn erase(&self, replica: ReplicaId) -> Result<()> {
        self.reset_tables(replica).await?;
        let disk = Arc::clone(&self.disk);
        let erase =
            move || -> Result<()> { Ok(SnapshotStore::erase(&*disk, &snapshot_directory(replica)?)?) };
        self.blocking.run(erase).await??;
        let log = self.log.group(wal::GroupId(replica.0));
        let nothing = wal::LogState::default();
        let known = log.state();
        if known.is_ok_and(|state| state == nothing) {
            return Ok(());
        }
        let (removed, outcome) = oneshot::channel();
        log.remove(Box::new(move |result| {
            // Whoever gives up waiting repeats the call later.
            let _ = removed.send(result);
        }))?;
        Ok(outcome.await.unwrap_or(Err(wal::Error::Closed))?)
    }

    /// Opens what a replica has on this node. Everything is named after the replica and not the group, so
    /// that a replica that replaces another never sees what that one left.
    async fn storage<M: Machine>(
        &self,
        replica: ReplicaId,
        machine: Arc<M>,
        hold: Hold,
    ) -> Result<(StateMachine<M>, LogStore)> {
        let log = self.log.group(wal::GroupId(replica.0));
        let log_store = LogStore::new(log, self.blocking.clone(), hold);
        let (disk, engine) = (Arc::clone(&self.disk), Arc::clone(&self.engine));
        let snapshot_bytes = self.options.snapshot_log_bytes;
        let open = move || -> Result<_> {
            let directory = snapshot_directory(replica)?;
            let tables = Arc::new(GroupTables::new(engine.table(TableId::new(replica.0))));
            let snapshots = SnapshotStore::open(disk, directory)?;
            let applier = Applier::open(machine, tables, snapshot_bytes)?;
            applier.snapshot_lags(snapshots.current().and_then(|stored| stored.manifest.state.last));
            Ok((Arc::new(applier), Arc::new(snapshots)))
        };
        let (applier, snapshots) = self.blocking.run(open).await??;
        Ok((
            StateMachine {
                applier,
                snapshots,
                blocking: self.blocking.clone(),
                hold: None,
            },
            log_store,
        ))
    }
}

fn snapshot_directory(replica: ReplicaId) -> Result<DiskPath> {
    let directory = DiskPath::new(&format!("snapshots/replica-{replica}"));
    Ok(directory.map_err(crate::SnapshotError::from)?)
}

async fn restored<M: Machine>(
    log_store: &mut LogStore,
    machine: &mut StateMachine<M>,
    replica: ReplicaId,
) -> Result<Restored> {
    let failed = |detail: String| Error::Failed { detail };
    let may_have_granted_lease = log_store
        .vote()
        .map_err(|error| failed(error.to_string()))?
        .is_some();
    let snapshot = machine
        .snapshots
        .current()
        .map(|stored| stored.manifest.state.membership.clone());
    let known = StorageHelper::new(log_store, machine).get_membership().await;
    let known = known.map_err(|error| failed(error.to_string()))?;
    // Tables that are to be rebuilt know no membership; the snapshot that fills them does.
    let newest = [Some(known.effective().as_ref().clone()), snapshot]
        .into_iter()
        .flatten()
        .max_by_key(|membership| *membership.log_id());
    let is_alone = newest.is_some_and(|membership| membership.voter_ids().eq([replica]));
    Ok(Restored {
        may_have_granted_lease,
        is_alone,
    })
}

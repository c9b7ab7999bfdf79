//! All replicas of a node.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use disk::Disk;
use futures::future::join_all;
use kv::{Engine, ShelfId, ShelfState};
use mailstore::GroupId;
use tokio::sync::{Mutex, mpsc};
use tokio_util::task::TaskTracker;
use wal::Log;

use crate::group::{Group, Parts};
use crate::machine::Machine;
use crate::neighbours::Neighbours;
use crate::options::GroupOptions;
use crate::peer::{PeerCall, PeerCallKind, PeerTransport, SnapshotPace};
use crate::{Blocking, Error, NodeId, ReplicaId, Result};

/// How many failures may wait to be taken. A replica that fails when they are full waits with its report.
const FAILURES_MAX: usize = 64;

/// What the groups of a node stand on.
pub struct NodeParts {
    /// The node.
    pub node: NodeId,
    /// Where snapshots are written.
    pub disk: Arc<dyn Disk>,
    /// Proposals and received entries are refused while fewer bytes are free. To be well above the reserve
    /// of the log, whose refusal stops a replica.
    pub space_reserve_bytes: u64,
    /// The log of the node. Several sets of groups may share it; none may have a replica of another's number.
    pub log: Arc<Log>,
    /// The tables of the node.
    pub engine: Arc<dyn Engine>,
    /// The way to other nodes.
    pub transport: Arc<dyn PeerTransport>,
    /// Where blocking calls run.
    pub blocking: Blocking,
    /// How groups behave.
    pub options: GroupOptions,
}

/// A replica that stopped without being asked to.
#[derive(Debug)]
pub struct Failure {
    /// Its group.
    pub group: GroupId,
    /// The replica.
    pub replica: ReplicaId,
    /// Why.
    pub error: Error,
}

/// What helps against a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// [`Groups::rebuild_shelf`].
    RebuildShelf(ShelfId),
    /// [`Groups::rebuild`].
    RebuildTables(GroupId),
    /// Nothing that can be done here: the disk or a replicated entry is at fault, and the process should stop.
    StopProcess,
}

impl Failure {
    /// Returns what helps. Once the same remedy has failed to help it will not help again.
    pub fn remedy(&self) -> Remedy {
        match (&self.error, self.error.lost_shelf()) {
            (_, Some(shelf)) => Remedy::RebuildShelf(shelf),
            (Error::DamagedTables { .. }, None) => Remedy::RebuildTables(self.group),
            _ => Remedy::StopProcess,
        }
    }
}

/// The replicas that run on a node.
pub struct Groups<M: Machine> {
    parts: Parts,
    neighbours: Arc<Neighbours<M>>,
    goes_rounds: AtomicBool,
    // Held while replicas are started or stopped, so that a rebuild sees all replicas of its shelf.
    changing: Mutex<()>,
    tasks: TaskTracker,
    failures: (mpsc::Sender<Failure>, Mutex<mpsc::Receiver<Failure>>),
}

impl<M: Machine> Groups<M> {
    /// Returns a node without replicas.
    pub fn new(parts: NodeParts) -> Self {
        let (sender, receiver) = mpsc::channel(FAILURES_MAX);
        let parts = Parts {
            node: parts.node,
            disk: parts.disk,
            space_reserve_bytes: parts.space_reserve_bytes,
            log: parts.log,
            engine: parts.engine,
            transport: parts.transport,
            blocking: parts.blocking,
            snapshot_pace: Arc::new(SnapshotPace::new(parts.options.snapshot_bytes_per_second)),
            options: parts.options,
        };
        let (transport, options) = (Arc::clone(&parts.transport), parts.options.clone());
        Self {
            neighbours: Arc::new(Neighbours::new(parts.node, transport, options)),
            goes_rounds: AtomicBool::new(false),
            parts,
            changing: Mutex::default(),
            tasks: TaskTracker::new(),
            failures: (sender, Mutex::new(receiver)),
        }
    }

    /// Returns the node.
    pub fn node(&self) -> NodeId {
        self.parts.node
    }

    /// Starts a replica and returns it when it has recovered what its log says was committed. Starting one
    /// that runs returns it.
    ///
    /// Tables that turn out to be lost or damaged are rebuilt, together with those of the other replicas on a
    /// lost shelf.
    ///
    /// # Errors
    /// Damage to log or snapshot is named and nothing is changed.
    pub async fn start(&self, group: GroupId, replica: ReplicaId, machine: Arc<M>) -> Result<Arc<Group<M>>> {
        let _changing = self.changing.lock().await;
        let error = match self.start_locked(group, replica, Arc::clone(&machine)).await {
            Ok(started) => return Ok(started),
            Err(error) => error,
        };
        match (Failure {
            group,
            replica,
            error,
        }) {
            failure if failure.remedy() == Remedy::StopProcess => Err(failure.error),
            failure => {
                tracing::warn!(group = group.0, error = %failure.error, "tables are rebuilt at start");
                match failure.remedy() {
                    Remedy::RebuildShelf(shelf) => self.rebuild_shelf_locked(shelf).await?,
                    Remedy::RebuildTables(_) | Remedy::StopProcess => {
                        self.parts.reset_tables(replica).await?
                    }
                }
                self.start_locked(group, replica, machine).await
            }
        }
    }

    /// Returns the replica of a group.
    ///
    /// # Errors
    /// [`Error::NoSuchGroup`].
    pub fn get(&self, group: GroupId) -> Result<Arc<Group<M>>> {
        self.neighbours.get(group)
    }

    /// Returns all replicas, by group.
    pub fn all(&self) -> Vec<Arc<Group<M>>> {
        self.neighbours.all()
    }

    /// Returns how many replicas here are parked: nobody uses their group, and no heartbeats are sent.
    pub fn parked(&self) -> usize {
        self.neighbours.parked()
    }

    /// Returns how often a replica here has come to lead since the node began.
    pub fn came_to_lead(&self) -> u64 {
        self.neighbours.came_to_lead()
    }

    /// Says to the other nodes from now on whether this one wants to lead no group, because it is about to stop. It
    /// may lead all the same.
    pub fn decline_leadership(&self, declines: bool) {
        self.neighbours.decline_leadership(declines);
    }

    /// Hands over every group that is led here, as far as another replica is well, keeps up and may lead. Returns
    /// when those have been asked, not when they lead.
    pub async fn hand_over(&self) {
        self.neighbours.hand_over().await;
    }

    /// Answers a call that the transport of another node sent.
    ///
    /// # Errors
    /// Those that the transport carries back; see [`PeerTransport::call`].
    pub async fn serve(&self, call: PeerCall) -> Result<Bytes> {
        if call.kind == PeerCallKind::Ping {
            return self.neighbours.answer(call.payload);
        }
        let group = self.get(call.group)?;
        group.serve(call).await
    }

    /// Stops a replica. What it has on the disk stays.
    ///
    /// # Errors
    /// [`Error::NoSuchGroup`].
    pub async fn stop(&self, group: GroupId) -> Result<()> {
        let _changing = self.changing.lock().await;
        let running = self
            .neighbours
            .running
            .write()
            .remove(&group)
            .ok_or(Error::NoSuchGroup { group })?;
        running.shutdown().await
    }

    /// Removes all that a replica has on this node: its rows, its snapshots and, last, its log, which is what
    /// says that there is something. It is stopped first. Repeating it completes what was cut off, and finds
    /// nothing to do after that.
    ///
    /// To be called only for a replica that left its group for good: one that voted and forgot that it did must
    /// never run again under its id.
    ///
    /// # Errors
    /// Those of the disk, the tables and the log.
    pub async fn erase(&self, replica: ReplicaId) -> Result<()> {
        let _changing = self.changing.lock().await;
        let running = self.all().into_iter().find(|group| group.replica() == replica);
        if let Some(running) = running {
            self.stop_failed(&running).await;
        }
        let erased = self.parts.erase(replica).await;
        match erased.as_ref().err().and_then(Error::lost_shelf) {
            // Its rows are among those that are lost.
            Some(shelf) => {
                self.rebuild_shelf_locked(shelf).await?;
                self.parts.erase(replica).await
            }
            None => erased,
        }
    }

    /// Stops all replicas. The tables are closed by whoever owns the engine.
    ///
    /// # Errors
    /// The first error, after every replica has been asked to stop.
    pub async fn shutdown(&self) -> Result<()> {
        let _changing = self.changing.lock().await;
        self.neighbours.stop.cancel();
        let running = std::mem::take(&mut *self.neighbours.running.write());
        // All are asked first: a caller that gives up waiting leaves none behind that goes on.
        for group in running.values() {
            group.ask_to_stop();
        }
        let stopped = join_all(running.values().map(|group| group.shutdown())).await;
        self.tasks.close();
        self.tasks.wait().await;
        stopped.into_iter().collect()
    }

    /// Waits for a replica that stops without being asked to.
    pub async fn next_failure(&self) -> Failure {
        let failure = self.failures.1.lock().await.recv().await;
        failure.expect("invariant: the sender lives as long as the receiver")
    }

    /// Stops every replica whose tables stand on the shelf, throws its rows away, and starts the replicas
    /// again, which fill their tables from snapshot and log. A shelf that is not lost is left alone: several
    /// replicas may report the same loss.
    ///
    /// # Errors
    /// The first error, after every replica has been tried.
    pub async fn rebuild_shelf(&self, shelf: ShelfId) -> Result<()> {
        let _changing = self.changing.lock().await;
        self.rebuild_shelf_locked(shelf).await
    }

    async fn rebuild_shelf_locked(&self, shelf: ShelfId) -> Result<()> {
        if !matches!(self.parts.engine.report(shelf)?.state, ShelfState::Lost(_)) {
            return Ok(());
        }
        let affected: Vec<_> = self
            .all()
            .into_iter()
            .filter(|group| group.shelf() == shelf)
            .collect();
        for group in &affected {
            self.stop_failed(group).await;
        }
        let engine = Arc::clone(&self.parts.engine);
        self.parts
            .blocking
            .run(move || engine.wipe_shelf(shelf))
            .await??;
        let mut outcome = Ok(());
        for group in affected {
            let machine = group.share_machine();
            outcome = outcome.and(
                self.start_locked(group.id(), group.replica(), machine)
                    .await
                    .map(|_| ()),
            );
        }
        outcome
    }

    /// Stops a replica, throws the rows of its group away, and starts it again.
    ///
    /// # Errors
    /// [`Error::NoSuchGroup`] and those of [`Groups::start`].
    pub async fn rebuild(&self, group: GroupId) -> Result<()> {
        let _changing = self.changing.lock().await;
        let failed = self.get(group)?;
        self.stop_failed(&failed).await;
        self.parts.reset_tables(failed.replica()).await?;
        self.start_locked(group, failed.replica(), failed.share_machine())
            .await
            .map(|_| ())
    }

    async fn stop_failed(&self, group: &Group<M>) {
        self.neighbours.running.write().remove(&group.id());
        // A replica that has failed already cannot be stopped in order, which is no reason to keep it.
        if let Err(error) = group.shutdown().await {
            tracing::warn!(group = group.id().0, %error, "replica did not stop in order");
        }
    }

    async fn start_locked(&self, id: GroupId, replica: ReplicaId, machine: Arc<M>) -> Result<Arc<Group<M>>> {
        if let Ok(running) = self.get(id) {
            return if running.replica() == replica {
                Ok(running)
            } else {
                Err(Error::WrongReplica { target: replica })
            };
        }
        let group = Group::start(&self.parts, id, replica, machine).await?;
        self.neighbours.running.write().insert(id, Arc::clone(&group));
        if !self.goes_rounds.swap(true, Ordering::Relaxed) {
            self.tasks.spawn(Arc::clone(&self.neighbours).go_rounds());
        }
        let failures = self.failures.0.clone();
        let supervised = Arc::clone(&group);
        self.tasks.spawn(async move {
            if let Some(error) = Arc::clone(&supervised).supervise().await {
                tracing::error!(group = id.0, replica = replica.0, %error, "replica stopped");
                let failure = Failure {
                    group: id,
                    replica,
                    error,
                };
                // Without a receiver the node is going down anyway.
                let report = async { drop(failures.send(failure).await) };
                supervised.unless_stopping(report).await;
            }
        });
        Ok(group)
    }
}

impl<M: Machine> Drop for Groups<M> {
    fn drop(&mut self) {
        self.neighbours.stop.cancel();
        // The supervision of a replica holds it, and would for ever.
        for group in self.all() {
            group.ask_to_stop();
        }
    }
}

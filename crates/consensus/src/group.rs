//! One replica of one group, running.

mod copy;
mod errors;
mod idle;
mod look;
mod settled;
mod start;
mod status;
mod supervise;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use disk::Disk;
use kv::ShelfId;
use mailstore::GroupId;
use openraft::errors::{InitializeError, RaftError};
use openraft::{LinearizerOption, Raft};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::hold::Holds;
use crate::machine::{Machine, Subject};
use crate::options::{GroupOptions, ReadPolicy};
use crate::parking::Parking;
use crate::peer::Receiving;
use crate::state_machine::StateMachine;
use crate::tables::SubjectRows;
use crate::types::{Command, Host, Outcome, TypeConfig};
use crate::wire;
use crate::{Error, LogPosition, NodeId, ReplicaId, Result};

pub use copy::SubjectPiece;
pub(crate) use look::Look;
pub use settled::SettledRows;
pub(crate) use start::Parts;
pub use status::{GroupStatus, GroupWatch, Role};

/// A replica of a group. Cheap to share.
pub struct Group<M: Machine> {
    id: GroupId,
    replica: ReplicaId,
    options: GroupOptions,
    disk: Arc<dyn Disk>,
    space_reserve_bytes: u64,
    pub(crate) raft: Raft<TypeConfig, StateMachine<M>>,
    pub(crate) machine: StateMachine<M>,
    pub(crate) receiving: Arc<tokio::sync::Mutex<Receiving>>,
    withheld_until: Option<Instant>,
    parking: Mutex<Parking>,
    campaign_changed: Notify,
    preferred: Mutex<Option<ReplicaId>>,
    stop: CancellationToken,
    holds: Holds,
}

/// An entry that was committed and applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed<R> {
    /// Where it stands in the log.
    pub at: LogPosition,
    /// What the state machine answered.
    pub reply: R,
}

impl<M: Machine> Group<M> {
    /// Returns the group.
    pub fn id(&self) -> GroupId {
        self.id
    }

    /// Returns the replica that runs here.
    pub fn replica(&self) -> ReplicaId {
        self.replica
    }

    /// Returns the state machine.
    pub fn machine(&self) -> &M {
        self.machine.applier.machine()
    }

    pub(crate) fn share_machine(&self) -> Arc<M> {
        self.machine.applier.share_machine()
    }

    /// Returns the shelf on which the group's tables stand.
    pub fn shelf(&self) -> ShelfId {
        self.machine.applier.tables().shelf()
    }

    /// Proposes an entry and waits until it is committed and applied here.
    ///
    /// Giving up waiting does not take the entry back.
    ///
    /// # Errors
    /// [`Error::NotLeader`], [`Error::NoQuorum`] and [`Error::EntryTooLarge`] when nothing was proposed, and a full
    /// disk as [`Error::Log`]. After [`Error::OutcomeUnknown`] the entry may be committed at any later time.
    #[tracing::instrument(name = "consensus.propose", skip_all, fields(group = self.id.0, bytes = entry.len()))]
    pub async fn propose(&self, entry: Bytes) -> Result<Committed<M::Reply>> {
        let bytes_max = self.options.entry_bytes_max;
        if entry.len() > bytes_max {
            return Err(Error::EntryTooLarge {
                bytes: entry.len(),
                bytes_max,
            });
        }
        self.check_space()?;
        self.wake().await?;
        let written = self
            .raft
            .client_write(Command::proposed(entry))
            .await
            .map_err(|error| self.write_error(error))?;
        let reply = match written.data {
            Outcome::Reply(reply) => reply.downcast::<M::Reply>(),
            Outcome::Internal | Outcome::Skipped => return Err(Error::OutcomeUnknown),
        };
        let reply = reply.expect("invariant: the machine of this group made the reply");
        Ok(Committed {
            at: wire::position(&written.log_id),
            reply: *reply,
        })
    }

    /// Makes sure that this replica leads and has applied everything that was committed when it was called.
    /// What is read from the tables afterwards is linearizable. Returns the position that was waited for.
    ///
    /// # Errors
    /// [`Error::NotLeader`] and [`Error::NoQuorum`].
    pub async fn read_barrier(&self) -> Result<LogPosition> {
        // A leader that was parked asks a majority, whatever its lease says.
        self.wake().await?;
        let option = match self.options.read_policy {
            ReadPolicy::Lease => LinearizerOption::new(None, true),
            ReadPolicy::ReadIndex => LinearizerOption::from(openraft::ReadPolicy::ReadIndex),
        };
        let barrier = self
            .raft
            .ensure_linearizable(option)
            .await
            .map_err(|error| self.read_error(error))?;
        Ok(wire::position(barrier.log_id()))
    }

    /// Runs a question on the rows of one subject as they stand between two batches of entries. Whoever needs
    /// a linearizable answer calls [`Group::read_barrier`] before.
    ///
    /// # Errors
    /// [`Error::Tables`].
    pub async fn read<T, F>(&self, subject: Subject, question: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&SubjectRows<'_>) -> T + Send + 'static,
    {
        self.read_with_header(subject, move |_, rows| question(rows))
            .await
    }

    /// Returns up to `count_max` subjects from `first` to `last`, both included, in order: shorter names first,
    /// names of one length by their bytes.
    ///
    /// # Errors
    /// [`Error::Tables`].
    pub async fn subjects_between(
        &self,
        first: Subject,
        last: Subject,
        count_max: usize,
    ) -> Result<Vec<Subject>> {
        let tables = self.machine.applier.share_tables();
        Ok(self
            .machine
            .blocking
            .run(move || tables.subjects_between(&first, &last, count_max))
            .await??)
    }

    /// Returns the subjects that entries behind the index `behind` changed, as far as they have been applied.
    ///
    /// # Errors
    /// [`Error::Tables`].
    pub async fn subjects_changed(&self, behind: Option<u64>) -> Result<Vec<Subject>> {
        let tables = self.machine.applier.share_tables();
        Ok(self
            .machine
            .blocking
            .run(move || tables.subjects_changed(behind))
            .await??)
    }

    /// Begins the group with these voters. To be called once, on one of them, when the group is created.
    ///
    /// # Errors
    /// [`Error::Membership`] when the group has begun already.
    pub async fn initialize(&self, voters: BTreeMap<ReplicaId, NodeId>) -> Result<()> {
        self.raft
            .initialize(hosts(voters))
            .await
            .map_err(|error| self.membership_error(error))
    }

    /// Begins the group with these voters unless it has begun, and says whether it did. To be called on one and
    /// the same of them at each start: only the replica itself knows for certain what is in its log.
    ///
    /// # Errors
    /// [`Error::Membership`] when this replica is not one of the voters.
    pub async fn begin(&self, voters: BTreeMap<ReplicaId, NodeId>) -> Result<bool> {
        match self.raft.initialize(hosts(voters)).await {
            Ok(()) => Ok(true),
            Err(RaftError::APIError(InitializeError::NotAllowed(_))) => Ok(false),
            Err(error) => Err(self.membership_error(error)),
        }
    }

    /// Adds a replica that receives the log but does not vote, and returns when that is committed. One that is a
    /// member already stays what it is.
    ///
    /// # Errors
    /// [`Error::NotLeader`] and [`Error::Membership`].
    pub async fn admit(&self, replica: ReplicaId, node: NodeId) -> Result<()> {
        let status = self.status();
        if status.role == Role::Leader && status.members.get(&replica) == Some(&node) {
            return Ok(());
        }
        self.wake().await?;
        let added = self.raft.add_learner(replica, Host { node }, false).await;
        added.map(|_| ()).map_err(|error| self.write_error(error))
    }

    /// Adds a replica that receives the log but does not vote, and waits until it holds everything up to the
    /// entry that added it.
    ///
    /// # Errors
    /// [`Error::NotLeader`] when this replica does not lead or ceases to, and [`Error::Membership`].
    pub async fn add_learner(&self, replica: ReplicaId, node: NodeId) -> Result<()> {
        self.wake().await?;
        let added = self.raft.add_learner(replica, Host { node }, false).await;
        let added = added.map_err(|error| self.write_error(error))?.log_id;
        self.watch().replicated(replica, added).await
    }

    /// Replaces the voters by these, which must be members already. Voters that are left out leave the group.
    ///
    /// # Errors
    /// [`Error::NotLeader`] and [`Error::Membership`].
    pub async fn change_voters(&self, voters: impl IntoIterator<Item = ReplicaId>) -> Result<()> {
        let voters: std::collections::BTreeSet<_> = voters.into_iter().collect();
        self.wake().await?;
        let changed = self.raft.change_membership(voters, false).await;
        changed.map(|_| ()).map_err(|error| self.write_error(error))
    }

    /// Asks the replica `to` to take over. Returns when it has been asked, not when it leads. From then on this
    /// replica takes no entries, so nothing is asked of one that does not keep up.
    ///
    /// # Errors
    /// [`Error::NotLeader`], and [`Error::Timeout`] when `to` does not receive entries in time.
    pub async fn transfer_leader(&self, to: ReplicaId) -> Result<()> {
        self.check_space()?;
        self.wake().await?;
        // openraft hands over only to a replica whose log has moved since its start. It would wait for that, and
        // proposals with it.
        let moved = self.raft.write_blank().await;
        let moved = moved.map_err(|error| self.write_error(error))?.log_id;
        let mut watch = self.watch();
        let replicated = watch.replicated(to, moved);
        let replicated = tokio::time::timeout(self.options.election_timeout_min, replicated).await;
        replicated.map_err(|_| Error::Timeout)??;
        self.raft
            .trigger()
            .transfer_leader(to)
            .await
            .map_err(|error| self.fatal(error))
    }

    /// Says which replica is best to lead the group; nothing when any is as good. A leader that is another one hands
    /// over once that one votes, is well and keeps up, unless its node wants to lead no group.
    pub fn prefer_leader(&self, replica: Option<ReplicaId>) {
        *self.preferred.lock() = replica;
    }

    /// Returns the replica that is best to lead.
    pub fn preferred_leader(&self) -> Option<ReplicaId> {
        *self.preferred.lock()
    }

    /// Lets the replica ask for votes now, for when its leader is known to be dead. Voters refuse while the
    /// leader's lease runs, and this replica does nothing while it withholds votes.
    ///
    /// # Errors
    /// [`Error::VoteWithheld`] and [`Error::Stopped`].
    pub async fn campaign(&self) -> Result<()> {
        if self.withholds_votes() {
            return Err(Error::VoteWithheld);
        }
        self.raft
            .trigger()
            .elect(true)
            .await
            .map_err(|error| self.fatal(error))
    }

    /// Asks for a snapshot now. Returns when it has been asked for.
    ///
    /// # Errors
    /// [`Error::Stopped`].
    pub async fn trigger_snapshot(&self) -> Result<()> {
        self.raft
            .trigger()
            .snapshot()
            .await
            .map_err(|error| self.fatal(error))
    }

    /// Stops the replica and waits until it has stopped: nothing of it writes to tables, log or snapshots any
    /// more. Calling it again does nothing.
    ///
    /// # Errors
    /// [`Error::Failed`] when it did not stop in order.
    pub async fn shutdown(&self) -> Result<()> {
        self.ask_to_stop();
        let stopped = self.raft.shutdown().await;
        self.holds.released().await;
        stopped.map_err(|error| Error::Failed {
            detail: error.to_string(),
        })
    }

    /// Ends the supervision of the replica, so that it stops with its last handle when nobody waits for it.
    pub(crate) fn ask_to_stop(&self) {
        self.stop.cancel();
    }

    /// Returns whether votes are withheld because of a restart.
    pub(crate) fn withholds_votes(&self) -> bool {
        self.withheld_until.is_some_and(|until| Instant::now() < until)
    }

    /// Refuses what would grow the log when the disk is nearly full. openraft stops for good when an append
    /// fails, so this leaves more than the log's own reserve.
    pub(crate) fn check_space(&self) -> Result<()> {
        let free = self.disk.free_bytes().map_err(wal::Error::from)?;
        if free < self.space_reserve_bytes {
            Err(Error::Log(wal::Error::NoSpace))
        } else {
            Ok(())
        }
    }
}

impl<M: Machine> Drop for Group<M> {
    fn drop(&mut self) {
        // What openraft spawned ends with its handle, but for calls to other replicas under way.
        self.holds.end();
    }
}

fn hosts(voters: BTreeMap<ReplicaId, NodeId>) -> BTreeMap<ReplicaId, Host> {
    let host = |(replica, node)| (replica, Host { node });
    voters.into_iter().map(host).collect()
}

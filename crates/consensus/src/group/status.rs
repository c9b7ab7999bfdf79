//! What is known about a replica from outside.

use std::collections::{BTreeMap, BTreeSet};

use openraft::ServerState;
use openraft::alias::WatchReceiverOf;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::metrics::RaftMetrics;

use super::Group;
use crate::machine::Machine;
use crate::types::{LogId, TypeConfig};
use crate::wire;
use crate::{Error, LeaderHint, LogPosition, NodeId, ReplicaId, Result};

/// The part that a replica plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It receives the log and does not vote.
    Learner,
    /// It votes and follows.
    Follower,
    /// It asks for votes.
    Candidate,
    /// It leads.
    Leader,
    /// It has stopped.
    Stopped,
}

/// A replica's view of its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupStatus {
    /// What it does.
    pub role: Role,
    /// The newest term that it knows.
    pub term: u64,
    /// The leader that it knows.
    pub leader: Option<LeaderHint>,
    /// The last entry in its log.
    pub last_index: Option<u64>,
    /// The last entry that it knows to be committed.
    pub committed: Option<LogPosition>,
    /// The last entry whose effect is in its tables.
    pub applied: Option<LogPosition>,
    /// The position of its newest snapshot.
    pub snapshot: Option<LogPosition>,
    /// The last entry that it has purged.
    pub purged: Option<LogPosition>,
    /// The voters: while they are being replaced, the old and the new ones.
    pub voters: Vec<ReplicaId>,
    /// The sets of voters of each of which a majority is needed: one, or two while they are being replaced.
    pub quorums: Vec<BTreeSet<ReplicaId>>,
    /// The nodes that host the members.
    pub members: BTreeMap<ReplicaId, NodeId>,
    /// The members that do not vote.
    pub learners: Vec<ReplicaId>,
    /// Whether it runs.
    pub is_running: bool,
}

/// Follows the status of a replica.
#[derive(Clone)]
pub struct GroupWatch {
    metrics: WatchReceiverOf<TypeConfig, RaftMetrics<TypeConfig>>,
}

impl GroupWatch {
    /// Returns the newest status.
    pub fn status(&self) -> GroupStatus {
        status(&self.metrics.borrow_watched())
    }

    /// Waits for another status than the last one that was waited for.
    ///
    /// # Errors
    /// [`Error::Stopped`] when there will be none.
    pub async fn changed(&mut self) -> Result<GroupStatus> {
        self.metrics.changed().await.map_err(|_| Error::Stopped)?;
        Ok(status(&self.metrics.borrow_and_update()))
    }

    /// Waits for a status that fulfils the condition, which may be the present one.
    ///
    /// # Errors
    /// [`Error::Stopped`] when there will be none.
    pub async fn wait_for(&mut self, mut condition: impl FnMut(&GroupStatus) -> bool) -> Result<GroupStatus> {
        loop {
            let newest = status(&self.metrics.borrow_and_update());
            if condition(&newest) {
                return Ok(newest);
            }
            self.metrics.changed().await.map_err(|_| Error::Stopped)?;
        }
    }
}

impl GroupWatch {
    /// Waits until the leader knows that a replica holds the log up to `upto`.
    pub(super) async fn replicated(&mut self, replica: ReplicaId, upto: LogId) -> Result<()> {
        loop {
            {
                let metrics = self.metrics.borrow_and_update();
                let Some(replication) = &metrics.replication else {
                    return Err(Error::NotLeader {
                        hint: status(&metrics).leader,
                    });
                };
                if replication
                    .get(&replica)
                    .is_some_and(|matched| *matched >= Some(upto))
                {
                    return Ok(());
                }
            }
            self.metrics.changed().await.map_err(|_| Error::Stopped)?;
        }
    }
}

impl<M: Machine> Group<M> {
    /// Returns what the replica knows now.
    pub fn status(&self) -> GroupStatus {
        self.watch().status()
    }

    /// Returns how far a member's log is known to agree with this one's: nothing when this replica does not lead,
    /// or when nothing has come of the member yet.
    pub fn replicated_to(&self, replica: ReplicaId) -> Option<LogPosition> {
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        let matched = metrics.replication.as_ref()?.get(&replica)?;
        matched.as_ref().map(wire::position)
    }

    /// Tells whether a majority answers this replica, which leads. One that has heard of no majority for longer than
    /// an election takes can commit nothing, and may have been replaced without knowing. While the group is parked its
    /// nodes hear of each other.
    pub fn hears_majority(&self) -> bool {
        if self.is_parked() {
            return true;
        }
        let metrics = self.raft.metrics();
        let metrics = metrics.borrow_watched();
        let alone = metrics.membership_config.membership().voter_ids().count() <= 1;
        let silence_max = self.options.election_timeout_max * 2;
        let heard = metrics.last_quorum_acked;
        alone || heard.is_some_and(|heard| openraft::Instant::elapsed(&*heard) <= silence_max)
    }

    /// Follows what the replica knows.
    pub fn watch(&self) -> GroupWatch {
        GroupWatch {
            metrics: self.raft.metrics(),
        }
    }
}

fn status(metrics: &RaftMetrics<TypeConfig>) -> GroupStatus {
    let membership = metrics.membership_config.membership();
    let node = |replica: &ReplicaId| membership.get_node(replica).map(|host| host.node);
    let leader = metrics.current_leader.map(|replica| LeaderHint {
        replica,
        node: node(&replica),
    });
    GroupStatus {
        role: role(metrics.state),
        term: metrics.current_term,
        leader,
        last_index: metrics.last_log_index,
        committed: metrics.local_committed.as_ref().map(wire::position),
        applied: metrics.last_applied.as_ref().map(wire::position),
        snapshot: metrics.snapshot.as_ref().map(wire::position),
        purged: metrics.purged.as_ref().map(wire::position),
        voters: membership.voter_ids().collect(),
        learners: membership.learner_ids().collect(),
        quorums: membership.get_joint_config().clone(),
        members: membership
            .nodes()
            .map(|(replica, host)| (*replica, host.node))
            .collect(),
        is_running: metrics.running_state.is_ok(),
    }
}

fn role(state: ServerState) -> Role {
    match state {
        ServerState::Learner => Role::Learner,
        ServerState::Follower => Role::Follower,
        ServerState::Candidate => Role::Candidate,
        ServerState::Leader => Role::Leader,
        ServerState::Shutdown => Role::Stopped,
    }
}

//! What decides whether a replica may be parked and who is to lead, read off openraft's metrics.

use std::collections::{BTreeMap, BTreeSet};

use openraft::ServerState;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::metrics::RaftMetrics;

use super::Group;
use crate::machine::Machine;
use crate::parking::Agreement;
use crate::types::TypeConfig;
use crate::{NodeId, ReplicaId};

/// A replica at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) is_running: bool,
    pub(crate) term: u64,
    pub(crate) leads: bool,
    pub(crate) leader: Option<ReplicaId>,
    pub(crate) members: BTreeMap<ReplicaId, NodeId>,
    pub(crate) voters: BTreeSet<ReplicaId>,
    /// The last entry, if it is committed and applied here and no members are being replaced.
    settled: Option<u64>,
    /// By how many entries the others are known to be behind the leader.
    behind: BTreeMap<ReplicaId, u64>,
}

/// A replica that is behind by no more takes over quickly.
const BEHIND_MAX: u64 = 256;

impl Look {
    /// Returns what the members would have to have in common for the group to be parked now.
    pub(crate) fn agreement(&self) -> Option<Agreement> {
        Some(Agreement {
            term: self.term,
            leader: self.leader.filter(|_| self.is_running)?,
            last_index: self.settled?,
        })
    }

    /// Returns whether every other member holds the leader's log.
    pub(crate) fn is_complete(&self, this: ReplicaId) -> bool {
        self.members
            .keys()
            .all(|member| *member == this || self.behind.get(member) == Some(&0))
    }

    /// Returns whether a member holds nearly all of the leader's log.
    pub(crate) fn keeps_up(&self, member: ReplicaId) -> bool {
        self.behind
            .get(&member)
            .is_some_and(|behind| *behind <= BEHIND_MAX)
    }

    /// Returns the nodes of the other members.
    pub(crate) fn others(&self, this: ReplicaId) -> BTreeSet<NodeId> {
        let others = self.members.iter().filter(|(member, _)| **member != this);
        others.map(|(_, node)| *node).collect()
    }

    /// Returns the term and leader that the replica follows.
    pub(crate) fn follows(&self) -> Option<(u64, ReplicaId)> {
        self.leader.map(|leader| (self.term, leader))
    }

    /// Returns the node of the leader that the replica follows.
    pub(crate) fn leader_node(&self) -> Option<NodeId> {
        self.leader.and_then(|leader| self.members.get(&leader)).copied()
    }
}

impl<M: Machine> Group<M> {
    /// Returns what can be seen of the replica now.
    pub(crate) fn look(&self) -> Look {
        look(&self.raft.metrics().borrow_watched())
    }
}

fn look(metrics: &RaftMetrics<TypeConfig>) -> Look {
    let membership = metrics.membership_config.membership();
    let last = metrics.last_log_index;
    let is_at_end = |position: &Option<crate::types::LogId>| {
        position.as_ref().map(|position| position.index) == last && last.is_some()
    };
    let settled = is_at_end(&metrics.local_committed)
        && is_at_end(&metrics.last_applied)
        && membership.get_joint_config().len() == 1;
    let matched = metrics.replication.iter().flatten();
    let behind = matched.filter_map(|(replica, matched)| {
        let matched = matched.as_ref()?.index;
        Some((*replica, last?.saturating_sub(matched)))
    });
    Look {
        is_running: metrics.running_state.is_ok(),
        term: metrics.current_term,
        leads: metrics.state == ServerState::Leader,
        leader: metrics.current_leader,
        members: membership
            .nodes()
            .map(|(replica, host)| (*replica, host.node))
            .collect(),
        voters: membership.voter_ids().collect(),
        settled: last.filter(|_| settled),
        behind: behind.collect(),
    }
}

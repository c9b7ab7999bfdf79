//! What has to be changed so that every group has its voters on nodes that are there.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mailstore::GroupId;
use mailstore::ids::{NodeId, ReplicaId};

use crate::command::Command;
use crate::model::{ChangeReason, Directory, Group, NodeState};

/// What is known of the nodes beside the directory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Observed {
    /// Nodes that do not answer, and for how long they have not.
    pub silent: BTreeMap<NodeId, Duration>,
}

/// How much is changed at one time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlanLimits {
    /// After how long a silent node's replicas are made anew elsewhere.
    pub gone_after: Duration,
    /// Changes that one node takes part in at one time.
    pub changes_per_node_max: usize,
}

/// A change of one group's replicas that is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlannedChange {
    /// The group.
    pub group: GroupId,
    /// The node that is to have a new replica.
    pub add_on: Option<NodeId>,
    /// The replica that is to leave.
    pub remove: Option<ReplicaId>,
    /// Why.
    pub reason: ChangeReason,
}

impl From<PlannedChange> for Command {
    fn from(planned: PlannedChange) -> Self {
        Self::BeginChange {
            group: planned.group,
            add_on: planned.add_on,
            remove: planned.remove,
            reason: planned.reason,
        }
    }
}

/// What changes are planned for, the most urgent first.
const URGENCY: [ChangeReason; 5] = [
    ChangeReason::Repair,
    ChangeReason::Grow,
    ChangeReason::Leave,
    ChangeReason::Shrink,
    ChangeReason::Balance,
];

/// Returns the changes that are to be begun now, the most urgent first. Nothing is planned for a group that is being
/// changed, nor for one that has too few voters left to agree to anything.
#[must_use]
pub fn plan(directory: &Directory, observed: &Observed, limits: &PlanLimits) -> Vec<PlannedChange> {
    let mut planner = Planner::new(directory, observed, limits);
    let mut planned = Vec::new();
    for reason in URGENCY {
        for (id, group) in &directory.groups {
            if planner.is_changeable(*id, group)
                && let Some(change) = planner.needed(reason, *id, group)
                && planner.has_room_for(group, &change)
            {
                planner.book(group, &change);
                planned.push(change);
            }
        }
    }
    planned
}

struct Planner<'a> {
    directory: &'a Directory,
    observed: &'a Observed,
    limits: &'a PlanLimits,
    /// Replicas that each node is to have when all that is under way or planned has been done.
    load: BTreeMap<NodeId, usize>,
    /// Changes that each node takes part in.
    changes: BTreeMap<NodeId, usize>,
    planned: BTreeSet<GroupId>,
}

impl<'a> Planner<'a> {
    fn new(directory: &'a Directory, observed: &'a Observed, limits: &'a PlanLimits) -> Self {
        let mut planner = Self {
            directory,
            observed,
            limits,
            load: BTreeMap::new(),
            changes: BTreeMap::new(),
            planned: BTreeSet::new(),
        };
        for group in directory.groups.values() {
            for node in group.voters().values() {
                *planner.load.entry(*node).or_default() += 1;
            }
            let change = group.change.iter();
            let touched = change.flat_map(|change| [change.add, change.remove]).flatten();
            for node in touched.filter_map(|replica| group.replicas.get(&replica)) {
                *planner.changes.entry(*node).or_default() += 1;
            }
        }
        planner
    }

    fn load(&self, node: NodeId) -> usize {
        self.load.get(&node).copied().unwrap_or(0)
    }

    fn state(&self, node: NodeId) -> NodeState {
        let node = self.directory.nodes.get(&node);
        node.map_or(NodeState::Lost, |node| node.state)
    }

    fn is_silent(&self, node: NodeId) -> bool {
        self.observed.silent.contains_key(&node)
    }

    /// Tells whether what a node has is to be made anew elsewhere.
    fn is_gone(&self, node: NodeId) -> bool {
        let silent = self.observed.silent.get(&node);
        self.state(node) == NodeState::Lost || silent.is_some_and(|silent| *silent >= self.limits.gone_after)
    }

    /// A change of members needs the agreement of a majority.
    fn is_changeable(&self, id: GroupId, group: &Group) -> bool {
        let answering = group
            .replicas
            .values()
            .filter(|node| !self.is_lost_or_silent(**node));
        group.change.is_none()
            && group.founder.is_none()
            && !self.planned.contains(&id)
            && answering.count() * 2 > group.replicas.len()
    }

    fn is_lost_or_silent(&self, node: NodeId) -> bool {
        self.is_silent(node) || self.state(node) == NodeState::Lost
    }

    fn zone(&self, node: NodeId) -> &str {
        let node = self.directory.nodes.get(&node);
        node.map(|node| node.zone.as_str()).unwrap_or_default()
    }

    /// Returns the node that is to have a new replica of a group, of which `leaving` will be no more: one in a zone
    /// without another replica if there is one, and then the one with the fewest.
    fn target(&self, group: &Group, leaving: Option<ReplicaId>) -> Option<NodeId> {
        let staying = group
            .replicas
            .iter()
            .filter(|(replica, _)| Some(**replica) != leaving);
        let zones: Vec<&str> = staying.map(|(_, node)| self.zone(*node)).collect();
        let shared = |node: NodeId| {
            let zone = self.zone(node);
            zones
                .iter()
                .filter(|taken| !zone.is_empty() && **taken == zone)
                .count()
        };
        let nodes = self.directory.nodes.keys().copied();
        let open = nodes.filter(|node| self.takes_replicas(*node) && group.on(*node).is_none());
        open.min_by_key(|node| (shared(*node), self.load(*node), *node))
    }

    fn takes_replicas(&self, node: NodeId) -> bool {
        self.state(node) == NodeState::Active && !self.is_silent(node)
    }

    /// Returns the count of voters that groups are to have with the nodes that there are: odd, since one more would add
    /// nothing but work.
    fn voters_wanted(&self) -> usize {
        let nodes = self.directory.nodes.keys();
        let usable = nodes.filter(|node| match self.state(**node) {
            NodeState::Active | NodeState::Cordoned | NodeState::Drained => !self.is_gone(**node),
            NodeState::Leaving | NodeState::Lost => false,
        });
        let usable = usable.count();
        let wanted = usize::try_from(self.directory.voters).unwrap_or(usize::MAX);
        let odd = if usable % 2 == 0 {
            usable.saturating_sub(1)
        } else {
            usable
        };
        wanted.min(odd).max(1)
    }

    fn replaced(
        &self,
        id: GroupId,
        group: &Group,
        replica: ReplicaId,
        reason: ChangeReason,
    ) -> Option<PlannedChange> {
        Some(PlannedChange {
            group: id,
            add_on: Some(self.target(group, Some(replica))?),
            remove: Some(replica),
            reason,
        })
    }

    fn needed(&self, reason: ChangeReason, id: GroupId, group: &Group) -> Option<PlannedChange> {
        match reason {
            ChangeReason::Repair => self.repair(id, group),
            ChangeReason::Grow => self.grow(id, group),
            ChangeReason::Leave => self.leave(id, group),
            ChangeReason::Shrink => self.shrink(id, group),
            ChangeReason::Balance => self.balance(id, group),
            ChangeReason::Order => None,
        }
    }

    fn repair(&self, id: GroupId, group: &Group) -> Option<PlannedChange> {
        let mut replicas = group.replicas.iter();
        let (gone, _) = replicas.find(|(_, node)| self.is_gone(**node))?;
        self.replaced(id, group, *gone, ChangeReason::Repair)
    }

    fn leave(&self, id: GroupId, group: &Group) -> Option<PlannedChange> {
        let mut replicas = group.replicas.iter();
        let (leaving, _) = replicas.find(|(_, node)| self.state(**node) == NodeState::Leaving)?;
        self.replaced(id, group, *leaving, ChangeReason::Leave)
    }

    fn grow(&self, id: GroupId, group: &Group) -> Option<PlannedChange> {
        let missing = group.replicas.len() < self.voters_wanted();
        let target = missing.then(|| self.target(group, None)).flatten()?;
        Some(PlannedChange {
            group: id,
            add_on: Some(target),
            remove: None,
            reason: ChangeReason::Grow,
        })
    }

    /// A group is made smaller only when fewer voters were asked for, or when a node leaves and no other has room.
    fn shrink(&self, id: GroupId, group: &Group) -> Option<PlannedChange> {
        let wanted = usize::try_from(self.directory.voters).unwrap_or(usize::MAX);
        let leaves = |node: &NodeId| self.state(*node) == NodeState::Leaving;
        let without_room = group.replicas.values().any(leaves) && group.replicas.len() > self.voters_wanted();
        if group.replicas.len() <= wanted && !without_room {
            return None;
        }
        let replicas = group.replicas.iter();
        let (remove, _) =
            replicas.max_by_key(|(_, node)| (leaves(node), self.is_silent(**node), self.load(**node)))?;
        Some(PlannedChange {
            group: id,
            add_on: None,
            remove: Some(*remove),
            reason: ChangeReason::Shrink,
        })
    }

    /// Moves a replica from a node to one that has at least two fewer.
    fn balance(&self, id: GroupId, group: &Group) -> Option<PlannedChange> {
        if !self.directory.balancing {
            return None;
        }
        let replicas = group.replicas.iter();
        let (replica, from) = replicas.max_by_key(|(_, node)| self.load(**node))?;
        let target = self.target(group, Some(*replica))?;
        let even = self.load(*from) < self.load(target) + 2;
        (!even).then_some(PlannedChange {
            group: id,
            add_on: Some(target),
            remove: Some(*replica),
            reason: ChangeReason::Balance,
        })
    }

    fn touched(group: &Group, change: &PlannedChange) -> impl Iterator<Item = NodeId> {
        let removed_on = change
            .remove
            .and_then(|replica| group.replicas.get(&replica).copied());
        change.add_on.into_iter().chain(removed_on)
    }

    fn has_room_for(&self, group: &Group, change: &PlannedChange) -> bool {
        Self::touched(group, change).all(|node| {
            let changes = self.changes.get(&node).copied().unwrap_or(0);
            // What is gone bears no load.
            changes < self.limits.changes_per_node_max || self.is_gone(node)
        })
    }

    fn book(&mut self, group: &Group, change: &PlannedChange) {
        self.planned.insert(change.group);
        for node in Self::touched(group, change) {
            *self.changes.entry(node).or_default() += 1;
        }
        if let Some(node) = change.add_on {
            *self.load.entry(node).or_default() += 1;
        }
        let left = change.remove.and_then(|replica| group.replicas.get(&replica));
        if let Some(load) = left.and_then(|node| self.load.get_mut(node)) {
            *load = load.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests;

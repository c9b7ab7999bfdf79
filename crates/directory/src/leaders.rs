//! Which replica of each group is to lead, so that every node leads its share.

use std::collections::BTreeMap;

use mailstore::GroupId;
use mailstore::ids::{NodeId, ReplicaId};

use crate::model::{Directory, Group, NodeState};

impl Directory {
    /// Returns the replica of each group that is to lead it where it can: one that votes, on the node that has been
    /// given the fewest so far among those that may lead. The same directory gives the same answer everywhere.
    #[must_use]
    pub fn preferred_leaders(&self) -> BTreeMap<GroupId, ReplicaId> {
        let mut led: BTreeMap<NodeId, usize> = BTreeMap::new();
        let mut preferred = BTreeMap::new();
        for (id, group) in &self.groups {
            if let Some((replica, node)) = self.preferred_of(group, &led) {
                *led.entry(node).or_default() += 1;
                preferred.insert(*id, replica);
            }
        }
        preferred
    }

    fn preferred_of(&self, group: &Group, led: &BTreeMap<NodeId, usize>) -> Option<(ReplicaId, NodeId)> {
        let added = group.change.and_then(|change| change.add);
        let voters = group.voters().into_iter();
        // One that is being added votes last of all.
        let candidates = voters.filter(|(replica, node)| Some(*replica) != added && self.may_lead(*node));
        candidates.min_by_key(|(replica, node)| (led.get(node).copied().unwrap_or(0), *replica))
    }

    fn may_lead(&self, node: NodeId) -> bool {
        let state = self.nodes.get(&node).map(|node| node.state);
        matches!(state, Some(NodeState::Active | NodeState::Cordoned))
    }
}

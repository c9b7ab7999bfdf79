//! Which other nodes live.

use std::collections::BTreeMap;

use mailstore::GroupId;

use crate::NodeId;

/// A node that was not heard of for so many rounds is taken for dead.
const MISSED_MAX: u32 = 3;

/// The nodes with which this one shares groups.
#[derive(Debug, Default)]
pub(super) struct Table {
    nodes: BTreeMap<NodeId, Neighbour>,
}

/// What is known of one node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Neighbour {
    /// A group that both have.
    pub(super) through: GroupId,
    /// Whether it was heard of since the last round.
    heard: bool,
    /// In how many rounds in a row it was not.
    missed: u32,
    /// In how many rounds in a row no ping of its own came.
    silent: u32,
    /// Whether the last ping could not reach it.
    is_unreachable: bool,
    /// Whether it wants to lead no group.
    declines: bool,
    /// The digest of the list that it agreed to.
    pub(super) agreed: Option<u64>,
    /// Whether a ping is on its way.
    pub(super) is_asked: bool,
}

impl Table {
    /// Begins a round, with the nodes that there are now.
    pub(super) fn round(&mut self, through: &BTreeMap<NodeId, GroupId>) {
        self.nodes.retain(|node, _| through.contains_key(node));
        for (node, group) in through {
            let neighbour = self.nodes.entry(*node).or_insert_with(|| Neighbour::new(*group));
            neighbour.through = *group;
            neighbour.missed = if neighbour.heard {
                0
            } else {
                neighbour.missed.saturating_add(1)
            };
            neighbour.silent = neighbour.silent.saturating_add(1);
            neighbour.heard = false;
        }
    }

    /// Notes that a node lives.
    pub(super) fn heard(&mut self, node: NodeId, declines: bool) {
        if let Some(neighbour) = self.nodes.get_mut(&node) {
            neighbour.heard = true;
            neighbour.declines = declines;
        }
    }

    /// Notes a ping of a node.
    pub(super) fn told(&mut self, node: NodeId, declines: bool) {
        self.heard(node, declines);
        if let Some(neighbour) = self.nodes.get_mut(&node) {
            neighbour.silent = 0;
        }
    }

    /// Notes what became of a ping.
    pub(super) fn answered(&mut self, node: NodeId, is_unreachable: bool, agreed: Option<u64>) {
        if let Some(neighbour) = self.nodes.get_mut(&node) {
            neighbour.is_asked = false;
            neighbour.is_unreachable = is_unreachable;
            neighbour.agreed = agreed;
        }
    }

    /// Returns whether a node is taken for dead: it was not heard of for long, or for a short while in which it
    /// could not be reached either.
    pub(super) fn is_dead(&self, node: NodeId) -> bool {
        let dead = |neighbour: &Neighbour| {
            neighbour.missed >= MISSED_MAX || (neighbour.is_unreachable && neighbour.missed > 0)
        };
        self.nodes.get(&node).is_some_and(dead)
    }

    /// Returns whether a node sends no pings, though it may answer them: it does not know that groups are shared.
    pub(super) fn is_silent(&self, node: NodeId) -> bool {
        self.nodes
            .get(&node)
            .is_none_or(|neighbour| neighbour.silent > MISSED_MAX)
    }

    /// Returns whether a node was heard of in the last round.
    pub(super) fn is_present(&self, node: NodeId) -> bool {
        self.nodes
            .get(&node)
            .is_some_and(|neighbour| neighbour.missed == 0)
    }

    /// Returns whether a node is present and may be given groups to lead.
    pub(super) fn may_lead(&self, node: NodeId) -> bool {
        self.is_present(node) && !self.nodes.get(&node).is_some_and(|neighbour| neighbour.declines)
    }

    /// Returns the nodes to which a ping may be sent now.
    pub(super) fn unasked(&mut self) -> impl Iterator<Item = (NodeId, &mut Neighbour)> {
        let free = self.nodes.iter_mut().filter(|(_, neighbour)| !neighbour.is_asked);
        free.map(|(node, neighbour)| (*node, neighbour))
    }
}

impl Neighbour {
    fn new(through: GroupId) -> Self {
        Self {
            through,
            // It gets its time.
            heard: true,
            missed: 0,
            silent: 0,
            is_unreachable: false,
            declines: false,
            agreed: None,
            is_asked: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = NodeId(2);

    fn table() -> (Table, BTreeMap<NodeId, GroupId>) {
        let (mut table, through) = (Table::default(), BTreeMap::from([(NODE, GroupId(1))]));
        table.round(&through);
        (table, through)
    }

    #[test]
    fn a_node_is_dead_when_three_pings_are_missed() {
        let (mut table, through) = table();
        for missed in 0..5 {
            assert_eq!(table.is_dead(NODE), missed >= 3, "{missed}");
            assert_eq!(table.is_present(NODE), missed == 0, "{missed}");
            table.round(&through);
        }
        table.heard(NODE, false);
        table.round(&through);
        assert!(!table.is_dead(NODE) && table.is_present(NODE));
    }

    #[test]
    fn a_node_that_cannot_be_reached_is_dead_sooner_unless_it_is_heard_of() {
        let (mut table, through) = table();
        table.answered(NODE, true, None);
        assert!(!table.is_dead(NODE));
        table.heard(NODE, false);
        table.round(&through);
        assert!(!table.is_dead(NODE), "it calls us");
        table.round(&through);
        assert!(table.is_dead(NODE));
    }

    #[test]
    fn a_node_that_only_answers_is_silent_and_not_dead() {
        let (mut table, through) = table();
        for _ in 0..5 {
            table.heard(NODE, false);
            table.round(&through);
        }
        assert!(table.is_silent(NODE) && !table.is_dead(NODE));
        table.told(NODE, false);
        table.round(&through);
        assert!(!table.is_silent(NODE));
    }

    #[test]
    fn a_node_with_which_no_group_is_shared_any_more_is_forgotten() {
        let (mut table, _) = table();
        table.heard(NODE, true);
        assert!(!table.may_lead(NODE));
        table.round(&BTreeMap::new());
        assert_eq!(table.unasked().count(), 0);
        assert!(!table.is_dead(NODE));
    }
}

//! Groups to nodes.

use std::collections::BTreeMap;

use directory::{Directory, SlotMap};
use mailstore::GroupId;

/// The layout of a cluster: its slot map, and the nodes that hold a replica of each group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    slots: SlotMap,
    replicas: BTreeMap<GroupId, Vec<String>>,
}

/// Why a layout cannot be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LayoutError {
    /// There is no storage node.
    #[error("a cluster needs at least one storage node")]
    NoNodes,
    /// Two nodes have the same name.
    #[error("two storage nodes are named {0}")]
    DuplicateNode(String),
}

impl Layout {
    /// Returns the layout of a new cluster of these nodes, with `group_count` groups and `voters`
    /// replicas of each (fewer where there are fewer nodes). The same input gives the same layout
    /// everywhere.
    ///
    /// # Errors
    /// When the list of nodes is empty or names one twice.
    pub fn initial(nodes: &[String], group_count: u32, voters: usize) -> Result<Self, LayoutError> {
        let mut nodes = nodes.to_vec();
        nodes.sort_unstable();
        if let Some(pair) = nodes.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(LayoutError::DuplicateNode(pair[0].clone()));
        }
        if nodes.is_empty() {
            return Err(LayoutError::NoNodes);
        }
        let slots = SlotMap::even(group_count);
        let replicas = slots.groups().into_iter().enumerate().map(|(index, group)| {
            let chosen = nodes
                .iter()
                .cycle()
                .skip(index % nodes.len())
                .take(voters.clamp(1, nodes.len()));
            (group, chosen.cloned().collect())
        });
        Ok(Self {
            replicas: replicas.collect(),
            slots,
        })
    }

    /// Returns the layout of a cluster of which nothing is known yet: nobody has anything.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            slots: SlotMap::even(1),
            replicas: BTreeMap::new(),
        }
    }

    /// Returns the layout that the directory gives. The replica that is to lead a group comes first.
    #[must_use]
    pub fn of(directory: &Directory) -> Self {
        let preferred = directory.preferred_leaders();
        let groups = directory.groups.iter().filter(|(id, _)| id.0 != 0);
        let replicas = groups.map(|(id, group)| {
            let first = preferred.get(id).and_then(|replica| group.replicas.get(replica));
            let others = group.replicas.values().filter(|node| Some(*node) != first);
            let nodes = first.into_iter().chain(others);
            let names = nodes.filter_map(|node| Some(directory.nodes.get(node)?.name.clone()));
            (*id, names.collect())
        });
        Self {
            replicas: replicas.collect(),
            slots: directory.slots.clone(),
        }
    }

    /// Returns the slot map.
    #[must_use]
    pub fn slots(&self) -> &SlotMap {
        &self.slots
    }

    /// Returns the nodes that hold a replica of the group; the first is preferred as leader.
    #[must_use]
    pub fn replicas(&self, group: GroupId) -> &[String] {
        self.replicas.get(&group).map(Vec::as_slice).unwrap_or_default()
    }

    /// Lists the groups that have a replica on the node.
    pub fn groups_on(&self, node: &str) -> impl Iterator<Item = GroupId> {
        self.replicas
            .iter()
            .filter(move |(_, nodes)| nodes.iter().any(|name| name == node))
            .map(|(group, _)| *group)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_group_has_its_voters_and_preferred_leaders_are_spread() {
        let layout = Layout::initial(&names(&["b", "a", "c", "d"]), 16, 3).expect("a layout");
        for group in layout.slots().groups() {
            assert_eq!(layout.replicas(group).len(), 3);
        }
        let led = |node: &str| {
            (1..=16)
                .filter(|g| layout.replicas(GroupId(*g))[0] == node)
                .count()
        };
        assert_eq!([led("a"), led("b"), led("c"), led("d")], [4, 4, 4, 4]);
        assert_eq!(layout.groups_on("a").count(), 12);
    }

    #[test]
    fn impossible_layouts_are_refused() {
        assert_eq!(Layout::initial(&[], 16, 3), Err(LayoutError::NoNodes));
        let twice = Layout::initial(&names(&["a", "a"]), 16, 3);
        assert_eq!(twice, Err(LayoutError::DuplicateNode("a".into())));
    }
}

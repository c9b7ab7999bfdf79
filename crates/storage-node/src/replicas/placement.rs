//! Which replicas there are, and on which nodes.

use std::collections::BTreeMap;

use consensus::{NodeId, ReplicaId};
use directory::{ClusterId, Directory, Epoch, FeatureLevel, Group, Node, NodeState, SlotMap};
use mailstore::{GroupId, StoreError};

use super::{DIRECTORY, StartError};

/// Orders placements. Zero is the one that the settings give; the directory counts from one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct PlacementEpoch(pub u64);

/// A storage node's name and where it is reached.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeAddress {
    /// Its name, as in its certificate.
    pub name: String,
    /// `host:port`; empty for a process alone.
    pub address: String,
}

/// The replicas of one group.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct GroupReplicas {
    /// Every replica, voting or not, and its node; at most one on each node.
    pub replicas: BTreeMap<ReplicaId, NodeId>,
    /// The replica that begins the group, with all of `replicas` as its voters, unless it has begun. `None` once
    /// the group is known to have begun, so that it can never begin again.
    pub founder: Option<ReplicaId>,
}

impl GroupReplicas {
    /// Returns the replica on a node.
    #[must_use]
    pub fn on(&self, node: NodeId) -> Option<ReplicaId> {
        let mut replicas = self.replicas.iter();
        replicas
            .find(|(_, host)| **host == node)
            .map(|(replica, _)| *replica)
    }
}

/// Which nodes there are, and which replicas of each group they hold, as one node is told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placement {
    /// A later placement has a greater one.
    pub epoch: PlacementEpoch,
    /// The node that is told.
    pub this: NodeId,
    /// All storage nodes.
    pub nodes: BTreeMap<NodeId, NodeAddress>,
    /// The replicas of each group.
    pub groups: BTreeMap<GroupId, GroupReplicas>,
}

/// A list of nodes and groups that never changes, from which every node numbers nodes and replicas alike.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FixedLayout {
    /// All storage nodes, sorted by name, and where they are reached. A node's number is its place in this list,
    /// from 1.
    pub nodes: Vec<NodeAddress>,
    /// The nodes with a replica of each group; the first begins the group.
    pub replicas: BTreeMap<GroupId, Vec<String>>,
}

impl FixedLayout {
    /// Returns the placement of epoch zero for the node of this name.
    ///
    /// # Errors
    /// [`StartError::UnknownNode`] when the node, or one that is to have a replica, is not in the list.
    pub fn placement(&self, this: &str) -> Result<Placement, StartError> {
        let number = |name: &str| {
            let place = self.nodes.iter().position(|node| node.name == name);
            let number = place.map(|place| NodeId(place as u64 + 1));
            number.ok_or_else(|| StartError::UnknownNode {
                node: name.to_owned(),
            })
        };
        let mut groups = BTreeMap::new();
        for (group, names) in &self.replicas {
            let mut replicas = BTreeMap::new();
            for name in names {
                let node = number(name)?;
                replicas.insert(fixed_replica(*group, node), node);
            }
            let founder = names.first().map(|name| number(name)).transpose()?;
            let founder = founder.map(|node| fixed_replica(*group, node));
            groups.insert(*group, GroupReplicas { replicas, founder });
        }
        let nodes = self.nodes.iter().zip(1..);
        Ok(Placement {
            epoch: PlacementEpoch::default(),
            this: number(this)?,
            nodes: nodes
                .map(|(node, number)| (NodeId(number), node.clone()))
                .collect(),
            groups,
        })
    }
}

impl Placement {
    /// Returns what the directory tells a node. Lost nodes keep their links: what they have may still be of use.
    #[must_use]
    pub fn of(directory: &Directory, this: NodeId) -> Self {
        let nodes = directory.nodes.iter().map(|(id, node)| {
            let address = NodeAddress {
                name: node.name.clone(),
                address: node.address.clone(),
            };
            (*id, address)
        });
        let groups = directory.groups.iter().map(|(id, group)| {
            let replicas = GroupReplicas {
                replicas: group.replicas.clone(),
                founder: group.founder,
            };
            (*id, replicas)
        });
        Self {
            epoch: PlacementEpoch(directory.epoch.0),
            this,
            nodes: nodes.collect(),
            groups: groups.collect(),
        }
    }

    /// Returns the directory that a cluster begins with which was laid out like this.
    #[must_use]
    pub fn founding(&self, cluster: ClusterId, slots: SlotMap, voters: u32) -> Directory {
        let nodes = self.nodes.iter().map(|(id, node)| {
            let node = Node {
                name: node.name.clone(),
                address: node.address.clone(),
                zone: String::new(),
                state: NodeState::Active,
                disk: None,
                feature_level_max: FeatureLevel::NEWEST,
                version: String::new(),
            };
            (*id, node)
        });
        let groups = self.groups.iter().map(|(id, group)| {
            let begun = *id == DIRECTORY;
            let group = Group {
                replicas: group.replicas.clone(),
                founder: group.founder.filter(|_| !begun),
                change: None,
            };
            (*id, group)
        });
        let replicas = self.groups.values().flat_map(|group| group.replicas.keys());
        let last_replica = replicas.max().copied().unwrap_or_default();
        let last_node = self.nodes.keys().max().copied().unwrap_or_default();
        Directory {
            cluster,
            epoch: Epoch(0),
            feature_level: FeatureLevel::NEWEST,
            voters,
            next_node: NodeId(last_node.0 + 1),
            next_replica: ReplicaId(last_replica.0 + 1),
            nodes: nodes.collect(),
            groups: groups.collect(),
            slots,
            balancing: false,
            moves: Default::default(),
        }
    }
}

/// Returns the id of a group's first replica on a node. Those that replace it get ids from the directory.
fn fixed_replica(group: GroupId, node: NodeId) -> ReplicaId {
    ReplicaId((u64::from(group.0) << 32) | node.0)
}

impl Placement {
    /// Returns the name of a node.
    #[must_use]
    pub fn name(&self, node: NodeId) -> Option<&str> {
        self.nodes.get(&node).map(|node| node.name.as_str())
    }

    /// Returns the replicas that this node is to have.
    pub fn here(&self) -> impl Iterator<Item = (GroupId, ReplicaId)> {
        let groups = self.groups.iter();
        groups.filter_map(|(group, replicas)| Some((*group, replicas.on(self.this)?)))
    }

    /// Returns the replica of a group that this node is to have.
    #[must_use]
    pub fn replica_here(&self, group: GroupId) -> Option<ReplicaId> {
        self.groups.get(&group)?.on(self.this)
    }

    /// Returns the error of the ports for an error of a group.
    pub(super) fn store_error(&self, error: &consensus::Error) -> StoreError {
        super::errors::store_error(error, |node| self.name(node).map(str::to_owned))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> FixedLayout {
        let node = |name: &str| NodeAddress {
            name: name.to_owned(),
            address: String::new(),
        };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        FixedLayout {
            nodes: ["a", "b", "c"].map(node).into(),
            replicas: [(GroupId(1), names(&["b", "c"])), (GroupId(2), names(&["c", "a"]))].into(),
        }
    }

    /// The ids stand on the disks of clusters that were started from settings.
    #[test]
    fn a_fixed_layout_numbers_replicas_by_group_and_place_of_the_node() {
        let placement = layout().placement("c").expect("valid");
        assert_eq!(placement.this, NodeId(3));
        let here: Vec<_> = placement.here().collect();
        assert_eq!(
            here,
            [
                (GroupId(1), ReplicaId((1 << 32) | 3)),
                (GroupId(2), ReplicaId((2 << 32) | 3))
            ]
        );
        let founders = placement.groups.values().map(|group| group.founder);
        assert_eq!(
            founders.collect::<Vec<_>>(),
            [Some(ReplicaId((1 << 32) | 2)), Some(ReplicaId((2 << 32) | 3))]
        );
    }

    #[test]
    fn a_node_that_is_not_listed_is_refused() {
        assert!(matches!(
            layout().placement("d"),
            Err(StartError::UnknownNode { node }) if node == "d"
        ));
    }
}

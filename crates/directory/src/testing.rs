//! Clusters for tests.

use std::collections::BTreeMap;

use mailstore::GroupId;
use mailstore::ids::{NodeId, ReplicaId};

use crate::{
    Announcement, ClusterId, Command, Directory, DiskId, Epoch, FeatureLevel, Group, Node, NodeState,
    SlotMap, apply,
};

/// Returns the directory of a cluster of one node with this many groups beside the directory's own.
pub(crate) fn one_node(groups: u32) -> Directory {
    let node = Node {
        name: "node-1".into(),
        address: "node-1:7700".into(),
        zone: String::new(),
        state: NodeState::Active,
        disk: None,
        feature_level_max: FeatureLevel::NEWEST,
        version: "test".into(),
    };
    let group = |id: u32| {
        let replica = ReplicaId(u64::from(id) + 1);
        let group = Group {
            replicas: BTreeMap::from([(replica, NodeId(1))]),
            founder: None,
            change: None,
        };
        (GroupId(id), group)
    };
    Directory {
        cluster: ClusterId([7; 16]),
        epoch: Epoch(0),
        feature_level: FeatureLevel::NEWEST,
        voters: 3,
        next_node: NodeId(2),
        next_replica: ReplicaId(u64::from(groups) + 2),
        nodes: BTreeMap::from([(NodeId(1), node)]),
        groups: (0..=groups).map(group).collect(),
        slots: SlotMap::even(groups),
        balancing: false,
        moves: BTreeMap::new(),
    }
}

/// Returns what a node says of itself.
pub(crate) fn announcement(number: u8, zone: &str) -> Announcement {
    Announcement {
        name: format!("node-{number}"),
        address: format!("node-{number}:7700"),
        zone: zone.into(),
        disk: DiskId([number; 16]),
        feature_level_max: FeatureLevel::NEWEST,
        version: "test".into(),
    }
}

/// Returns a founded cluster.
pub(crate) fn founded(groups: u32) -> Option<Directory> {
    let mut directory = None;
    apply(&mut directory, Command::Found(Box::new(one_node(groups)))).expect("founded");
    directory
}

/// Carries a command out that must be accepted.
pub(crate) fn tell(directory: &mut Option<Directory>, command: Command) -> crate::Done {
    let told = format!("{command:?}");
    apply(directory, command).unwrap_or_else(|rejection| panic!("{told}: {rejection}"))
}

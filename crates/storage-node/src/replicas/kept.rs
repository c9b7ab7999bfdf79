//! The placement that this node keeps on its disk.
//!
//! A node must know after a restart what it was told last, whoever can be reached then: a replica that was removed
//! has forgotten its votes, and an older placement would bring it back under the same id. What a placement takes
//! away is noted in the same file, so that a removal that was cut off is completed by the next start.

use std::collections::BTreeMap;

use consensus::{NodeId, ReplicaId};
use disk::Disk;
use mailstore::GroupId;
use prost::Message;

use super::StartError;
use super::placement::{GroupReplicas, NodeAddress, Placement, PlacementEpoch};
use super::sealed::Sealed;

/// Where it is kept.
const FILE: Sealed = Sealed::new("current", b"fplace-1");

/// What was adopted last.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Kept {
    pub(super) placement: Placement,
    /// Replicas that left and may not have been removed in full.
    pub(super) leaving: BTreeMap<ReplicaId, GroupId>,
}

impl Kept {
    /// Reads what was adopted last, `None` where nothing ever was. Blocks.
    pub(super) fn read(disk: &dyn Disk) -> Result<Option<Self>, StartError> {
        let Some(content) = FILE.read(disk)? else {
            return Ok(None);
        };
        let wire = WireKept::decode(&content[..]).map_err(|error| FILE.damaged(&error.to_string()))?;
        Ok(Some(wire.into()))
    }

    /// Writes this in the place of what was adopted before, durably. Blocks.
    pub(super) fn write(&self, disk: &dyn Disk) -> Result<(), StartError> {
        FILE.write(disk, &WireKept::from(self).encode_to_vec())
    }
}

#[derive(Clone, PartialEq, Message)]
struct WireKept {
    #[prost(uint64, tag = "1")]
    epoch: u64,
    #[prost(uint64, tag = "2")]
    this: u64,
    #[prost(message, repeated, tag = "3")]
    nodes: Vec<WireNode>,
    #[prost(message, repeated, tag = "4")]
    groups: Vec<WireGroup>,
    #[prost(message, repeated, tag = "5")]
    leaving: Vec<WireReplica>,
}

#[derive(Clone, PartialEq, Message)]
struct WireNode {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    address: String,
}

#[derive(Clone, PartialEq, Message)]
struct WireGroup {
    #[prost(uint32, tag = "1")]
    id: u32,
    #[prost(message, repeated, tag = "2")]
    replicas: Vec<WireReplica>,
    #[prost(uint64, optional, tag = "3")]
    founder: Option<u64>,
}

/// A replica and its node, or its group where it leaves.
#[derive(Clone, Copy, PartialEq, Message)]
struct WireReplica {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(uint64, tag = "2")]
    node: u64,
    #[prost(uint32, tag = "3")]
    group: u32,
}

impl From<&Kept> for WireKept {
    fn from(kept: &Kept) -> Self {
        let nodes = kept.placement.nodes.iter().map(|(id, node)| WireNode {
            id: id.0,
            name: node.name.clone(),
            address: node.address.clone(),
        });
        let replica = |(replica, node): (&ReplicaId, &NodeId)| WireReplica {
            id: replica.0,
            node: node.0,
            group: 0,
        };
        let groups = kept.placement.groups.iter().map(|(id, group)| WireGroup {
            id: id.0,
            replicas: group.replicas.iter().map(replica).collect(),
            founder: group.founder.map(|founder| founder.0),
        });
        let leaving = kept.leaving.iter().map(|(replica, group)| WireReplica {
            id: replica.0,
            node: kept.placement.this.0,
            group: group.0,
        });
        Self {
            epoch: kept.placement.epoch.0,
            this: kept.placement.this.0,
            nodes: nodes.collect(),
            groups: groups.collect(),
            leaving: leaving.collect(),
        }
    }
}

impl From<WireKept> for Kept {
    fn from(wire: WireKept) -> Self {
        let node = |node: WireNode| {
            let WireNode { id, name, address } = node;
            (NodeId(id), NodeAddress { name, address })
        };
        let replica = |replica: &WireReplica| (ReplicaId(replica.id), NodeId(replica.node));
        let group = |group: WireGroup| {
            let replicas = GroupReplicas {
                replicas: group.replicas.iter().map(replica).collect(),
                founder: group.founder.map(ReplicaId),
            };
            (GroupId(group.id), replicas)
        };
        let leaving = wire.leaving.iter();
        Self {
            placement: Placement {
                epoch: PlacementEpoch(wire.epoch),
                this: NodeId(wire.this),
                nodes: wire.nodes.into_iter().map(node).collect(),
                groups: wire.groups.into_iter().map(group).collect(),
            },
            leaving: leaving
                .map(|left| (ReplicaId(left.id), GroupId(left.group)))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use disk::{DiskPath, SimDisk};

    use super::*;

    fn kept() -> Kept {
        let group = GroupReplicas {
            replicas: [(ReplicaId(7), NodeId(1)), (ReplicaId(8), NodeId(2))].into(),
            founder: Some(ReplicaId(7)),
        };
        let node = NodeAddress {
            name: "a".into(),
            address: "a:1".into(),
        };
        Kept {
            placement: Placement {
                epoch: PlacementEpoch(3),
                this: NodeId(2),
                nodes: [(NodeId(1), node)].into(),
                groups: [(GroupId(5), group), (GroupId(6), GroupReplicas::default())].into(),
            },
            leaving: [(ReplicaId(4), GroupId(6))].into(),
        }
    }

    #[test]
    fn what_was_kept_survives_loss_of_power() {
        let disk = SimDisk::new(1);
        assert_eq!(Kept::read(&disk).expect("read"), None);
        kept().write(&disk).expect("written");
        let mut later = kept();
        later.leaving.clear();
        later.write(&disk).expect("written again");
        disk.crash();
        assert_eq!(Kept::read(&disk).expect("read"), Some(later));
    }

    #[test]
    fn loss_of_power_at_any_step_leaves_the_old_or_the_new() {
        let mut later = kept();
        later.placement.epoch = PlacementEpoch(4);
        for steps in 0..16 {
            let disk = SimDisk::new(steps);
            kept().write(&disk).expect("written");
            disk.cut_power_after(steps);
            let written = later.write(&disk);
            disk.crash();
            let found = Kept::read(&disk).expect("read").expect("something is kept");
            assert!(found == kept() || found == later, "after {steps} steps");
            assert!(written.is_err() || found == later, "after {steps} steps");
        }
    }

    #[test]
    fn damage_is_told() {
        let disk = SimDisk::new(1);
        kept().write(&disk).expect("written");
        let path = DiskPath::new("placement/current").expect("a path");
        assert!(disk.flip_bits(&path, 50, 1));
        assert!(matches!(Kept::read(&disk), Err(StartError::Damaged { .. })));
    }
}

//! What the directory says.

use std::collections::BTreeMap;

use mailstore::GroupId;
use mailstore::ids::{NodeId, ReplicaId};
use mailstore::slots::MoveId;

use crate::moves::SlotMove;
use crate::slots::SlotMap;

/// The most voters that a group may be asked to have.
pub const VOTERS_MAX: u32 = 5;

/// Names a cluster; 128 random bits, drawn when it is founded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClusterId(pub [u8; 16]);

/// Names the data directory of a storage node; 128 random bits, drawn at its first start. A node that comes back with
/// another one has lost what its replicas promised.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DiskId(pub [u8; 16]);

/// Counts the changes of the directory, from one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Epoch(pub u64);

/// What all nodes understand. A new kind of entry enters a log only when the level says that every node can apply it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FeatureLevel(pub u32);

impl FeatureLevel {
    /// The highest level that this version understands.
    pub const NEWEST: Self = Self(1);
}

/// Nodes, groups and slots of a cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Directory {
    /// The cluster.
    pub cluster: ClusterId,
    /// Rises by one with every change.
    pub epoch: Epoch,
    /// What all nodes understand.
    pub feature_level: FeatureLevel,
    /// Voters that each group is to have, where there are so many nodes.
    pub voters: u32,
    /// The number of the next node.
    pub next_node: NodeId,
    /// The number of the next replica.
    pub next_replica: ReplicaId,
    /// Every storage node.
    pub nodes: BTreeMap<NodeId, Node>,
    /// Every group, that of the directory included.
    pub groups: BTreeMap<GroupId, Group>,
    /// Slots to groups.
    pub slots: SlotMap,
    /// Replicas are being spread evenly over the nodes.
    pub balancing: bool,
    /// Slots on their way from one group to another.
    pub moves: BTreeMap<MoveId, SlotMove>,
}

/// A storage node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// Its name, as in its certificate. Two nodes have the same one only when all but one of them are lost.
    pub name: String,
    /// `host:port` at which other processes reach it; empty for a process alone.
    pub address: String,
    /// What fails together with it, as a rack or a building; replicas of a group are put into different ones.
    pub zone: String,
    /// What it is used for.
    pub state: NodeState,
    /// Its data directory, once it has told.
    pub disk: Option<DiskId>,
    /// The highest level that its version understands.
    pub feature_level_max: FeatureLevel,
    /// Its version, for people.
    pub version: String,
}

/// What a node is used for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NodeState {
    /// It takes replicas and leads groups.
    Active,
    /// It keeps what it has and takes no more replicas.
    Cordoned,
    /// It keeps what it has, takes no more replicas and leads no group where another can.
    Drained,
    /// Its replicas are moved elsewhere. It is forgotten when it has none.
    Leaving,
    /// Its disk is gone. Its replicas are made anew elsewhere.
    Lost,
}

/// A group and its replicas.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Group {
    /// Every replica, voting or not, and its node; at most one on each node.
    pub replicas: BTreeMap<ReplicaId, NodeId>,
    /// The replica that begins the group, with all of `replicas` as its voters; `None` once it has begun.
    pub founder: Option<ReplicaId>,
    /// What is being done to its replicas.
    pub change: Option<Change>,
}

/// A change of a group's replicas, under way. Both parts have been recorded: the new replica is among the group's, and
/// the old one still is. Every step of it may be repeated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change {
    /// The replica that is to vote.
    pub add: Option<ReplicaId>,
    /// The replica that is to leave.
    pub remove: Option<ReplicaId>,
    /// Why.
    pub reason: ChangeReason,
    /// It is being undone: `add` leaves instead, and `remove` stays.
    pub abandoned: bool,
}

/// Why a group's replicas change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChangeReason {
    /// It has fewer voters than it is to have.
    Grow,
    /// A node is gone or lost.
    Repair,
    /// A node leaves.
    Leave,
    /// Nodes are to have equal shares.
    Balance,
    /// An administrator said so.
    Order,
    /// It has more voters than it is to have.
    Shrink,
}

impl Change {
    /// Returns the replica that does not belong to the group when the change is done.
    #[must_use]
    pub fn leaving(&self) -> Option<ReplicaId> {
        if self.abandoned { self.add } else { self.remove }
    }
}

impl Group {
    /// Returns the replica on a node.
    #[must_use]
    pub fn on(&self, node: NodeId) -> Option<ReplicaId> {
        let mut replicas = self.replicas.iter();
        replicas
            .find(|(_, host)| **host == node)
            .map(|(replica, _)| *replica)
    }

    /// Returns the replicas that are to vote when what is being done has been done.
    #[must_use]
    pub fn voters(&self) -> BTreeMap<ReplicaId, NodeId> {
        let leaving = self.change.and_then(|change| change.leaving());
        let mut voters = self.replicas.clone();
        voters.retain(|replica, _| Some(*replica) != leaving);
        voters
    }
}

impl Directory {
    /// Returns the node of this name that is not lost.
    #[must_use]
    pub fn node_named(&self, name: &str) -> Option<(NodeId, &Node)> {
        let mut nodes = self.nodes.iter();
        let found = nodes.find(|(_, node)| node.name == name && node.state != NodeState::Lost);
        found.map(|(id, node)| (*id, node))
    }

    /// Returns the groups with a replica on a node, and that replica.
    pub fn replicas_on(&self, node: NodeId) -> impl Iterator<Item = (GroupId, ReplicaId)> {
        let groups = self.groups.iter();
        groups.filter_map(move |(id, group)| Some((*id, group.on(node)?)))
    }

    /// Returns the highest level that every node understands which is not lost.
    #[must_use]
    pub fn feature_level_possible(&self) -> FeatureLevel {
        let nodes = self.nodes.values();
        let present = nodes.filter(|node| node.state != NodeState::Lost);
        let lowest = present.map(|node| node.feature_level_max).min();
        lowest.unwrap_or(self.feature_level)
    }
}

impl NodeState {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Active,
        Self::Cordoned,
        Self::Drained,
        Self::Leaving,
        Self::Lost,
    ];

    /// Returns the word that people read and write.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Cordoned => "cordoned",
            Self::Drained => "drained",
            Self::Leaving => "leaving",
            Self::Lost => "lost",
        }
    }
}

impl ChangeReason {
    /// Returns the word that people read.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Grow => "grow",
            Self::Repair => "repair",
            Self::Leave => "leave",
            Self::Balance => "balance",
            Self::Order => "order",
            Self::Shrink => "shrink",
        }
    }
}

//! What the directory is told.

use mailstore::GroupId;
use mailstore::ids::{NodeId, ReplicaId};
use mailstore::slots::{MoveId, SlotSet};

use crate::model::{ChangeReason, Directory, DiskId, Epoch, FeatureLevel, NodeState};

/// A change of the directory. Each may be repeated: what has been done already is answered as done, or rejected without
/// an effect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Founds the cluster. Only the first one counts.
    Found(Box<Directory>),
    /// A storage node says that it is there.
    Announce(Announcement),
    /// Says what a node is used for.
    SetNodeState(NodeId, NodeState),
    /// Takes a node without replicas out.
    ForgetNode(NodeId),
    /// Begins to change a group's replicas.
    BeginChange {
        /// The group.
        group: GroupId,
        /// The node that is to have a new replica.
        add_on: Option<NodeId>,
        /// The replica that is to leave.
        remove: Option<ReplicaId>,
        /// Why.
        reason: ChangeReason,
    },
    /// The group has the voters that the change asks for: the replica that leaves is left out.
    FinishChange(GroupId),
    /// Undoes a change: the new replica is to leave instead. Finished in the same way.
    AbandonChange(GroupId),
    /// The group has begun, and never begins again.
    SettleGroup(GroupId),
    /// Begins or ends to spread replicas evenly over the nodes.
    SetBalancing(bool),
    /// Sets the count of voters that groups are to have.
    SetVoters(u32),
    /// Begins to move slots of one group to another.
    BeginSlotMove {
        /// What moves.
        slots: SlotSet,
        /// Where to.
        to: GroupId,
    },
    /// The target lacks nothing: it has the slots from now on.
    FinishSlotMove(MoveId),
    /// The source keeps the slots.
    AbandonSlotMove(MoveId),
    /// Nothing is left to do for a move that was finished or abandoned.
    CloseSlotMove(MoveId),
    /// Raises the level to one that every node understands. It never falls.
    RaiseFeatureLevel(FeatureLevel),
}

/// What a storage node says of itself at each start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Announcement {
    /// Its name, as in its certificate.
    pub name: String,
    /// `host:port` at which other processes reach it.
    pub address: String,
    /// What fails together with it.
    pub zone: String,
    /// Its data directory.
    pub disk: DiskId,
    /// The highest level that its version understands.
    pub feature_level_max: FeatureLevel,
    /// Its version.
    pub version: String,
}

/// Why a command was not carried out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejection {
    /// There is no cluster yet.
    #[error("the cluster has not been founded")]
    NotFounded,
    /// There is one.
    #[error("the cluster has been founded already")]
    Founded,
    /// The command contradicts itself.
    #[error("the command is not valid")]
    Invalid,
    /// There is no such node.
    #[error("no such node")]
    NoSuchNode,
    /// A node of that name is known with another data directory.
    #[error(
        "a node of this name is known with another data directory; `facteur node replace` says that its disk is gone"
    )]
    OtherDisk,
    /// A node that is lost stays lost.
    #[error("the node is lost and cannot come back")]
    NodeState,
    /// The node has replicas.
    #[error("the node still has replicas")]
    NodeInUse,
    /// There is no such group.
    #[error("no such group")]
    NoSuchGroup,
    /// The replica is not of that group.
    #[error("no such replica of this group")]
    NoSuchReplica,
    /// The group's replicas are being changed already.
    #[error("the replicas of this group are being changed already")]
    Busy,
    /// The node has a replica of the group, or takes none.
    #[error("the node has a replica of this group, or takes no more replicas")]
    Occupied,
    /// A group cannot be without replicas.
    #[error("it is the last replica of the group")]
    LastReplica,
    /// Nothing is being changed.
    #[error("the replicas of this group are not being changed")]
    NoChange,
    /// A node does not understand the level, or it would fall.
    #[error("not every node understands this feature level")]
    FeatureLevel,
    /// There is no such move of slots.
    #[error("no such move of slots")]
    NoSuchMove,
    /// The other fate of the move has been decided.
    #[error("it is decided already what becomes of this move")]
    MoveDecided,
}

/// The answer to a command: the directory's epoch when it was done, and the number of the node that announced itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Done {
    /// The epoch behind the change.
    pub epoch: Epoch,
    /// The node, for an announcement.
    pub node: Option<NodeId>,
}

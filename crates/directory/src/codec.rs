//! The stored and sent form of the directory, commands and replies.
//!
//! The forms are protobuf, so that older and newer versions can read each other. Bytes that name an unknown kind or miss
//! a field are an error, never a guess.

use bytes::Bytes;
use mailstore::ids::{NodeId, ReplicaId};
use mailstore::slots::{MoveId, SlotSet};
use mailstore::{GroupId, Slot};
use prost::Message as _;

use crate::command::{Announcement, Command, Done, Rejection};
use crate::model::{
    Change, ChangeReason, ClusterId, Directory, DiskId, Epoch, FeatureLevel, Group, Node, NodeState,
};
use crate::moves::{MoveFate, SlotMove};
use crate::slots::{SlotMap, SlotRange};

/// The generated types.
mod proto {
    #![allow(
        clippy::all,
        missing_docs,
        reason = "generated from proto/facteur/directory/v1"
    )]
    include!(concat!(env!("OUT_DIR"), "/facteur.directory.v1.rs"));
}

/// Why bytes are not what they should be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeError {
    /// They are no message.
    #[error("malformed: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// A field is missing, of an unknown kind or out of bounds.
    #[error("the field {0} is missing or not valid")]
    Field(&'static str),
}

/// Encodes a directory.
#[must_use]
pub fn encode_directory(directory: &Directory) -> Bytes {
    proto::Directory::from(directory).encode_to_vec().into()
}

/// Decodes a directory.
///
/// # Errors
/// When the bytes are none.
pub fn decode_directory(bytes: Bytes) -> Result<Directory, DecodeError> {
    proto::Directory::decode(bytes)?.try_into()
}

/// Encodes a command.
#[must_use]
pub fn encode_command(command: &Command) -> Bytes {
    proto::Command::from(command).encode_to_vec().into()
}

/// Decodes a command.
///
/// # Errors
/// When the bytes are none that this version knows.
pub fn decode_command(bytes: Bytes) -> Result<Command, DecodeError> {
    proto::Command::decode(bytes)?.try_into()
}

/// Encodes the answer to a command.
#[must_use]
pub fn encode_reply(reply: &Result<Done, Rejection>) -> Bytes {
    use proto::reply::Kind;
    let kind = match reply {
        Ok(Done { epoch, node: None }) => Kind::Done(epoch.0),
        Ok(Done {
            epoch,
            node: Some(node),
        }) => Kind::Announced(proto::NodeNumber {
            node: node.0,
            epoch: epoch.0,
        }),
        Err(rejection) => Kind::Rejected(proto::Rejection::from(*rejection).into()),
    };
    proto::Reply { kind: Some(kind) }.encode_to_vec().into()
}

/// Decodes the answer to a command.
///
/// # Errors
/// When the bytes are none that this version knows.
pub fn decode_reply(bytes: Bytes) -> Result<Result<Done, Rejection>, DecodeError> {
    use proto::reply::Kind;
    match proto::Reply::decode(bytes)?
        .kind
        .ok_or(DecodeError::Field("reply"))?
    {
        Kind::Done(epoch) => Ok(Ok(Done {
            epoch: Epoch(epoch),
            node: None,
        })),
        Kind::Announced(announced) => Ok(Ok(Done {
            epoch: Epoch(announced.epoch),
            node: Some(NodeId(announced.node)),
        })),
        Kind::Rejected(rejection) => {
            let known = proto::Rejection::try_from(rejection).map_err(|_| DecodeError::Field("rejection"))?;
            Ok(Err(known.try_into()?))
        }
    }
}

impl From<&Directory> for proto::Directory {
    fn from(directory: &Directory) -> Self {
        Self {
            cluster: Bytes::copy_from_slice(&directory.cluster.0),
            epoch: directory.epoch.0,
            feature_level: directory.feature_level.0,
            voters: directory.voters,
            next_node: directory.next_node.0,
            next_replica: directory.next_replica.0,
            nodes: directory.nodes.iter().map(node).collect(),
            groups: directory.groups.iter().map(group).collect(),
            slots: directory.slots.ranges().iter().map(slot_range).collect(),
            balancing: directory.balancing,
            moves: directory.moves.iter().map(slot_move).collect(),
        }
    }
}

fn node((id, node): (&NodeId, &Node)) -> proto::Node {
    proto::Node {
        id: id.0,
        name: node.name.clone(),
        address: node.address.clone(),
        zone: node.zone.clone(),
        state: proto::NodeState::from(node.state).into(),
        disk: node
            .disk
            .map(|disk| Bytes::copy_from_slice(&disk.0))
            .unwrap_or_default(),
        feature_level_max: node.feature_level_max.0,
        version: node.version.clone(),
    }
}

fn group((id, group): (&GroupId, &Group)) -> proto::Group {
    let replicas = group.replicas.iter().map(|(replica, node)| proto::Replica {
        id: replica.0,
        node: node.0,
    });
    proto::Group {
        id: id.0,
        replicas: replicas.collect(),
        founder: group.founder.map(|founder| founder.0),
        change: group.change.map(|change| proto::Change {
            add: change.add.map(|replica| replica.0),
            remove: change.remove.map(|replica| replica.0),
            reason: proto::ChangeReason::from(change.reason).into(),
            abandoned: change.abandoned,
        }),
    }
}

fn slot_move((id, moved): (&MoveId, &SlotMove)) -> proto::SlotMove {
    use proto::slot_move::Fate;
    proto::SlotMove {
        id: id.0,
        slots: numbers(&moved.slots),
        from: moved.from.0,
        to: moved.to.0,
        fate: match moved.fate {
            MoveFate::Open => None,
            MoveFate::Done(epoch) => Some(Fate::DoneAtEpoch(epoch.0)),
            MoveFate::GivenUp => Some(Fate::GivenUp(true)),
        },
    }
}

fn numbers(slots: &SlotSet) -> Vec<u32> {
    slots.iter().map(|slot| slot.0.into()).collect()
}

fn slot_range(range: &SlotRange) -> proto::SlotRange {
    proto::SlotRange {
        first: range.first.0.into(),
        last: range.last.0.into(),
        group: range.group.0,
    }
}

impl TryFrom<proto::Directory> for Directory {
    type Error = DecodeError;

    fn try_from(wire: proto::Directory) -> Result<Self, DecodeError> {
        let ranges = wire.slots.into_iter().map(SlotRange::try_from);
        let ranges = ranges.collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            cluster: ClusterId(fixed(&wire.cluster, "cluster")?),
            epoch: Epoch(wire.epoch),
            feature_level: FeatureLevel(wire.feature_level),
            voters: wire.voters,
            next_node: NodeId(wire.next_node),
            next_replica: ReplicaId(wire.next_replica),
            nodes: wire.nodes.into_iter().map(read_node).collect::<Result<_, _>>()?,
            groups: wire
                .groups
                .into_iter()
                .map(read_group)
                .collect::<Result<_, _>>()?,
            slots: SlotMap::from_ranges(&ranges).ok_or(DecodeError::Field("slots"))?,
            balancing: wire.balancing,
            moves: wire.moves.into_iter().map(read_move).collect::<Result<_, _>>()?,
        })
    }
}

fn read_node(wire: proto::Node) -> Result<(NodeId, Node), DecodeError> {
    let node = Node {
        state: wire.state().try_into()?,
        name: wire.name,
        address: wire.address,
        zone: wire.zone,
        disk: match wire.disk.is_empty() {
            true => None,
            false => Some(DiskId(fixed(&wire.disk, "disk")?)),
        },
        feature_level_max: FeatureLevel(wire.feature_level_max),
        version: wire.version,
    };
    Ok((NodeId(wire.id), node))
}

fn read_group(wire: proto::Group) -> Result<(GroupId, Group), DecodeError> {
    let replicas = wire.replicas.iter();
    let group = Group {
        replicas: replicas
            .map(|replica| (ReplicaId(replica.id), NodeId(replica.node)))
            .collect(),
        founder: wire.founder.map(ReplicaId),
        change: wire.change.map(Change::try_from).transpose()?,
    };
    Ok((GroupId(wire.id), group))
}

fn read_move(wire: proto::SlotMove) -> Result<(MoveId, SlotMove), DecodeError> {
    use proto::slot_move::Fate;
    let moved = SlotMove {
        slots: slots(&wire.slots)?,
        from: GroupId(wire.from),
        to: GroupId(wire.to),
        fate: match wire.fate {
            None => MoveFate::Open,
            Some(Fate::DoneAtEpoch(epoch)) => MoveFate::Done(Epoch(epoch)),
            Some(Fate::GivenUp(_)) => MoveFate::GivenUp,
        },
    };
    Ok((MoveId(wire.id), moved))
}

fn slots(numbers: &[u32]) -> Result<SlotSet, DecodeError> {
    let read = numbers.iter().map(|number| u16::try_from(*number).map(Slot));
    let read = read.collect::<Result<SlotSet, _>>().ok();
    let all = read.filter(|slots| slots.len() == numbers.len());
    all.ok_or(DecodeError::Field("slots"))
}

impl TryFrom<proto::Change> for Change {
    type Error = DecodeError;

    fn try_from(wire: proto::Change) -> Result<Self, DecodeError> {
        Ok(Self {
            reason: wire.reason().try_into()?,
            add: wire.add.map(ReplicaId),
            remove: wire.remove.map(ReplicaId),
            abandoned: wire.abandoned,
        })
    }
}

impl TryFrom<proto::SlotRange> for SlotRange {
    type Error = DecodeError;

    fn try_from(wire: proto::SlotRange) -> Result<Self, DecodeError> {
        let slot = |slot: u32| {
            u16::try_from(slot)
                .map(Slot)
                .map_err(|_| DecodeError::Field("slot"))
        };
        Ok(Self {
            first: slot(wire.first)?,
            last: slot(wire.last)?,
            group: GroupId(wire.group),
        })
    }
}

fn fixed(bytes: &[u8], field: &'static str) -> Result<[u8; 16], DecodeError> {
    bytes.try_into().map_err(|_| DecodeError::Field(field))
}

impl From<&Command> for proto::Command {
    fn from(command: &Command) -> Self {
        use proto::command::Kind;
        let kind = match command {
            Command::Found(directory) => Kind::Found((&**directory).into()),
            Command::Announce(announcement) => Kind::Announce(announcement.into()),
            Command::SetNodeState(node, state) => Kind::SetNodeState(proto::SetNodeState {
                node: node.0,
                state: proto::NodeState::from(*state).into(),
            }),
            Command::ForgetNode(node) => Kind::ForgetNode(node.0),
            Command::BeginChange {
                group,
                add_on,
                remove,
                reason,
            } => Kind::BeginChange(proto::BeginChange {
                group: group.0,
                add_on: add_on.map(|node| node.0),
                remove: remove.map(|replica| replica.0),
                reason: proto::ChangeReason::from(*reason).into(),
            }),
            Command::FinishChange(group) => Kind::FinishChange(group.0),
            Command::AbandonChange(group) => Kind::AbandonChange(group.0),
            Command::SettleGroup(group) => Kind::SettleGroup(group.0),
            Command::SetBalancing(balancing) => Kind::SetBalancing(*balancing),
            Command::SetVoters(voters) => Kind::SetVoters(*voters),
            Command::BeginSlotMove { slots, to } => Kind::BeginSlotMove(proto::BeginSlotMove {
                slots: numbers(slots),
                to: to.0,
            }),
            Command::FinishSlotMove(moving) => Kind::FinishSlotMove(moving.0),
            Command::AbandonSlotMove(moving) => Kind::AbandonSlotMove(moving.0),
            Command::CloseSlotMove(moving) => Kind::CloseSlotMove(moving.0),
            Command::RaiseFeatureLevel(level) => Kind::RaiseFeatureLevel(level.0),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<proto::Command> for Command {
    type Error = DecodeError;

    fn try_from(wire: proto::Command) -> Result<Self, DecodeError> {
        use proto::command::Kind;
        Ok(match wire.kind.ok_or(DecodeError::Field("command"))? {
            Kind::Found(directory) => Self::Found(Box::new(directory.try_into()?)),
            Kind::Announce(announcement) => Self::Announce(announcement.try_into()?),
            Kind::SetNodeState(set) => Self::SetNodeState(NodeId(set.node), set.state().try_into()?),
            Kind::ForgetNode(node) => Self::ForgetNode(NodeId(node)),
            Kind::BeginChange(begin) => Self::BeginChange {
                group: GroupId(begin.group),
                add_on: begin.add_on.map(NodeId),
                remove: begin.remove.map(ReplicaId),
                reason: begin.reason().try_into()?,
            },
            Kind::FinishChange(group) => Self::FinishChange(GroupId(group)),
            Kind::AbandonChange(group) => Self::AbandonChange(GroupId(group)),
            Kind::SettleGroup(group) => Self::SettleGroup(GroupId(group)),
            Kind::SetBalancing(balancing) => Self::SetBalancing(balancing),
            Kind::SetVoters(voters) => Self::SetVoters(voters),
            Kind::BeginSlotMove(begin) => Self::BeginSlotMove {
                slots: slots(&begin.slots)?,
                to: GroupId(begin.to),
            },
            Kind::FinishSlotMove(moving) => Self::FinishSlotMove(MoveId(moving)),
            Kind::AbandonSlotMove(moving) => Self::AbandonSlotMove(MoveId(moving)),
            Kind::CloseSlotMove(moving) => Self::CloseSlotMove(MoveId(moving)),
            Kind::RaiseFeatureLevel(level) => Self::RaiseFeatureLevel(FeatureLevel(level)),
        })
    }
}

impl From<&Announcement> for proto::Announcement {
    fn from(announcement: &Announcement) -> Self {
        Self {
            name: announcement.name.clone(),
            address: announcement.address.clone(),
            zone: announcement.zone.clone(),
            disk: Bytes::copy_from_slice(&announcement.disk.0),
            feature_level_max: announcement.feature_level_max.0,
            version: announcement.version.clone(),
        }
    }
}

impl TryFrom<proto::Announcement> for Announcement {
    type Error = DecodeError;

    fn try_from(wire: proto::Announcement) -> Result<Self, DecodeError> {
        Ok(Self {
            disk: DiskId(fixed(&wire.disk, "disk")?),
            name: wire.name,
            address: wire.address,
            zone: wire.zone,
            feature_level_max: FeatureLevel(wire.feature_level_max),
            version: wire.version,
        })
    }
}

/// Pairs the members of an enumeration with those of its sent form, where zero is none.
macro_rules! same_members {
    ($ours:ident, $field:literal, $($member:ident),+) => {
        impl From<$ours> for proto::$ours {
            fn from(ours: $ours) -> Self {
                match ours {
                    $($ours::$member => Self::$member,)+
                }
            }
        }

        impl TryFrom<proto::$ours> for $ours {
            type Error = DecodeError;

            fn try_from(wire: proto::$ours) -> Result<Self, DecodeError> {
                match wire {
                    proto::$ours::Unspecified => Err(DecodeError::Field($field)),
                    $(proto::$ours::$member => Ok(Self::$member),)+
                }
            }
        }
    };
}

same_members!(NodeState, "state", Active, Cordoned, Drained, Leaving, Lost);
same_members!(
    ChangeReason,
    "reason",
    Grow,
    Repair,
    Leave,
    Balance,
    Order,
    Shrink
);
same_members!(
    Rejection,
    "rejection",
    NotFounded,
    Founded,
    Invalid,
    NoSuchNode,
    OtherDisk,
    NodeState,
    NodeInUse,
    NoSuchGroup,
    NoSuchReplica,
    Busy,
    Occupied,
    LastReplica,
    NoChange,
    FeatureLevel,
    NoSuchMove,
    MoveDecided
);

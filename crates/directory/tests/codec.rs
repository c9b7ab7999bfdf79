//! What is encoded decodes to an equal value, and what is not known is refused.

use std::collections::BTreeMap;

use bytes::Bytes;
use directory::codec::{
    decode_command, decode_directory, decode_reply, encode_command, encode_directory, encode_reply,
};
use directory::{
    Announcement, Change, ChangeReason, ClusterId, Command, Directory, DiskId, Done, Epoch, FeatureLevel,
    Group, MoveFate, Node, NodeState, Rejection, SlotMap, SlotMove,
};
use mailstore::ids::{NodeId, ReplicaId};
use mailstore::slots::MoveId;
use mailstore::{GroupId, Slot};

fn moves() -> BTreeMap<MoveId, SlotMove> {
    let fates = [MoveFate::Open, MoveFate::Done(Epoch(40)), MoveFate::GivenUp];
    let moves = fates.into_iter().zip(1..).map(|(fate, number)| {
        let moved = SlotMove {
            slots: [Slot(3), Slot(300)].into_iter().collect(),
            from: GroupId(1),
            to: GroupId(2),
            fate,
        };
        (MoveId(number), moved)
    });
    moves.collect()
}

fn directory() -> Directory {
    let nodes = NodeState::ALL.into_iter().zip(1..).map(|(state, number)| {
        let node = Node {
            name: format!("node-{number}"),
            address: "host:7700".into(),
            zone: "a".into(),
            state,
            disk: (number > 1).then_some(DiskId([3; 16])),
            feature_level_max: FeatureLevel(2),
            version: "1.2.3".into(),
        };
        (NodeId(number), node)
    });
    let group = Group {
        replicas: BTreeMap::from([(ReplicaId(1), NodeId(1)), (ReplicaId(2), NodeId(2))]),
        founder: Some(ReplicaId(1)),
        change: Some(Change {
            add: Some(ReplicaId(2)),
            remove: None,
            reason: ChangeReason::Order,
            abandoned: true,
        }),
    };
    let mut slots = SlotMap::even(3);
    slots.assign(Slot(9), GroupId(7));
    Directory {
        cluster: ClusterId([9; 16]),
        epoch: Epoch(41),
        feature_level: FeatureLevel(1),
        voters: 5,
        next_node: NodeId(9),
        next_replica: ReplicaId(10),
        nodes: nodes.collect(),
        groups: BTreeMap::from([(GroupId(0), group), (GroupId(3), Group::default())]),
        slots,
        balancing: true,
        moves: moves(),
    }
}

#[test]
fn a_directory_survives_its_encoding() {
    let directory = directory();
    assert_eq!(decode_directory(encode_directory(&directory)), Ok(directory));
}

#[test]
fn commands_survive_their_encoding() {
    let announcement = Announcement {
        name: "node-4".into(),
        address: "host:7700".into(),
        zone: "b".into(),
        disk: DiskId([1; 16]),
        feature_level_max: FeatureLevel(3),
        version: "1".into(),
    };
    let commands = [
        Command::Found(Box::new(directory())),
        Command::Announce(announcement),
        Command::SetNodeState(NodeId(1), NodeState::Lost),
        Command::ForgetNode(NodeId(2)),
        Command::BeginChange {
            group: GroupId(4),
            add_on: Some(NodeId(1)),
            remove: None,
            reason: ChangeReason::Repair,
        },
        Command::FinishChange(GroupId(1)),
        Command::AbandonChange(GroupId(1)),
        Command::SettleGroup(GroupId(1)),
        Command::SetBalancing(true),
        Command::SetVoters(3),
        Command::RaiseFeatureLevel(FeatureLevel(2)),
        Command::BeginSlotMove {
            slots: [Slot(3), Slot(300)].into_iter().collect(),
            to: GroupId(2),
        },
        Command::FinishSlotMove(MoveId(7)),
        Command::AbandonSlotMove(MoveId(7)),
        Command::CloseSlotMove(MoveId(7)),
    ];
    for command in commands {
        assert_eq!(decode_command(encode_command(&command)), Ok(command));
    }
}

#[test]
fn replies_survive_their_encoding() {
    let done = |node| Done {
        epoch: Epoch(3),
        node,
    };
    for reply in [
        Ok(done(None)),
        Ok(done(Some(NodeId(7)))),
        Err(Rejection::OtherDisk),
    ] {
        assert_eq!(decode_reply(encode_reply(&reply)), Ok(reply));
    }
}

#[test]
fn a_command_of_a_later_version_is_refused() {
    // Field 100, a message of no octets.
    let later = Bytes::from_static(&[0xa2, 0x06, 0x00]);
    assert!(decode_command(later).is_err());
    assert!(decode_command(Bytes::new()).is_err());
    assert!(decode_directory(Bytes::new()).is_err(), "no slots");
}

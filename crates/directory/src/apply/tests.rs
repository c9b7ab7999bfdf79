use mailstore::GroupId;

use super::*;
use crate::testing::{announcement, founded, one_node, tell};

fn begin(add_on: Option<u64>, remove: Option<u64>) -> Command {
    Command::BeginChange {
        group: GroupId(1),
        add_on: add_on.map(NodeId),
        remove: remove.map(ReplicaId),
        reason: ChangeReason::Order,
    }
}

fn refused(directory: &mut Option<Directory>, command: Command, rejection: Rejection) {
    let before = directory.clone();
    assert_eq!(apply(directory, command), Err(rejection));
    assert_eq!(*directory, before, "a rejection changes nothing");
}

#[test]
fn a_cluster_is_founded_once() {
    let mut directory = None;
    refused(&mut directory, Command::SetBalancing(true), Rejection::NotFounded);
    let found = Command::Found(Box::new(one_node(4)));
    assert_eq!(tell(&mut directory, found.clone()).epoch, Epoch(1));
    refused(&mut directory, found, Rejection::Founded);
}

#[test]
fn numbers_that_are_taken_found_nothing() {
    let check = |break_it: fn(&mut Directory)| {
        let mut broken = one_node(4);
        break_it(&mut broken);
        refused(&mut None, Command::Found(Box::new(broken)), Rejection::Invalid);
    };
    check(|directory| directory.next_node = NodeId(1));
    check(|directory| directory.next_replica = ReplicaId(2));
    check(|directory| directory.voters = 2);
    check(|directory| directory.nodes.clear());
    check(|directory| drop(directory.groups.remove(&GroupId(2))));
}

#[test]
fn the_epoch_rises_only_with_a_change() {
    let mut directory = founded(4);
    let joined = tell(&mut directory, Command::Announce(announcement(2, "")));
    assert_eq!((joined.epoch, joined.node), (Epoch(2), Some(NodeId(2))));
    let again = tell(&mut directory, Command::Announce(announcement(2, "")));
    assert_eq!(again, joined, "told again");
    assert_eq!(tell(&mut directory, Command::SetBalancing(true)).epoch, Epoch(3));
}

#[test]
fn a_node_that_comes_back_with_another_disk_is_refused_until_the_first_is_lost() {
    let mut directory = founded(4);
    tell(&mut directory, Command::Announce(announcement(2, "")));
    let mut wiped = announcement(2, "");
    wiped.disk = crate::DiskId([99; 16]);
    refused(
        &mut directory,
        Command::Announce(wiped.clone()),
        Rejection::OtherDisk,
    );
    tell(&mut directory, Command::SetNodeState(NodeId(2), NodeState::Lost));
    let joined = tell(&mut directory, Command::Announce(wiped));
    assert_eq!(joined.node, Some(NodeId(3)));
    // The first disk turns up again: what it promised has been given to others.
    refused(
        &mut directory,
        Command::Announce(announcement(2, "")),
        Rejection::OtherDisk,
    );
    tell(&mut directory, Command::SetNodeState(NodeId(3), NodeState::Lost));
    refused(
        &mut directory,
        Command::Announce(announcement(2, "")),
        Rejection::NodeState,
    );
    refused(
        &mut directory,
        Command::SetNodeState(NodeId(2), NodeState::Active),
        Rejection::NodeState,
    );
}

#[test]
fn a_change_is_recorded_with_its_new_replica_and_ends_without_the_old_one() {
    let mut directory = founded(4);
    tell(&mut directory, Command::Announce(announcement(2, "")));
    tell(&mut directory, begin(Some(2), Some(2)));
    refused(&mut directory, begin(Some(2), None), Rejection::Busy);
    let group =
        |directory: &Option<Directory>| directory.as_ref().expect("founded").groups[&GroupId(1)].clone();
    let changing = group(&directory);
    assert_eq!(
        changing.replicas,
        [(ReplicaId(2), NodeId(1)), (ReplicaId(6), NodeId(2))].into()
    );
    assert_eq!(changing.voters(), [(ReplicaId(6), NodeId(2))].into());
    tell(&mut directory, Command::FinishChange(GroupId(1)));
    assert_eq!(group(&directory).replicas, [(ReplicaId(6), NodeId(2))].into());
    refused(
        &mut directory,
        Command::FinishChange(GroupId(1)),
        Rejection::NoChange,
    );
}

#[test]
fn a_change_that_is_abandoned_leaves_what_was() {
    let mut directory = founded(4);
    tell(&mut directory, Command::Announce(announcement(2, "")));
    tell(&mut directory, begin(Some(2), Some(2)));
    tell(&mut directory, Command::AbandonChange(GroupId(1)));
    tell(&mut directory, Command::FinishChange(GroupId(1)));
    let known = directory.as_ref().expect("founded");
    assert_eq!(
        known.groups[&GroupId(1)].replicas,
        [(ReplicaId(2), NodeId(1))].into()
    );
    assert_eq!(known.next_replica, ReplicaId(7), "its number is not used again");
}

#[test]
fn impossible_changes_are_refused() {
    let mut directory = founded(4);
    tell(&mut directory, Command::Announce(announcement(2, "")));
    refused(&mut directory, begin(None, None), Rejection::Invalid);
    refused(&mut directory, begin(None, Some(2)), Rejection::LastReplica);
    refused(&mut directory, begin(None, Some(3)), Rejection::NoSuchReplica);
    refused(&mut directory, begin(Some(1), None), Rejection::Occupied);
    refused(&mut directory, begin(Some(9), None), Rejection::NoSuchNode);
    tell(
        &mut directory,
        Command::SetNodeState(NodeId(2), NodeState::Cordoned),
    );
    refused(&mut directory, begin(Some(2), None), Rejection::Occupied);
    refused(
        &mut directory,
        Command::ForgetNode(NodeId(1)),
        Rejection::NodeInUse,
    );
    refused(&mut directory, Command::SetVoters(4), Rejection::Invalid);
}

#[test]
fn the_feature_level_rises_to_what_all_understand_and_never_falls() {
    let mut directory = founded(4);
    let mut newer = announcement(2, "");
    newer.feature_level_max = FeatureLevel(9);
    tell(&mut directory, Command::Announce(newer));
    let raise = |level| Command::RaiseFeatureLevel(FeatureLevel(level));
    refused(&mut directory, raise(9), Rejection::FeatureLevel);
    let mut first = announcement(1, "");
    first.feature_level_max = FeatureLevel(8);
    tell(&mut directory, Command::Announce(first));
    tell(&mut directory, raise(8));
    refused(&mut directory, raise(7), Rejection::FeatureLevel);
    // A version that understands less than what is in use is kept out.
    refused(
        &mut directory,
        Command::Announce(announcement(3, "")),
        Rejection::FeatureLevel,
    );
}

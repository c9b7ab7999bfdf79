use proptest::prelude::*;

use super::*;
use crate::testing::{announcement, founded, tell};
use crate::{Command, FeatureLevel};

const LIMITS: PlanLimits = PlanLimits {
    gone_after: Duration::from_secs(600),
    changes_per_node_max: 2,
};

/// Carries plans out until there is nothing left to do, and returns how many changes that took.
fn settle(directory: &mut Option<Directory>, observed: &Observed) -> usize {
    let mut changes = 0;
    loop {
        let planned = plan(directory.as_ref().expect("founded"), observed, &LIMITS);
        if planned.is_empty() {
            return changes;
        }
        for change in planned {
            tell(directory, change.into());
            changes += 1;
        }
        let known = directory.as_ref().expect("founded");
        let changing: Vec<_> = known
            .groups
            .iter()
            .filter(|(_, group)| group.change.is_some())
            .map(|(id, _)| *id)
            .collect();
        for group in changing {
            tell(directory, Command::FinishChange(group));
        }
        assert!(changes < 10_000, "plans never come to an end");
    }
}

fn cluster(nodes: u8, groups: u32) -> Option<Directory> {
    let mut directory = founded(groups);
    for number in 2..=nodes {
        tell(&mut directory, Command::Announce(announcement(number, "")));
    }
    directory
}

fn loads(directory: &Option<Directory>) -> Vec<usize> {
    let known = directory.as_ref().expect("founded");
    known
        .nodes
        .keys()
        .map(|node| known.replicas_on(*node).count())
        .collect()
}

#[test]
fn one_node_is_left_alone_and_two_are_no_better() {
    assert_eq!(settle(&mut cluster(1, 4), &Observed::default()), 0);
    assert_eq!(settle(&mut cluster(2, 4), &Observed::default()), 0);
}

#[test]
fn a_cluster_grows_from_one_node_to_three_voters_each_group() {
    let mut directory = cluster(3, 16);
    settle(&mut directory, &Observed::default());
    assert_eq!(loads(&directory), [17, 17, 17]);
}

#[test]
fn new_nodes_get_their_share_only_when_it_is_asked_for() {
    let mut directory = cluster(3, 16);
    settle(&mut directory, &Observed::default());
    tell(&mut directory, Command::Announce(announcement(4, "")));
    assert_eq!(settle(&mut directory, &Observed::default()), 0);
    tell(&mut directory, Command::SetBalancing(true));
    assert_eq!(settle(&mut directory, &Observed::default()), 12);
    let loads = loads(&directory);
    assert!(loads.iter().all(|load| (12..=13).contains(load)), "{loads:?}");
}

#[test]
fn few_changes_touch_a_node_at_one_time() {
    let directory = cluster(3, 16);
    let planned = plan(
        directory.as_ref().expect("founded"),
        &Observed::default(),
        &LIMITS,
    );
    assert_eq!(planned.len(), 4, "two for each of the new nodes: {planned:?}");
}

#[test]
fn what_a_silent_node_has_is_made_anew_when_it_has_been_silent_for_long() {
    let mut directory = cluster(4, 8);
    settle(&mut directory, &Observed::default());
    let silent = |seconds| Observed {
        silent: [(NodeId(2), Duration::from_secs(seconds))].into(),
    };
    assert_eq!(settle(&mut directory, &silent(599)), 0);
    let had = loads(&directory)[1];
    assert_eq!(settle(&mut directory, &silent(600)), had);
    assert_eq!(loads(&directory)[1], 0);
}

#[test]
fn nothing_is_planned_for_a_group_without_a_majority() {
    let mut directory = cluster(5, 4);
    settle(&mut directory, &Observed::default());
    let long = Duration::from_secs(3600);
    let observed = Observed {
        silent: [(NodeId(1), long), (NodeId(2), long)].into(),
    };
    let known = directory.as_ref().expect("founded");
    for change in plan(known, &observed, &LIMITS) {
        let group = &known.groups[&change.group];
        let silent = group.replicas.values().filter(|node| node.0 <= 2).count();
        assert!(silent < 2, "{change:?}");
    }
}

#[test]
fn a_node_leaves_when_others_have_room_and_groups_shrink_when_none_has() {
    let mut directory = cluster(4, 8);
    settle(&mut directory, &Observed::default());
    tell(
        &mut directory,
        Command::SetNodeState(NodeId(1), NodeState::Leaving),
    );
    settle(&mut directory, &Observed::default());
    assert_eq!(loads(&directory)[0], 0);
    tell(&mut directory, Command::ForgetNode(NodeId(1)));
    tell(
        &mut directory,
        Command::SetNodeState(NodeId(2), NodeState::Leaving),
    );
    settle(&mut directory, &Observed::default());
    let known = directory.as_ref().expect("founded");
    assert_eq!(known.replicas_on(NodeId(2)).count(), 0);
    assert!(known.groups.values().all(|group| group.replicas.len() == 2));
}

#[test]
fn replicas_of_a_group_are_in_different_zones_where_there_are_enough() {
    let mut directory = founded(8);
    for (number, zone) in [(1, "a"), (2, "a"), (3, "b"), (4, "b"), (5, "c")] {
        tell(&mut directory, Command::Announce(announcement(number, zone)));
    }
    settle(&mut directory, &Observed::default());
    let known = directory.as_ref().expect("founded");
    for group in known.groups.values() {
        let zones: BTreeSet<_> = group
            .replicas
            .values()
            .map(|node| &known.nodes[node].zone)
            .collect();
        assert_eq!(zones.len(), 3, "{group:?}");
    }
}

#[test]
fn leaders_are_spread_and_none_is_on_a_node_that_is_drained() {
    let mut directory = cluster(3, 15);
    settle(&mut directory, &Observed::default());
    let led = |directory: &Option<Directory>| {
        let known = directory.as_ref().expect("founded");
        let mut led = BTreeMap::<NodeId, usize>::new();
        for (group, replica) in known.preferred_leaders() {
            *led.entry(known.groups[&group].replicas[&replica]).or_default() += 1;
        }
        led.into_values().collect::<Vec<_>>()
    };
    let shares = led(&directory);
    assert!(shares.iter().all(|share| (5..=6).contains(share)), "{shares:?}");
    tell(
        &mut directory,
        Command::SetNodeState(NodeId(3), NodeState::Drained),
    );
    assert_eq!(led(&directory), [8, 8]);
}

#[derive(Clone, Debug)]
enum Step {
    Join(u8),
    State(u64, NodeState),
    Silence(u64),
    Balance(bool),
    Level(u32),
}

fn step() -> impl Strategy<Value = Step> {
    let states = prop::sample::select(NodeState::ALL.to_vec());
    prop_oneof![
        (2..9u8).prop_map(Step::Join),
        (1..9u64, states).prop_map(|(node, state)| Step::State(node, state)),
        (1..9u64).prop_map(Step::Silence),
        any::<bool>().prop_map(Step::Balance),
        (0..3u32).prop_map(Step::Level),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happens to the nodes, plans come to an end, every group keeps a replica, no node has two of one group,
    /// and numbers and epochs only rise.
    #[test]
    fn plans_come_to_an_end_and_lose_no_group(steps in prop::collection::vec(step(), 1..30)) {
        let mut directory = founded(6);
        let mut observed = Observed::default();
        let mut seen = BTreeSet::new();
        let mut epoch = crate::Epoch(0);
        for step in steps {
            let command = match step {
                Step::Join(number) => Command::Announce(announcement(number, "")),
                Step::State(node, state) => Command::SetNodeState(NodeId(node), state),
                Step::Balance(balancing) => Command::SetBalancing(balancing),
                Step::Level(level) => Command::RaiseFeatureLevel(FeatureLevel(level)),
                Step::Silence(node) => {
                    observed.silent = [(NodeId(node), Duration::from_secs(601))].into();
                    Command::SetBalancing(false)
                }
            };
            // Some are rejected, which changes nothing.
            let before = directory.clone();
            if crate::apply(&mut directory, command).is_err() {
                prop_assert_eq!(&directory, &before);
            }
            settle(&mut directory, &observed);
            let known = directory.as_ref().expect("founded");
            prop_assert!(known.epoch >= epoch);
            epoch = known.epoch;
            for group in known.groups.values() {
                prop_assert!(!group.replicas.is_empty());
                let hosts: BTreeSet<_> = group.replicas.values().collect();
                prop_assert_eq!(hosts.len(), group.replicas.len());
                seen.extend(group.replicas.keys().copied());
            }
            prop_assert!(seen.iter().all(|replica| *replica < known.next_replica));
        }
    }
}

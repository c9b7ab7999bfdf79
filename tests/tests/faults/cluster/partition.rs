//! Networks that lose what they are given (faults 9 and 10).

use std::time::Duration;

use cluster_tests::network::{Network, Party};

use super::Trial;

const STALL_MAX: Duration = Duration::from_secs(20);

fn others(leader: usize) -> [usize; 2] {
    [(leader + 1) % 3, (leader + 2) % 3]
}

/// Cuts the network, waits until mail goes on, and heals it.
fn cut(trial: &mut Trial, cut: impl Fn(&Network, usize)) {
    trial.suffer(|cluster, probe| {
        let leader = cluster.leader();
        cut(cluster.network(), leader);
        probe.wait_for_writes(20);
        cluster.network().heal();
        probe.wait_for_writes(3);
    });
}

#[test]
fn the_leader_is_cut_off() {
    let mut trial = Trial::begin("the leader is cut off from all, and from the nodes only");
    cut(&mut trial, |network, leader| {
        let [one, other] = others(leader).map(Party::Node);
        let rest = [one, other, Party::Proxy(0), Party::Proxy(1)];
        network.part(&[Party::Node(leader)], &rest);
    });
    cut(&mut trial, |network, leader| {
        network.part(&[Party::Node(leader)], &others(leader).map(Party::Node));
    });
    trial.conclude(STALL_MAX);
}

#[test]
fn the_leader_is_deaf_or_dumb() {
    let mut trial = Trial::begin("the leader hears no node, and no node hears the leader");
    cut(&mut trial, |network, leader| {
        for other in others(leader) {
            network.deafen(Party::Node(other), Party::Node(leader));
        }
    });
    cut(&mut trial, |network, leader| {
        for other in others(leader) {
            network.deafen(Party::Node(leader), Party::Node(other));
        }
    });
    trial.conclude(STALL_MAX);
}

#[test]
fn some_cannot_reach_each_other() {
    let mut trial = Trial::begin("the leader and a follower, and two followers, cannot reach each other");
    cut(&mut trial, |network, leader| {
        let [one, _] = others(leader);
        network.part(&[Party::Node(leader)], &[Party::Node(one)]);
    });
    cut(&mut trial, |network, leader| {
        let [one, other] = others(leader).map(Party::Node);
        network.part(&[one], &[other]);
    });
    trial.conclude(STALL_MAX);
}

/// What only the proxy is cut off from must wait; other proxies go on.
#[test]
fn a_proxy_cannot_reach_the_leader() {
    let mut trial = Trial::begin("a proxy is cut off from the leader");
    trial.suffer(|cluster, probe| {
        let leader = cluster.leader();
        cluster.network().part(&[Party::Proxy(0)], &[Party::Node(leader)]);
        // The probe writes through the other one.
        probe.wait_for_writes(20);
        cluster.network().heal();
        probe.wait_for_writes(3);
    });
    trial.conclude(STALL_MAX);
}

#[test]
fn every_fifth_packet_is_lost() {
    let mut trial = Trial::begin("20 % of all packets are lost");
    trial.suffer(|cluster, probe| {
        cluster.network().lose(20);
        probe.wait_for_writes(20);
        cluster.network().heal();
        probe.wait_for_writes(3);
    });
    trial.tell();
}

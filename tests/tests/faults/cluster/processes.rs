//! Processes that are killed (fault 1).

use std::time::Duration;

use cluster_tests::Server;

use super::Trial;

#[test]
fn nodes_are_killed_in_turn() {
    let mut trial = Trial::begin("kill -9 of the leader and of a follower, in turn");
    for round in 0..4 {
        trial.suffer(|cluster, probe| {
            let leader = cluster.leader();
            let index = (leader + round % 2) % cluster.nodes.len();
            let node = cluster.nodes.get_mut(index).expect("invariant: one of three");
            node.kill();
            probe.wait_for_writes(3);
            node.restart();
            probe.wait_for_writes(3);
        });
    }
    trial.conclude(Duration::from_secs(20));
}

#[test]
fn proxies_are_killed_in_turn() {
    let mut trial = Trial::begin("kill -9 of each proxy");
    for index in [1, 0] {
        trial.suffer(|cluster, probe| {
            let proxy = cluster.proxies.get_mut(index).expect("invariant: one of two");
            proxy.kill();
            proxy.restart();
            probe.wait_for_writes(3);
        });
    }
    trial.tell();
}

#[test]
fn all_nodes_are_killed_at_once() {
    let mut trial = Trial::begin("kill -9 of all nodes at once");
    trial.suffer(|cluster, probe| {
        cluster.nodes.iter_mut().for_each(Server::kill);
        cluster.revive_nodes();
        probe.wait_for_writes(3);
    });
    trial.conclude(Duration::from_secs(29));
}

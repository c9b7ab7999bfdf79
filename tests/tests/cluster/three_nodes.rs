//! Three storage nodes behind one process: any of them may die.

use cluster_tests::cluster::Cluster;
use cluster_tests::history::History;
use cluster_tests::imap::Status;
use cluster_tests::{Imap, ServerOptions, mail, wait};

/// Starts three nodes that bear a machine on which much else runs: with fewer groups, and with more patience before
/// another leader is looked for. How long that takes by default is the matter of the tests of `consensus`.
fn three_nodes(adjust: impl Fn(ServerOptions) -> ServerOptions) -> Cluster {
    Cluster::start_with(3, |options| {
        let patient = options
            .set("storage", "groups", "4")
            .set("cluster", "heartbeat_interval", "\"500ms\"")
            .set("cluster", "election_timeout_min", "\"2s\"")
            .set("cluster", "election_timeout_max", "\"3s\"");
        adjust(patient)
    })
}

#[test]
fn mail_survives_each_node_in_turn_and_the_session_stays() {
    let mut cluster = three_nodes(|options| options);
    let mut client = Imap::login(cluster.access());
    let mut sent = Vec::new();
    // One of the three leads the group of the account.
    for index in 0..cluster.nodes.len() {
        let message = mail::message(&format!("Round-{index}"), "through one");
        client.deposit(&message);
        sent.push(message);
        let node = cluster.nodes.get_mut(index).expect("invariant: one of the nodes");
        node.kill();
        let stored: Vec<Vec<u8>> = client
            .dump("INBOX")
            .into_iter()
            .map(|stored| stored.body)
            .collect();
        assert!(
            stored == sent,
            "{} of {} messages came back",
            stored.len(),
            sent.len()
        );
        let message = mail::message(&format!("Without-{index}"), "with two of three");
        client.deposit(&message);
        sent.push(message);
        let node = cluster.nodes.get_mut(index).expect("invariant: one of the nodes");
        node.restart();
    }
    let uids: Vec<u64> = client
        .dump("INBOX")
        .into_iter()
        .map(|stored| stored.uid)
        .collect();
    assert_eq!(uids, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn without_a_majority_nothing_is_acknowledged() {
    let mut cluster = three_nodes(|options| options.set("cluster", "leaderless_timeout", "\"3s\""));
    let mut client = Imap::login(cluster.access());
    let message = mail::message("Kept", "by all three");
    client.deposit(&message);
    for node in cluster.nodes.iter_mut().take(2) {
        node.kill();
    }
    let answer = client.append("INBOX", "", &mail::message("Refused", "by the one that is left"));
    let acknowledged = answer.is_ok_and(|answer| answer.status == Status::Ok);
    assert!(!acknowledged, "one of three is no majority");
    for node in cluster.nodes.iter_mut().take(2) {
        node.restart();
    }
    // Those that were restarted vote only when the lease that they may have granted has run out.
    let access = cluster.access();
    let mut client = wait::until("a majority", || Imap::try_login(access, &access.user).ok());
    let stored = client.dump("INBOX");
    assert!(
        stored.iter().any(|stored| stored.body == message),
        "what all three had is gone"
    );
}

/// Sessions stay over all of it, and what they ask for while a node is lost is done.
#[test]
fn nothing_acknowledged_is_lost_when_nodes_die_under_load() {
    let mut cluster = three_nodes(|options| options);
    let access = cluster.access().clone();
    let mut history = History::begin(&access, 4);
    let mut client = Imap::login(&access);
    client.ok("CREATE Aside");
    for node in &mut cluster.nodes {
        let changes = history.choose(20..60);
        history.load(&access, changes, || {
            node.kill();
            for number in 0..10 {
                let message = mail::message(&format!("Aside-{number}"), "with two of three");
                let answer = client.append("Aside", "", &message).expect("the session stays");
                assert_eq!(answer.status, Status::Ok, "{}", answer.text);
            }
        });
        node.restart();
        history.check(&access);
    }
    assert_eq!(client.count("Aside"), 30);
}

#[test]
fn nothing_acknowledged_is_lost_when_all_nodes_die_at_once() {
    let mut cluster = three_nodes(|options| options);
    let access = cluster.access().clone();
    let mut history = History::begin(&access, 4);
    for _ in 0..2 {
        let changes = history.choose(20..60);
        history.load(&access, changes, || cluster.restart_nodes());
        history.check(&access);
    }
}

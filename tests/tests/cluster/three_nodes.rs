//! Three storage nodes behind one process: any of them may die.

use cluster_tests::cluster::Cluster;
use cluster_tests::{Imap, mail};

#[test]
fn mail_survives_each_node_in_turn_and_the_session_stays() {
    let mut cluster = Cluster::start(3);
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
    let mut cluster = Cluster::start(3);
    let mut client = Imap::login(cluster.access());
    let message = mail::message("Kept", "by all three");
    client.deposit(&message);
    for node in cluster.nodes.iter_mut().take(2) {
        node.kill();
    }
    let answer = client.append("INBOX", "", &mail::message("Refused", "by the one that is left"));
    let acknowledged = answer.is_ok_and(|answer| answer.status == cluster_tests::imap::Status::Ok);
    assert!(!acknowledged, "one of three is no majority");
    for node in cluster.nodes.iter_mut().take(2) {
        node.restart();
    }
    let mut client = Imap::login(cluster.access());
    let stored = client.dump("INBOX");
    assert!(
        stored.iter().any(|stored| stored.body == message),
        "what all three had is gone"
    );
}

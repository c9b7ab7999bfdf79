//! A group that has lost its majority: patience, then a refusal, and the session goes on.

use std::time::Duration;

use cluster_tests::cluster::{Cluster, timed};
use cluster_tests::imap::Status;
use cluster_tests::{Imap, log, mail};

use super::{bodies, cluster, elsewhere};

const PATIENCE: Duration = Duration::from_secs(4);
/// What a refusal may come later on a machine with much else to do.
const LATER: Duration = Duration::from_secs(3);

/// Runs a command that cannot be carried out.
fn is_refused_in_time(client: &mut Imap, command: &[u8]) {
    let shown = command.escape_ascii().to_string();
    let (answer, took) = timed(|| client.run(command));
    let answer = answer.expect("the session stays");
    assert_eq!(answer.status, Status::No, "{shown}: {}", answer.text);
    assert!(
        answer.text.starts_with("[UNAVAILABLE]"),
        "{shown}: {}",
        answer.text
    );
    log::note(&format!(
        "{:.30} without a majority: refused after {took:.2?}",
        shown
    ));
    assert!(took < PATIENCE + LATER, "{shown}: {took:?}");
    // The last attempt is not begun when it cannot end in time.
    assert!(took + Duration::from_millis(600) > PATIENCE, "{shown}: {took:?}");
}

/// Kills two of three, waits out the patience of a session, and lets it go on.
fn goes_on_after(lose: impl Fn(&mut Cluster, usize)) {
    let mut cluster = cluster(|options| options.set("cluster", "leaderless_timeout", "\"4s\""));
    let mut client = Imap::login(cluster.access());
    let mut watcher = elsewhere(&cluster);
    let first = mail::message("First", "by all three");
    client.deposit(&first);
    client.ok("SELECT INBOX");
    watcher.ok("SELECT INBOX");
    let mut idle = watcher.idle();
    let leader = cluster.leader();
    lose(&mut cluster, leader);
    is_refused_in_time(&mut client, b"UID STORE 1 +FLAGS (\\Flagged)");
    let second = mail::message("Second", "by the one that is left");
    let head = format!("APPEND INBOX {{{}+}}\r\n", second.len());
    is_refused_in_time(&mut client, &[head.as_bytes(), &second].concat());
    is_refused_in_time(&mut client, b"STATUS INBOX (MESSAGES)");
    cluster.revive_nodes();
    cluster.settle();
    client.ok("UID STORE 1 +FLAGS (\\Flagged)");
    let third = mail::message("Third", "by all three again");
    client.deposit(&third);
    let found = bodies(&mut client);
    // Whether what was refused was done is not known, and said so.
    let allowed = [vec![&first, &third], vec![&first, &second, &third]];
    assert!(
        allowed.iter().any(|allowed| allowed.iter().copied().eq(&found)),
        "{}",
        found.len()
    );
    idle.told(&format!(" {} EXISTS", found.len()));
    idle.done();
}

#[test]
fn patience_ends_when_a_follower_is_left() {
    goes_on_after(|cluster, leader| {
        let follower = (leader + 1) % cluster.nodes.len();
        for (index, node) in cluster.nodes.iter_mut().enumerate() {
            if index != follower {
                node.kill();
            }
        }
    });
}

#[test]
fn patience_ends_when_the_leader_is_left() {
    goes_on_after(|cluster, leader| {
        for (index, node) in cluster.nodes.iter_mut().enumerate() {
            if index != leader {
                node.kill();
            }
        }
    });
}

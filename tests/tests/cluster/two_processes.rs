//! IMAP and LMTP in one process, storage in another, gRPC with mutual TLS between them.

use cluster_tests::cluster::Cluster;
use cluster_tests::{Imap, Program, mail};

#[test]
fn mail_goes_in_and_comes_out() {
    let cluster = Cluster::start(1);
    let access = cluster.access();
    let mut client = Imap::login(access);
    let message = mail::large_message("Through", 300_000);
    let uid = client.deposit(&message);
    Program::new("swaks")
        .arguments(["--protocol", "LMTP", "--server", &access.lmtp.to_string()])
        .arguments(["--from", "ada@example.net", "--to", &access.user])
        .succeed();
    let dump = client.dump("INBOX");
    assert_eq!(dump.len(), 2);
    assert!(
        dump.iter()
            .any(|stored| stored.uid == uid && stored.body == message)
    );
}

#[test]
fn a_session_outlives_a_restart_of_the_storage() {
    let mut cluster = Cluster::start(1);
    let mut client = Imap::login(cluster.access());
    let uid = client.deposit(&mail::message("Before", "the restart"));
    client.ok("SELECT INBOX");
    for node in &mut cluster.nodes {
        node.kill();
        node.restart();
    }
    client.ok(format!("UID STORE {uid} +FLAGS (\\Seen)"));
    assert_eq!(client.dump("INBOX").len(), 1);
}

#[test]
fn changes_are_told_across_processes() {
    let cluster = Cluster::start(1);
    let mut watcher = Imap::login(cluster.access());
    watcher.ok("SELECT INBOX");
    let mut idle = watcher.idle();
    Imap::login(cluster.access()).deposit(&mail::message("News", "for the other session"));
    assert_eq!(idle.told(" EXISTS"), "* 1 EXISTS");
    idle.done();
}

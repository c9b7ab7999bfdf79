//! The transcripts of `tests/transcripts` against the program that people run: in one process, and in two.

mod line;
mod player;

use cluster_tests::cluster::Cluster;
use cluster_tests::{Imap, Server, ServerOptions};
use player::{Processes, failures, transcripts};

#[test]
fn pass_in_one_process() {
    let server = Server::start_with(ServerOptions::default().set("imap", "idle_keepalive", "\"2s\""));
    let found = failures(&Processes::one(&server), &transcripts());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn pass_in_two_processes() {
    let cluster = Cluster::start(1);
    let node = cluster.nodes.first().expect("invariant: one node was started");
    let processes = Processes {
        front: cluster.front(),
        administered: node,
    };
    let found = failures(&processes, &transcripts());
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_message_beyond_the_limit_is_refused_before_it_is_sent() {
    let server = Server::start_with(ServerOptions::default().set("limits", "append_bytes_max", "\"64KiB\""));
    let mut client = Imap::login(server.access());
    let refusal = client.refused("APPEND INBOX {65537}");
    assert!(refusal.text.starts_with("[TOOBIG]"), "{}", refusal.text);
    assert_eq!(client.count("INBOX"), 0);
}

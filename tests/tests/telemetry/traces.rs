//! One command is one trace, from its line to the flush that made it durable.

use cluster_tests::cluster::Cluster;
use cluster_tests::{Imap, Server, ServerOptions, mail};

use crate::receiver::{Receiver, Span, Spans};

/// Returns the way from the flush of the APPEND up to its command. There may be flushes that belong to other commands.
fn way_of_the_append(spans: &Spans) -> Vec<&Span> {
    let flushes = spans.spans.iter().filter(|span| span.name == "wal.sync");
    let mut ways = flushes.map(|flush| spans.ancestry(flush));
    let found = ways.find(|way| {
        let outermost = way.last().expect("invariant: the flush is among them");
        outermost.name == "imap.command" && outermost.attribute("command").as_deref() == Some("append")
    });
    assert!(
        found.is_some(),
        "no flush below an APPEND among {}",
        spans.names()
    );
    found.expect("invariant: asserted above")
}

fn check(way: &[&Span], expected: &[(&str, &str)]) {
    let seen: Vec<_> = way
        .iter()
        .rev()
        .map(|span| (span.name.as_str(), span.process.as_str()))
        .collect();
    assert_eq!(seen, expected);
    let command = way.last().expect("invariant: not empty");
    assert!(way.iter().all(|span| span.trace == command.trace), "one trace");
    assert_eq!(command.attribute("outcome").as_deref(), Some("ok"));
    assert!(command.parent.is_empty(), "nothing is above a command");
}

#[test]
fn an_append_is_one_trace_down_to_the_flush() {
    let receiver = Receiver::start();
    let mut server = Server::start_with(receiver.wanted_by(ServerOptions::default()));
    let mut client = Imap::login(server.access());
    client.deposit(&mail::message("Traced", "through one process"));
    server.stop();
    check(
        &way_of_the_append(&receiver.spans()),
        &[
            ("imap.command", "node-1"),
            ("storage.call", "node-1"),
            ("consensus.propose", "node-1"),
            ("wal.sync", "node-1"),
        ],
    );
}

/// W3C Trace Context goes with every call from process to process.
#[test]
fn a_trace_goes_on_in_the_process_that_stores() {
    let receiver = Receiver::start();
    let mut cluster = Cluster::start_with(1, |options| receiver.wanted_by(options));
    let mut client = Imap::login(cluster.access());
    client.deposit(&mail::message("Traced", "through two processes"));
    cluster.front.stop();
    for node in &mut cluster.nodes {
        node.stop();
    }
    check(
        &way_of_the_append(&receiver.spans()),
        &[
            ("imap.command", "front"),
            ("storage.call", "front"),
            ("rpc.serve", "node-1"),
            ("consensus.propose", "node-1"),
            ("wal.sync", "node-1"),
        ],
    );
}

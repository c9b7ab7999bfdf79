//! One command is one trace, from its line to the flush that made it durable.

use cluster_tests::cluster::Cluster;
use cluster_tests::{Imap, Server, ServerOptions, mail};

use crate::metrics::deliver;
use crate::receiver::{Receiver, Span, Spans};

/// Returns the way from a flush up to what caused it, if that is what is looked for. There may be flushes that belong to
/// something else.
fn way_up(spans: &Spans, from: impl Fn(&Span) -> bool) -> Vec<&Span> {
    let flushes = spans.spans.iter().filter(|span| span.name == "wal.sync");
    let mut ways = flushes.map(|flush| spans.ancestry(flush));
    let found = ways.find(|way| from(way.last().expect("invariant: the flush is among them")));
    assert!(found.is_some(), "no such flush among {}", spans.names());
    found.expect("invariant: asserted above")
}

fn is_append(span: &Span) -> bool {
    let attribute = |key| span.attribute(key);
    span.name == "imap.command"
        && attribute("command").as_deref() == Some("append")
        && attribute("outcome").as_deref() == Some("ok")
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
        &way_up(&receiver.spans(), is_append),
        &[
            ("imap.command", "node-1"),
            ("storage.call", "node-1"),
            ("consensus.propose", "node-1"),
            ("wal.sync", "node-1"),
        ],
    );
}

#[test]
fn a_delivery_is_one_trace_down_to_the_flush() {
    let receiver = Receiver::start();
    let mut server = Server::start_with(receiver.wanted_by(ServerOptions::default()));
    let heard = deliver(server.access(), &mail::message("Traced", "as it came in"));
    assert!(heard.contains("250 2.0.0"), "{heard}");
    server.stop();
    check(
        &way_up(&receiver.spans(), |span| span.name == "lmtp.transaction"),
        &[
            ("lmtp.transaction", "node-1"),
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
    for process in cluster.proxies.iter_mut().chain(&mut cluster.nodes) {
        process.stop();
    }
    check(
        &way_up(&receiver.spans(), is_append),
        &[
            ("imap.command", "proxy-1"),
            ("storage.call", "proxy-1"),
            ("rpc.serve", "node-1"),
            ("consensus.propose", "node-1"),
            ("wal.sync", "node-1"),
        ],
    );
}

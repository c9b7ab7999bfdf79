//! Metrics and health of running processes.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use cluster_tests::cluster::Cluster;
use cluster_tests::server::Access;
use cluster_tests::{Imap, Server, ServerOptions, mail, wait};

use crate::watch::get;

/// Longer than a leader may go without hearing of a majority.
const IDLE: Duration = Duration::from_secs(4);

/// Delivers a message over LMTP and returns all that was answered.
pub fn deliver(access: &Access, message: &[u8]) -> String {
    let mut stream = TcpStream::connect_timeout(&access.lmtp, wait::LIMIT).expect("a connection");
    stream.set_read_timeout(Some(wait::LIMIT)).expect("a timeout");
    let head = format!(
        "LHLO mx.example.net\r\nMAIL FROM:<ada@example.net>\r\nRCPT TO:<{}>\r\nDATA\r\n",
        access.user
    );
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(message).expect("sent");
    stream.write_all(b"\r\n.\r\nQUIT\r\n").expect("sent");
    let mut heard = String::new();
    stream.read_to_string(&mut heard).expect("an answer");
    heard
}

/// Returns the metrics that the documentation promises.
fn documented() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let text = std::fs::read_to_string(path).expect("the documentation");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `facteur_"));
    let names = rows.filter_map(|row| row.split('`').next());
    names.map(|name| format!("facteur_{name}")).collect()
}

/// Returns the metrics that a process serves.
fn served(server: &Server) -> BTreeSet<String> {
    let answer = get(server, "/metrics");
    assert_eq!(answer.status, 200);
    let names = answer
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    names
        .filter_map(|row| row.split(' ').next())
        .map(str::to_owned)
        .collect()
}

/// Does everything that is counted.
fn make_use_of(access: &Access) {
    let mut client = Imap::login(access);
    client.deposit(&mail::message("Counted", "and measured"));
    assert!(deliver(access, &mail::message("Delivered", "and counted")).contains("250 2.0.0"));
    let mut stranger = Imap::connect(access).expect("a greeting");
    assert!(Imap::connect_plain(access).is_err(), "one stranger at a time");
    while stranger.run("NONSENSE").is_ok() {}
}

#[test]
fn every_metric_that_is_documented_is_fed() {
    let cluster = Cluster::start_with(1, |options| {
        options.set("limits", "preauth_connections_per_ip_max", "1").set(
            "limits",
            "preauth_bad_commands_max",
            "1",
        )
    });
    make_use_of(cluster.access());
    let processes = cluster.proxies.iter().chain(&cluster.nodes);
    let all: BTreeSet<String> = processes.flat_map(served).collect();
    let missing: Vec<_> = documented().difference(&all).cloned().collect();
    assert!(missing.is_empty(), "not fed: {missing:?}");
}

#[test]
fn a_server_is_ready_once_its_groups_have_leaders() {
    let server = Server::start_with(ServerOptions::default());
    wait::until("the server to be ready", || {
        (get(&server, "/readyz").status == 200).then_some(())
    });
    assert_eq!(get(&server, "/livez").status, 200);
}

#[test]
fn without_a_majority_a_node_lives_and_is_not_ready() {
    // Few groups, so that a busy machine has time for their heartbeats.
    let mut cluster = Cluster::start_with(3, |options| options.set("storage", "groups", "2"));
    // A leader that has nothing to do is one still. There may be an election or two before they settle.
    wait::until("all nodes to stay ready", || {
        let doubted = wait::within(IDLE, || {
            let mut nodes = cluster.nodes.iter();
            nodes.find_map(|node| (get(node, "/readyz").status != 200).then_some(()))
        });
        doubted.is_none().then_some(())
    });
    for node in cluster.nodes.iter_mut().skip(1) {
        node.kill();
    }
    let left = cluster.nodes.first().expect("invariant: one of three");
    let reason = wait::until("the node not to be ready", || {
        let answer = get(left, "/readyz");
        (answer.status == 503).then_some(answer.body)
    });
    assert!(reason.starts_with("no leader: group "), "{reason}");
    assert_eq!(
        get(left, "/livez").status,
        200,
        "there is nothing to restart it for"
    );
}

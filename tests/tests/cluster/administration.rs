//! A cluster that is made larger and smaller by its administrator while mail is delivered.

use cluster_tests::cluster::{Cluster, plan};
use cluster_tests::stand_in::free_address;
use cluster_tests::{Imap, Server, ServerOptions, mail, wait};

/// Bears a machine on which much else runs.
fn patient(options: ServerOptions) -> ServerOptions {
    options
        .set("storage", "groups", "4")
        .set("cluster", "heartbeat_interval", "\"500ms\"")
        .set("cluster", "election_timeout_min", "\"2s\"")
        .set("cluster", "election_timeout_max", "\"3s\"")
}

/// Starts a fourth storage node, which knows nothing but where the first one is.
fn newcomer(cluster: &Cluster) -> Server {
    let (authority, address) = (cluster.authority(), free_address());
    plan::pki(&["issue", "storage", "node-4"], &authority);
    let seed = cluster.addresses.first().expect("a node");
    let options = ServerOptions::default()
        .set("server", "roles", "[\"storage\"]")
        .set("server", "host_name", "\"node-4\"")
        .set("cluster", "node_id", "4")
        .set("cluster", "seeds", &format!("[\"{seed}\"]"))
        .set("listen", "rpc", &format!("[\"{address}\"]"))
        .set(
            "tls",
            "authority_dir",
            &format!("{:?}", authority.to_string_lossy()),
        );
    Server::start_process(patient(options))
}

/// Returns the count of replicas of each node, in order of their numbers.
fn replicas(node: &Server) -> Vec<String> {
    let members = node
        .administer(&["cluster", "members", "--output", "json"], "")
        .text();
    let counts = members.split("\"replicas\":").skip(1);
    counts
        .filter_map(|rest| rest.split([',', '}']).next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn four_nodes_share_what_three_had_and_one_of_the_three_leaves() {
    let cluster = Cluster::start_with(3, patient);
    let mut client = Imap::login(cluster.access());
    let mut sent = Vec::new();
    let mut deposit = |subject: &str| {
        let message = mail::message(subject, "while nodes come and go");
        client.deposit(&message);
        sent.push(message);
    };
    deposit("with three");
    let _fourth = newcomer(&cluster);
    let node = cluster.nodes.get(1).expect("a node");
    wait::until("the fourth node", || (replicas(node).len() == 4).then_some(()));
    deposit("with four");
    let applied = node.administer(&["layout", "apply", "--yes"], "");
    assert!(applied.text().contains("spread evenly"), "{applied}");
    // Four groups and that of the directory, three replicas each.
    let mut counts = replicas(node);
    counts.sort();
    assert_eq!(counts, ["3", "4", "4", "4"]);
    deposit("spread");
    let gone = node.administer(&["node", "decommission", "node-1"], "");
    assert!(gone.text().contains("no longer part of the cluster"), "{gone}");
    assert_eq!(replicas(node), ["5", "5", "5"]);
    deposit("without the first");
    let stored = client.dump("INBOX").into_iter().map(|stored| stored.body);
    assert!(stored.eq(sent), "every message is there, as it was sent");
}

//! The cluster that is worked on.

use history::{Command, DUMP, NEMESIS, Outcome, Record};
use serde_json::Value;

use super::client::{Client, Door};
use super::journal::Journal;
use super::worker::HOT;
use crate::cluster::{Cluster, Plan};
use crate::network::Party;
use crate::server::PASSWORD;
use crate::{Server, ServerOptions, wait};

/// Storage nodes and proxies.
const NODES: usize = 3;
const PROXIES: usize = 2;
/// Entries that a replica may be behind and still be good for an election soon.
const LAG_MAX: u64 = 2_000;

/// A cluster with accounts.
#[derive(Debug)]
pub struct Stage {
    pub cluster: Cluster,
    pub doors: Vec<Door>,
    pub accounts: Vec<String>,
    /// Whether processes can be cut off from each other.
    pub apart: bool,
}

impl Stage {
    /// Starts the cluster. As root each process gets a network of its own, and the thread that calls moves into that
    /// of the clients.
    pub fn start(accounts: usize, patient: bool) -> Self {
        let apart = rustix::process::geteuid().is_root();
        let plan = Plan {
            nodes: NODES,
            proxies: PROXIES,
            apart,
        };
        let cluster = Cluster::build(plan, |party, options| adjust(party, options, patient));
        let accounts: Vec<String> = (1..=accounts)
            .map(|number| format!("user{number}@example.org"))
            .collect();
        for account in &accounts {
            let limits = ["--storage", "10GiB", "--messages", "1000000"];
            cluster
                .nodes
                .first()
                .expect("a storage node")
                .add_account(account, PASSWORD, &limits);
        }
        let doors = cluster.proxies.iter().zip(1..).map(|(proxy, number)| Door {
            name: format!("proxy-{number}"),
            access: proxy.access().clone(),
        });
        Self {
            doors: doors.collect(),
            accounts,
            cluster,
            apart,
        }
    }

    /// Makes the mailboxes that all work on.
    pub fn furnish(&self, journal: &Journal) {
        for account in &self.accounts {
            let mut client = Client::new(DUMP, account, &self.doors, journal);
            wait::until("a proxy to serve", || client.connect(0).then_some(()));
            for name in HOT.iter().filter(|name| **name != "INBOX") {
                let command = Command::Create {
                    name: (*name).to_owned(),
                };
                client.run(command, format!("CREATE {name}"));
            }
        }
    }

    /// Waits until every storage node has nearly caught up, so that the next one may be lost.
    pub fn recover(&mut self) {
        wait::until("all storage nodes to follow", || self.follows().then_some(()));
    }

    fn follows(&self) -> bool {
        let Some(node) = self.cluster.nodes.first() else {
            return false;
        };
        let text = node.administer(&["status", "--output", "json"], "").text();
        is_recovered(&text, self.cluster.nodes.len())
    }

    pub fn node(&mut self, index: usize) -> &mut Server {
        self.cluster
            .nodes
            .get_mut(index)
            .expect("invariant: one of the nodes")
    }

    pub fn proxy(&mut self, index: usize) -> &mut Server {
        self.cluster
            .proxies
            .get_mut(index)
            .expect("invariant: one of the proxies")
    }
}

/// Says whether so many nodes follow one leader in each group and are not far behind it.
fn is_recovered(status: &str, count: usize) -> bool {
    let nodes: Value = serde_json::from_str(status).unwrap_or_default();
    let mut groups: std::collections::BTreeMap<u64, Vec<(String, u64)>> = std::collections::BTreeMap::new();
    for node in nodes.as_array().into_iter().flatten() {
        let listed = node.get("groups").and_then(Value::as_array);
        for group in listed.into_iter().flatten() {
            let number = |name: &str| group.get(name).and_then(Value::as_u64).unwrap_or_default();
            let leader = group.get("leader").and_then(Value::as_str).unwrap_or_default();
            let views = groups.entry(number("group")).or_default();
            views.push((leader.to_owned(), number("applied_index")));
        }
    }
    let level = |views: &Vec<(String, u64)>| {
        let leader = views
            .first()
            .map(|(leader, _)| leader.as_str())
            .unwrap_or_default();
        let applied = views.iter().map(|(_, applied)| *applied);
        let (least, most) = (applied.clone().min(), applied.max());
        let lag = most.zip(least).map_or(u64::MAX, |(most, least)| most - least);
        views.len() == count
            && !leader.is_empty()
            && views.iter().all(|(other, _)| other == leader)
            && lag <= LAG_MAX
    };
    !groups.is_empty() && groups.values().all(level)
}

fn adjust(party: Party, options: ServerOptions, patient: bool) -> ServerOptions {
    let options = options
        .set("limits", "connections_per_user_and_ip_max", "1000")
        .set("limits", "preauth_connections_per_ip_max", "1000");
    let options = match party {
        Party::Node(_) => options.set("storage", "groups", "4"),
        Party::Proxy(_) | Party::Clients => options,
    };
    // A machine on which much else runs must not look for another leader at each pause.
    match patient {
        true => options
            .set("cluster", "heartbeat_interval", "\"500ms\"")
            .set("cluster", "election_timeout_min", "\"2s\"")
            .set("cluster", "election_timeout_max", "\"3s\""),
        false => options,
    }
}

/// Returns the record of something that the nemesis did from then until now.
pub fn nemesis_record(journal: &Journal, command: Command, begin: u64) -> Record {
    Record {
        process: NEMESIS.to_owned(),
        session: 0,
        via_proxy: String::new(),
        tag: String::new(),
        account: String::new(),
        mailbox: None,
        uid_validity_known: None,
        command,
        t_invoke: begin,
        t_complete: journal.now(),
        outcome: Outcome::Ok,
        resp_code: None,
        untagged: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_nodes_must_follow_one_leader_closely() {
        let node = |leader: &str, applied: u64| {
            format!(r#"{{"groups":[{{"group":1,"leader":{leader},"applied_index":{applied}}}]}}"#)
        };
        let seen = |one: String, other: String| is_recovered(&format!("[{one},{other}]"), 2);
        assert!(seen(node("\"a\"", 5), node("\"a\"", 9)));
        assert!(!seen(node("\"a\"", 5), node("\"b\"", 9)));
        assert!(!seen(node("null", 5), node("null", 9)));
        assert!(!seen(node("\"a\"", 5), node("\"a\"", 9_000)));
        assert!(!is_recovered("nothing", 2));
    }
}

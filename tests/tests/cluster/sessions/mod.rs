//! What a session sees when the storage node that serves it goes: a command that takes longer, and nothing else
//! (DESIGN.md §3.9). Each test puts a client into one state, ends the leader of its group at once and then in order,
//! and counts what came of it from another proxy.

mod append;
mod fetch;
mod idle;
mod majority;
mod mbsync;
mod pipeline;
mod resync;

use std::time::Duration;

use cluster_tests::cluster::{Cluster, Plan};
use cluster_tests::{Imap, ServerOptions, log};
use rustix::process::Signal;

/// How a leader goes.
#[derive(Clone, Copy, Debug)]
enum Ending {
    /// As by `kill -9`.
    AtOnce,
    /// As by SIGTERM: it hands over what it leads before it ends.
    InOrder,
}

const ENDINGS: [Ending; 2] = [Ending::AtOnce, Ending::InOrder];

/// Three storage nodes and two proxies with one group, so that one node leads everything.
fn cluster(adjust: impl Fn(ServerOptions) -> ServerOptions) -> Cluster {
    let plan = Plan {
        proxies: 2,
        ..Plan::default()
    };
    Cluster::build(plan, |_, options| adjust(options.set("storage", "groups", "1")))
}

/// Connects through the other proxy than [`Cluster::access`] names.
fn elsewhere(cluster: &Cluster) -> Imap {
    let other = cluster.proxies.last().expect("invariant: two proxies");
    Imap::login(other.access())
}

/// A leader that goes, and perhaps has not gone yet.
struct Going {
    leader: usize,
    ending: Ending,
}

impl Going {
    /// Finds the leader, which takes a moment in which much else happens.
    fn prepare(cluster: &mut Cluster, ending: Ending) -> Self {
        let leader = cluster.leader();
        Self { leader, ending }
    }

    /// Ends the leader without waiting for its end.
    fn begin(&self, cluster: &mut Cluster) {
        let node = cluster.nodes.get_mut(self.leader);
        let node = node.expect("invariant: one of the nodes");
        match self.ending {
            Ending::AtOnce => node.kill(),
            Ending::InOrder => node.signal(Signal::TERM),
        }
    }

    /// Says how long something took meanwhile.
    fn note(&self, what: &str, took: Duration) {
        log::note(&format!("{what}, leader ended {:?}: {took:.2?}", self.ending));
    }

    /// Brings the node back, and waits until any other may go.
    fn recover(self, cluster: &mut Cluster) {
        let node = cluster.nodes.get_mut(self.leader);
        let ended = node.expect("invariant: one of the nodes").ended();
        if let Ending::InOrder = self.ending {
            assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
        }
        cluster.revive_nodes();
        cluster.settle();
    }
}

/// Returns the bodies of all messages of INBOX in the order of their UIDs.
fn bodies(client: &mut Imap) -> Vec<Vec<u8>> {
    let dump = client.dump("INBOX").into_iter();
    dump.map(|stored| stored.body).collect()
}

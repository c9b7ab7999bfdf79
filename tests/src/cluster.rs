//! Several processes that are one server.

pub mod plan;
mod status;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

pub use plan::Plan;

use crate::network::{Network, Party};
use crate::server::Access;
use crate::stand_in::free_address;
use crate::{Scratch, Server, ServerOptions, wait};

/// Processes in front and storage nodes behind them, with mutual TLS between them.
#[derive(Debug)]
pub struct Cluster {
    /// What mail programs connect to.
    pub proxies: Vec<Server>,
    /// The storage nodes.
    pub nodes: Vec<Server>,
    /// Where the storage nodes listen to each other and to the proxies.
    pub addresses: Vec<SocketAddr>,
    network: Option<Network>,
    // The authority of all, gone after them.
    scratch: Scratch,
}

impl Cluster {
    /// Starts a process in front of so many storage nodes, and makes the two accounts.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start(count: usize) -> Self {
        Self::start_with(count, |options| options)
    }

    /// Starts one whose processes have options that a test wants different.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start_with(count: usize, adjust: impl Fn(ServerOptions) -> ServerOptions) -> Self {
        let plan = Plan {
            nodes: count,
            ..Plan::default()
        };
        Self::build(plan, |_, options| adjust(options))
    }

    /// Starts what is planned, with two accounts. Where processes have networks of their own, the thread that calls
    /// moves into that of the mail programs.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn build(plan: Plan, adjust: impl Fn(Party, ServerOptions) -> ServerOptions) -> Self {
        let scratch = Scratch::new();
        let authority = scratch.join("authority");
        plan.make_authority(&authority);
        let network = plan.apart.then(|| Network::lay(plan.nodes, plan.proxies));
        let address = |index: usize| match &network {
            Some(_) => SocketAddr::new(Party::Node(index).address(), plan::RPC_PORT),
            None => free_address(),
        };
        let addresses: Vec<SocketAddr> = (0..plan.nodes).map(address).collect();
        let options = |party: Party| {
            let options = plan::options(party, &authority, &addresses);
            let placed = match &network {
                Some(network) => options.place(network.place(party)),
                None => options,
            };
            adjust(party, placed)
        };
        let nodes = (0..plan.nodes).map(|index| options(Party::Node(index)));
        let nodes = at_once(nodes, Server::start_process);
        let proxies = (0..plan.proxies).map(|index| options(Party::Proxy(index)));
        let proxies = at_once(proxies, Server::start_process);
        if let Some(network) = &network {
            network.enter();
        }
        let mut cluster = Self {
            proxies,
            nodes,
            addresses,
            network,
            scratch,
        };
        cluster.settle();
        if let Some(node) = cluster.nodes.first() {
            node.add_accounts();
        }
        cluster
    }

    /// Kills all storage nodes, so that each is gone before any is back, and starts them again.
    ///
    /// # Panics
    /// When they do not come up.
    pub fn restart_nodes(&mut self) {
        for node in &mut self.nodes {
            node.kill();
        }
        at_once(self.nodes.iter_mut(), Server::restart);
    }

    /// Starts all storage nodes that do not run.
    ///
    /// # Panics
    /// When they do not come up.
    pub fn revive_nodes(&mut self) {
        let ended = self
            .nodes
            .iter_mut()
            .filter_map(|node| (!node.runs()).then_some(node));
        at_once(ended.collect::<Vec<_>>().into_iter(), Server::restart);
    }

    /// Returns the first of the processes in front.
    ///
    /// # Panics
    /// When it was planned without one.
    #[must_use]
    pub fn front(&self) -> &Server {
        self.proxies.first().expect("a cluster with a proxy")
    }

    /// Returns how mail programs reach it.
    ///
    /// # Panics
    /// When it was planned without a process in front.
    #[must_use]
    pub fn access(&self) -> &Access {
        self.front().access()
    }

    /// Returns the network between its processes.
    ///
    /// # Panics
    /// When it was not planned.
    #[must_use]
    pub fn network(&self) -> &Network {
        self.network
            .as_ref()
            .expect("a cluster whose processes are apart")
    }

    /// Returns the directory of the authority that its processes trust.
    #[must_use]
    pub fn authority(&self) -> std::path::PathBuf {
        self.scratch.join("authority")
    }

    /// Does something with the storage node that leads the only group, and returns which it is.
    ///
    /// # Panics
    /// When no leader is found; see [`Cluster::leader`].
    pub fn with_leader(&mut self, act: impl FnOnce(&mut Server)) -> usize {
        let leader = self.leader();
        act(self.nodes.get_mut(leader).expect("invariant: one of the nodes"));
        leader
    }

    /// Waits until every storage node that runs knows the leader of each group and has applied what that one has, so
    /// that any of them may be lost.
    ///
    /// # Panics
    /// When that does not come to be.
    pub fn settle(&mut self) {
        let running = self.nodes.iter_mut().filter_map(|node| node.runs().then_some(()));
        let running = running.count();
        wait::until("a settled cluster", || {
            let seen = self.status()?;
            seen.is_level(running).then_some(())
        });
    }

    /// Returns which storage node leads the only group, counted from 0.
    ///
    /// # Panics
    /// When there are more groups, or no leader is found.
    pub fn leader(&mut self) -> usize {
        wait::until("a leader", || self.status()?.only_leader())
    }

    /// Asks a storage node that runs what all of them say.
    fn status(&mut self) -> Option<status::Seen> {
        let node = self
            .nodes
            .iter_mut()
            .find_map(|node| node.runs().then_some(node))?;
        status::Seen::read(&node.administer(&["status", "--output", "json"], "").text())
    }
}

/// Returns how long something took.
pub fn timed<R>(act: impl FnOnce() -> R) -> (R, Duration) {
    let started = Instant::now();
    let result = act();
    (result, started.elapsed())
}

/// Does something for each at the same time: nodes wait for each other before they serve.
fn at_once<T: Send, R: Send>(each: impl Iterator<Item = T>, act: fn(T) -> R) -> Vec<R> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = each.map(|one| scope.spawn(move || act(one))).collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended.map(|result| result.expect("a process")).collect()
    })
}

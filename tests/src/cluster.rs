//! Several processes that are one server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::server::Access;
use crate::stand_in::free_address;
use crate::{Program, Scratch, Server, ServerOptions, binary, wait};

/// A process in front and storage nodes behind it, with mutual TLS between them.
#[derive(Debug)]
pub struct Cluster {
    /// What mail programs connect to.
    pub front: Server,
    /// The storage nodes.
    pub nodes: Vec<Server>,
    // The authority of all, gone after them.
    _scratch: Scratch,
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
        let scratch = Scratch::new();
        let authority = scratch.join("authority");
        make_authority(&authority, count);
        let addresses: Vec<SocketAddr> = (0..count).map(|_| free_address()).collect();
        let options = (0..count).map(|index| adjust(node_options(&authority, &addresses, index)));
        let nodes = at_once(options, Server::start_process);
        let front = Server::start_process(adjust(front_options(&authority, &addresses)));
        if let Some(node) = nodes.first() {
            wait::until("a leader of each group", || has_leaders(node).then_some(()));
            node.add_accounts();
        }
        Self {
            front,
            nodes,
            _scratch: scratch,
        }
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

    /// Returns how mail programs reach it.
    #[must_use]
    pub fn access(&self) -> &Access {
        self.front.access()
    }
}

/// Does something for each at the same time: nodes wait for each other before they serve.
fn at_once<T: Send, R: Send>(each: impl Iterator<Item = T>, act: fn(T) -> R) -> Vec<R> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = each.map(|one| scope.spawn(move || act(one))).collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended.map(|result| result.expect("a storage node")).collect()
    })
}

/// Says whether each group that a node knows of has a leader.
fn has_leaders(node: &Server) -> bool {
    let status = node.administer(&["status", "--output", "json"], "").text();
    let groups = status.matches("\"group\":").count();
    groups > 0 && status.matches("\"leader\":\"").count() == groups
}

/// Makes the authority of the cluster and a certificate for each of its processes.
fn make_authority(directory: &Path, nodes: usize) {
    pki(&["init"], directory);
    for number in 1..=nodes {
        pki(&["issue", "storage", &format!("node-{number}")], directory);
    }
    pki(&["issue", "proxy", "front"], directory);
    pki(&["issue", "lmtp", "front"], directory);
}

fn pki(arguments: &[&str], directory: &Path) {
    Program::new(binary::path())
        .arguments(["pki"])
        .arguments(arguments)
        .arguments(["--directory".as_ref(), directory.as_os_str()])
        .succeed();
}

fn node_options(authority: &Path, addresses: &[SocketAddr], index: usize) -> ServerOptions {
    let own = addresses.get(index).map(|address| format!("[\"{address}\"]"));
    shared_options(authority, addresses)
        .set("server", "roles", "[\"storage\"]")
        .set("server", "host_name", &format!("\"node-{}\"", index + 1))
        .set("cluster", "node_id", &(index + 1).to_string())
        .set("listen", "rpc", &own.unwrap_or_default())
}

fn front_options(authority: &Path, addresses: &[SocketAddr]) -> ServerOptions {
    shared_options(authority, addresses)
        .set("server", "roles", "[\"proxy\", \"lmtp\"]")
        .set("server", "host_name", "\"front\"")
        .set("imap", "idle_keepalive", "\"2s\"")
}

fn shared_options(authority: &Path, addresses: &[SocketAddr]) -> ServerOptions {
    let nodes: Vec<String> = addresses
        .iter()
        .zip(1..)
        .map(|(address, number)| format!("\"{number}={address}\""))
        .collect();
    let authority: PathBuf = authority.to_owned();
    ServerOptions::default()
        .set("cluster", "nodes", &format!("[{}]", nodes.join(", ")))
        .set(
            "tls",
            "authority_dir",
            &format!("{:?}", authority.to_string_lossy()),
        )
}

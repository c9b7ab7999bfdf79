//! What a cluster consists of, and the settings of each of its processes.

use std::net::SocketAddr;
use std::path::Path;

use crate::network::Party;
use crate::{Program, ServerOptions, binary};

/// Where storage nodes listen to each other when each has an address of its own.
pub(super) const RPC_PORT: u16 = 7700;

/// What a cluster consists of.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Storage nodes.
    pub nodes: usize,
    /// Processes in front.
    pub proxies: usize,
    /// Whether each process is in a network namespace of its own, which needs root.
    pub apart: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            nodes: 3,
            proxies: 1,
            apart: false,
        }
    }
}

impl Plan {
    /// Makes the authority of the cluster and a certificate for each of its processes.
    pub(super) fn make_authority(self, directory: &Path) {
        pki(&["init"], directory);
        for index in 0..self.nodes {
            pki(&["issue", "storage", &name(Party::Node(index))], directory);
        }
        for index in 0..self.proxies {
            pki(&["issue", "proxy", &name(Party::Proxy(index))], directory);
            pki(&["issue", "lmtp", &name(Party::Proxy(index))], directory);
        }
    }
}

/// Runs `facteur pki` on the directory of an authority.
///
/// # Panics
/// When it is refused.
pub fn pki(arguments: &[&str], directory: &Path) {
    Program::new(binary::path())
        .arguments(["pki"])
        .arguments(arguments)
        .arguments(["--directory".as_ref(), directory.as_os_str()])
        .succeed();
}

fn name(party: Party) -> String {
    match party {
        Party::Node(index) => format!("node-{}", index + 1),
        Party::Proxy(index) => format!("proxy-{}", index + 1),
        Party::Clients => "clients".to_owned(),
    }
}

pub(super) fn options(party: Party, authority: &Path, nodes: &[SocketAddr]) -> ServerOptions {
    let listed: Vec<String> = nodes
        .iter()
        .zip(1..)
        .map(|(address, number)| format!("\"{number}={address}\""))
        .collect();
    let options = ServerOptions::default()
        .set("cluster", "nodes", &format!("[{}]", listed.join(", ")))
        .set("server", "host_name", &format!("{:?}", name(party)))
        .set(
            "tls",
            "authority_dir",
            &format!("{:?}", authority.to_string_lossy()),
        );
    match party {
        Party::Node(index) => {
            let own = nodes.get(index).map(|address| format!("[\"{address}\"]"));
            options
                .set("server", "roles", "[\"storage\"]")
                .set("cluster", "node_id", &(index + 1).to_string())
                .set("listen", "rpc", &own.unwrap_or_default())
        }
        Party::Proxy(_) | Party::Clients => {
            options
                .set("server", "roles", "[\"proxy\", \"lmtp\"]")
                .set("imap", "idle_keepalive", "\"2s\"")
        }
    }
}

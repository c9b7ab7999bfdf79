//! The way to storage nodes, here and elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use cluster::{Layout, Nodes, Router, RouterOptions};
use directory::{Directory, NodeState};
use mailstore::ports::StorageNode;
use rpc::{Dialer, NodeClient};
use storage_node::{KnownDirectory, Node, NodeAddress};
use tls::Role;

use super::Site;
use crate::exit::{Exit, Failure};
use crate::options;

/// Returns dialers to all other storage nodes, with the certificate of this role.
///
/// # Errors
/// When there is no such certificate.
pub fn dialers(site: &Site, role: Role) -> Result<BTreeMap<String, Dialer>, Failure> {
    let topology = &site.topology;
    let others: Vec<_> = topology
        .addresses
        .iter()
        .filter(|(name, _)| topology.this.as_ref() != Some(name))
        .collect();
    if others.is_empty() {
        return Ok(BTreeMap::new());
    }
    let cluster = site.certificates.cluster(role, &site.name)?;
    let dialer = |(name, address): (&String, &String)| {
        let node = name.parse().expect("invariant: nodes are named by number");
        (
            name.clone(),
            Dialer::storage(address.clone(), node, Arc::clone(&cluster)),
        )
    };
    Ok(others.into_iter().map(dialer).collect())
}

/// Returns what makes connections to other storage nodes, wherever they are, with the certificate of this one.
///
/// # Errors
/// When there is no such certificate.
pub fn dial_storage(site: &Site) -> Result<impl Fn(&NodeAddress) -> Option<Dialer> + use<>, Failure> {
    let networked = site.topology.is_networked();
    let cluster = networked.then(|| site.certificates.cluster(Role::Storage, &site.name));
    let cluster = cluster.transpose()?;
    Ok(move |node: &NodeAddress| {
        let name = node.name.parse().ok()?;
        let cluster = Arc::clone(cluster.as_ref()?);
        Some(Dialer::storage(node.address.clone(), name, cluster))
    })
}

/// Returns the router through which a role reaches every account. The node in this process is called directly, the
/// others over gRPC, and the role cannot tell which.
///
/// # Errors
/// When there is no certificate for the role, or settings of accounts are wrong.
pub fn router(site: &Site, role: Role, local: Option<&Node>) -> Result<Router, Failure> {
    let mut nodes: BTreeMap<String, Arc<dyn StorageNode>> = BTreeMap::new();
    for (name, dialer) in dialers(site, role)? {
        nodes.insert(name, Arc::new(NodeClient::new(&dialer)));
    }
    if let Some((name, node)) = site.topology.this.clone().zip(local) {
        nodes.insert(name, Arc::new(node.clone()));
    }
    let router = Router::new(site.topology.layout.clone(), nodes, router_options(site)?);
    let near = site.topology.this.clone().filter(|_| local.is_some());
    Ok(router
        .with_request_limits(options::accounts::requests(&site.settings))
        .with_near(near.into_iter().collect()))
}

/// Makes the routes of a router agree with each newer directory, for as long as anybody tells of one.
///
/// # Errors
/// When there is no certificate for the role.
pub fn follow(
    site: &Site,
    role: Role,
    (router, local): (&Router, Option<&Node>),
    mut known: KnownDirectory,
) -> Result<impl Future<Output = ()> + Send + use<>, Failure> {
    let networked = site.topology.is_networked();
    let cluster = networked.then(|| site.certificates.cluster(role, &site.name));
    let mut nodes = NodeLinks {
        cluster: cluster.transpose()?,
        local: site.topology.this.clone().zip(local.cloned()),
        made: BTreeMap::new(),
    };
    let router = router.clone();
    Ok(async move {
        loop {
            let newest = known.borrow_and_update().clone();
            if let Some(directory) = newest {
                router.adopt(Layout::of(&directory), nodes.of(&directory));
            }
            if known.changed().await.is_err() {
                return;
            }
        }
    })
}

/// Connections to storage nodes, kept for as long as the directory names them.
struct NodeLinks {
    cluster: Option<Arc<tls::Cluster>>,
    local: Option<(String, Node)>,
    /// By name and address.
    made: BTreeMap<(String, String), Arc<dyn StorageNode>>,
}

impl NodeLinks {
    fn of(&mut self, directory: &Directory) -> Nodes {
        let named = directory
            .nodes
            .values()
            .filter(|node| node.state != NodeState::Lost);
        let wanted: Vec<_> = named
            .map(|node| (node.name.clone(), node.address.clone()))
            .collect();
        self.made.retain(|made, _| wanted.contains(made));
        let mut nodes = Nodes::new();
        for (name, address) in wanted {
            if let Some(node) = self.node(&name, &address) {
                nodes.insert(name, node);
            }
        }
        nodes
    }

    fn node(&mut self, name: &str, address: &str) -> Option<Arc<dyn StorageNode>> {
        if let Some((local, node)) = &self.local
            && local == name
        {
            return Some(Arc::new(node.clone()));
        }
        let key = (name.to_owned(), address.to_owned());
        if let Some(made) = self.made.get(&key) {
            return Some(Arc::clone(made));
        }
        let dialer = Dialer::storage(
            address.to_owned(),
            name.parse().ok()?,
            Arc::clone(self.cluster.as_ref()?),
        );
        let node: Arc<dyn StorageNode> = Arc::new(NodeClient::new(&dialer));
        self.made.insert(key, Arc::clone(&node));
        Some(node)
    }
}

fn router_options(site: &Site) -> Result<RouterOptions, Failure> {
    let spool = site.data.private("spool")?;
    options::accounts::router(&site.settings, spool)
        .map_err(|error| Failure::new(Exit::Config, format!("settings: `account.mailboxes`: {error}")))
}

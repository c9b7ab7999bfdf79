//! The ways to the directory: through the storage node in this process, and through those elsewhere.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use cluster::{DirectoryDoors, DirectoryNode};
use parking_lot::Mutex;
use rpc::{Dialer, DirectoryClient};
use settings::Role;

use super::Site;
use crate::exit::Failure;

/// Whom a way leads to: a node by its name, unless any may answer, and where it is.
type Target = (Option<String>, String);

/// The ways to the directory from this process.
pub struct Ways {
    cluster: Option<Arc<tls::Cluster>>,
    /// Those of the settings.
    listed: Vec<Target>,
    local: OnceLock<(String, Arc<dyn DirectoryNode>)>,
    /// Connections are kept.
    made: Mutex<BTreeMap<Target, Arc<dyn DirectoryNode>>>,
}

impl Ways {
    /// Returns the ways that the settings give.
    ///
    /// # Errors
    /// When there is no certificate for it.
    pub fn open(site: &Site) -> Result<Self, Failure> {
        let topology = &site.topology;
        let role = match (site.plays(Role::Storage), site.plays(Role::Proxy)) {
            (true, _) => tls::Role::Storage,
            (false, true) => tls::Role::Proxy,
            (false, false) => tls::Role::Lmtp,
        };
        let networked = topology.is_networked();
        let cluster = networked.then(|| site.certificates.cluster(role, &site.name));
        let others = topology
            .addresses
            .iter()
            .filter(|(name, _)| topology.this.as_ref() != Some(name));
        let listed = others.map(|(name, address)| (Some(name.clone()), address.clone()));
        let seeds = topology.seeds.iter().map(|address| (None, address.clone()));
        Ok(Self {
            cluster: cluster.transpose()?,
            listed: listed.chain(seeds).collect(),
            local: OnceLock::new(),
            made: Mutex::default(),
        })
    }

    /// Makes the storage node in this process known. Later calls change nothing.
    pub fn set_local(&self, name: &str, node: Arc<dyn DirectoryNode>) {
        let _ = self.local.set((name.to_owned(), node));
    }

    fn way(&self, name: Option<&str>, address: &str) -> Option<Arc<dyn DirectoryNode>> {
        if let Some((local, node)) = self.local.get()
            && name == Some(local)
        {
            return Some(Arc::clone(node));
        }
        let cluster = Arc::clone(self.cluster.as_ref()?);
        let dialer = match name {
            Some(name) => Dialer::storage(address.to_owned(), name.parse().ok()?, cluster),
            None => Dialer::any_storage(address.to_owned(), cluster),
        };
        let key = (name.map(str::to_owned), address.to_owned());
        let mut made = self.made.lock();
        let node = made
            .entry(key)
            .or_insert_with(|| Arc::new(DirectoryClient::new(&dialer)));
        Some(Arc::clone(node))
    }
}

impl DirectoryDoors for Ways {
    fn seeds(&self) -> Vec<Arc<dyn DirectoryNode>> {
        let local = self.local.get().map(|(_, node)| Arc::clone(node));
        let listed = self.listed.iter();
        let listed = listed.filter_map(|(name, address)| self.way(name.as_deref(), address));
        local.into_iter().chain(listed).collect()
    }

    fn node(&self, name: &str, address: &str) -> Option<Arc<dyn DirectoryNode>> {
        self.way(Some(name), address)
    }
}

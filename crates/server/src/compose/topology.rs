//! The storage nodes of the cluster and the groups that each holds, as the settings list them.

use std::collections::BTreeMap;

use cluster::Layout;
use settings::{Role, Settings};
use storage_node::{DIRECTORY, FixedLayout, NodeAddress, Placement};

use crate::exit::{Exit, Failure, OrExit};

/// The storage nodes and the groups that each holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// The name of the storage node in this process.
    pub this: Option<String>,
    /// Where each node is reached; empty for a process alone.
    pub addresses: BTreeMap<String, String>,
    /// Groups to nodes.
    pub layout: Layout,
    /// Every node, sorted.
    pub nodes: Vec<String>,
    /// Where somebody of the cluster can be asked, beside the nodes.
    pub seeds: Vec<String>,
}

/// Returns the name of the storage node of this number.
pub fn node_name(id: u64) -> String {
    format!("node-{id}")
}

impl Topology {
    /// Reads the nodes from the settings.
    ///
    /// # Errors
    /// When they name one twice.
    pub fn of(settings: &Settings) -> Result<Self, Failure> {
        let cluster = &settings.cluster;
        let stores = settings.server.roles.contains(&Role::Storage);
        let this = stores.then(|| node_name(cluster.node_id));
        let listed = cluster
            .nodes
            .iter()
            .map(|node| (node_name(node.id), node.address.clone()));
        let addresses: BTreeMap<_, _> = listed.collect();
        let mut nodes: Vec<String> = addresses.keys().cloned().collect();
        if nodes.is_empty() {
            nodes.extend(this.clone());
        }
        let layout = match nodes.is_empty() {
            // A process that has only seeds learns from them where mail is.
            true => Ok(Layout::unknown()),
            false => Layout::initial(&nodes, settings.storage.groups, voters(settings)),
        };
        Ok(Self {
            this,
            addresses,
            layout: layout.or_exit(Exit::Config, "settings: `cluster.nodes`")?,
            nodes,
            seeds: cluster.seeds.clone(),
        })
    }

    /// Says whether processes call each other over the network, and so must trust one authority.
    pub fn is_networked(&self) -> bool {
        !self.addresses.is_empty() || !self.seeds.is_empty()
    }

    /// Returns which replicas this node and the others begin with, the directory's among them; nothing in a process that
    /// stores nothing, or that joins a cluster.
    ///
    /// # Errors
    /// When the nodes do not go together.
    pub fn placement(&self) -> Result<Option<Placement>, Failure> {
        let listed = self.this.as_ref().filter(|this| self.nodes.contains(this));
        let Some(this) = listed else {
            return Ok(None);
        };
        let groups = self.layout.slots().groups().into_iter();
        let node = |name: &String| NodeAddress {
            name: name.clone(),
            address: self.addresses.get(name).cloned().unwrap_or_default(),
        };
        let first = self.layout.slots().groups().into_iter().next();
        let directory = first.map(|group| (DIRECTORY, self.layout.replicas(group).to_vec()));
        let mail = groups.map(|group| (group, self.layout.replicas(group).to_vec()));
        let fixed = FixedLayout {
            nodes: self.nodes.iter().map(node).collect(),
            replicas: directory.into_iter().chain(mail).collect(),
        };
        let placement = fixed.placement(this);
        placement
            .map(Some)
            .or_exit(Exit::Config, "settings: `cluster.nodes`")
    }
}

/// Returns how many voters a group is to have, where there are so many nodes.
pub fn voters(settings: &Settings) -> usize {
    usize::try_from(settings.cluster.voters).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use consensus::NodeId;
    use settings::{Override, Sources};

    use super::*;

    fn settings(assignments: &[(&str, &str)]) -> Settings {
        let overrides = assignments
            .iter()
            .map(|(key, value)| Override::new(*key, *value, "--set"));
        let sources = Sources {
            overrides: overrides.collect(),
            ..Sources::default()
        };
        Settings::from_sources(&sources).expect("valid")
    }

    #[test]
    fn a_process_alone_holds_every_group() {
        let topology = Topology::of(&Settings::default()).expect("valid");
        assert_eq!(topology.this.as_deref(), Some("node-1"));
        assert!(!topology.is_networked());
        let placement = topology.placement().expect("valid").expect("a storage node");
        assert_eq!(placement.this, NodeId(1));
        assert_eq!(placement.here().count(), 17, "16 groups and the directory");
        assert!(placement.groups.values().all(|group| group.replicas.len() == 1));
    }

    #[test]
    fn three_nodes_have_three_voters_each_group() {
        let topology = Topology::of(&settings(&[
            ("cluster.nodes", "1=a:7700,2=b:7700,3=c:7700"),
            ("cluster.node_id", "2"),
            ("listen.rpc", "127.0.0.1:7700"),
        ]))
        .expect("valid");
        assert_eq!(topology.addresses["node-3"], "c:7700");
        let placement = topology.placement().expect("valid").expect("a storage node");
        assert_eq!(placement.this, NodeId(2));
        assert!(placement.groups.values().all(|group| group.replicas.len() == 3));
    }

    #[test]
    fn a_proxy_is_no_node_but_knows_them() {
        let topology = Topology::of(&settings(&[
            ("server.roles", "proxy"),
            ("cluster.nodes", "1=a:7700"),
        ]))
        .expect("valid");
        let placement = topology.placement().expect("valid");
        assert_eq!((topology.this.as_ref(), placement), (None, None));
        assert_eq!(topology.nodes, ["node-1"]);
        assert!(topology.is_networked());
    }
}

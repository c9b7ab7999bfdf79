//! The storage nodes of the cluster and the groups that each holds, as the settings list them.

use std::collections::BTreeMap;
use std::fs;

use cluster::Layout;
use settings::{Role, Settings};
use storage_node::{FixedLayout, NodeAddress, Placement};

use crate::data_dir::DataDir;
use crate::durable_file;
use crate::exit::{Exit, Failure, OrExit};

/// Voters of each group, where there are so many nodes.
const VOTERS: usize = 3;
/// The file that keeps what was decided at the first start.
const LAYOUT_FILE: &str = "layout";

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
}

/// Returns the name of the storage node of this number.
pub fn node_name(id: u64) -> String {
    format!("node-{id}")
}

impl Topology {
    /// Reads the nodes from the settings. The count of groups is kept in the data directory, since it is fixed once
    /// a cluster has started.
    ///
    /// # Errors
    /// When settings and data do not go together.
    pub fn of(settings: &Settings, data: &DataDir) -> Result<Self, Failure> {
        let topology = Self::from_settings(settings)?;
        if topology.this.is_some() {
            keep_group_count(settings, data)?;
        }
        Ok(topology)
    }

    fn from_settings(settings: &Settings) -> Result<Self, Failure> {
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
        let layout = Layout::initial(&nodes, settings.storage.groups, VOTERS);
        Ok(Self {
            this,
            addresses,
            layout: layout.or_exit(Exit::Config, "settings: `cluster.nodes`")?,
            nodes,
        })
    }

    /// Says whether processes call each other over the network, and so must trust one authority.
    pub fn is_networked(&self) -> bool {
        !self.addresses.is_empty()
    }

    /// Returns which replicas this node and the others have; nothing in a process that stores nothing.
    ///
    /// # Errors
    /// When the node is not among those of the settings.
    pub fn placement(&self) -> Result<Option<Placement>, Failure> {
        let Some(this) = &self.this else {
            return Ok(None);
        };
        let groups = self.layout.slots().groups().into_iter();
        let node = |name: &String| NodeAddress {
            name: name.clone(),
            address: self.addresses.get(name).cloned().unwrap_or_default(),
        };
        let fixed = FixedLayout {
            nodes: self.nodes.iter().map(node).collect(),
            replicas: groups
                .map(|group| (group, self.layout.replicas(group).to_vec()))
                .collect(),
        };
        let placement = fixed.placement(this);
        placement
            .map(Some)
            .or_exit(Exit::Config, "settings: `cluster.nodes`")
    }
}

/// Slots are spread by the count of groups, so another count would look for every account in the wrong place.
fn keep_group_count(settings: &Settings, data: &DataDir) -> Result<(), Failure> {
    let path = data.join(LAYOUT_FILE);
    let wanted = format!("groups = {}\n", settings.storage.groups);
    match fs::read_to_string(&path) {
        Ok(kept) if kept == wanted => Ok(()),
        Ok(kept) => Err(Failure::new(
            Exit::Config,
            format!(
                "settings: `storage.groups` is fixed once a cluster has started; here it is {}",
                kept.trim().trim_start_matches("groups = ")
            ),
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            durable_file::replace(&path, wanted.as_bytes()).or_exit(Exit::CannotCreate, path.display())
        }
        Err(error) => Err(error).or_exit(Exit::Io, path.display()),
    }
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
        let topology = Topology::from_settings(&Settings::default()).expect("valid");
        assert_eq!(topology.this.as_deref(), Some("node-1"));
        assert!(!topology.is_networked());
        let placement = topology.placement().expect("valid").expect("a storage node");
        assert_eq!(placement.this, NodeId(1));
        assert_eq!(placement.here().count(), 16);
        assert!(placement.groups.values().all(|group| group.replicas.len() == 1));
    }

    #[test]
    fn three_nodes_have_three_voters_each_group() {
        let topology = Topology::from_settings(&settings(&[
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
        let topology = Topology::from_settings(&settings(&[
            ("server.roles", "proxy"),
            ("cluster.nodes", "1=a:7700"),
        ]))
        .expect("valid");
        let placement = topology.placement().expect("valid");
        assert_eq!((topology.this.as_ref(), placement), (None, None));
        assert_eq!(topology.nodes, ["node-1"]);
        assert!(topology.is_networked());
    }

    #[test]
    fn a_first_start_that_was_cut_off_does_not_stop_the_next() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut settings = Settings::default();
        settings.server.data_dir = directory.path().to_owned();
        let data = DataDir::open(&settings).expect("opened");
        fs::write(data.join("layout.new"), "").expect("written");
        Topology::of(&settings, &data).expect("next start");
        let kept = fs::read_to_string(data.join(LAYOUT_FILE)).expect("read");
        assert_eq!(kept, "groups = 16\n");
        assert!(!data.join("layout.new").exists());
    }

    #[test]
    fn the_count_of_groups_is_fixed_once_started() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut settings = Settings::default();
        settings.server.data_dir = directory.path().to_owned();
        let data = DataDir::open(&settings).expect("opened");
        Topology::of(&settings, &data).expect("first start");
        Topology::of(&settings, &data).expect("second start");
        settings.storage.groups = 32;
        let failure = Topology::of(&settings, &data).expect_err("refused");
        assert_eq!(failure.exit(), Exit::Config);
        assert!(
            failure.lines()[0].ends_with("here it is 16"),
            "{:?}",
            failure.lines()
        );
    }
}

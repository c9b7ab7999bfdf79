//! A cluster of three nodes and four groups, to which a fourth node has come, with a controller that takes one step
//! whenever somebody looks.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use directory::{
    Announcement, ClusterId, Command, Directory, DiskId, Done, Epoch, FeatureLevel, Group, Node, NodeState,
    Observed, PlanLimits, Rejection, SlotMap, apply, plan,
};
use mailstore::ids::{NodeId, ReplicaId};
use mailstore::{GroupId, StoreError};
use rpc::{NodeReport, ReplicaReport};

use crate::cluster_service::ClusterService;

/// Octets of a whole replica.
const CONTENT_BYTES: u64 = 10 * 1024 * 1024;
/// The node that does not answer.
const SILENT: NodeId = NodeId(3);

pub(super) struct FakeCluster {
    directory: Mutex<Option<Directory>>,
    leaders: Mutex<BTreeMap<GroupId, NodeId>>,
}

fn node(number: u64) -> (NodeId, Node) {
    let node = Node {
        name: format!("node-{number}"),
        address: format!("node-{number}:7700"),
        zone: "rack-a".into(),
        state: NodeState::Active,
        disk: None,
        feature_level_max: FeatureLevel(2),
        version: "0.1.0".into(),
    };
    (NodeId(number), node)
}

fn group(id: u32) -> (GroupId, Group) {
    let replica = |node: u64| (ReplicaId(u64::from(id) * 3 + node), NodeId(node));
    let group = Group {
        replicas: (1..=3).map(replica).collect(),
        ..Group::default()
    };
    (GroupId(id), group)
}

impl Default for FakeCluster {
    fn default() -> Self {
        let founded = Directory {
            cluster: ClusterId([0xab; 16]),
            epoch: Epoch(0),
            feature_level: FeatureLevel(1),
            voters: 3,
            next_node: NodeId(4),
            next_replica: ReplicaId(100),
            nodes: (1..=3).map(node).collect(),
            groups: (0..=3).map(group).collect(),
            slots: SlotMap::even(3),
            balancing: false,
            moves: BTreeMap::new(),
        };
        let mut directory = None;
        apply(&mut directory, Command::Found(Box::new(founded))).expect("founded");
        let newcomer = Announcement {
            name: "node-4".into(),
            address: "node-4:7700".into(),
            zone: "rack-b".into(),
            disk: DiskId([4; 16]),
            feature_level_max: FeatureLevel(2),
            version: "0.1.1".into(),
        };
        apply(&mut directory, Command::Announce(newcomer)).expect("announced");
        Self {
            directory: Mutex::new(directory),
            leaders: Mutex::new((0..=3).map(|id| (GroupId(id), NodeId(1))).collect()),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no test panics with this held")
}

impl FakeCluster {
    /// Ends the changes that are under way, or begins those that are due.
    fn step(&self) {
        let mut directory = lock(&self.directory);
        let known = directory.as_ref().expect("founded").clone();
        let begun = known.groups.iter().filter(|(_, group)| group.change.is_some());
        let mut commands: Vec<Command> = begun.map(|(id, _)| Command::FinishChange(*id)).collect();
        if commands.is_empty() {
            let limits = PlanLimits {
                gone_after: Duration::from_secs(600),
                changes_per_node_max: 1,
            };
            let planned = plan(&known, &Observed::default(), &limits);
            commands.extend(planned.into_iter().map(Command::from));
        }
        for command in commands {
            apply(&mut directory, command).expect("a step that is due");
        }
        let preferred = directory.as_ref().expect("founded").preferred_leaders();
        let groups = &directory.as_ref().expect("founded").groups;
        for (id, leader) in lock(&self.leaders).iter_mut() {
            let state = known.nodes.get(leader).map(|node| node.state);
            if !matches!(state, Some(NodeState::Active | NodeState::Cordoned)) {
                *leader = groups[id].replicas[&preferred[id]];
            }
        }
    }
}

#[async_trait]
impl ClusterService for FakeCluster {
    async fn directory(&self) -> Result<Option<Directory>, StoreError> {
        let known = lock(&self.directory).clone();
        self.step();
        Ok(known)
    }

    async fn submit(&self, command: Command) -> Result<Result<Done, Rejection>, StoreError> {
        Ok(apply(&mut lock(&self.directory), command))
    }

    async fn report(&self) -> Result<Vec<NodeReport>, StoreError> {
        let directory = lock(&self.directory).clone().expect("founded");
        let leaders = lock(&self.leaders);
        let reports = directory.nodes.keys().map(|node| {
            let silent = *node == SILENT;
            let replicas = directory.replicas_on(*node).map(|(group, replica)| {
                let added = directory.groups[&group].change.and_then(|change| change.add) == Some(replica);
                ReplicaReport {
                    group,
                    replica,
                    leads: leaders.get(&group) == Some(node),
                    votes: !added,
                    term: 7,
                    leader: None,
                    last_index: Some(42),
                    committed_index: Some(41),
                    applied_index: Some(41),
                    missing_blobs: added.then_some(5),
                    content_bytes: Some(if added { CONTENT_BYTES / 2 } else { CONTENT_BYTES }),
                }
            });
            NodeReport {
                node: *node,
                reachable: !silent,
                silent: Duration::from_secs(if silent { 95 } else { 0 }),
                replicas: if silent { Vec::new() } else { replicas.collect() },
            }
        });
        Ok(reports.collect())
    }

    async fn transfer_leader(&self, group: GroupId, node: NodeId) -> Result<(), StoreError> {
        lock(&self.leaders).insert(group, node);
        Ok(())
    }
}

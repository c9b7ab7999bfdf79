//! The cluster at one moment.

use std::collections::BTreeMap;
use std::time::Duration;

use directory::{Command, Directory, Group, NodeState, Observed, PlanLimits, PlannedChange, apply, plan};
use mailstore::GroupId;
use mailstore::ids::{NodeId, ReplicaId};
use rpc::{NodeReport, ReplicaReport};

use crate::cluster_service::ClusterService;
use crate::error::CliError;

/// No plan takes more rounds than this for each group.
const ROUNDS_PER_GROUP_MAX: usize = 16;

/// What the directory says, and what the nodes say of themselves.
pub(crate) struct Snapshot {
    pub(crate) directory: Directory,
    pub(crate) reports: BTreeMap<NodeId, NodeReport>,
}

/// Everything that is to be done to replicas, and what comes of it.
pub(crate) struct Outlook {
    pub(crate) steps: Vec<Step>,
    pub(crate) end: Directory,
}

/// One change of a group's replicas.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Step {
    pub(crate) group: GroupId,
    pub(crate) from: Option<NodeId>,
    pub(crate) to: Option<NodeId>,
    pub(crate) reason: &'static str,
    pub(crate) begun: bool,
}

/// Returns the directory.
pub(crate) async fn known(service: &dyn ClusterService) -> Result<Directory, CliError> {
    service.directory().await?.ok_or(CliError::NoCluster)
}

/// Returns the node of this name.
pub(crate) fn named(directory: &Directory, name: &str) -> Result<NodeId, CliError> {
    let node = directory.node_named(name).map(|(id, _)| id);
    node.ok_or_else(|| CliError::NoSuchNode(name.to_owned()))
}

impl Snapshot {
    pub(crate) async fn take(service: &dyn ClusterService) -> Result<Self, CliError> {
        let directory = known(service).await?;
        let reports = service.report().await?.into_iter();
        Ok(Self {
            directory,
            reports: reports.map(|report| (report.node, report)).collect(),
        })
    }

    pub(crate) fn name(&self, node: NodeId) -> String {
        let known = self.directory.nodes.get(&node);
        known.map_or_else(|| format!("node {node}"), |known| known.name.clone())
    }

    pub(crate) fn group(&self, id: GroupId) -> Result<&Group, CliError> {
        self.directory.groups.get(&id).ok_or(CliError::NoSuchGroup(id.0))
    }

    /// Returns what a replica on a node says of itself.
    pub(crate) fn replica(&self, node: NodeId, replica: ReplicaId) -> Option<&ReplicaReport> {
        let mut replicas = self.reports.get(&node)?.replicas.iter();
        replicas.find(|report| report.replica == replica)
    }

    /// Returns the leader of a group and its node. One that was cut off may not know yet that it has been replaced.
    pub(crate) fn leader(&self, group: GroupId) -> Option<(NodeId, &ReplicaReport)> {
        let reports = self.reports.values();
        let replicas = reports.flat_map(|node| node.replicas.iter().map(|replica| (node.node, replica)));
        let leaders = replicas.filter(|(_, replica)| replica.group == group && replica.leads);
        leaders.max_by_key(|(_, replica)| replica.term)
    }

    /// Returns the octets of messages that a whole replica of the group has.
    pub(crate) fn size(&self, group: GroupId) -> u64 {
        self.leader(group)
            .and_then(|(_, leader)| leader.content_bytes)
            .unwrap_or(0)
    }

    /// Returns how much of it the replica that is being added has.
    pub(crate) fn copied(&self, group: GroupId) -> u64 {
        let known = self.directory.groups.get(&group);
        let added = known.and_then(|known| {
            let add = known.change?.add?;
            self.replica(*known.replicas.get(&add)?, add)
        });
        added.and_then(|added| added.content_bytes).unwrap_or(0)
    }

    /// Returns how many groups a node leads.
    pub(crate) fn leads(&self, node: NodeId) -> usize {
        let groups = self.directory.groups.keys();
        groups
            .filter(|group| self.leader(**group).is_some_and(|(leader, _)| leader == node))
            .count()
    }

    /// Returns the nodes that do not answer.
    pub(crate) fn silent(&self) -> BTreeMap<NodeId, Duration> {
        let reports = self.reports.values().filter(|report| !report.reachable);
        reports.map(|report| (report.node, report.silent)).collect()
    }

    fn begun(&self, id: GroupId) -> Option<Step> {
        let group = self.directory.groups.get(&id)?;
        let change = group.change?;
        let (add, remove) = match change.abandoned {
            true => (None, change.add),
            false => (change.add, change.remove),
        };
        let node = |replica: Option<ReplicaId>| group.replicas.get(&replica?).copied();
        Some(Step {
            group: id,
            from: node(remove),
            to: node(add),
            reason: change.reason.word(),
            begun: true,
        })
    }

    /// Plans on a copy until nothing is left to be done, with replicas spread evenly.
    pub(crate) fn outlook(&self) -> Outlook {
        let observed = Observed {
            silent: self.silent(),
        };
        // When a silent node is given up is for the controller to say.
        let limits = PlanLimits {
            gone_after: Duration::MAX,
            changes_per_node_max: 1,
        };
        let mut copy = Some(self.directory.clone());
        let begun = self.directory.groups.keys();
        let mut steps: Vec<Step> = begun.filter_map(|id| self.begun(*id)).collect();
        for step in &steps {
            // A rejected command changes nothing, and then the plan does not count on it.
            let _ = apply(&mut copy, Command::FinishChange(step.group));
        }
        let _ = apply(&mut copy, Command::SetBalancing(true));
        for _ in 0..=self.directory.groups.len() * ROUNDS_PER_GROUP_MAX {
            let Some(current) = &copy else { break };
            let planned = plan(current, &observed, &limits);
            if planned.is_empty() {
                break;
            }
            for change in planned {
                steps.push(step(current_group(&copy, change.group), &change));
                let _ = apply(&mut copy, change.into());
                let _ = apply(&mut copy, Command::FinishChange(change.group));
            }
        }
        Outlook {
            steps,
            end: copy.unwrap_or_else(|| self.directory.clone()),
        }
    }

    /// Returns whether a node takes part in what groups are for.
    pub(crate) fn is_usable(&self, node: NodeId) -> bool {
        let state = self.directory.nodes.get(&node).map(|node| node.state);
        matches!(
            state,
            Some(NodeState::Active | NodeState::Cordoned | NodeState::Drained)
        )
    }
}

fn current_group(directory: &Option<Directory>, id: GroupId) -> Option<&Group> {
    directory.as_ref()?.groups.get(&id)
}

fn step(group: Option<&Group>, change: &PlannedChange) -> Step {
    let from = group.and_then(|group| group.replicas.get(&change.remove?).copied());
    Step {
        group: change.group,
        from,
        to: change.add_on,
        reason: change.reason.word(),
        begun: false,
    }
}

//! What administrators are told of all nodes and their replicas.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use consensus::{NodeId, ReplicaId};
use futures::future::join_all;
use futures::{StreamExt, stream};
use mailstore::{GroupId, StoreError};
use parking_lot::Mutex;
use rpc::{ClusterAdmin, GroupControl, GroupView, NodeReport, ReplicaReport};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Replicas;

/// How long a node may take to answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(2);
/// Replicas that one node is asked about at one time.
const QUESTIONS_MAX: usize = 16;
/// How often every node is asked whether it is there, so that it can be told since when one is not.
const LISTEN_INTERVAL: Duration = Duration::from_secs(5);

/// Answers administrators for all nodes, as this one sees them.
pub struct Reporter {
    replicas: Replicas,
    heard: Mutex<BTreeMap<NodeId, Instant>>,
}

impl Reporter {
    /// Returns the reporter of a node with these replicas.
    #[must_use]
    pub fn new(replicas: Replicas) -> Self {
        Self {
            replicas,
            heard: Mutex::default(),
        }
    }

    /// Keeps note of which nodes answer, until `stop`.
    pub async fn listen(&self, stop: CancellationToken) {
        let listen = async {
            let mut due = tokio::time::interval(LISTEN_INTERVAL);
            due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                due.tick().await;
                let placement = self.replicas.placement();
                let asked = placement.nodes.keys().map(|node| self.is_there(*node));
                join_all(asked).await;
            }
        };
        // Nothing of it outlives the process.
        let _ = stop.run_until_cancelled(listen).await;
    }

    async fn is_there(&self, node: NodeId) -> bool {
        let Some(control) = self.replicas.control_at(node) else {
            return self.note(node, false).is_zero();
        };
        // Any group will do: a node without a replica of it says so, which is an answer too.
        let answer = within(control.group_status(GroupId(0))).await;
        self.note(node, is_answer(&answer)).is_zero()
    }

    /// Takes note of whether a node has answered, and returns for how long it has not.
    fn note(&self, node: NodeId, answered: bool) -> Duration {
        let now = Instant::now();
        let mut heard = self.heard.lock();
        let last = heard.entry(node).or_insert(now);
        if answered {
            *last = now;
            return Duration::ZERO;
        }
        // One that has just fallen silent has done so for some time.
        (now - *last).max(Duration::from_secs(1))
    }

    async fn node_report(&self, node: NodeId, replicas: Vec<(GroupId, ReplicaId)>) -> NodeReport {
        let silent = |silent| NodeReport {
            node,
            reachable: false,
            silent,
            replicas: Vec::new(),
        };
        let Some(control) = self.replicas.control_at(node) else {
            return silent(self.note(node, false));
        };
        if !self.is_there(node).await {
            return silent(self.note(node, false));
        }
        let control = &control;
        let asked = stream::iter(replicas).map(|(group, replica)| async move {
            let view = within(control.group_status(group)).await.ok()?;
            (view.replica == replica.0).then(|| replica_report(group, &view))
        });
        let replicas = asked.buffered(QUESTIONS_MAX);
        NodeReport {
            node,
            reachable: true,
            silent: Duration::ZERO,
            replicas: replicas.filter_map(futures::future::ready).collect().await,
        }
    }
}

impl Replicas {
    /// Returns what can be asked of the replicas on a node, this one included.
    fn control_at(&self, node: NodeId) -> Option<Arc<dyn GroupControl>> {
        if node == self.placement().this {
            return Some(Arc::new(self.clone()));
        }
        Some(self.inner.peers.link(node)?.control)
    }

    /// Returns who leads a group, as the nodes with a replica of it say.
    async fn leader_at(&self, group: GroupId) -> Option<Arc<dyn GroupControl>> {
        let placement = self.placement();
        let nodes = placement.groups.get(&group)?.replicas.values();
        let asked = nodes.map(|node| async move {
            let control = self.control_at(*node)?;
            let view = within(control.group_status(group)).await.ok()?;
            view.leads.then_some((view.term, control))
        });
        let leaders = join_all(asked).await.into_iter().flatten();
        // One that was cut off may not know yet that it has been replaced.
        leaders.max_by_key(|(term, _)| *term).map(|(_, leader)| leader)
    }
}

async fn within<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let answer = tokio::time::timeout(ANSWER_TIME_MAX, answer).await;
    answer.unwrap_or(Err(StoreError::OutcomeUnknown))
}

fn is_answer(answer: &Result<GroupView, StoreError>) -> bool {
    matches!(answer, Ok(_) | Err(StoreError::NotLeader { .. }))
}

fn replica_report(group: GroupId, view: &GroupView) -> ReplicaReport {
    let votes = |member: &rpc::MemberView| member.replica == view.replica && member.votes;
    ReplicaReport {
        group,
        replica: ReplicaId(view.replica),
        leads: view.leads,
        votes: view.members.iter().any(votes),
        term: view.term,
        leader: view.leader.map(ReplicaId),
        last_index: view.last_index,
        committed_index: view.committed_index,
        applied_index: view.applied_index,
        missing_blobs: view.missing_blobs,
        content_bytes: view.content_bytes,
    }
}

#[async_trait]
impl ClusterAdmin for Reporter {
    async fn report(&self) -> Result<Vec<NodeReport>, StoreError> {
        let placement = self.replicas.placement();
        let reports = placement.nodes.keys().map(|node| {
            let groups = placement.groups.iter();
            let there = groups.filter_map(|(id, group)| Some((*id, group.on(*node)?)));
            self.node_report(*node, there.collect())
        });
        Ok(join_all(reports).await)
    }

    async fn transfer_leader(&self, group: GroupId, node: NodeId) -> Result<(), StoreError> {
        let placement = self.replicas.placement();
        let replica = placement.groups.get(&group).and_then(|group| group.on(node));
        let replica = replica.ok_or(StoreError::Unavailable("the node has no replica of the group"))?;
        let leader = self.replicas.leader_at(group).await;
        let leader = leader.ok_or(StoreError::Unavailable("the group has no leader"))?;
        leader.transfer_leader(group, replica.0).await
    }
}

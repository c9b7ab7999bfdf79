//! This node's replicas: the consensus layer behind the [`Replication`](crate::Replication) port.

mod content_handler;
mod errors;
mod named;
mod peers;
mod placement;
mod replication;

use std::collections::BTreeMap;
use std::sync::Arc;

use consensus::{EventSink, Groups, MailMachine, NodeId, NodeParts as GroupParts, Remedy, ReplicaId};
use mailstore::{GroupId, StoreError};

pub use content_handler::StoredContentHandler;
pub use peers::{Peers, RaftEntrance};
pub use placement::ReplicaPlacement;

/// Which nodes there are and which of them hold a replica of each group. The same on every node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Membership {
    /// This node.
    pub this: String,
    /// All storage nodes, sorted by name. A node's number is its place in this list, from 1.
    pub nodes: Vec<String>,
    /// The nodes with a replica of each group; the first begins the group.
    pub replicas: BTreeMap<GroupId, Vec<String>>,
}

impl Membership {
    /// Returns a node's number.
    fn number(&self, name: &str) -> Option<NodeId> {
        let place = self.nodes.iter().position(|node| node == name)?;
        Some(NodeId(place as u64 + 1))
    }

    /// Returns a node's name.
    fn name(&self, number: NodeId) -> Option<&str> {
        let place = usize::try_from(number.0.checked_sub(1)?).ok()?;
        self.nodes.get(place).map(String::as_str)
    }

    /// Returns the id of a group's replica on a node. Replicas are never replaced yet, so the node says it
    /// all; the directory will give ids of their own.
    fn replica(group: GroupId, node: NodeId) -> ReplicaId {
        ReplicaId((u64::from(group.0) << 32) | node.0)
    }
}

/// The replicas of this node, running.
#[derive(Clone)]
pub struct Replicas {
    groups: Arc<Groups<MailMachine>>,
    membership: Arc<Membership>,
}

impl Replicas {
    /// Starts a replica of every group that the node is to have, and begins the groups that have not
    /// begun. Returns when all have recovered what their log says was committed.
    ///
    /// # Errors
    /// Damage to log, tables or snapshots, by name.
    pub async fn start(
        parts: GroupParts,
        membership: Membership,
        events: Arc<dyn EventSink>,
    ) -> Result<Self, StartError> {
        let groups = Arc::new(Groups::new(parts));
        let replicas = Self {
            groups,
            membership: Arc::new(membership),
        };
        let machine = Arc::new(MailMachine::new(events));
        for (group, nodes) in &replicas.membership.replicas {
            if nodes.contains(&replicas.membership.this) {
                replicas.start_group(*group, nodes, &machine).await?;
            }
        }
        Ok(replicas)
    }

    async fn start_group(
        &self,
        group: GroupId,
        nodes: &[String],
        machine: &Arc<MailMachine>,
    ) -> Result<(), StartError> {
        let number = |name: &String| {
            self.membership
                .number(name)
                .ok_or_else(|| StartError::UnknownNode {
                    group,
                    node: name.clone(),
                })
        };
        let this = number(&self.membership.this)?;
        let running = self
            .groups
            .start(group, Membership::replica(group, this), Arc::clone(machine))
            .await;
        let running = running.map_err(|source| StartError::Replica { group, source })?;
        if nodes.first() == Some(&self.membership.this) {
            let voters = nodes.iter().map(|name| {
                let node = number(name)?;
                Ok((Membership::replica(group, node), node))
            });
            let voters = voters.collect::<Result<BTreeMap<_, _>, StartError>>()?;
            let begun = running.begin(voters).await;
            begun.map_err(|source| StartError::Replica { group, source })?;
        }
        Ok(())
    }

    /// Waits for a replica that stops without being asked to, and repairs it by filling its tables again
    /// when that is what it needs.
    ///
    /// # Errors
    /// When it cannot be repaired here: the process should stop, since its disk or a replicated entry is at
    /// fault.
    pub async fn repair_next_failure(&self) -> Result<(), StartError> {
        let failure = self.groups.next_failure().await;
        let (group, remedy) = (failure.group, failure.remedy());
        tracing::warn!(group = group.0, error = %failure.error, ?remedy, "replica has failed");
        let repaired = match remedy {
            Remedy::RebuildShelf(shelf) => self.groups.rebuild_shelf(shelf).await,
            Remedy::RebuildTables(group) => self.groups.rebuild(group).await,
            Remedy::StopProcess => Err(failure.error),
        };
        repaired.map_err(|source| StartError::Replica { group, source })
    }

    /// Returns the way in for calls of other replicas.
    #[must_use]
    pub fn entrance(&self) -> Arc<RaftEntrance> {
        Arc::new(RaftEntrance::new(self.clone()))
    }

    /// Hands the office of leader over, group by group, where another replica can take it; for a clean stop.
    pub async fn hand_over(&self) {
        for group in self.groups.all() {
            let status = group.status();
            let this = group.replica();
            let next = status.voters.iter().find(|voter| **voter != this);
            if let (consensus::Role::Leader, Some(next)) = (status.role, next)
                && let Err(error) = group.transfer_leader(*next).await
            {
                tracing::debug!(group = group.id().0, %error, "leader could not hand over");
            }
        }
    }

    /// Stops all replicas in order.
    ///
    /// # Errors
    /// When one did not stop in order.
    pub async fn shutdown(&self) -> Result<(), StoreError> {
        self.groups
            .shutdown()
            .await
            .map_err(|error| StoreError::Internal(error.to_string()))
    }
}

/// Why replicas could not be started or repaired.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A group's list of replicas names a node that does not exist.
    #[error("group {} has a replica on node {node}, which does not exist", .group.0)]
    UnknownNode {
        /// The group.
        group: GroupId,
        /// The name.
        node: String,
    },
    /// A replica cannot run.
    #[error("replica of group {} cannot run: {source}", .group.0)]
    Replica {
        /// The group.
        group: GroupId,
        /// Why.
        source: consensus::Error,
    },
}

impl StartError {
    /// Returns who has to do something about it.
    #[must_use]
    pub fn kind(&self) -> mailstore::ErrorKind {
        match self {
            Self::UnknownNode { .. } => mailstore::ErrorKind::Client,
            Self::Replica { .. } => mailstore::ErrorKind::Internal,
        }
    }

    /// Tells whether another attempt may succeed; not without somebody's help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        false
    }
}

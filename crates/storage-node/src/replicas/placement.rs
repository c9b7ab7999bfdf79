//! Where the content of a group is.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use consensus::Role;
use mailstore::{GroupId, StoreError};

use super::{Peers, Replicas};
use crate::stored_content::{ContentPeer, ContentPlacement, Placement};

/// Says where content is, once the replicas run.
#[derive(Clone)]
pub struct ReplicaPlacement {
    replicas: Arc<OnceLock<Replicas>>,
    /// The content of the other nodes, by name.
    contents: BTreeMap<String, Arc<dyn ContentPeer>>,
}

impl ReplicaPlacement {
    /// Returns a placement that knows no replicas yet.
    #[must_use]
    pub fn new(peers: Peers) -> Self {
        Self::with_contents(peers.contents())
    }

    /// Returns a placement over the content of these nodes, however it is reached.
    #[must_use]
    pub fn with_contents(contents: BTreeMap<String, Arc<dyn ContentPeer>>) -> Self {
        Self {
            replicas: Arc::default(),
            contents,
        }
    }

    /// Makes the replicas known. Later calls change nothing.
    pub fn set(&self, replicas: Replicas) {
        let _ = self.replicas.set(replicas);
    }

    /// Returns the content of the other nodes that have a replica of the group.
    fn others(&self, group: GroupId) -> Vec<Arc<dyn ContentPeer>> {
        let Some(replicas) = self.replicas.get() else {
            return Vec::new();
        };
        let membership = &replicas.membership;
        let nodes = membership.replicas.get(&group).into_iter().flatten();
        nodes
            .filter(|name| **name != membership.this)
            .filter_map(|name| self.contents.get(name).cloned())
            .collect()
    }
}

impl ContentPlacement for ReplicaPlacement {
    fn placement(&self, group: GroupId) -> Result<Placement, StoreError> {
        let Some(replicas) = self.replicas.get() else {
            return Err(StoreError::Unavailable("the node is starting"));
        };
        let status = replicas.groups.get(group).map(|group| group.status());
        let status = status.map_err(|error| replicas.membership.store_error(&error))?;
        if status.role != Role::Leader {
            let hint = status.leader.and_then(|leader| leader.node);
            let hint = hint
                .and_then(|node| replicas.membership.name(node))
                .map(str::to_owned);
            return Err(StoreError::NotLeader { hint });
        }
        Ok(Placement {
            followers: self.others(group),
        })
    }

    fn holders(&self, group: GroupId) -> Vec<Arc<dyn ContentPeer>> {
        self.others(group)
    }
}

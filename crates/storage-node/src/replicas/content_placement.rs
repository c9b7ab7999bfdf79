//! Where the content of a group is.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock, Weak};

use consensus::{GroupStatus, NodeId, Role};
use mailstore::{GroupId, StoreError};

use super::{Inner, Peers, Replicas};
use crate::stored_content::{ContentPeer, ContentPlacement, Followers};

/// Says where content is, once the replicas run. It does not keep them running.
#[derive(Clone)]
pub struct ReplicaPlacement {
    replicas: Arc<OnceLock<Weak<Inner>>>,
    peers: Peers,
}

impl ReplicaPlacement {
    /// Returns a placement that knows no replicas yet.
    #[must_use]
    pub fn new(peers: Peers) -> Self {
        Self {
            replicas: Arc::default(),
            peers,
        }
    }

    /// Makes the replicas known. Later calls change nothing.
    pub fn set(&self, replicas: &Replicas) {
        let _ = self.replicas.set(Arc::downgrade(&replicas.inner));
    }

    fn replicas(&self) -> Option<Replicas> {
        let inner = self.replicas.get()?.upgrade()?;
        Some(Replicas { inner })
    }
}

impl ContentPlacement for ReplicaPlacement {
    fn followers(&self, group: GroupId) -> Result<Followers, StoreError> {
        let Some(replicas) = self.replicas() else {
            return Err(StoreError::Unavailable("the node is starting or stopping"));
        };
        let status = replicas.group(group)?.status();
        if status.role != Role::Leader {
            let leader = status.leader.and_then(|leader| leader.node);
            let hint = leader.and_then(|node| replicas.placement().name(node).map(str::to_owned));
            return Err(StoreError::NotLeader { hint });
        }
        Ok(followers(&self.peers, replicas.inner.groups.node(), &status))
    }

    fn holders(&self, group: GroupId) -> Vec<Arc<dyn ContentPeer>> {
        let Some(replicas) = self.replicas() else {
            return Vec::new();
        };
        // A member that the placement does not name any more may be the only one that has something.
        let placement = replicas.placement();
        let placed = placement.groups.get(&group).into_iter();
        let mut nodes: BTreeSet<NodeId> = placed
            .flat_map(|group| group.replicas.values().copied())
            .collect();
        if let Ok(group) = replicas.group(group) {
            nodes.extend(group.status().members.values());
        }
        nodes.remove(&replicas.inner.groups.node());
        let links = nodes.into_iter().filter_map(|node| self.peers.link(node));
        links.map(|link| link.content).collect()
    }
}

/// Returns the members that content is sent to, and how many voters of each set of them must have it beside this
/// one. Members that do not vote get it too, so that they lack little when they are to vote.
fn followers(peers: &Peers, this: NodeId, status: &GroupStatus) -> Followers {
    let mut followers = Followers::default();
    let mut sent = Vec::new();
    for (replica, node) in status.members.iter().filter(|(_, node)| **node != this) {
        if let Some(link) = peers.link(*node) {
            sent.push(*replica);
            followers.add(link.content);
        }
    }
    for voters in &status.quorums {
        let places = sent.iter().enumerate();
        let places = places.filter(|(_, replica)| voters.contains(replica));
        let places: BTreeSet<_> = places.map(|(place, _)| place).collect();
        let counts_this = voters
            .iter()
            .any(|replica| status.members.get(replica) == Some(&this));
        let majority = voters.len() / 2 + 1;
        followers.require(places, majority - usize::from(counts_this));
    }
    followers
}

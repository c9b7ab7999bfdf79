//! The way to the leader of a group, for those who move slots.

use std::sync::Arc;
use std::time::Duration;

use consensus::NodeId;
use mailstore::{GroupId, StoreError};
use rpc::{GroupControl, SlotControl};
use tokio::time::Instant;

use crate::replicas::Replicas;

/// How long a leader is looked for.
const LOOK_TIME_MAX: Duration = Duration::from_secs(4);
/// The pause when no node answers as leader.
const PAUSE: Duration = Duration::from_millis(50);

impl Replicas {
    /// Returns the replicas of a node, this one included, for moving slots.
    pub(super) fn slots_of(&self, node: NodeId) -> Option<Arc<dyn SlotControl>> {
        if node == self.placement().this {
            return Some(Arc::new(self.clone()));
        }
        Some(self.peer(node)?.slots)
    }

    /// Returns what can be asked about the groups of a node, this one included.
    pub(super) fn groups_of(&self, node: NodeId) -> Option<Arc<dyn GroupControl>> {
        if node == self.placement().this {
            return Some(Arc::new(self.clone()));
        }
        Some(self.peer(node)?.control)
    }

    /// Calls the nodes of a group until one answers as its leader.
    ///
    /// # Errors
    /// A rejection, and the last error when nobody has answered in time.
    pub(super) async fn at_slot_leader<T, C, F>(&self, group: GroupId, call: C) -> Result<T, StoreError>
    where
        C: Fn(Arc<dyn SlotControl>) -> F,
        F: Future<Output = Result<T, StoreError>>,
    {
        let until = Instant::now() + LOOK_TIME_MAX;
        loop {
            let mut last = StoreError::Unavailable("the group is on no node that is known");
            for node in self.likely_leaders(group) {
                let Some(control) = self.slots_of(node) else {
                    continue;
                };
                match call(control).await {
                    Ok(answer) => {
                        self.slot_work().leaders.lock().insert(group, node);
                        return Ok(answer);
                    }
                    Err(error @ StoreError::Rejected(_)) => return Err(error),
                    Err(error) => last = error,
                }
            }
            if Instant::now() >= until {
                return Err(last);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Returns the nodes of a group, the one that led it last before all others.
    pub(super) fn likely_leaders(&self, group: GroupId) -> Vec<NodeId> {
        let placement = self.placement();
        let placed = placement.groups.get(&group).into_iter();
        let mut nodes: Vec<NodeId> = placed
            .flat_map(|group| group.replicas.values().copied())
            .collect();
        let led_last = self.slot_work().leaders.lock().get(&group).copied();
        nodes.sort_by_key(|node| Some(*node) != led_last);
        nodes
    }
}

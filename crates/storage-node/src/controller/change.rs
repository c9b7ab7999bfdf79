//! One step of a change of a group's replicas.

use std::collections::BTreeSet;
use std::sync::Arc;

use directory::{Directory, Group};
use mailstore::ids::ReplicaId;
use mailstore::{GroupId, StoreError};
use rpc::{GroupControl, GroupView};

use super::Controller;

/// A group's leader, as it describes itself.
pub(super) struct Led {
    control: Arc<dyn GroupControl>,
    view: GroupView,
}

impl Controller {
    /// Returns the leader of a group, `None` where nobody that answers is.
    pub(super) async fn leader_of(&self, directory: &Directory, id: GroupId) -> Option<Led> {
        let group = directory.groups.get(&id)?;
        for node in group.replicas.values() {
            let Some(control) = self.replicas.control_of(*node) else {
                continue;
            };
            // One that was cut off may think that it leads; it will not get its change through.
            if let Ok(view) = control.group_status(id).await
                && view.leads
            {
                return Some(Led { control, view });
            }
        }
        None
    }

    /// Takes the next step towards the voters that a change asks for, and tells whether there is none left:
    /// the new replica learns; it votes beside the old ones; a leader that leaves hands over; the old one is left out.
    pub(super) async fn step(&self, directory: &Directory, id: GroupId) -> Result<bool, StoreError> {
        let group = directory
            .groups
            .get(&id)
            .ok_or(StoreError::Unavailable("no such group"))?;
        let leader = self.leader_of(directory, id).await;
        let Led { control, view } = leader.ok_or(StoreError::Unavailable("the group has no leader"))?;
        let wanted: BTreeSet<u64> = group.voters().keys().map(|replica| replica.0).collect();
        let voters = voters_of(&view);
        if voters == wanted && !view.changing {
            return self.expel_learners(group, id, &*control, &view).await;
        }
        for (replica, node) in group.voters() {
            if !view.members.iter().any(|member| member.replica == replica.0) {
                control.add_learner(id, replica.0, node.0).await?;
            }
        }
        let together: BTreeSet<u64> = voters.union(&wanted).copied().collect();
        if voters != together {
            control.change_voters(id, together.into_iter().collect()).await?;
            return Ok(false);
        }
        if !wanted.contains(&view.replica) {
            let successor = successor(directory, id, group);
            let successor = successor.ok_or(StoreError::Unavailable("nobody can take over"))?;
            control.transfer_leader(id, successor.0).await?;
            return Ok(false);
        }
        control.change_voters(id, wanted.into_iter().collect()).await?;
        Ok(false)
    }

    /// A replica whose change was abandoned may have become a member that does not vote.
    async fn expel_learners(
        &self,
        group: &Group,
        id: GroupId,
        control: &dyn GroupControl,
        view: &GroupView,
    ) -> Result<bool, StoreError> {
        let staying = group.voters();
        let mut left = view
            .members
            .iter()
            .filter(|member| !staying.contains_key(&ReplicaId(member.replica)));
        let Some(left) = left.next() else {
            return Ok(true);
        };
        control.remove_learner(id, left.replica).await?;
        Ok(false)
    }
}

fn voters_of(view: &GroupView) -> BTreeSet<u64> {
    let voting = view.members.iter().filter(|member| member.votes);
    voting.map(|member| member.replica).collect()
}

/// Returns the replica that takes over from a leader that leaves.
fn successor(directory: &Directory, id: GroupId, group: &Group) -> Option<ReplicaId> {
    let preferred = directory.preferred_leaders().get(&id).copied();
    preferred.or_else(|| group.voters().keys().next().copied())
}

//! Who is to lead the groups.

use consensus::ReplicaId;
use mailstore::GroupId;

use super::Replicas;
use super::placement::Placement;

impl Replicas {
    /// Hands the office of leader over in every group where another replica can take it, and asks the other nodes to
    /// give none back; for a clean stop. Returns when the others have been asked, not when they lead.
    pub async fn hand_over(&self) {
        self.inner.groups.decline_leadership(true);
        self.inner.groups.hand_over().await;
    }

    /// Says to the other nodes whether this one wants to lead no group, as while it is drained.
    pub fn decline_leadership(&self, declines: bool) {
        self.inner.groups.decline_leadership(declines);
    }
}

impl Placement {
    /// Returns the replica that is best to lead a group: the one that begins it, or else one that differs from group
    /// to group, so that the work is shared.
    #[must_use]
    pub fn preferred_leader(&self, group: GroupId) -> Option<ReplicaId> {
        let placed = self.groups.get(&group)?;
        let nth = usize::try_from(group.0)
            .ok()?
            .checked_rem(placed.replicas.len())?;
        placed
            .founder
            .or_else(|| placed.replicas.keys().nth(nth).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{GroupReplicas, PlacementEpoch};
    use super::*;
    use consensus::NodeId;

    #[test]
    fn groups_are_led_by_their_founders_or_by_turns() {
        let replicas = [1, 2, 3].map(|number| (ReplicaId(number), NodeId(number)));
        let group = |founder| GroupReplicas {
            replicas: replicas.into(),
            founder,
        };
        let placement = Placement {
            epoch: PlacementEpoch(1),
            this: NodeId(1),
            nodes: [].into(),
            groups: [
                (GroupId(1), group(Some(ReplicaId(3)))),
                (GroupId(3), group(None)),
                (GroupId(4), group(None)),
                (GroupId(5), GroupReplicas::default()),
            ]
            .into(),
        };
        let preferred = [1, 3, 4, 5, 6].map(|number| placement.preferred_leader(GroupId(number)));
        assert_eq!(
            preferred,
            [
                Some(ReplicaId(3)),
                Some(ReplicaId(1)),
                Some(ReplicaId(2)),
                None,
                None
            ]
        );
    }
}

//! Slots to groups.

use mailstore::ids::SLOT_COUNT;
use mailstore::{GroupId, Slot};

/// Assigns every slot to a group. Group 0 is the directory and holds no slot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotMap {
    epoch: u64,
    groups: Vec<GroupId>,
}

impl SlotMap {
    /// Returns the map of a new cluster: groups 1 to `count` with equal shares, epoch 1. A count of zero
    /// is taken as one.
    #[must_use]
    pub fn even(count: u32) -> Self {
        let count = count.clamp(1, u32::from(SLOT_COUNT));
        let groups = (0..u32::from(SLOT_COUNT))
            .map(|slot| GroupId(1 + slot % count))
            .collect();
        Self { epoch: 1, groups }
    }

    /// Returns the number that rises with every change of the map.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Returns the group that holds the slot.
    #[must_use]
    pub fn group_of(&self, slot: Slot) -> GroupId {
        self.groups
            .get(usize::from(slot.0))
            .copied()
            .unwrap_or(GroupId(1))
    }

    /// Lists the groups that hold slots, ascending.
    #[must_use]
    pub fn groups(&self) -> Vec<GroupId> {
        let mut groups = self.groups.clone();
        groups.sort_unstable();
        groups.dedup();
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_map_gives_every_group_its_share() {
        let map = SlotMap::even(16);
        assert_eq!(map.groups(), (1..=16).map(GroupId).collect::<Vec<_>>());
        let share = (0..SLOT_COUNT)
            .filter(|slot| map.group_of(Slot(*slot)) == GroupId(3))
            .count();
        assert_eq!(share, 1024);
    }
}

//! Slots to groups.

use mailstore::ids::SLOT_COUNT;
use mailstore::{GroupId, Slot};

/// Assigns every slot to a group. Group 0 is the directory and holds no slot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotMap {
    groups: Vec<GroupId>,
}

/// Slots that follow each other and belong to one group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotRange {
    /// The first of them.
    pub first: Slot,
    /// The last of them.
    pub last: Slot,
    /// The group that holds them.
    pub group: GroupId,
}

impl SlotMap {
    /// Returns the map of a new cluster: groups 1 to `count` with equal shares. A count of zero is taken as one.
    #[must_use]
    pub fn even(count: u32) -> Self {
        let count = count.clamp(1, u32::from(SLOT_COUNT));
        let groups = (0..u32::from(SLOT_COUNT)).map(|slot| GroupId(1 + slot % count));
        Self {
            groups: groups.collect(),
        }
    }

    /// Returns the map that these ranges make, `None` unless they name each slot once, in order.
    #[must_use]
    pub fn from_ranges(ranges: &[SlotRange]) -> Option<Self> {
        let mut groups = Vec::with_capacity(usize::from(SLOT_COUNT));
        for range in ranges {
            let follows = usize::from(range.first.0) == groups.len();
            if !follows || range.last < range.first || range.last.0 >= SLOT_COUNT || range.group.0 == 0 {
                return None;
            }
            groups.resize(usize::from(range.last.0) + 1, range.group);
        }
        (groups.len() == usize::from(SLOT_COUNT)).then_some(Self { groups })
    }

    /// Returns the map as ranges, ascending, each as long as can be.
    #[must_use]
    pub fn ranges(&self) -> Vec<SlotRange> {
        let mut ranges: Vec<SlotRange> = Vec::new();
        for (slot, group) in (0..SLOT_COUNT).map(Slot).zip(&self.groups) {
            match ranges.last_mut() {
                Some(range) if range.group == *group => range.last = slot,
                _ => ranges.push(SlotRange {
                    first: slot,
                    last: slot,
                    group: *group,
                }),
            }
        }
        ranges
    }

    /// Returns the group that holds the slot.
    #[must_use]
    pub fn group_of(&self, slot: Slot) -> GroupId {
        let group = self.groups.get(usize::from(slot.0)).copied();
        group.unwrap_or(GroupId(1))
    }

    /// Gives a slot to a group.
    pub fn assign(&mut self, slot: Slot, group: GroupId) {
        if let Some(holder) = self.groups.get_mut(usize::from(slot.0)) {
            *holder = group;
        }
    }

    /// Lists the groups that hold slots, ascending.
    #[must_use]
    pub fn groups(&self) -> Vec<GroupId> {
        let mut groups = self.groups.clone();
        groups.sort_unstable();
        groups.dedup();
        groups
    }

    /// Returns how many slots a group holds.
    #[must_use]
    pub fn count(&self, group: GroupId) -> usize {
        self.groups.iter().filter(|holder| **holder == group).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_map_gives_every_group_its_share() {
        let map = SlotMap::even(16);
        assert_eq!(map.groups(), (1..=16).map(GroupId).collect::<Vec<_>>());
        assert_eq!(map.count(GroupId(3)), 1024);
    }

    #[test]
    fn ranges_and_map_are_the_same_thing() {
        let mut map = SlotMap::even(1);
        map.assign(Slot(7), GroupId(2));
        let ranges = map.ranges();
        assert_eq!(ranges.len(), 3);
        assert_eq!(SlotMap::from_ranges(&ranges), Some(map));
    }

    #[test]
    fn ranges_with_holes_or_for_the_directory_are_no_map() {
        let range = |first, last, group| SlotRange {
            first: Slot(first),
            last: Slot(last),
            group: GroupId(group),
        };
        let check = |ranges: &[SlotRange]| assert_eq!(SlotMap::from_ranges(ranges), None, "{ranges:?}");
        check(&[]);
        check(&[range(0, 100, 1)]);
        check(&[range(1, SLOT_COUNT - 1, 1)]);
        check(&[range(0, SLOT_COUNT - 1, 0)]);
        check(&[range(0, SLOT_COUNT, 1)]);
        check(&[range(0, 9, 1), range(9, SLOT_COUNT - 1, 2)]);
    }
}

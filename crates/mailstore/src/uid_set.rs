//! Sets of UIDs as sorted, disjoint, non-adjacent ranges.

use smallvec::SmallVec;

use crate::ids::Uid;

/// A set of UIDs. Ranges are kept ascending, disjoint and never adjacent, so equal sets compare equal.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UidSet {
    ranges: SmallVec<[(Uid, Uid); 2]>,
}

impl UidSet {
    /// Returns the empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the set of all UIDs from `first` to `last`, both included; order does not matter.
    #[must_use]
    pub fn range(first: Uid, last: Uid) -> Self {
        let mut set = Self::new();
        set.insert_range(first, last);
        set
    }

    /// Tells whether there is nothing in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Counts the UIDs.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.ranges
            .iter()
            .map(|(first, last)| u64::from(last.get() - first.get()) + 1)
            .sum()
    }

    /// Lists the ranges, ascending, both ends included.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = (Uid, Uid)> + ExactSizeIterator {
        self.ranges.iter().copied()
    }

    /// Lists the UIDs, ascending. A set may name four thousand million of them: bound it first.
    pub fn iter(&self) -> impl Iterator<Item = Uid> {
        self.ranges()
            .flat_map(|(first, last)| (first.get()..=last.get()).filter_map(Uid::new))
    }

    /// Returns the smallest UID.
    #[must_use]
    pub fn first(&self) -> Option<Uid> {
        self.ranges.first().map(|range| range.0)
    }

    /// Returns the largest UID.
    #[must_use]
    pub fn last(&self) -> Option<Uid> {
        self.ranges.last().map(|range| range.1)
    }

    /// Tells whether the UID is in the set; logarithmic in the number of ranges.
    #[must_use]
    pub fn contains(&self, uid: Uid) -> bool {
        let index = self.ranges.partition_point(|range| range.1 < uid);
        self.ranges.get(index).is_some_and(|range| range.0 <= uid)
    }

    /// Adds one UID; constant time when it lies above all others.
    pub fn insert(&mut self, uid: Uid) {
        self.insert_range(uid, uid);
    }

    /// Adds a range, both ends included; their order does not matter.
    pub fn insert_range(&mut self, one: Uid, other: Uid) {
        let (mut first, mut last) = (one.min(other), one.max(other));
        // The ranges from `begin` to `end` overlap the new one or touch it, and melt into it.
        let begin = self
            .ranges
            .partition_point(|range| range.1.next().is_some_and(|next| next < first));
        let end = begin
            + self.ranges[begin..].partition_point(|range| last.next().is_none_or(|next| range.0 <= next));
        if let (Some(low), Some(high)) = (self.ranges.get(begin), self.ranges.get(end.wrapping_sub(1)))
            && begin < end
        {
            first = first.min(low.0);
            last = last.max(high.1);
        }
        if begin == end {
            self.ranges.insert(begin, (first, last));
        } else {
            self.ranges[begin] = (first, last);
            self.ranges.drain(begin + 1..end);
        }
    }

    /// Returns what is in both sets; linear in the ranges of both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut result = Self::new();
        let (mut left, mut right) = (self.ranges().peekable(), other.ranges().peekable());
        while let (Some(a), Some(b)) = (left.peek().copied(), right.peek().copied()) {
            if a.0.max(b.0) <= a.1.min(b.1) {
                result.insert_range(a.0.max(b.0), a.1.min(b.1));
            }
            if a.1 <= b.1 {
                left.next();
            } else {
                right.next();
            }
        }
        result
    }

    /// Returns what is here and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut result = Self::new();
        let mut holes = other.ranges().peekable();
        for (first, last) in self.ranges() {
            let mut next = Some(first);
            while let (Some(start), Some(hole)) = (next, holes.peek().copied()) {
                if hole.0 > last {
                    break;
                }
                if hole.0 > start
                    && let Some(before) = Uid::new(hole.0.get() - 1)
                {
                    result.insert_range(start, before);
                }
                next = if hole.1 >= start {
                    hole.1.next().filter(|uid| *uid <= last)
                } else {
                    next
                };
                if hole.1 > last || next.is_none() {
                    break;
                }
                holes.next();
            }
            if let Some(start) = next {
                result.insert_range(start, last);
            }
        }
        result
    }
}

impl FromIterator<Uid> for UidSet {
    fn from_iter<I: IntoIterator<Item = Uid>>(uids: I) -> Self {
        let mut set = Self::new();
        uids.into_iter().for_each(|uid| set.insert(uid));
        set
    }
}

impl Extend<Uid> for UidSet {
    fn extend<I: IntoIterator<Item = Uid>>(&mut self, uids: I) {
        uids.into_iter().for_each(|uid| self.insert(uid));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn uids() -> impl Strategy<Value = BTreeSet<u32>> {
        proptest::collection::btree_set(prop_oneof![1_u32..40, Just(u32::MAX), Just(u32::MAX - 1)], 0..30)
    }

    fn set(values: &BTreeSet<u32>) -> UidSet {
        values.iter().filter_map(|value| Uid::new(*value)).collect()
    }

    fn values(set: &UidSet) -> BTreeSet<u32> {
        set.iter().map(Uid::get).collect()
    }

    proptest! {
        #[test]
        fn set_operations_agree_with_a_sorted_set(a in uids(), b in uids()) {
            let (left, right) = (set(&a), set(&b));
            prop_assert_eq!(values(&left), a.clone());
            prop_assert_eq!(left.len(), a.len() as u64);
            prop_assert_eq!(values(&left.intersection(&right)), &a & &b);
            prop_assert_eq!(values(&left.difference(&right)), &a - &b);
            prop_assert!(a.iter().all(|value| Uid::new(*value).is_some_and(|uid| left.contains(uid))));
        }

        #[test]
        fn the_order_of_insertion_does_not_matter(mut order in proptest::collection::vec(1_u32..60, 0..60)) {
            let one: UidSet = order.iter().filter_map(|value| Uid::new(*value)).collect();
            order.sort_unstable();
            let other: UidSet = order.iter().filter_map(|value| Uid::new(*value)).collect();
            prop_assert_eq!(one, other);
        }
    }
}

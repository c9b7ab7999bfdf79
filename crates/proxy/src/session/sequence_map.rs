//! Message sequence numbers: the UIDs that a session has been told of, in order.

use std::ops::RangeInclusive;

use mailstore::{Uid, UidSet};

/// The UIDs of a mailbox as one session knows them. The nth of them has sequence number n
/// (RFC 9051 §2.3.1.2).
///
/// Kept as ranges, 12 octets each, so that an idle session on a large mailbox costs next to nothing,
/// and never changed once it is made, so that sessions which know the same messages share one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct SequenceMap {
    runs: Vec<Run>,
    count: u32,
}

/// Consecutive UIDs with consecutive sequence numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Run {
    first: Uid,
    last: Uid,
    /// Sequence number of `first`.
    start: u32,
}

impl Run {
    fn length(self) -> u32 {
        self.last.get() - self.first.get() + 1
    }

    /// Returns the UID `offset` places behind the first.
    fn uid_at(self, offset: u32) -> Option<Uid> {
        self.first.get().checked_add(offset).and_then(Uid::new)
    }
}

impl SequenceMap {
    /// Numbers the UIDs of a set in ascending order.
    pub(crate) fn new(uids: &UidSet) -> Self {
        let mut runs = Vec::with_capacity(uids.ranges().len());
        let mut count = 0_u32;
        for (first, last) in uids.ranges() {
            let run = Run {
                first,
                last,
                start: count.saturating_add(1),
            };
            count = count.saturating_add(run.length());
            runs.push(run);
        }
        Self { runs, count }
    }

    /// Returns the number of messages: what EXISTS says.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// Returns the largest UID.
    pub(crate) fn last_uid(&self) -> Option<Uid> {
        self.runs.last().map(|run| run.last)
    }

    /// Returns all UIDs.
    pub(crate) fn uids(&self) -> UidSet {
        let mut set = UidSet::new();
        for run in &self.runs {
            set.insert_range(run.first, run.last);
        }
        set
    }

    /// Returns the UID with this sequence number; logarithmic in the number of runs.
    pub(crate) fn uid(&self, number: u32) -> Option<Uid> {
        let run = self.runs.get(self.run_of_number(number)?)?;
        run.uid_at(number - run.start)
    }

    /// Returns the sequence number of a UID; logarithmic in the number of runs.
    pub(crate) fn number(&self, uid: Uid) -> Option<u32> {
        let index = self.runs.partition_point(|run| run.last < uid);
        let run = self.runs.get(index).filter(|run| run.first <= uid)?;
        Some(run.start + (uid.get() - run.first.get()))
    }

    /// Returns the UIDs with the sequence numbers of a range, both ends included; those beyond the
    /// last message are left out.
    pub(crate) fn uids_of(&self, numbers: RangeInclusive<u32>) -> UidSet {
        let (first, last) = (*numbers.start().max(&1), *numbers.end().min(&self.count));
        let mut set = UidSet::new();
        let Some(begin) = self.run_of_number(first).filter(|_| first <= last) else {
            return set;
        };
        for run in self.runs.iter().skip(begin).take_while(|run| run.start <= last) {
            let low = first.saturating_sub(run.start);
            let high = (last - run.start).min(run.length() - 1);
            if let (Some(low), Some(high)) = (run.uid_at(low), run.uid_at(high)) {
                set.insert_range(low, high);
            }
        }
        set
    }

    /// Walks from UIDs to sequence numbers in ascending order, faster than one look-up each.
    pub(crate) fn walk(&self) -> SequenceWalk<'_> {
        SequenceWalk { runs: &self.runs }
    }

    fn run_of_number(&self, number: u32) -> Option<usize> {
        (number >= 1 && number <= self.count)
            .then(|| self.runs.partition_point(|run| run.start <= number) - 1)
    }
}

/// Turns ascending UIDs into sequence numbers in linear time over all of them.
#[derive(Clone, Debug)]
pub(crate) struct SequenceWalk<'a> {
    runs: &'a [Run],
}

impl SequenceWalk<'_> {
    /// Returns the sequence number of a UID, which must not lie below the one asked before.
    pub(crate) fn number(&mut self, uid: Uid) -> Option<u32> {
        while let Some((run, rest)) = self.runs.split_first() {
            if run.last >= uid {
                let found = run.first <= uid;
                return found.then(|| run.start + (uid.get() - run.first.get()));
            }
            self.runs = rest;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn map(uids: &BTreeSet<u32>) -> SequenceMap {
        SequenceMap::new(&uids.iter().filter_map(|uid| Uid::new(*uid)).collect())
    }

    proptest! {
        /// RFC 9051 §2.3.1.2: the sequence number is the relative position, ordered by UID.
        #[test]
        fn agrees_with_a_plain_list(
            uids in proptest::collection::btree_set(prop_oneof![1_u32..60, Just(u32::MAX)], 0..40),
            first in 0_u32..50,
            last in 0_u32..50,
        ) {
            let map = map(&uids);
            let list: Vec<u32> = uids.iter().copied().collect();
            prop_assert_eq!(map.count() as usize, list.len());
            prop_assert_eq!(map.last_uid().map(Uid::get), list.last().copied());
            let mut walk = map.walk();
            for (index, uid) in list.iter().enumerate() {
                let number = u32::try_from(index).unwrap() + 1;
                let uid = Uid::new(*uid).unwrap();
                prop_assert_eq!(map.uid(number), Some(uid));
                prop_assert_eq!(map.number(uid), Some(number));
                prop_assert_eq!(walk.number(uid), Some(number));
            }
            prop_assert_eq!(map.uid(0), None);
            prop_assert_eq!(map.uid(map.count() + 1), None);
            let named: Vec<u32> = map.uids_of(first..=last).iter().map(Uid::get).collect();
            let expected: Vec<u32> = (first.max(1)..=last)
                .filter_map(|number| list.get(number as usize - 1).copied())
                .collect();
            prop_assert_eq!(named, expected);
        }

        #[test]
        fn absent_uids_have_no_number(uids in proptest::collection::btree_set(1_u32..60, 0..40)) {
            let map = map(&uids);
            let mut walk = map.walk();
            for uid in 1..60 {
                let number = map.number(Uid::new(uid).unwrap());
                prop_assert_eq!(number.is_some(), uids.contains(&uid));
                prop_assert_eq!(walk.number(Uid::new(uid).unwrap()), number);
            }
        }
    }
}

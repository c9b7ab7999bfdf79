//! Sequence sets, collapsed while they are read.

use smallvec::SmallVec;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;

/// One end of a range as written: a number or `*`.
///
/// `seq-number = nz-number / "*"` (RFC 3501 §9)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SequenceNumber {
    /// A number.
    Number(NonZeroU32),
    /// `*`, the largest number in use.
    Largest,
}

/// A set of sequence numbers or UIDs: sorted, without overlap, however the client wrote it.
///
/// `1:*,1:*,...` is one range, so the work a set causes is bounded by the mailbox and not by the
/// command. `n:*` names the last message even where `n` is beyond it (RFC 3501 §6.4.8), hence the open
/// end is kept apart until the largest number is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SequenceSet {
    ranges: SmallVec<[(u32, u32); 2]>,
    open: Option<Open>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// `*`
    Largest,
    /// `n:*`
    From(u32),
}

/// What a command's first argument names: a set or the saved search result.
///
/// `sequence-set =/ seq-last-command`, `seq-last-command = "$"` (RFC 5182 §4)
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageSet {
    /// Numbers given in the command.
    Numbers(SequenceSet),
    /// `$`, the result of the last SEARCH with `RETURN (SAVE)`.
    Saved,
}

impl SequenceSet {
    /// Returns the set of the inclusive range between two ends in either order.
    pub fn range(first: SequenceNumber, last: SequenceNumber) -> Self {
        let mut builder = SequenceSetBuilder::default();
        builder.push(first, last);
        builder.finish()
    }

    /// Returns the ranges that the set means when `largest` is the largest number in use: ascending,
    /// disjoint, and none beyond `largest`. With no message there is none.
    pub fn resolve(&self, largest: Option<NonZeroU32>) -> Vec<RangeInclusive<u32>> {
        let Some(largest) = largest.map(NonZeroU32::get) else {
            return Vec::new();
        };
        let mut ranges: SmallVec<[(u32, u32); 2]> = self
            .ranges
            .iter()
            .filter(|(first, _)| *first <= largest)
            .map(|(a, b)| (*a, (*b).min(largest)))
            .collect();
        match self.open {
            Some(Open::From(from)) => ranges.push((from.min(largest), largest)),
            Some(Open::Largest) => ranges.push((largest, largest)),
            None => {}
        }
        merge(&mut ranges);
        ranges.into_iter().map(|(first, last)| first..=last).collect()
    }

    /// Returns the ranges of a set without `*`, ascending and disjoint, or `None` if it has a `*`.
    pub fn closed(&self) -> Option<impl Iterator<Item = RangeInclusive<u32>> + '_> {
        self.open
            .is_none()
            .then(|| self.ranges.iter().map(|(first, last)| *first..=*last))
    }

    /// Returns the largest number that the set names outright, to be checked against EXISTS.
    /// `n:*` does not count: it is valid for every `n`.
    pub fn largest_named(&self) -> Option<u32> {
        self.ranges.last().map(|(_, last)| *last)
    }

    /// Returns how many ranges the set has left after collapsing.
    pub fn range_count(&self) -> usize {
        self.ranges.len() + usize::from(self.open.is_some())
    }

    /// Appends the set in its shortest form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut first = true;
        for (start, end) in &self.ranges {
            comma(out, &mut first);
            write_range(out, *start, *end);
        }
        match self.open {
            Some(Open::From(from)) => {
                comma(out, &mut first);
                crate::encode::number(out, u64::from(from));
                out.extend_from_slice(b":*");
            }
            Some(Open::Largest) => {
                comma(out, &mut first);
                out.push(b'*');
            }
            None => {}
        }
    }
}

/// Collects ranges in any order, with overlaps.
///
/// Ranges that continue or repeat the last one are merged at once, so the usual hostile sets take no
/// memory at all.
#[derive(Debug, Default)]
pub struct SequenceSetBuilder(SequenceSet);

impl SequenceSetBuilder {
    /// Adds the inclusive range between two ends in either order.
    pub fn push(&mut self, first: SequenceNumber, last: SequenceNumber) {
        use SequenceNumber::{Largest, Number};
        match (first, last) {
            (Number(a), Number(b)) => self.push_closed(a.get().min(b.get()), a.get().max(b.get())),
            (Number(n), Largest) | (Largest, Number(n)) => {
                let from = match self.0.open {
                    Some(Open::From(earlier)) => earlier.min(n.get()),
                    Some(Open::Largest) | None => n.get(),
                };
                self.0.open = Some(Open::From(from));
            }
            (Largest, Largest) => self.0.open = self.0.open.or(Some(Open::Largest)),
        }
    }

    fn push_closed(&mut self, first: u32, last: u32) {
        match self.0.ranges.last_mut() {
            Some((start, end)) if first >= *start && first <= end.saturating_add(1) => *end = last.max(*end),
            _ => self.0.ranges.push((first, last)),
        }
    }

    /// Returns the set, sorted and without overlap.
    pub fn finish(mut self) -> SequenceSet {
        merge(&mut self.0.ranges);
        // `x:y,n:*` is `x:*` where the ranges touch: both name the last message, whatever it is.
        while let Some(Open::From(from)) = self.0.open {
            match self.0.ranges.last() {
                Some((first, last)) if last.saturating_add(1) >= from => {
                    self.0.open = Some(Open::From(from.min(*first)));
                    self.0.ranges.pop();
                }
                _ => break,
            }
        }
        self.0
    }
}

impl MessageSet {
    /// Appends the set as a command writes it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Numbers(set) => set.encode(out),
            Self::Saved => out.push(b'$'),
        }
    }
}

/// Sorts ranges and joins those that overlap or touch.
fn merge(ranges: &mut SmallVec<[(u32, u32); 2]>) {
    ranges.sort_unstable();
    ranges.dedup_by(|next, kept| {
        let joined = next.0 <= kept.1.saturating_add(1);
        if joined {
            kept.1 = kept.1.max(next.1);
        }
        joined
    });
}

fn comma(out: &mut Vec<u8>, first: &mut bool) {
    if !std::mem::take(first) {
        out.push(b',');
    }
}

/// Appends `first:last`, or one number where they are the same.
pub(crate) fn write_range(out: &mut Vec<u8>, first: u32, last: u32) {
    crate::encode::number(out, u64::from(first));
    if last != first {
        out.push(b':');
        crate::encode::number(out, u64::from(last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn end(number: u32) -> SequenceNumber {
        NonZeroU32::new(number).map_or(SequenceNumber::Largest, SequenceNumber::Number)
    }

    fn set(pairs: &[(u32, u32)]) -> SequenceSet {
        let mut builder = SequenceSetBuilder::default();
        for (first, last) in pairs {
            builder.push(end(*first), end(*last));
        }
        builder.finish()
    }

    /// Zero stands for `*`.
    fn check(pairs: &[(u32, u32)], expected: &str) {
        let mut out = Vec::new();
        set(pairs).encode(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn collapses() {
        check(&[(1, 1)], "1");
        check(&[(3, 1)], "1:3");
        check(&[(1, 2), (3, 4)], "1:4");
        check(&[(5, 9), (1, 2), (2, 6)], "1:9");
        check(&[(1, 0), (1, 0), (1, 0)], "1:*");
        check(&[(0, 4), (9, 9)], "4:*");
        check(&[(1, 3), (4, 0)], "1:*");
        check(&[(1, 3), (5, 0)], "1:3,5:*");
        check(&[(0, 0), (7, 7)], "7,*");
        check(&[(4_294_967_295, 4_294_967_295), (1, 1)], "1,4294967295");
    }

    #[test]
    fn open_end_names_the_last_message() {
        let largest = NonZeroU32::new(10);
        assert_eq!(set(&[(20, 0)]).resolve(largest), vec![10..=10]);
        assert_eq!(set(&[(3, 4), (20, 0)]).resolve(largest), vec![3..=4, 10..=10]);
        assert_eq!(set(&[(20, 30)]).resolve(largest), vec![]);
        assert_eq!(set(&[(1, 0)]).resolve(None), vec![]);
    }

    /// RFC 3501 §9, read literally.
    fn naive(pairs: &[(u32, u32)], largest: u32) -> BTreeSet<u32> {
        let value = |number: u32| if number == 0 { largest } else { number };
        pairs
            .iter()
            .flat_map(|(a, b)| value(*a).min(value(*b))..=value(*a).max(value(*b)))
            .filter(|number| *number <= largest)
            .collect()
    }

    proptest! {
        #[test]
        fn means_what_was_written(pairs in prop::collection::vec((0_u32..20, 0_u32..20), 1..8), largest in 1_u32..15) {
            let resolved = set(&pairs).resolve(NonZeroU32::new(largest));
            let members: Vec<u32> = resolved.into_iter().flatten().collect();
            prop_assert_eq!(members, naive(&pairs, largest).into_iter().collect::<Vec<_>>());
        }
    }
}

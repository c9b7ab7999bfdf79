//! Which rows are read, and in which order.

use std::ops::Bound;

use bytes::Bytes;

use crate::KvError;

/// A key with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The key, without any prefix that the engine puts before it.
    pub key: Bytes,
    /// The value, as it was put.
    pub value: Bytes,
}

/// Rows in key order, read as the iterator advances. It ends after the first error.
pub type Rows<'a> = Box<dyn Iterator<Item = Result<Row, KvError>> + 'a>;

/// The order in which a range is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Smallest key first.
    Forward,
    /// Largest key first.
    Reverse,
}

/// A lower and an upper bound, borrowed.
pub(crate) type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// A contiguous range of keys, ordered as unsigned bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
}

impl KeyRange {
    /// Returns the range of all keys.
    pub fn all() -> Self {
        Self {
            from: Bound::Unbounded,
            to: Bound::Unbounded,
        }
    }

    /// Returns the range of the keys that start with `prefix`.
    pub fn prefix(prefix: &[u8]) -> Self {
        Self {
            from: Bound::Included(prefix.to_vec()),
            to: prefix_end(prefix),
        }
    }

    /// Returns the range between two bounds. It is empty when `from` lies behind `to`.
    pub fn between(from: Bound<&[u8]>, to: Bound<&[u8]>) -> Self {
        Self {
            from: from.map(<[u8]>::to_vec),
            to: to.map(<[u8]>::to_vec),
        }
    }

    /// Returns the lower bound.
    pub fn from(&self) -> Bound<&[u8]> {
        self.from.as_ref().map(Vec::as_slice)
    }

    /// Returns the upper bound.
    pub fn to(&self) -> Bound<&[u8]> {
        self.to.as_ref().map(Vec::as_slice)
    }

    /// Returns the bounds, or `None` when no key can lie between them.
    ///
    /// `BTreeMap::range` and sled panic on bounds that are crossed, so every engine asks this first.
    pub(crate) fn bounds(&self) -> Option<Bounds<'_>> {
        let crossed = match (self.from(), self.to()) {
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (Bound::Included(from) | Bound::Excluded(from), Bound::Excluded(to))
            | (Bound::Excluded(from), Bound::Included(to)) => from >= to,
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        };
        (!crossed).then(|| (self.from(), self.to()))
    }

    /// Returns the same range with `table` put before each key, for engines that share one key space.
    pub(crate) fn within(&self, table: &[u8]) -> Self {
        let join = |key: &[u8]| [table, key].concat();
        Self {
            from: match self.from() {
                Bound::Unbounded => Bound::Included(table.to_vec()),
                bound => bound.map(join),
            },
            to: match self.to() {
                Bound::Unbounded => prefix_end(table),
                bound => bound.map(join),
            },
        }
    }
}

/// Returns the bound behind the last key that starts with `prefix`.
fn prefix_end(prefix: &[u8]) -> Bound<Vec<u8>> {
    let kept = prefix.iter().rposition(|byte| *byte != u8::MAX);
    let Some((last, head)) = kept.and_then(|at| prefix.get(..=at)).and_then(<[u8]>::split_last) else {
        return Bound::Unbounded;
    };
    let mut end = head.to_vec();
    end.push(last.saturating_add(1));
    Bound::Excluded(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_before_the_next_sibling() {
        assert_eq!(prefix_end(b"ab"), Bound::Excluded(b"ac".to_vec()));
        assert_eq!(prefix_end(&[1, 255, 255]), Bound::Excluded(vec![2]));
        assert_eq!(prefix_end(&[255, 255]), Bound::Unbounded);
        assert_eq!(prefix_end(b""), Bound::Unbounded);
    }

    #[test]
    fn crossed_bounds_are_empty_and_not_a_panic() {
        let bounds = |from, to| KeyRange::between(from, to).bounds().is_some();
        assert!(bounds(Bound::Included(b"a"), Bound::Included(b"a")));
        assert!(!bounds(Bound::Included(b"a"), Bound::Excluded(b"a")));
        assert!(!bounds(Bound::Excluded(b"a"), Bound::Excluded(b"a")));
        assert!(!bounds(Bound::Excluded(b"a"), Bound::Included(b"a")));
        assert!(!bounds(Bound::Included(b"b"), Bound::Included(b"a")));
    }

    #[test]
    fn a_range_within_a_table_never_leaves_it() {
        let inside = KeyRange::all().within(&[7, 255]);
        assert_eq!(inside.from(), Bound::Included(&[7, 255][..]));
        assert_eq!(inside.to(), Bound::Excluded(&[8][..]));
    }
}

//! Changes that are applied together or not at all.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::range::{Direction, KeyRange};
use crate::{KEY_BYTES_MAX, KvError, VALUE_BYTES_MAX};

/// What a batch would do to one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pending {
    /// The key would hold this value.
    Put(Bytes),
    /// The key would be absent.
    Deleted,
    /// The batch leaves the key as the table has it.
    Untouched,
}

/// An ordered list of changes to one table, applied atomically by [`crate::Table::apply_batch`].
///
/// A later change of a key replaces an earlier one, so a batch may also serve as the overlay through which
/// the writer reads what it has not applied yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    // Holding the outcome for each key rather than the list of calls lets `lookup` answer in one step.
    changes: BTreeMap<Bytes, Option<Bytes>>,
    // A prefix hides only rows that the table already has: puts that follow it are in `changes`.
    cleared: Vec<Bytes>,
    bytes: usize,
}

impl Batch {
    /// Returns an empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.change(key.into(), Some(value.into()));
    }

    /// Removes `key`, if it is there.
    pub fn delete(&mut self, key: impl Into<Bytes>) {
        self.change(key.into(), None);
    }

    /// Removes every key that starts with `prefix`, in the table and among the earlier changes.
    pub fn delete_prefix(&mut self, prefix: impl Into<Bytes>) {
        let prefix = prefix.into();
        let covered: Vec<Bytes> = self
            .changes_in(&KeyRange::prefix(&prefix))
            .map(|(key, _)| key.clone())
            .collect();
        for key in covered {
            self.forget(&key);
        }
        self.cleared.retain(|earlier| !earlier.starts_with(&prefix));
        self.cleared.push(prefix);
    }

    /// Appends the changes of `later`, as if each had been made here.
    pub fn append(&mut self, later: Batch) {
        for prefix in later.cleared {
            self.delete_prefix(prefix);
        }
        for (key, value) in later.changes {
            self.change(key, value);
        }
    }

    /// Returns what the batch would do to `key`.
    pub fn lookup(&self, key: &[u8]) -> Pending {
        match self.changes.get(key) {
            Some(Some(value)) => Pending::Put(value.clone()),
            Some(None) => Pending::Deleted,
            None if self.clears(key) => Pending::Deleted,
            None => Pending::Untouched,
        }
    }

    /// Returns the keys in `range` that the batch sets (`Some`) or removes one by one (`None`), in order.
    ///
    /// Rows that only a `delete_prefix` removes are not listed: ask [`Batch::clears`].
    pub fn changes(
        &self,
        range: &KeyRange,
        direction: Direction,
    ) -> Box<dyn Iterator<Item = (&Bytes, Option<&Bytes>)> + '_> {
        let changes = self.changes_in(range);
        match direction {
            Direction::Forward => Box::new(changes),
            Direction::Reverse => Box::new(changes.rev()),
        }
    }

    /// Returns whether a `delete_prefix` removes what the table holds under `key`.
    pub fn clears(&self, key: &[u8]) -> bool {
        self.cleared.iter().any(|prefix| key.starts_with(prefix))
    }

    /// Returns whether there is any `delete_prefix` left whose rows the table may hold.
    pub fn clears_any(&self) -> bool {
        !self.cleared.is_empty()
    }

    /// Returns whether the batch changes nothing.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.cleared.is_empty()
    }

    /// Returns the bytes of all keys and values held, a measure for when to apply.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn cleared(&self) -> &[Bytes] {
        &self.cleared
    }

    pub(crate) fn check(&self) -> Result<(), KvError> {
        for (key, value) in &self.changes {
            if key.len() > KEY_BYTES_MAX {
                return Err(KvError::KeyTooLong { bytes: key.len() });
            }
            let bytes = value.as_ref().map_or(0, Bytes::len);
            if bytes > VALUE_BYTES_MAX {
                return Err(KvError::ValueTooLong { bytes });
            }
        }
        Ok(())
    }

    fn change(&mut self, key: Bytes, value: Option<Bytes>) {
        self.forget(&key);
        self.bytes += key.len() + value.as_ref().map_or(0, Bytes::len);
        self.changes.insert(key, value);
    }

    fn forget(&mut self, key: &[u8]) {
        if let Some(value) = self.changes.remove(key) {
            self.bytes -= key.len() + value.map_or(0, |value| value.len());
        }
    }

    fn changes_in<'a>(
        &'a self,
        range: &KeyRange,
    ) -> impl DoubleEndedIterator<Item = (&'a Bytes, Option<&'a Bytes>)> + use<'a> {
        let found = range.bounds().map(|bounds| self.changes.range::<[u8], _>(bounds));
        found
            .into_iter()
            .flatten()
            .map(|(key, value)| (key, value.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_change_replaces_an_earlier_one() {
        let mut batch = Batch::new();
        batch.put("a", "1");
        batch.delete("a");
        assert_eq!(batch.lookup(b"a"), Pending::Deleted);
        batch.put("a", "22");
        assert_eq!(batch.lookup(b"a"), Pending::Put(Bytes::from("22")));
        assert_eq!(batch.bytes(), 3);
    }

    #[test]
    fn a_prefix_hides_earlier_puts_and_spares_later_ones() {
        let mut batch = Batch::new();
        batch.put("ab1", "x");
        batch.delete_prefix("ab");
        batch.put("ab2", "y");
        assert_eq!(batch.lookup(b"ab1"), Pending::Deleted);
        assert_eq!(batch.lookup(b"ab2"), Pending::Put(Bytes::from("y")));
        assert_eq!(batch.lookup(b"ac"), Pending::Untouched);
        assert_eq!(batch.bytes(), 4);
    }

    #[test]
    fn appending_keeps_the_order_of_both_batches() {
        let (mut first, mut second) = (Batch::new(), Batch::new());
        first.put("p1", "old");
        first.put("q", "kept");
        second.delete_prefix("p");
        second.put("p2", "new");
        first.append(second);
        assert_eq!(first.lookup(b"p1"), Pending::Deleted);
        assert_eq!(first.lookup(b"p2"), Pending::Put(Bytes::from("new")));
        assert_eq!(first.lookup(b"q"), Pending::Put(Bytes::from("kept")));
    }

    #[test]
    fn sizes_beyond_the_limits_are_refused() {
        let mut batch = Batch::new();
        batch.put(vec![0; KEY_BYTES_MAX + 1], "");
        assert!(matches!(batch.check(), Err(KvError::KeyTooLong { .. })));
        let mut batch = Batch::new();
        batch.put("k", vec![0; VALUE_BYTES_MAX + 1]);
        assert!(matches!(batch.check(), Err(KvError::ValueTooLong { .. })));
    }
}

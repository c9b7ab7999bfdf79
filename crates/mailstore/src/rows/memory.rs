//! Rows in memory, for tests of this crate and of its users.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use super::{ReadRows, Rows, RowsError};

/// Rows of one subject in a sorted map. Never fails.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MemoryRows {
    rows: BTreeMap<Vec<u8>, Bytes>,
    writes: u64,
}

impl MemoryRows {
    /// Returns a table without rows.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lists keys and values, ascending by key.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Bytes)> {
        self.rows.iter().map(|(key, value)| (key.as_slice(), value))
    }

    /// Counts the rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Tells whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Counts the calls that set or removed a row so far, for tests that bound the cost of a command.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.writes
    }
}

impl ReadRows for MemoryRows {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        Ok(self.rows.get(key).cloned())
    }

    fn scan(
        &self,
        start: &[u8],
        end: &[u8],
        visit: &mut dyn FnMut(&[u8], &Bytes) -> bool,
    ) -> Result<(), RowsError> {
        if start >= end {
            return Ok(());
        }
        let bounds = (Bound::Included(start), Bound::Excluded(end));
        for (key, value) in self.rows.range::<[u8], _>(bounds) {
            if !visit(key, value) {
                break;
            }
        }
        Ok(())
    }
}

impl Rows for MemoryRows {
    fn put(&mut self, key: Vec<u8>, value: Bytes) {
        self.writes += 1;
        self.rows.insert(key, value);
    }

    fn delete(&mut self, key: Vec<u8>) {
        self.writes += 1;
        self.rows.remove(&key);
    }
}

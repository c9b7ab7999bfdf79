//! Reading one subject as it was at a moment, piece by piece, while later batches go on being applied.
//!
//! The engine has no multi-version reads, so before a batch overwrites a row that has not been read yet, the
//! row is put aside. Rows that have been read may change freely.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use kv::{Batch, Direction, KeyRange, KvError, Row, Table};

/// Some rows of a subject, with keys relative to it.
#[derive(Debug)]
pub(crate) struct CapturedRows {
    pub(crate) rows: Vec<Row>,
    pub(crate) is_last: bool,
}

/// A subject that is being read.
pub(super) struct Capture {
    prefix: Vec<u8>,
    // The last key that has been read, or the prefix itself, which is no row's key unless the row's own key
    // is empty; that is why the bound starts as included.
    rest: KeyRange,
    // Rows behind that key as they were when the capture began, `None` for absent.
    before: BTreeMap<Bytes, Option<Bytes>>,
}

impl Capture {
    pub(super) fn new(prefix: Vec<u8>) -> Self {
        let rest = KeyRange::prefix(&prefix);
        Self {
            prefix,
            rest,
            before: BTreeMap::new(),
        }
    }

    /// Puts aside what `batch` is about to overwrite.
    pub(super) fn remember(&mut self, table: &dyn Table, batch: &Batch) -> Result<(), KvError> {
        for (key, _) in batch.changes(&self.rest, Direction::Forward) {
            if !self.before.contains_key(key) {
                self.before.insert(key.clone(), table.get(key)?);
            }
        }
        if batch.clears_any() {
            for row in table.range(&self.rest, Direction::Forward)? {
                let row = row?;
                if batch.clears(&row.key) {
                    self.before.entry(row.key).or_insert(Some(row.value));
                }
            }
        }
        Ok(())
    }

    /// Returns the next rows as they were, up to about `bytes_max`.
    pub(super) fn advance(&mut self, table: &dyn Table, bytes_max: usize) -> Result<CapturedRows, KvError> {
        let (mut found, reached) = self.read_live(table, bytes_max)?;
        let is_last = reached.is_none();
        let behind = match &reached {
            Some(key) => self.before.split_off(key),
            None => BTreeMap::new(),
        };
        let mut put_aside = std::mem::replace(&mut self.before, behind);
        if let Some(key) = &reached {
            // `split_off` leaves the key itself behind, but it has been reached.
            put_aside.extend(self.before.remove_entry(key));
            self.rest = KeyRange::between(Bound::Excluded(key), self.rest.to());
        }
        for (key, value) in put_aside {
            match value {
                Some(value) => found.insert(key, value),
                None => found.remove(&key),
            };
        }
        let prefix = self.prefix.len();
        let rows = found.into_iter().map(|(key, value)| Row {
            key: key.slice(prefix..),
            value,
        });
        Ok(CapturedRows {
            rows: rows.collect(),
            is_last,
        })
    }

    /// Reads rows as they are now. The key is the last one read, `None` when the subject has ended.
    fn read_live(&self, table: &dyn Table, bytes_max: usize) -> Result<LiveRows, KvError> {
        let mut found = BTreeMap::new();
        let mut bytes = 0;
        for row in table.range(&self.rest, Direction::Forward)? {
            let row = row?;
            bytes += row.key.len() + row.value.len();
            let key = row.key.clone();
            found.insert(row.key, row.value);
            if bytes >= bytes_max {
                return Ok((found, Some(key)));
            }
        }
        Ok((found, None))
    }
}

type LiveRows = (BTreeMap<Bytes, Bytes>, Option<Bytes>);

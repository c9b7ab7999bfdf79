//! A table as a prefix of the keys of a shelf.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{RwLock, RwLockReadGuard};

use super::shelf::{Instance, Shelf};
use super::sums::{self, Prefix};
use crate::engine::{ShelfId, Table, TableId, View};
use crate::guard::guarded;
use crate::range::{Direction, KeyRange, Row, Rows};
use crate::{Batch, KvError, LossCause};

/// How many rows [`Table::wipe`] removes in one batch.
const WIPE_ROWS: usize = 4096;

pub(super) struct SledTable {
    prefix: Prefix,
    shelf: Arc<Shelf>,
    // Shared by all handles of the table: views hold it for reading, batches for writing.
    views: Arc<RwLock<()>>,
}

impl SledTable {
    pub(super) fn new(id: TableId, shelf: Arc<Shelf>, views: Arc<RwLock<()>>) -> Self {
        Self {
            prefix: sums::row_prefix(id),
            shelf,
            views,
        }
    }

    fn key(&self, key: &[u8]) -> Vec<u8> {
        [&self.prefix, key].concat()
    }

    fn read_row(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        let key = self.key(key);
        let instance = self.shelf.instance()?;
        let found = self.shelf.read(&instance, |db| db.get(&key))?;
        Ok(found.map(Bytes::from_owner))
    }

    fn rows(&self, range: &KeyRange, direction: Direction) -> Result<Rows<'_>, KvError> {
        let inside = range.within(&self.prefix);
        let Some((from, to)) = inside.bounds() else {
            return Ok(Box::new(std::iter::empty()));
        };
        let instance = self.shelf.instance()?;
        let rows = self
            .shelf
            .read(&instance, |db| Ok(db.range::<&[u8], _>((from, to))))?;
        Ok(Box::new(Cursor {
            table: self,
            instance,
            rows: Some(rows),
            direction,
        }))
    }

    /// Writes `batch` with its prefixes resolved against the rows that are there now.
    fn write(&self, batch: &Batch) -> Result<(), KvError> {
        self.shelf.write(|db| {
            let mut changes = BTreeMap::new();
            for prefix in batch.cleared() {
                for key in db.scan_prefix(self.key(prefix)).keys() {
                    changes.insert(key?, None);
                }
            }
            for (key, value) in batch.changes(&KeyRange::all(), Direction::Forward) {
                let value = value.map(|value| sled::IVec::from(value.as_ref()));
                changes.insert(self.key(key).into(), value);
            }
            sums::apply(db, &self.prefix, changes.into_iter().collect())
        })
    }
}

impl Table for SledTable {
    fn shelf(&self) -> ShelfId {
        self.shelf.id()
    }

    fn apply_batch(&self, batch: &Batch) -> Result<(), KvError> {
        batch.check()?;
        let _no_views = self.views.write();
        self.write(batch)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        self.read_row(key)
    }

    fn range(&self, range: &KeyRange, direction: Direction) -> Result<Rows<'_>, KvError> {
        self.rows(range, direction)
    }

    fn view(&self) -> Result<Box<dyn View + '_>, KvError> {
        Ok(Box::new(SledView {
            _no_batches: self.views.read(),
            table: self,
        }))
    }

    fn checkpoint(&self) -> Result<(), KvError> {
        self.shelf.write(|db| db.flush().map(|_| ()))
    }

    fn wipe(&self) -> Result<(), KvError> {
        let _no_views = self.views.write();
        loop {
            let removed = self.shelf.write(|db| {
                let first = db.scan_prefix(self.prefix).keys().take(WIPE_ROWS);
                let changes = first
                    .map(|key| Ok((key?, None)))
                    .collect::<sled::Result<Vec<_>>>()?;
                let count = changes.len();
                sums::apply(db, &self.prefix, changes).map(|()| count)
            })?;
            if removed < WIPE_ROWS {
                return Ok(());
            }
        }
    }
}

struct SledView<'a> {
    _no_batches: RwLockReadGuard<'a, ()>,
    table: &'a SledTable,
}

impl View for SledView<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        self.table.read_row(key)
    }

    fn range(&self, range: &KeyRange, direction: Direction) -> Result<Rows<'_>, KvError> {
        self.table.rows(range, direction)
    }
}

/// Reads rows one at a time, each behind the guard; it ends after an error.
struct Cursor<'a> {
    table: &'a SledTable,
    instance: Arc<Instance>,
    rows: Option<sled::Iter>,
    direction: Direction,
}

impl Iterator for Cursor<'_> {
    type Item = Result<Row, KvError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.rows.as_mut()?;
        let step = || match self.direction {
            Direction::Forward => rows.next(),
            Direction::Reverse => rows.next_back(),
        };
        let outcome = match guarded(step) {
            Ok(None) => return None,
            Ok(Some(Ok((key, value)))) => {
                let mut key = Bytes::from_owner(key);
                // Every key of the range starts with the prefix, which is the table's own business.
                let key = key.split_off(self.table.prefix.len().min(key.len()));
                return Some(Ok(Row {
                    key,
                    value: Bytes::from_owner(value),
                }));
            }
            Ok(Some(Err(error))) => LossCause::Failed(error.to_string()),
            Err(cause) => cause,
        };
        self.rows = None;
        Some(Err(self.table.shelf.lose_instance(&self.instance, outcome)))
    }
}

//! Tables in memory: for tests, and for simulated nodes whose disk is simulated too.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use crate::engine::{
    Engine, RebuildReason, ShelfCount, ShelfId, ShelfReport, ShelfState, Table, TableId, View,
};
use crate::range::{Direction, KeyRange, Row, Rows};
use crate::{Batch, KvError};

type Map = BTreeMap<Bytes, Bytes>;

/// An engine that keeps everything in memory and forgets it when the last handle is dropped.
pub struct MemoryEngine {
    shelves: ShelfCount,
    tables: Mutex<HashMap<TableId, Arc<MemoryTable>>>,
    state: Mutex<HashMap<ShelfId, RebuildReason>>,
}

impl MemoryEngine {
    /// Returns an engine whose shelves are all new.
    pub fn new(shelves: ShelfCount) -> Self {
        Self {
            shelves,
            tables: Mutex::default(),
            state: Mutex::default(),
        }
    }
}

impl Engine for MemoryEngine {
    fn shelf_count(&self) -> ShelfCount {
        self.shelves
    }

    fn table(&self, id: TableId) -> Arc<dyn Table> {
        let shelf = id.shelf(self.shelves);
        let new = || {
            Arc::new(MemoryTable {
                shelf,
                rows: RwLock::default(),
            })
        };
        Arc::clone(self.tables.lock().entry(id).or_insert_with(new)) as Arc<dyn Table>
    }

    fn report(&self, shelf: ShelfId) -> Result<ShelfReport, KvError> {
        let reason = self
            .state
            .lock()
            .get(&shelf)
            .cloned()
            .unwrap_or(RebuildReason::New);
        Ok(ShelfReport {
            shelf,
            state: ShelfState::Rebuild(reason),
            bytes_on_disk: 0,
        })
    }

    fn wipe_shelf(&self, shelf: ShelfId) -> Result<(), KvError> {
        for table in self.tables.lock().values().filter(|table| table.shelf == shelf) {
            table.wipe()?;
        }
        self.state.lock().insert(shelf, RebuildReason::Wiped);
        Ok(())
    }

    fn close(&self) -> Result<(), KvError> {
        // Nothing outlives the process, so there is nothing to mark: the engine stays usable, which lets a
        // simulated node be stopped and started over the same tables.
        Ok(())
    }
}

struct MemoryTable {
    shelf: ShelfId,
    // Copied on the first write after a view or an iterator was opened, so that readers keep what they saw.
    rows: RwLock<Arc<Map>>,
}

impl MemoryTable {
    fn snapshot(&self) -> MemoryView {
        MemoryView {
            rows: Arc::clone(&self.rows.read()),
        }
    }
}

impl Table for MemoryTable {
    fn shelf(&self) -> ShelfId {
        self.shelf
    }

    fn apply_batch(&self, batch: &Batch) -> Result<(), KvError> {
        batch.check()?;
        let mut guard = self.rows.write();
        let rows = Arc::make_mut(&mut guard);
        for prefix in batch.cleared() {
            let range = KeyRange::prefix(prefix);
            let covered: Vec<Bytes> = select(rows, &range).map(|(key, _)| key.clone()).collect();
            for key in covered {
                rows.remove(&key);
            }
        }
        for (key, value) in batch.changes(&KeyRange::all(), Direction::Forward) {
            match value {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        Ok(self.rows.read().get(key).cloned())
    }

    fn range(&self, range: &KeyRange, direction: Direction) -> Result<Rows<'_>, KvError> {
        Ok(Box::new(Cursor {
            rows: self.snapshot().rows,
            rest: range.clone(),
            direction,
        }))
    }

    fn view(&self) -> Result<Box<dyn View + '_>, KvError> {
        Ok(Box::new(self.snapshot()))
    }

    fn checkpoint(&self) -> Result<(), KvError> {
        Ok(())
    }

    fn wipe(&self) -> Result<(), KvError> {
        *self.rows.write() = Arc::default();
        Ok(())
    }
}

struct MemoryView {
    rows: Arc<Map>,
}

impl View for MemoryView {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        Ok(self.rows.get(key).cloned())
    }

    fn range(&self, range: &KeyRange, direction: Direction) -> Result<Rows<'_>, KvError> {
        Ok(Box::new(Cursor {
            rows: Arc::clone(&self.rows),
            rest: range.clone(),
            direction,
        }))
    }
}

/// Walks a map that it owns a share of, by asking for the next key each time.
struct Cursor {
    rows: Arc<Map>,
    rest: KeyRange,
    direction: Direction,
}

impl Iterator for Cursor {
    type Item = Result<Row, KvError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut rows = select(&self.rows, &self.rest);
        let (key, value) = match self.direction {
            Direction::Forward => rows.next()?,
            Direction::Reverse => rows.next_back()?,
        };
        let row = Row {
            key: key.clone(),
            value: value.clone(),
        };
        drop(rows);
        self.rest = match self.direction {
            Direction::Forward => KeyRange::between(Bound::Excluded(&row.key), self.rest.to()),
            Direction::Reverse => KeyRange::between(self.rest.from(), Bound::Excluded(&row.key)),
        };
        Some(Ok(row))
    }
}

fn select<'a>(
    rows: &'a Map,
    range: &KeyRange,
) -> impl DoubleEndedIterator<Item = (&'a Bytes, &'a Bytes)> + use<'a> {
    range
        .bounds()
        .map(|bounds| rows.range::<[u8], _>(bounds))
        .into_iter()
        .flatten()
}

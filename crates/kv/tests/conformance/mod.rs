//! What every engine must do. Each module takes a maker of fresh engines.

pub mod basics;
pub mod model;
pub mod ranges;
pub mod views;

use std::sync::Arc;

use kv::{Batch, Direction, Engine, KeyRange, Table, TableId, View};
use tempfile::TempDir;

/// A fresh engine, and the directory that must outlive it.
pub struct Fixture {
    pub engine: Box<dyn Engine>,
    pub _directory: Option<TempDir>,
}

impl Fixture {
    pub fn table(&self, number: u64) -> Arc<dyn Table> {
        self.engine.table(TableId::new(number))
    }

    /// Returns another table than number 1 that stands where it is wanted.
    pub fn other_table(&self, is_wanted: impl Fn(&dyn Table) -> bool) -> Arc<dyn Table> {
        let tables = (2..).map(|number| self.table(number));
        let mut wanted = tables.filter(|table| is_wanted(&**table));
        wanted.next().expect("tables stand on all shelves")
    }
}

pub fn put(table: &dyn Table, rows: &[(&str, &str)]) {
    let mut batch = Batch::new();
    for (key, value) in rows {
        batch.put(key.to_string(), value.to_string());
    }
    table.apply_batch(&batch).expect("the batch is applied");
}

pub fn keys(table: &dyn Table, range: &KeyRange, direction: Direction) -> Vec<String> {
    let rows = table.range(range, direction).expect("the range opens");
    rows.map(|row| text(&row.expect("the row is read").key)).collect()
}

pub fn view_keys(view: &dyn View) -> Vec<String> {
    let rows = view
        .range(&KeyRange::all(), Direction::Forward)
        .expect("the range opens");
    rows.map(|row| text(&row.expect("the row is read").key)).collect()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the tests use text")
}

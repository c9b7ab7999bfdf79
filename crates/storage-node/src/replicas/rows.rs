//! The rows of a subject as the model sees them.

use std::cell::Cell;
use std::ops::Bound;

use bytes::Bytes;
use consensus::SubjectRows;
use kv::KvError;
use mailstore::rows::{ReadRows, Rows, RowsError};

/// Rows that can be read.
pub(super) struct ReadableRows<'a, 'b>(pub(super) &'a SubjectRows<'b>);

/// Rows that can be changed. Remembers the engine's error, which says how the tables can be repaired.
pub(super) struct WritableRows<'a, 'b> {
    rows: &'a mut SubjectRows<'b>,
    failure: Cell<Option<KvError>>,
}

impl<'a, 'b> WritableRows<'a, 'b> {
    pub(super) fn new(rows: &'a mut SubjectRows<'b>) -> Self {
        Self {
            rows,
            failure: Cell::new(None),
        }
    }

    /// Returns the engine's error, if it has failed.
    pub(super) fn into_failure(self) -> Option<KvError> {
        self.failure.into_inner()
    }

    fn failed(&self, error: KvError) -> RowsError {
        let described = described(&error);
        self.failure.set(Some(error));
        described
    }
}

fn described(error: &KvError) -> RowsError {
    RowsError(error.to_string())
}

fn scan(
    rows: &SubjectRows<'_>,
    start: &[u8],
    end: &[u8],
    visit: &mut dyn FnMut(&[u8], &Bytes) -> bool,
) -> Result<(), KvError> {
    rows.scan(Bound::Included(start), Bound::Excluded(end), visit)
}

impl ReadRows for ReadableRows<'_, '_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        self.0.get(key).map_err(|error| described(&error))
    }

    fn scan(
        &self,
        start: &[u8],
        end: &[u8],
        visit: &mut dyn FnMut(&[u8], &Bytes) -> bool,
    ) -> Result<(), RowsError> {
        scan(self.0, start, end, visit).map_err(|error| described(&error))
    }
}

impl ReadRows for WritableRows<'_, '_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError> {
        self.rows.get(key).map_err(|error| self.failed(error))
    }

    fn scan(
        &self,
        start: &[u8],
        end: &[u8],
        visit: &mut dyn FnMut(&[u8], &Bytes) -> bool,
    ) -> Result<(), RowsError> {
        scan(self.rows, start, end, visit).map_err(|error| self.failed(error))
    }
}

impl Rows for WritableRows<'_, '_> {
    fn put(&mut self, key: Vec<u8>, value: Bytes) {
        self.rows.put(&key, value);
    }

    fn delete(&mut self, key: Vec<u8>) {
        self.rows.delete(&key);
    }
}

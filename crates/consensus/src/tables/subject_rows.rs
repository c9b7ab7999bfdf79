//! The rows of one subject, as the state machine sees them.

use std::cell::RefCell;
use std::ops::Bound;

use bytes::Bytes;
use kv::{Batch, Direction, KeyRange, KvError, Layers, Pending, Rows, Table, View};

use super::keys;
use crate::machine::Subject;

/// Rows of one subject. Reads see what earlier entries of the same batch and this entry have written.
pub struct SubjectRows<'a> {
    source: Source<'a>,
    pending: Option<&'a Batch>,
    own: Batch,
    prefix: Vec<u8>,
    // The first error of the engine, for when it has passed through code that knows no engine.
    failure: RefCell<Option<KvError>>,
}

#[derive(Clone, Copy)]
enum Source<'a> {
    Table(&'a dyn Table),
    View(&'a dyn View),
}

impl Source<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        match self {
            Self::Table(table) => table.get(key),
            Self::View(view) => view.get(key),
        }
    }

    fn range(&self, range: &KeyRange) -> Result<Rows<'_>, KvError> {
        match self {
            Self::Table(table) => table.range(range, Direction::Forward),
            Self::View(view) => view.range(range, Direction::Forward),
        }
    }
}

impl<'a> SubjectRows<'a> {
    /// Returns the rows of a subject behind the changes of `pending`.
    pub(crate) fn writing(table: &'a dyn Table, pending: &'a Batch, subject: &Subject) -> Self {
        Self {
            source: Source::Table(table),
            pending: Some(pending),
            own: Batch::new(),
            prefix: keys::rows(subject),
            failure: RefCell::default(),
        }
    }

    /// Returns the rows of a subject in a view, for questions. Writes to it are lost.
    pub(crate) fn reading(view: &'a dyn View, subject: &Subject) -> Self {
        Self {
            source: Source::View(view),
            pending: None,
            own: Batch::new(),
            prefix: keys::rows(subject),
            failure: RefCell::default(),
        }
    }

    /// Returns the rows of the group's header as they are behind all earlier entries, for reading.
    #[must_use]
    pub fn header(&self) -> Self {
        Self {
            source: self.source,
            pending: self.pending,
            own: Batch::new(),
            prefix: keys::rows(&Subject::header()),
            failure: RefCell::default(),
        }
    }

    /// Returns the value at `key`.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError> {
        let key = self.key(key);
        match self.layered(|layers| layers.lookup(&key)) {
            Pending::Put(value) => return Ok(Some(value)),
            Pending::Deleted => return Ok(None),
            Pending::Untouched => {}
        }
        self.kept(self.source.get(&key))
    }

    /// Calls `visit` with each row from `start` to `end`, ascending, until it returns `false`.
    ///
    /// # Errors
    /// Those of the engine.
    pub fn scan(
        &self,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
        visit: &mut dyn FnMut(&[u8], &Bytes) -> bool,
    ) -> Result<(), KvError> {
        let range = self.absolute(start, end);
        let rows = self.kept(self.source.range(&range))?;
        for row in self.layered(|layers| layers.over(&range, Direction::Forward, rows)) {
            let row = self.kept(row)?;
            if !visit(row.key.get(self.prefix.len()..).unwrap_or_default(), &row.value) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sets the value at `key`.
    pub fn put(&mut self, key: &[u8], value: Bytes) {
        let key = self.key(key);
        self.own.put(key, value);
    }

    /// Removes the value at `key`, if there is one.
    pub fn delete(&mut self, key: &[u8]) {
        let key = self.key(key);
        self.own.delete(key);
    }

    /// Removes every row of the subject.
    pub fn delete_all(&mut self) {
        self.own.delete_prefix(self.prefix.clone());
    }

    /// Returns the first error of the engine, if there was one.
    pub(crate) fn take_failure(&self) -> Option<KvError> {
        self.failure.take()
    }

    fn kept<T>(&self, outcome: Result<T, KvError>) -> Result<T, KvError> {
        if let Err(error) = &outcome {
            self.failure.borrow_mut().get_or_insert_with(|| error.clone());
        }
        outcome
    }

    /// Returns the changes that were made.
    pub(crate) fn into_changes(self) -> Batch {
        self.own
    }

    fn key(&self, key: &[u8]) -> Vec<u8> {
        [&self.prefix, key].concat()
    }

    fn absolute(&self, start: Bound<&[u8]>, end: Bound<&[u8]>) -> KeyRange {
        let whole = KeyRange::prefix(&self.prefix);
        let join = |bound: Bound<&[u8]>, open: Bound<&[u8]>| match bound {
            Bound::Unbounded => open.map(<[u8]>::to_vec),
            bound => bound.map(|key| self.key(key)),
        };
        let (start, end) = (join(start, whole.from()), join(end, whole.to()));
        KeyRange::between(start.as_ref().map(Vec::as_slice), end.as_ref().map(Vec::as_slice))
    }

    /// Asks what earlier entries and this one have written, laid over each other.
    fn layered<T>(&self, ask: impl FnOnce(Layers<'_>) -> T) -> T {
        match self.pending {
            Some(pending) => ask(Layers::new(&[&self.own, pending])),
            None => ask(Layers::new(&[&self.own])),
        }
    }
}

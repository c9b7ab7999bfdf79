//! A group's rows in the key-value tables.
//!
//! The rows of every group are keyed below its own [`kv::TableId`]: one row says what is applied, one row a
//! subject says which entry last changed it, and the rest belong to the state machine. What an entry changes
//! and the note that it is applied always stand in one batch, so the tables are never between two entries.

mod capture;
mod keys;
mod subject_rows;

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use kv::{Batch, Direction, KeyRange, KvError, Pending, ShelfId, Table, View};
use parking_lot::Mutex;
use prost::Message;

use crate::machine::Subject;
use crate::types::{LogId, StoredMembership};
use crate::wire::{self, DecodeError, WireLogId, WireStoredMembership};
use capture::Capture;
pub(crate) use capture::CapturedRows;
pub use subject_rows::SubjectRows;

/// What a group has applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AppliedState {
    pub(crate) last: Option<LogId>,
    pub(crate) membership: StoredMembership,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct WireApplied {
    #[prost(message, optional, tag = "1")]
    last: Option<WireLogId>,
    #[prost(message, optional, tag = "2")]
    membership: Option<WireStoredMembership>,
}

/// Why rows could not be used.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum TablesError {
    #[error(transparent)]
    Engine(#[from] KvError),
    #[error("a row of consensus is damaged: {0}")]
    Damaged(#[from] DecodeError),
}

/// The tables of one group.
pub(crate) struct GroupTables {
    table: Arc<dyn Table>,
    // Held while a batch is applied, so that whoever takes it sees the tables between two batches.
    capture: Mutex<Option<Capture>>,
}

impl GroupTables {
    pub(crate) fn new(table: Arc<dyn Table>) -> Self {
        Self {
            table,
            capture: Mutex::default(),
        }
    }

    pub(crate) fn shelf(&self) -> ShelfId {
        self.table.shelf()
    }

    pub(crate) fn table(&self) -> &dyn Table {
        &*self.table
    }

    /// Returns what is applied; the default when the tables are empty or were left half loaded.
    pub(crate) fn applied(&self) -> Result<AppliedState, TablesError> {
        match self.table.get(keys::APPLIED)? {
            None => Ok(AppliedState::default()),
            Some(row) => decode_applied(row),
        }
    }

    /// Applies a batch, keeping what a capture in progress still needs.
    pub(crate) fn commit(&self, batch: &Batch) -> Result<(), TablesError> {
        let mut capture = self.capture.lock();
        if let Some(capture) = capture.as_mut() {
            capture.remember(&*self.table, batch)?;
        }
        Ok(self.table.apply_batch(batch)?)
    }

    /// Removes all rows. A crash in between leaves tables that say that nothing is applied.
    pub(crate) fn reset(&self) -> Result<(), TablesError> {
        let mut unapplied = Batch::new();
        unapplied.delete(keys::APPLIED);
        let mut capture = self.capture.lock();
        *capture = None;
        self.table.apply_batch(&unapplied)?;
        Ok(self.table.wipe()?)
    }

    /// Returns the index of the entry that last changed the subject, as `pending` would leave it.
    pub(crate) fn subject_index(
        &self,
        subject: &Subject,
        pending: &Batch,
    ) -> Result<Option<u64>, TablesError> {
        let key = keys::subject(subject);
        let row = match pending.lookup(&key) {
            Pending::Put(row) => Some(row),
            Pending::Deleted => None,
            Pending::Untouched => self.table.get(&key)?,
        };
        Ok(row.map(|row| keys::decode_index(&row)).transpose()?)
    }

    /// Returns every subject but the header with the index of the entry that last changed it.
    pub(crate) fn subjects(&self) -> Result<Vec<(Subject, u64)>, TablesError> {
        let mut found = Vec::new();
        for row in self
            .table
            .range(&KeyRange::prefix(keys::SUBJECTS), Direction::Forward)?
        {
            let row = row?;
            if let Some(subject) = keys::parse_subject(&row.key)? {
                found.push((subject, keys::decode_index(&row.value)?));
            }
        }
        Ok(found)
    }

    /// Returns up to `count_max` subjects between two, both included.
    pub(crate) fn subjects_between(
        &self,
        first: &Subject,
        last: &Subject,
        count_max: usize,
    ) -> Result<Vec<Subject>, TablesError> {
        let (first, last) = (keys::subject(first), keys::subject(last));
        let range = KeyRange::between(Bound::Included(&first), Bound::Included(&last));
        let mut found = Vec::new();
        for row in self.table.range(&range, Direction::Forward)?.take(count_max) {
            found.extend(keys::parse_subject(&row?.key)?);
        }
        Ok(found)
    }

    /// Returns every subject but the header that an entry behind `index` changed.
    pub(crate) fn subjects_changed(&self, behind: Option<u64>) -> Result<Vec<Subject>, TablesError> {
        let subjects = self.subjects()?.into_iter();
        let changed = subjects.filter(|(_, index)| Some(*index) > behind);
        Ok(changed.map(|(subject, _)| subject).collect())
    }

    /// Captures the header and what is applied at one moment.
    pub(crate) fn capture_header(&self) -> Result<(AppliedState, Option<u64>, Vec<kv::Row>), TablesError> {
        let _between_batches = self.capture.lock();
        let state = self.applied()?;
        let index = self.subject_index(&Subject::header(), &Batch::new())?;
        let prefix = keys::rows(&Subject::header());
        let rows = self.table.range(&KeyRange::prefix(&prefix), Direction::Forward)?;
        let strip = |row: kv::Row| kv::Row {
            key: row.key.slice(prefix.len()..),
            value: row.value,
        };
        let rows = rows.map(|row| row.map(strip)).collect::<Result<_, KvError>>()?;
        Ok((state, index, rows))
    }

    /// Begins to capture a subject as it is now. Returns the index of the entry that last changed it, or
    /// `None` if it does not exist. One capture runs at a time; a new one replaces the old.
    pub(crate) fn begin_capture(&self, subject: &Subject) -> Result<Option<u64>, TablesError> {
        let mut capture = self.capture.lock();
        let index = self.subject_index(subject, &Batch::new())?;
        *capture = index.map(|_| Capture::new(keys::rows(subject)));
        Ok(index)
    }

    /// Returns the next rows of the capture, up to about `bytes_max`; `None` when no capture is running
    /// because the tables have been replaced.
    pub(crate) fn captured_rows(&self, bytes_max: usize) -> Result<Option<CapturedRows>, TablesError> {
        let mut capture = self.capture.lock();
        let Some(running) = capture.as_mut() else {
            return Ok(None);
        };
        let captured = running.advance(&*self.table, bytes_max)?;
        if captured.is_last {
            *capture = None;
        }
        Ok(Some(captured))
    }
}

/// Returns the index of the entry that last changed the subject, as a view shows it.
pub(crate) fn subject_index_in(view: &dyn View, subject: &Subject) -> Result<Option<u64>, TablesError> {
    let row = view.get(&keys::subject(subject))?;
    Ok(row.map(|row| keys::decode_index(&row)).transpose()?)
}

/// Adds to `batch` the note of what is applied.
pub(crate) fn put_applied(batch: &mut Batch, state: &AppliedState) {
    let last = state.last.as_ref().map(WireLogId::from);
    let wire = WireApplied {
        last,
        membership: Some(WireStoredMembership::from(&state.membership)),
    };
    batch.put(keys::APPLIED, wire.encode_to_vec());
}

/// Adds to `batch` the note of which entry last changed the subject.
pub(crate) fn put_subject_index(batch: &mut Batch, subject: &Subject, index: u64) {
    batch.put(keys::subject(subject), keys::encode_index(index));
}

/// Adds to `batch` a row of a subject as a snapshot holds it.
pub(crate) fn put_row(batch: &mut Batch, subject: &Subject, key: &[u8], value: Bytes) {
    batch.put([&keys::rows(subject), key].concat(), value);
}

fn decode_applied(row: Bytes) -> Result<AppliedState, TablesError> {
    let wire: WireApplied = wire::decode(row, "the applied state")?;
    let membership = wire
        .membership
        .ok_or(DecodeError::MissingField("the applied state"))?;
    Ok(AppliedState {
        last: wire.last.map(LogId::from),
        membership: membership.try_into()?,
    })
}

#[cfg(test)]
mod tests;

//! From entries to one batch of rows.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kv::Batch;
use openraft::EntryPayload;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::machine::{Applied, Machine};
use crate::tables::{self, AppliedState, GroupTables, SubjectRows};
use crate::types::{Command, Entry, LogId, Outcome, StoredMembership};
use crate::{Error, wire};

/// Applies entries of one group and remembers how far it has come.
pub(crate) struct Applier<M: Machine> {
    machine: Arc<M>,
    tables: Arc<GroupTables>,
    state: Mutex<AppliedState>,
    failure: Mutex<Option<Error>>,
    failed: Notify,
    snapshot_due: SnapshotDue,
}

/// Counts what a restart would have to replay, and says when that is too much.
struct SnapshotDue {
    bytes_min: u64,
    bytes_due: AtomicU64,
    bytes: AtomicU64,
    notify: Notify,
}

/// What an entry costs beside its command, so that empty ones count too.
const ENTRY_OVERHEAD_BYTES: u64 = 64;

/// What an entry is taken to cost that was counted in an earlier run.
const ENTRY_BYTES_GUESS: u64 = 320;

/// By how much the configured bytes may be passed when snapshots are large.
const SNAPSHOT_PATIENCE: u64 = 16;

impl<M: Machine> Applier<M> {
    /// Reads what the tables hold.
    pub(crate) fn open(
        machine: Arc<M>,
        tables: Arc<GroupTables>,
        snapshot_bytes: u64,
    ) -> Result<Self, Error> {
        let state = tables.applied()?;
        let snapshot_due = SnapshotDue {
            bytes_min: snapshot_bytes,
            bytes_due: AtomicU64::new(snapshot_bytes),
            bytes: AtomicU64::new(0),
            notify: Notify::new(),
        };
        Ok(Self {
            machine,
            tables,
            state: Mutex::new(state),
            failure: Mutex::default(),
            failed: Notify::new(),
            snapshot_due,
        })
    }

    pub(crate) fn machine(&self) -> &M {
        &self.machine
    }

    pub(crate) fn share_machine(&self) -> Arc<M> {
        Arc::clone(&self.machine)
    }

    pub(crate) fn tables(&self) -> &GroupTables {
        &self.tables
    }

    pub(crate) fn share_tables(&self) -> Arc<GroupTables> {
        Arc::clone(&self.tables)
    }

    pub(crate) fn state(&self) -> AppliedState {
        self.state.lock().clone()
    }

    /// Takes note that the tables have been replaced by a snapshot's.
    pub(crate) fn replaced(&self, state: AppliedState) {
        *self.state.lock() = state;
    }

    /// Keeps an error for whoever asks why the replica stopped, and gives it to openraft.
    pub(crate) fn fail(&self, error: Error) -> io::Error {
        self.failure.lock().get_or_insert_with(|| error.clone());
        self.failed.notify_one();
        io::Error::other(error)
    }

    /// Waits until something has failed that openraft may not have noticed, such as a read.
    pub(crate) async fn failed(&self) -> Error {
        loop {
            if let Some(error) = self.failure() {
                return error;
            }
            self.failed.notified().await;
        }
    }

    /// Returns why the replica stopped, if its tables or snapshot are the reason.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.failure.lock().clone()
    }

    /// Takes note of how far the newest snapshot is behind at the start, so that a process that is restarted
    /// often still writes snapshots.
    pub(crate) fn snapshot_lags(&self, snapshot: Option<LogId>) {
        let applied = self.state().last.map_or(0, |id| id.index);
        let behind = applied.saturating_sub(snapshot.map_or(0, |id| id.index));
        self.snapshot_due.count(behind.saturating_mul(ENTRY_BYTES_GUESS));
    }

    pub(crate) fn snapshot_begins(&self) {
        self.snapshot_due.bytes.store(0, Ordering::Relaxed);
    }

    /// Sets when the next snapshot is due: one that had to write much waits longer, so that a few busy large
    /// accounts are not written again and again for a little log.
    pub(crate) fn snapshot_wrote(&self, bytes: u64) {
        let due = &self.snapshot_due;
        let patience = due.bytes_min.saturating_mul(SNAPSHOT_PATIENCE);
        due.bytes_due
            .store((bytes / 2).clamp(due.bytes_min, patience), Ordering::Relaxed);
    }

    /// Waits until a snapshot is due.
    pub(crate) async fn snapshot_due(&self) {
        self.snapshot_due.notify.notified().await;
    }

    /// Applies entries in one batch and gives the outcome of each.
    pub(crate) fn apply(&self, entries: &[Entry]) -> Result<Vec<Outcome>, Error> {
        let mut state = self.state();
        let mut batch = Batch::new();
        let mut events = Vec::new();
        let mut outcomes = Vec::with_capacity(entries.len());
        let mut bytes = 0;
        for entry in entries {
            bytes += ENTRY_OVERHEAD_BYTES;
            let outcome = match &entry.payload {
                EntryPayload::Blank => Outcome::Internal,
                EntryPayload::Membership(membership) => {
                    state.membership = StoredMembership::new(Some(entry.log_id), membership.clone());
                    Outcome::Internal
                }
                EntryPayload::Normal(command) => {
                    bytes += command.bytes.len() as u64;
                    self.apply_command(&entry.log_id, command, &mut batch, &mut events)?
                }
            };
            state.last = Some(entry.log_id);
            outcomes.push(outcome);
        }
        tables::put_applied(&mut batch, &state);
        self.tables.commit(&batch)?;
        *self.state.lock() = state;
        if !events.is_empty() {
            self.machine.publish(events);
        }
        self.snapshot_due.count(bytes);
        Ok(outcomes)
    }

    fn apply_command(
        &self,
        id: &LogId,
        command: &Command,
        batch: &mut Batch,
        events: &mut Vec<M::Event>,
    ) -> Result<Outcome, Error> {
        let subject = self.machine.subject(&command.bytes)?;
        let changed_last = self.tables.subject_index(&subject, batch)?;
        if changed_last.is_some_and(|index| index >= id.index) {
            // A snapshot held this subject as of a later entry than the rest of the group.
            return Ok(Outcome::Skipped);
        }
        let mut rows = SubjectRows::writing(self.tables.table(), batch, &subject);
        let Applied {
            reply,
            events: caused,
        } = self
            .machine
            .apply(wire::position(id), &command.bytes, &mut rows)?;
        let mut changes = rows.into_changes();
        if !changes.is_empty() {
            tables::put_subject_index(&mut changes, &subject, id.index);
            batch.append(changes);
        }
        events.extend(caused);
        Ok(Outcome::Reply(Box::new(reply)))
    }
}

impl SnapshotDue {
    fn count(&self, bytes: u64) {
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) >= self.bytes_due.load(Ordering::Relaxed) {
            self.notify.notify_one();
        }
    }
}

//! One group's part of the write-ahead log, as openraft's log storage.
//!
//! The log keeps votes, entries, truncations and purges of a group in the order in which they were given, so
//! nothing here needs a lock or an order of its own. What is passed through are encoded bytes.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, Range, RangeBounds};

use bytes::Bytes;
use openraft::storage::{IOFlushed, LogState, RaftLogReader, RaftLogStorage};
use openraft::{LogIdOptionExt, OptionalSend};
use prost::Message;
use tokio::sync::oneshot;
use tracing::Span;
use wal::{GroupLog, LogIndex, Term};

use crate::Blocking;
use crate::hold::Hold;
use crate::types::{Entry, EntryPayload, LogId, TypeConfig, Vote};
use crate::wire::{self, WireLogId, WireVote};

/// The most bytes of entries that one read for replication gives. A message carries one read, and the
/// transport refuses messages above 4 MiB.
const READ_BYTES_MAX: usize = 1024 * 1024;

/// The log of one group.
#[derive(Debug, Clone)]
pub(crate) struct LogStore {
    log: GroupLog,
    blocking: Blocking,
    _hold: Hold,
}

impl LogStore {
    pub(crate) fn new(log: GroupLog, blocking: Blocking, hold: Hold) -> Self {
        Self {
            log,
            blocking,
            _hold: hold,
        }
    }

    /// Returns the vote that was saved last.
    pub(crate) fn vote(&self) -> io::Result<Option<Vote>> {
        let vote = self.log.state().map_err(io::Error::other)?.vote;
        vote.map(|vote| wire::decode::<WireVote>(vote.bytes, "a vote").map(Vote::from))
            .transpose()
            .map_err(io::Error::other)
    }

    async fn entries(&self, range: impl RangeBounds<u64>, bytes_max: usize) -> io::Result<Vec<Entry>> {
        let range = LogIndex(first(&range))..LogIndex(end(&range));
        if let Some(records) = self.log.read_cached(range.clone(), bytes_max) {
            return records.into_iter().map(decode_record).collect();
        }
        let log = self.log.clone();
        let read = move || read(&log, range, bytes_max);
        let records = self
            .blocking
            .run(read)
            .await
            .map_err(io::Error::other)?
            .map_err(io::Error::other)?;
        records.into_iter().map(decode_record).collect()
    }

    /// Gives an operation to the log and waits until it is durable.
    async fn durable(
        &self,
        operation: impl FnOnce(&GroupLog, wal::Callback) -> wal::Result<()>,
    ) -> io::Result<()> {
        let (done, outcome) = oneshot::channel();
        let report = move |outcome| {
            // Nobody waits any more when the replica is being stopped.
            let _ = done.send(outcome);
        };
        operation(&self.log, Box::new(report)).map_err(io::Error::other)?;
        let closed = |_| io::Error::other(wal::Error::Closed);
        outcome.await.map_err(closed)?.map_err(io::Error::other)
    }
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn try_get_log_entries<R>(&mut self, range: R) -> io::Result<Vec<Entry>>
    where
        R: RangeBounds<u64> + Clone + Debug + OptionalSend,
    {
        self.entries(range, usize::MAX).await
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        self.vote()
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> io::Result<Vec<Entry>> {
        self.entries(start..end, READ_BYTES_MAX).await
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<TypeConfig>> {
        let state = self.log.state().map_err(io::Error::other)?;
        Ok(LogState {
            last_purged_log_id: state.purged.map(log_id),
            last_log_id: state.last.map(log_id),
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        let wire = WireVote::from(vote);
        let vote = wal::Vote {
            term: Term(wire.term),
            bytes: wire.encode_to_vec().into(),
        };
        self.durable(|log, done| log.save_vote(vote, done)).await
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        let note = committed
            .as_ref()
            .map(|id| WireLogId::from(id).encode_to_vec())
            .unwrap_or_default();
        self.log.save_committed(note.into()).map_err(io::Error::other)
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        let note = self.log.state().map_err(io::Error::other)?.committed;
        if note.is_empty() {
            return Ok(None);
        }
        let id: WireLogId = wire::decode(note, "the committed log id").map_err(io::Error::other)?;
        Ok(Some(id.into()))
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<TypeConfig>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut syncs = Vec::new();
        let records = entries
            .into_iter()
            .inspect(|entry| syncs.extend(sync_span(entry)));
        let records: Vec<_> = records.map(|entry| encode_record(&entry)).collect();
        let flushed = move |outcome: wal::Result<()>| {
            // The spans end here, when the entries are durable.
            drop(syncs);
            callback.io_completed(outcome.map_err(io::Error::other));
        };
        self.log
            .append(records, Box::new(flushed))
            .map_err(io::Error::other)
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        let keep = last.map(|id| LogIndex(id.index));
        self.durable(|log, done| log.truncate_after(keep, done)).await
    }

    async fn purge(&mut self, upto: LogId) -> io::Result<()> {
        let upto = log_position(&upto);
        self.durable(|log, done| log.purge_upto(upto, done)).await
    }
}

/// Returns the span from now until an entry is durable, below the one in which it was proposed here.
fn sync_span(entry: &Entry) -> Option<Span> {
    let EntryPayload::Normal(command) = &entry.payload else {
        return None;
    };
    let proposed = &command.proposed;
    let index = entry.log_id.index;
    (!proposed.is_none()).then(|| tracing::info_span!(parent: proposed, "wal.sync", index))
}

fn first(range: &impl RangeBounds<u64>) -> u64 {
    match range.start_bound() {
        Bound::Included(index) => *index,
        Bound::Excluded(index) => index.saturating_add(1),
        Bound::Unbounded => 0,
    }
}

fn end(range: &impl RangeBounds<u64>) -> u64 {
    match range.end_bound() {
        Bound::Included(index) => index.saturating_add(1),
        Bound::Excluded(index) => *index,
        Bound::Unbounded => u64::MAX,
    }
}

/// Reads what the log has of a range. openraft lets a range begin before the first entry that is left.
fn read(log: &GroupLog, range: Range<LogIndex>, bytes_max: usize) -> wal::Result<Vec<wal::Entry>> {
    let purged = log.state()?.purged.map(log_id);
    let mut start = range.start.max(LogIndex(purged.next_index()));
    loop {
        if start >= range.end {
            return Ok(Vec::new());
        }
        match log.read(start..range.end, bytes_max) {
            // A log that was never purged may begin behind index zero. That is rare and then only a few
            // entries behind, so no better search is worth its code.
            Err(wal::Error::NotInLog { index, .. }) if index == start => start = start.next(),
            outcome => return outcome,
        }
    }
}

fn log_id(position: wal::LogPosition) -> LogId {
    crate::types::log_id(position.term.0, position.index.0)
}

fn log_position(id: &LogId) -> wal::LogPosition {
    // The log id is the pair of term and index, which stand in the record already.
    wal::LogPosition {
        term: Term(id.leader_id.term),
        index: LogIndex(id.index),
        id: Bytes::new(),
    }
}

fn encode_record(entry: &Entry) -> wal::Entry {
    wal::Entry {
        position: log_position(&entry.log_id),
        payload: wire::encode_payload(&entry.payload),
    }
}

fn decode_record(record: wal::Entry) -> io::Result<Entry> {
    let id = WireLogId {
        term: record.position.term.0,
        index: record.position.index.0,
    };
    wire::decode_entry(id, record.payload).map_err(io::Error::other)
}

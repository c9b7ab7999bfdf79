//! One group's log as its owner sees it: every operation that has been accepted, durable or not yet.

use std::collections::VecDeque;

use crate::index::{GroupIndex, LogEnd};
use crate::record::{Entry, LogPosition, Operation, Vote};
use crate::{GroupId, LogIndex, Result};

/// The state that the queued operations will lead to, and the newest entries themselves.
#[derive(Debug, Default)]
pub(crate) struct View {
    end: LogEnd,
    first: Option<LogIndex>,
    pub(crate) vote: Option<Vote>,
    pub(crate) committed: bytes::Bytes,
    pub(crate) purged: Option<LogPosition>,
    /// The newest entries, without a gap up to the end of the log. An entry that is not durable yet is always
    /// among them, so that what is not here lies on the disk and is not about to change.
    cache: VecDeque<Cached>,
    cache_bytes: usize,
    durable_ticket: u64,
}

#[derive(Debug)]
struct Cached {
    entry: Entry,
    ticket: u64,
}

impl View {
    /// Returns the view of a group with nothing queued.
    pub(crate) fn of(state: Option<&GroupIndex>) -> Self {
        let mut view = Self {
            end: LogEnd::of(state),
            ..Self::default()
        };
        if let Some(state) = state {
            view.first = state.first();
            view.vote.clone_from(&state.vote);
            view.committed.clone_from(&state.committed);
            view.purged.clone_from(&state.purged);
        }
        view
    }

    /// Checks that the operations may follow, and returns the end of the log behind them.
    pub(crate) fn check(&self, group: GroupId, operations: &[Operation]) -> Result<LogEnd> {
        let mut end = self.end;
        for operation in operations {
            end.follow(group, operation)?;
        }
        Ok(end)
    }

    /// Takes up an operation that has been checked. `ticket` rises with every call and tells later when the
    /// operation is durable.
    pub(crate) fn accept(&mut self, group: GroupId, operation: &Operation, ticket: u64) {
        let followed = self.end.follow(group, operation);
        debug_assert!(
            followed.is_ok(),
            "operations are checked before they are accepted"
        );
        match operation {
            Operation::Vote(vote) => self.vote = Some(vote.clone()),
            Operation::Committed(note) => self.committed = note.clone(),
            Operation::Append(entry) => self.push(entry.clone(), ticket),
            Operation::TruncateFrom(from) => self.truncate_from(*from),
            Operation::Purge(upto) => self.purge(upto),
            Operation::Remove => {
                *self = Self {
                    durable_ticket: self.durable_ticket,
                    ..Self::default()
                }
            }
        }
    }

    fn push(&mut self, entry: Entry, ticket: u64) {
        self.first.get_or_insert(entry.position.index);
        self.cache_bytes += size(&entry);
        self.cache.push_back(Cached { entry, ticket });
    }

    fn truncate_from(&mut self, from: LogIndex) {
        while let Some(cached) = self
            .cache
            .pop_back_if(|cached| cached.entry.position.index >= from)
        {
            self.cache_bytes -= size(&cached.entry);
        }
        self.first = self.first.filter(|first| *first < from);
    }

    fn purge(&mut self, upto: &LogPosition) {
        if self
            .purged
            .as_ref()
            .is_some_and(|purged| purged.index >= upto.index)
        {
            return;
        }
        while let Some(cached) = self
            .cache
            .pop_front_if(|cached| cached.entry.position.index <= upto.index)
        {
            self.cache_bytes -= size(&cached.entry);
        }
        self.purged = Some(upto.clone());
        self.first = self
            .first
            .map(|first| first.max(upto.index.next()))
            .filter(|first| self.end.next.is_some_and(|next| *first < next));
    }

    /// Notes that everything up to `ticket` is durable, and lets go of the oldest entries above `bytes_max`.
    pub(crate) fn settle(&mut self, ticket: u64, bytes_max: usize) {
        self.durable_ticket = self.durable_ticket.max(ticket);
        while self.cache_bytes > bytes_max {
            let durable = self.durable_ticket;
            let Some(cached) = self.cache.pop_front_if(|cached| cached.ticket <= durable) else {
                break;
            };
            self.cache_bytes -= size(&cached.entry);
        }
    }

    /// Returns the last entry's index, not counting purged ones.
    pub(crate) fn last(&self) -> Option<LogIndex> {
        let next = self.end.next.filter(|_| self.first.is_some())?;
        next.0.checked_sub(1).map(LogIndex)
    }

    pub(crate) fn first(&self) -> Option<LogIndex> {
        self.first
    }

    /// Returns the cached entries at or after `from`, oldest first.
    pub(crate) fn cached_from(&self, from: LogIndex) -> impl Iterator<Item = &Entry> {
        let first = self
            .cache
            .front()
            .map_or(from, |cached| cached.entry.position.index);
        let skip = usize::try_from(from.0.saturating_sub(first.0)).unwrap_or(usize::MAX);
        self.cache
            .range(skip.min(self.cache.len())..)
            .map(|cached| &cached.entry)
    }

    /// Returns the index of the oldest cached entry.
    pub(crate) fn cached_first(&self) -> Option<LogIndex> {
        self.cache.front().map(|cached| cached.entry.position.index)
    }
}

/// Bytes that an entry takes in the cache; an empty one is not free.
pub(crate) fn size(entry: &Entry) -> usize {
    size_of::<Cached>() + entry.payload.len() + entry.position.id.len()
}

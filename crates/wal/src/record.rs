//! What is written to the log, in terms of the domain.

use bytes::Bytes;

use crate::{GroupId, LogIndex, Term};

/// One change to one group's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The group that it belongs to.
    pub group: GroupId,
    /// The change.
    pub operation: Operation,
}

/// A change to a group's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Replaces the group's vote.
    Vote(Vote),
    /// Adds an entry behind the last one.
    Append(Entry),
    /// Removes every entry at or after this index.
    TruncateFrom(LogIndex),
    /// Removes every entry up to and including this position, which a snapshot covers. It may lie beyond the
    /// end of the log, after a snapshot was installed.
    Purge(LogPosition),
    /// Replaces the group's note of what is committed: opaque, empty for none.
    Committed(Bytes),
    /// Forgets the group altogether.
    Remove,
}

/// A Raft vote: opaque bytes and the term they speak of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vote {
    /// The term voted in.
    pub term: Term,
    /// The encoded vote.
    pub bytes: Bytes,
}

/// A log entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its term, index and encoded log id.
    pub position: LogPosition,
    /// The encoded entry.
    pub payload: Bytes,
}

/// A place in a group's log: term, index, and the log id as consensus encodes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPosition {
    /// The term of the entry.
    pub term: Term,
    /// The index of the entry.
    pub index: LogIndex,
    /// The encoded log id, at most 64 KiB.
    pub id: Bytes,
}

/// What a group's log holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogState {
    /// The newest vote.
    pub vote: Option<Vote>,
    /// The newest note of what is committed; empty for none.
    pub committed: Bytes,
    /// The last purged position.
    pub purged: Option<LogPosition>,
    /// The last entry, or the purged position when the log is empty.
    pub last: Option<LogPosition>,
}

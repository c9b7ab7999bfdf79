//! What is durable: each group's state, and where its entries lie.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use disk::DiskFile;

use crate::format::{CheckpointState, Frame, FrameKind};
use crate::record::{Entry, LogPosition, Operation, Vote};
use crate::{Error, GroupId, LogIndex, SegmentId, Term};

/// Indexes stay below this, so that counting on from one never overflows.
const INDEX_MAX: LogIndex = LogIndex(1 << 62);

/// Where an entry's frame lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) segment: SegmentId,
    pub(crate) offset: u64,
    pub(crate) len: u32,
    pub(crate) term: Term,
}

/// All groups and segments of the log.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) groups: BTreeMap<GroupId, GroupIndex>,
    pub(crate) segments: BTreeMap<SegmentId, SegmentUse>,
    /// How many entries the files could hold at most, while a log is opened: what a checkpoint claims is not
    /// believed beyond it.
    pub(crate) entries_max: u64,
}

/// A segment file and how much of it is still needed.
#[derive(Debug, Clone)]
pub(crate) struct SegmentUse {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) bytes: u64,
    pub(crate) live_bytes: u64,
}

/// The durable state of one group.
#[derive(Debug, Default, Clone)]
pub(crate) struct GroupIndex {
    /// The sequence number of its newest record.
    pub(crate) sequence: u64,
    pub(crate) vote: Option<Vote>,
    pub(crate) committed: Bytes,
    pub(crate) purged: Option<LogPosition>,
    first: LogIndex,
    /// `None` is an entry that is known to exist and has not been found yet; only while a log is opened.
    entries: VecDeque<Option<Location>>,
}

/// A record that cannot follow what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Misfit {
    /// Records of the group are missing before this one.
    SequenceGap,
    /// The entry does not follow the last one.
    NotContiguous { expected: LogIndex },
    /// The payload of a checkpoint is not one, or speaks of more than the log can hold.
    BadCheckpoint,
    /// The index is beyond what any log reaches.
    BadIndex,
}

impl GroupIndex {
    /// Returns the index that the next entry must have; `None` if any will do.
    pub(crate) fn next(&self) -> Option<LogIndex> {
        if self.entries.is_empty() {
            return self.purged.as_ref().map(|purged| purged.index.next());
        }
        Some(LogIndex(self.first.0 + self.entries.len() as u64))
    }

    /// Returns the last entry that exists, not counting purged ones.
    pub(crate) fn last(&self) -> Option<LogIndex> {
        let count = self.entries.len() as u64;
        (count > 0).then(|| LogIndex(self.first.0 + count - 1))
    }

    /// Returns the first entry that exists.
    pub(crate) fn first(&self) -> Option<LogIndex> {
        (!self.entries.is_empty()).then_some(self.first)
    }

    pub(crate) fn location(&self, index: LogIndex) -> Option<Location> {
        let place = usize::try_from(index.0.checked_sub(self.first.0)?).ok()?;
        self.entries.get(place).copied().flatten()
    }

    /// Returns every entry whose place is known.
    pub(crate) fn locations(&self) -> impl Iterator<Item = (LogIndex, Location)> + '_ {
        let numbered = (self.first.0..).zip(&self.entries);
        numbered.filter_map(|(index, location)| location.map(|location| (LogIndex(index), location)))
    }

    /// Returns the first entry that should exist and was not found.
    pub(crate) fn first_hole(&self) -> Option<LogIndex> {
        let place = self.entries.iter().position(Option::is_none)?;
        Some(LogIndex(self.first.0 + place as u64))
    }

    pub(crate) fn checkpoint(&self) -> CheckpointState {
        CheckpointState {
            vote: self.vote.clone(),
            committed: self.committed.clone(),
            purged: self.purged.clone(),
            entries: (self.first, self.entries.len() as u64),
        }
    }

    fn restore(sequence: u64, state: CheckpointState, entries_max: u64) -> Option<Self> {
        let (first, count) = state.entries;
        if count > entries_max || first > INDEX_MAX {
            return None;
        }
        let count = usize::try_from(count).ok()?;
        Some(Self {
            sequence,
            vote: state.vote,
            committed: state.committed,
            purged: state.purged,
            first,
            entries: std::iter::repeat_n(None, count).collect(),
        })
    }
}

impl Index {
    /// Applies a durable record. `location` says where its frame lies.
    pub(crate) fn apply(&mut self, frame: &Frame<'_>, location: Location) -> Result<(), Misfit> {
        if frame.kind == FrameKind::Checkpoint {
            return self.apply_checkpoint(frame);
        }
        if frame.index > INDEX_MAX {
            return Err(Misfit::BadIndex);
        }
        let group = self.groups.entry(frame.group).or_default();
        if group.sequence.checked_add(1) != Some(frame.sequence) {
            return Err(Misfit::SequenceGap);
        }
        group.sequence = frame.sequence;
        match frame.kind {
            FrameKind::Vote => group.vote = Some(frame.vote()),
            FrameKind::Committed => group.committed = Bytes::copy_from_slice(frame.payload),
            FrameKind::Append => self.append(frame.group, frame.index, location)?,
            FrameKind::Carry => self.carry(frame.group, frame.index, location),
            FrameKind::Truncate => self.truncate_from(frame.group, frame.index),
            FrameKind::Purge => self.purge(frame.group, frame.position()),
            FrameKind::Remove => self.remove(frame.group),
            FrameKind::Checkpoint => (),
        }
        Ok(())
    }

    fn apply_checkpoint(&mut self, frame: &Frame<'_>) -> Result<(), Misfit> {
        let state = CheckpointState::decode(frame.payload).ok_or(Misfit::BadCheckpoint)?;
        match self.groups.get(&frame.group) {
            Some(group) if group.sequence == frame.sequence => Ok(()),
            Some(_) => Err(Misfit::SequenceGap),
            None => {
                let group = GroupIndex::restore(frame.sequence, state, self.entries_max)
                    .ok_or(Misfit::BadCheckpoint)?;
                self.groups.insert(frame.group, group);
                Ok(())
            }
        }
    }

    fn append(&mut self, group: GroupId, index: LogIndex, location: Location) -> Result<(), Misfit> {
        let Some(state) = self.groups.get_mut(&group) else {
            return Ok(());
        };
        match state.next() {
            Some(expected) if expected != index => return Err(Misfit::NotContiguous { expected }),
            Some(_) | None => (),
        }
        if state.entries.is_empty() {
            state.first = index;
        }
        state.entries.push_back(Some(location));
        self.count(location, true);
        Ok(())
    }

    /// Moves the place of an entry, if it still exists.
    fn carry(&mut self, group: GroupId, index: LogIndex, location: Location) {
        let Some(state) = self.groups.get_mut(&group) else {
            return;
        };
        let place = index
            .0
            .checked_sub(state.first.0)
            .and_then(|place| usize::try_from(place).ok());
        let Some(slot) = place.and_then(|place| state.entries.get_mut(place)) else {
            return;
        };
        let old = slot.replace(location);
        self.count(location, true);
        if let Some(old) = old {
            self.count(old, false);
        }
    }

    pub(crate) fn truncate_from(&mut self, group: GroupId, from: LogIndex) {
        let Some(state) = self.groups.get_mut(&group) else {
            return;
        };
        let keep = usize::try_from(from.0.saturating_sub(state.first.0)).unwrap_or(usize::MAX);
        let dropped = state.entries.split_off(keep.min(state.entries.len()));
        self.release(dropped);
    }

    fn purge(&mut self, group: GroupId, upto: LogPosition) {
        let Some(state) = self.groups.get_mut(&group) else {
            return;
        };
        if state
            .purged
            .as_ref()
            .is_some_and(|purged| purged.index >= upto.index)
        {
            return;
        }
        let drop = upto.index.next().0.saturating_sub(state.first.0);
        let drop = usize::try_from(drop)
            .unwrap_or(usize::MAX)
            .min(state.entries.len());
        let kept = state.entries.split_off(drop);
        let dropped = std::mem::replace(&mut state.entries, kept);
        state.first = state.first.max(upto.index.next());
        state.purged = Some(upto);
        self.release(dropped);
    }

    pub(crate) fn remove(&mut self, group: GroupId) {
        if let Some(state) = self.groups.remove(&group) {
            self.release(state.entries);
        }
    }

    fn release(&mut self, dropped: VecDeque<Option<Location>>) {
        for location in dropped.into_iter().flatten() {
            self.count(location, false);
        }
    }

    fn count(&mut self, location: Location, live: bool) {
        if let Some(segment) = self.segments.get_mut(&location.segment) {
            let len = u64::from(location.len);
            segment.live_bytes = if live {
                segment.live_bytes + len
            } else {
                segment.live_bytes.saturating_sub(len)
            };
        }
    }

    /// Returns (bytes of all segments, bytes of live entries).
    pub(crate) fn totals(&self) -> (u64, u64) {
        self.segments.values().fold((0, 0), |(bytes, live), segment| {
            (bytes + segment.bytes, live + segment.live_bytes)
        })
    }
}

/// Where a group's log ends, followed through operations that have not been applied yet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LogEnd {
    /// The index that the next entry must have; `None` if any will do.
    pub(crate) next: Option<LogIndex>,
    purged: Option<LogIndex>,
}

impl LogEnd {
    pub(crate) fn of(group: Option<&GroupIndex>) -> Self {
        let Some(group) = group else {
            return Self::default();
        };
        Self {
            next: group.next(),
            purged: group.purged.as_ref().map(|purged| purged.index),
        }
    }

    /// Moves the end as `operation` will.
    pub(crate) fn follow(&mut self, group: GroupId, operation: &Operation) -> Result<(), Error> {
        match operation {
            Operation::Append(Entry { position, .. }) | Operation::Purge(position)
                if position.index > INDEX_MAX =>
            {
                return Err(Error::NotContiguous {
                    group,
                    index: position.index,
                    expected: INDEX_MAX,
                });
            }
            Operation::Append(entry) => {
                let index = entry.position.index;
                if let Some(expected) = self.next.filter(|expected| *expected != index) {
                    return Err(Error::NotContiguous {
                        group,
                        index,
                        expected,
                    });
                }
                self.next = Some(index.next());
            }
            Operation::TruncateFrom(from) => {
                let from = (*from).max(self.purged.map_or(LogIndex(0), LogIndex::next));
                self.next = self.next.map(|next| next.min(from));
            }
            Operation::Purge(upto) => {
                self.purged = self.purged.max(Some(upto.index));
                self.next = self.next.max(Some(upto.index.next()));
            }
            Operation::Remove => *self = Self::default(),
            Operation::Vote(_) | Operation::Committed(_) => (),
        }
        Ok(())
    }
}

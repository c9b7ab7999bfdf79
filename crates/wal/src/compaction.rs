//! Giving the space of old records back.

use std::sync::Arc;

use crate::log::{Sequences, Wal};
use crate::segment::segment_path;
use crate::{GroupId, LogIndex, Result, SegmentId};

/// What a compaction step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompactionStep {
    /// A segment that held nothing live was removed.
    Removed(SegmentId),
    /// Live entries of this many bytes were copied forward.
    Carried(u64),
    /// There is nothing worth doing.
    Idle,
}

impl Wal {
    /// Does a bounded amount of work to free space: removes the oldest segment if it holds nothing live, or
    /// copies some of its live entries forward when more than half of the log is garbage.
    ///
    /// Only the oldest segment is ever removed: a newer one may hold the truncation of entries in an older
    /// one, which would come back to life without it.
    ///
    /// # Errors
    /// [`Error::NoSpace`](crate::Error::NoSpace) leaves the log as it was; a failed write or sync poisons it.
    pub fn compaction_step(&mut self) -> Result<CompactionStep> {
        self.check_poison()?;
        let (oldest, live_bytes, worthwhile) = {
            let index = self.store.index.read();
            let (bytes, live) = index.totals();
            let Some((oldest, segment)) = index.segments.first_key_value() else {
                return Ok(CompactionStep::Idle);
            };
            (
                *oldest,
                segment.live_bytes,
                bytes > 2 * live + 2 * self.store.options.segment_bytes,
            )
        };
        if oldest == self.active.id {
            return Ok(CompactionStep::Idle);
        }
        if live_bytes == 0 {
            self.remove_segment(oldest)?;
            return Ok(CompactionStep::Removed(oldest));
        }
        if worthwhile {
            self.carry(oldest).map(CompactionStep::Carried)
        } else {
            Ok(CompactionStep::Idle)
        }
    }

    /// Copies up to one step's worth of the segment's live entries to the end of the log.
    pub(crate) fn carry(&mut self, segment: SegmentId) -> Result<u64> {
        let (chosen, bytes) = self.choose_live(segment);
        if chosen.is_empty() {
            return Ok(0);
        }
        let mut entries = Vec::with_capacity(chosen.len());
        for (group, index) in chosen {
            entries.push((group, self.read(group, index)?));
        }
        let mut sequences = Sequences::default();
        let index = Arc::clone(&self.store.index);
        self.builder.clear();
        let placed: Vec<_> = {
            let index = index.read();
            let frames = entries
                .iter()
                .map(|(group, entry)| sequences.carry(&index, *group, entry));
            frames.map(|frame| (frame, self.builder.push(&frame))).collect()
        };
        self.write_frames(&placed)?;
        Ok(bytes)
    }

    /// Returns live entries of a segment, and their bytes, up to one step's worth.
    fn choose_live(&self, segment: SegmentId) -> (Vec<(GroupId, LogIndex)>, u64) {
        let (mut chosen, mut bytes) = (Vec::new(), 0);
        for (group, state) in &self.store.index.read().groups {
            for (index, location) in state.locations().filter(|(_, at)| at.segment == segment) {
                if bytes >= self.store.options.compaction_step_bytes as u64 {
                    return (chosen, bytes);
                }
                bytes += u64::from(location.len);
                chosen.push((*group, index));
            }
        }
        (chosen, bytes)
    }

    pub(crate) fn remove_segment(&mut self, segment: SegmentId) -> Result<()> {
        self.store.index.write().segments.remove(&segment);
        // The name must be gone for good before a newer one goes: a gap in the middle would look like damage.
        let removed = segment_path(&self.store.dir, segment)
            .and_then(|path| self.store.disk.remove(&path))
            .and_then(|()| self.store.disk.sync_dir(&self.store.dir));
        self.poison_on_error(removed)
    }
}

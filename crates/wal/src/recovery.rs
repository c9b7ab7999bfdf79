//! Opening a log: everything is read and verified, and nothing is changed until all of it makes sense.

mod replay;

use std::ops::Range;
use std::sync::Arc;

use disk::{Disk, DiskFile, DiskPath};
use parking_lot::RwLock;

use crate::damage::{Damage, DamageReason, DamageReport};
use crate::format::{BatchScan, FRAME_BYTES_MIN, next_header, scan_batch};
use crate::index::{Index, SegmentUse};
use crate::log::{Store, Wal};
use crate::segment::{
    HeaderScan, SEGMENT_HEADER_BYTES, SegmentHeader, base_path, parse_base_name, parse_segment_name,
    segment_path,
};
use crate::watermark::{Synced, Watermark};
use crate::{BatchNumber, Error, Result, SegmentId, WalOptions};
use replay::Replay;

impl Wal {
    /// Opens the log in `dir`, creating an empty one if there is none, and begins a new segment.
    ///
    /// The torn end of a write that was under way when the process was killed or power was lost is cut; it was
    /// never acknowledged. What is found whole is made durable before anybody can read it.
    ///
    /// # Errors
    /// [`Error::Damaged`] if bytes that had been durable are lost or unreadable; the disk is then left as it
    /// is, and [`crate::RepairPlan`] tells what could be saved.
    pub fn open(disk: Arc<dyn Disk>, dir: DiskPath, options: WalOptions) -> Result<Self> {
        disk.create_dir_all(&dir)?;
        let survey = Survey::take(&*disk, &dir)?;
        if let Some(report) = survey.report() {
            return Err(Error::Damaged(Box::new(report)));
        }
        survey.remove_void(&*disk, &dir)?;
        // A killed process may have created the newest segment without making its name durable.
        disk.sync_dir(&dir)?;
        survey.settle_tail()?;
        let (next_segment, previous) = (survey.next_segment, survey.end);
        let store = survey.into_store(disk, dir, options)?;
        Self::start(store, next_segment, previous)
    }
}

/// What is on the disk.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) replay: Replay,
    /// Segments that a repair has superseded or never completed.
    void: Vec<SegmentId>,
    /// The last segment and where its last batch ends.
    end: Option<(SegmentId, u64)>,
    /// Where in its segment the last whole batch begins.
    last_batch: u64,
    pub(crate) next_segment: SegmentId,
    synced: Option<Synced>,
    pub(crate) bases: Vec<SegmentId>,
}

/// A segment file before its batches are read.
struct Candidate {
    id: SegmentId,
    file: Arc<dyn DiskFile>,
    header: HeaderScan,
}

impl Candidate {
    fn header(&self) -> Option<SegmentHeader> {
        match self.header {
            HeaderScan::Valid(header) => Some(header),
            HeaderScan::Invalid | HeaderScan::UnknownVersion(_) => None,
        }
    }
}

impl Survey {
    /// Reads and verifies everything, changing nothing.
    pub(crate) fn take(disk: &dyn Disk, dir: &DiskPath) -> Result<Self> {
        let names = disk.list(dir)?;
        let synced = Watermark::read(disk, dir)?;
        let mut bases: Vec<_> = names.iter().filter_map(|name| parse_base_name(name)).collect();
        bases.sort_unstable();
        let mut ids: Vec<_> = names.iter().filter_map(|name| parse_segment_name(name)).collect();
        ids.sort_unstable();
        let next_segment = SegmentId(
            ids.last()
                .map_or(0, |id| id.0)
                .max(newest(synced))
                .saturating_add(1),
        );
        let mut candidates = Vec::with_capacity(ids.len());
        for id in ids {
            candidates.push(read_candidate(disk, dir, id)?);
        }
        let base = bases.last().copied();
        let (mut void, mut kept) = (Vec::new(), Vec::new());
        for candidate in candidates {
            if is_void(&candidate, base) {
                void.push(candidate.id)
            } else {
                kept.push(candidate)
            }
        }
        if let Some(last) = kept.last()
            && is_unfinished(last, synced)?
        {
            void.push(last.id);
            kept.pop();
        }
        let mut survey = Self {
            replay: Replay::default(),
            void,
            end: None,
            last_batch: SEGMENT_HEADER_BYTES,
            next_segment,
            synced,
            bases,
        };
        for candidate in &kept {
            survey.replay.index.entries_max += candidate.file.len()? / FRAME_BYTES_MIN;
        }
        survey.replay_segments(&kept)?;
        Ok(survey)
    }

    fn replay_segments(&mut self, candidates: &[Candidate]) -> Result<()> {
        for (place, candidate) in candidates.iter().enumerate() {
            let next = candidates.get(place + 1);
            let sealed_end = next
                .and_then(Candidate::header)
                .and_then(|header| header.previous)
                .filter(|(previous, _)| *previous == candidate.id)
                .map(|(_, end)| end);
            let bytes = read_whole(&*candidate.file)?;
            self.enter(candidate, bytes.len() as u64);
            let end = self.replay_batches(candidate.id, &bytes, sealed_end);
            if let Some(segment) = self.replay.index.segments.get_mut(&candidate.id) {
                segment.bytes = end;
            }
            match sealed_end {
                Some(sealed) if end < sealed => {
                    self.damage(candidate.id, end, sealed - end, DamageReason::BeforeValidData);
                    self.salvage(candidate.id, &bytes, end);
                    self.replay.expected = None;
                }
                Some(_) | None => (),
            }
            if next.is_none() {
                self.end = Some((candidate.id, end));
                self.judge_end(Some(&bytes));
            }
        }
        if candidates.is_empty() {
            self.judge_end(None);
        }
        self.replay.finish();
        Ok(())
    }

    /// Takes up a segment: its header must follow what came before.
    fn enter(&mut self, candidate: &Candidate, len: u64) {
        let used = SegmentUse {
            file: Arc::clone(&candidate.file),
            bytes: len,
            live_bytes: 0,
        };
        self.replay.index.segments.insert(candidate.id, used);
        let Some(header) = candidate.header() else {
            self.damage(candidate.id, 0, SEGMENT_HEADER_BYTES, DamageReason::SegmentHeader);
            return;
        };
        let found = header.first_batch;
        if let Some(expected) = self.replay.expected.filter(|expected| *expected != found) {
            self.damage(
                candidate.id,
                0,
                0,
                DamageReason::MissingBatches { expected, found },
            );
        }
        self.replay.expected = Some(found);
    }

    /// Replays the batches of one segment and returns where the last valid one ends.
    fn replay_batches(&mut self, segment: SegmentId, bytes: &[u8], sealed_end: Option<u64>) -> u64 {
        let limit = sealed_end.unwrap_or(u64::MAX).min(bytes.len() as u64);
        let bytes = bytes
            .get(..usize::try_from(limit).unwrap_or(usize::MAX))
            .unwrap_or(bytes);
        let (mut at, mut end) = (SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES);
        self.last_batch = at;
        while at < limit {
            let scan = scan_batch(bytes, segment, at);
            let search_from = match scan {
                BatchScan::Whole(header, frames) if self.replay.may_follow(header.number) => {
                    if let Some(expected) = self.replay.expected.filter(|number| *number != header.number) {
                        let found = header.number;
                        self.damage(segment, at, 0, DamageReason::MissingBatches { expected, found });
                    }
                    self.replay.batch(segment, header.number, &frames);
                    self.last_batch = at;
                    at += header.padded_bytes();
                    end = at;
                    continue;
                }
                // What stands inside the batch's own extent may be payload that imitates a header.
                BatchScan::Whole(header, _) | BatchScan::Broken(header, _) => at + header.padded_bytes(),
                BatchScan::Absent => at + 1,
            };
            let Some(next) = next_header(bytes, segment, search_from, self.replay.newest) else {
                break;
            };
            self.damage(segment, at, next.offset - at, DamageReason::BeforeValidData);
            self.salvage(segment, bytes, at);
            self.replay.expected = None;
            at = next.offset;
        }
        end
    }

    /// Replays the records of a damaged batch that are whole on their own.
    fn salvage(&mut self, segment: SegmentId, bytes: &[u8], at: u64) {
        if let BatchScan::Broken(header, frames) = scan_batch(bytes, segment, at)
            && self.replay.may_follow(header.number)
        {
            self.replay.batch(segment, header.number, &frames);
        }
    }

    /// Decides whether the log may end where it does.
    fn judge_end(&mut self, last_segment: Option<&[u8]>) {
        let Some(synced) = self.synced else { return };
        if self.replay.newest.is_some_and(|newest| newest >= synced.batch) {
            return;
        }
        let (segment, offset) = self.end.unwrap_or((synced.segment, 0));
        let len = last_segment.map_or(0, |bytes| (bytes.len() as u64).saturating_sub(offset));
        self.damage(
            segment,
            offset,
            len,
            DamageReason::MissingSynced { synced: synced.batch },
        );
        if let Some(bytes) = last_segment {
            self.salvage(segment, bytes, offset);
        }
    }

    fn damage(&mut self, segment: SegmentId, offset: u64, len: u64, reason: DamageReason) {
        self.replay.damages.push(Damage {
            segment,
            offset,
            len,
            reason,
        });
    }

    /// Returns what is damaged; `None` if nothing is.
    pub(crate) fn report(&self) -> Option<DamageReport> {
        if self.replay.damages.is_empty() {
            return None;
        }
        Some(DamageReport {
            damages: self.replay.damages.clone(),
            groups: self.replay.group_damages(),
        })
    }

    /// Removes what a repair has superseded or never completed, and a segment that was never finished.
    pub(crate) fn remove_void(&self, disk: &dyn Disk, dir: &DiskPath) -> Result<()> {
        for segment in &self.void {
            disk.remove(&segment_path(dir, *segment)?)?;
            disk.sync_dir(dir)?;
        }
        let newest = self.bases.last();
        for base in self.bases.iter().filter(|base| Some(*base) != newest) {
            disk.remove(&base_path(dir, *base)?)?;
        }
        Ok(())
    }

    /// Cuts the torn end of the last segment, and the space that was prepared behind it, and makes the rest
    /// durable: the next segment claims that all before it is, and a killed process may have written a batch that
    /// it had no time to sync. Where the sync of that batch failed, another sync alone does nothing: the system
    /// has taken note of the failure and counts what it could not write as written. So the header and the last
    /// batch, which are all that can be in doubt, are written again.
    fn settle_tail(&self) -> Result<()> {
        let Some((segment, end)) = self.end else {
            return Ok(());
        };
        let Some(used) = self.replay.index.segments.get(&segment) else {
            return Ok(());
        };
        let found = used.file.len()?;
        if found > end {
            used.file.set_len(end)?;
        }
        // The padding of the last batch may lie behind the end of the file.
        let end = end.min(found);
        write_again(&*used.file, 0..SEGMENT_HEADER_BYTES.min(end))?;
        write_again(&*used.file, self.last_batch.min(end)..end)?;
        used.file.sync_data()?;
        Ok(())
    }

    pub(crate) fn into_store(self, disk: Arc<dyn Disk>, dir: DiskPath, options: WalOptions) -> Result<Store> {
        let watermark = Watermark::open(&*disk, &dir)?;
        let newest = self.replay.newest.max(self.synced.map(|synced| synced.batch));
        let next_batch = BatchNumber(newest.map_or(0, |newest| newest.0).saturating_add(1));
        let index: Arc<RwLock<Index>> = Arc::new(RwLock::new(self.replay.index));
        Ok(Store {
            disk,
            dir,
            options,
            index,
            next_batch,
            watermark,
            repair: None,
        })
    }
}

fn newest(synced: Option<Synced>) -> u64 {
    synced.map_or(0, |synced| synced.segment.0)
}

/// Writes a part of a file once more as it reads.
fn write_again(file: &dyn DiskFile, part: Range<u64>) -> Result<()> {
    let length = usize::try_from(part.end - part.start).unwrap_or(usize::MAX);
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, part.start)?;
    Ok(file.write_all_at(&bytes, part.start)?)
}

fn read_candidate(disk: &dyn Disk, dir: &DiskPath, id: SegmentId) -> Result<Candidate> {
    let file = disk.open(&segment_path(dir, id)?)?;
    let mut bytes = [0; disk::SECTOR_BYTES];
    let header = match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => SegmentHeader::scan(&bytes, id),
        Err(disk::Error::PastEnd { .. }) => HeaderScan::Invalid,
        Err(error) => return Err(error.into()),
    };
    if let HeaderScan::UnknownVersion(version) = header {
        return Err(Error::UnknownVersion { segment: id, version });
    }
    Ok(Candidate { id, file, header })
}

/// Returns whether a completed repair superseded the segment, or an uncompleted one wrote it.
fn is_void(candidate: &Candidate, base: Option<SegmentId>) -> bool {
    let superseded = base.is_some_and(|base| candidate.id < base);
    let uncompleted = candidate
        .header()
        .and_then(|header| header.repair)
        .is_some_and(|repair| base.is_none_or(|base| base < repair));
    superseded || uncompleted
}

/// Returns whether the newest segment was being created when power was lost, so that nothing in it can have
/// been acknowledged.
fn is_unfinished(last: &Candidate, synced: Option<Synced>) -> Result<bool> {
    if last.header().is_some() || synced.is_some_and(|synced| synced.segment >= last.id) {
        return Ok(false);
    }
    let bytes = read_whole(&*last.file)?;
    // Its own checkpoint is part of the creation; a batch behind that one is not.
    let first = next_header(&bytes, last.id, 0, None);
    let second = first.and_then(|first| {
        next_header(
            &bytes,
            last.id,
            first.offset + first.padded_bytes(),
            Some(first.number),
        )
    });
    Ok(first.is_none_or(|first| first.offset == SEGMENT_HEADER_BYTES) && second.is_none())
}

fn read_whole(file: &dyn DiskFile) -> Result<Vec<u8>> {
    let len = usize::try_from(file.len()?).unwrap_or(usize::MAX);
    let mut bytes = vec![0; len];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}

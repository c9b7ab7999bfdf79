//! Opening a store: the index is rebuilt from the records.

mod replay;
mod scan;
mod tail;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use disk::{Disk, DiskFile, DiskPath, SECTOR_BYTES};
use parking_lot::RwLock;

use crate::checkpoint::Checkpoint;
use crate::engine::{Active, SegmentCreation, write_zeros};
use crate::index::SegmentUse;
use crate::segment::{HeaderScan, SEGMENT_HEADER_BYTES, parse_segment_name, scan_header, segment_path};
use crate::{BlobId, BlobStoreOptions, Engine, Error, GroupId, Result, SegmentId};
use replay::Replay;
use scan::{Found, Scanner};
use tail::Tail;

/// How much is written again at one time.
const WRITE_AGAIN_BYTES: usize = 1024 * 1024;

/// What was found when a store was opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpenReport {
    /// Stretches of segments that hold no readable record. Blobs that lay there are absent; what refers to
    /// them must fetch them from another replica.
    pub damaged: Vec<DamagedRange>,
    /// Blobs whose bytes are known to be bad. They count as absent until they are stored again.
    pub corrupt: Vec<(GroupId, BlobId)>,
    /// Whether the index came from its file, so that only newer records were read.
    pub from_checkpoint: bool,
    /// How many blobs there are.
    pub blobs: u64,
}

/// A stretch of a segment that is not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DamagedRange {
    /// The segment.
    pub segment: SegmentId,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// Its length in bytes.
    pub len: u64,
}

/// A segment file before its records are read.
struct Candidate {
    file: Arc<dyn DiskFile>,
    len: u64,
    header: HeaderScan,
}

impl Engine {
    /// Opens the store in `dir`, creating an empty one if there is none.
    ///
    /// What a write left that was under way when the process was killed or the power went is removed unless it
    /// is whole; it was never acknowledged. Other unreadable stretches are reported and do not keep the rest
    /// from being served.
    ///
    /// # Errors
    /// [`Error::UnknownVersion`] and those of the disk.
    pub fn open(disk: Arc<dyn Disk>, dir: DiskPath, options: BlobStoreOptions) -> Result<(Self, OpenReport)> {
        disk.create_dir_all(&dir)?;
        let mut candidates = read_candidates(&*disk, &dir)?;
        let checkpoint = Checkpoint::open(&*disk, &dir)?;
        let noted = checkpoint.as_ref().map(|checkpoint| checkpoint.header.salt);
        let salt = known_salt(&candidates).or(noted).unwrap_or(options.salt);
        remove_unfinished(&*disk, &dir, &mut candidates)?;
        // A killed process may have created the newest segment without making its name durable.
        disk.sync_dir(&dir)?;
        let (mut replay, start) = begin(checkpoint, &candidates, salt)?;
        let end = replay_all(start, &candidates, &mut replay)?;
        replay.finish();
        let report = replay.report();
        let creation = SegmentCreation {
            disk: &*disk,
            dir: &dir,
            salt,
        };
        let (active, fresh) = match end {
            Some(active) => (active, false),
            None => (
                creation.create(SegmentId(1), options.grow_bytes.min(options.segment_bytes))?,
                true,
            ),
        };
        let index = Arc::new(RwLock::new(replay.index));
        let engine = Self {
            disk,
            dir,
            options,
            salt,
            index,
            active,
            uncovered_bytes: replay.read_bytes,
            poison: None,
        };
        if fresh {
            engine.register_active();
        }
        Ok((engine, report))
    }
}

/// Takes up the checkpoint if it can be believed. Returns the place of the first record that it does not cover.
fn begin(
    checkpoint: Option<Checkpoint>,
    candidates: &BTreeMap<SegmentId, Candidate>,
    salt: u64,
) -> Result<(Replay, (SegmentId, u64))> {
    let unread = || Replay::new(salt, candidates.iter().map(unread_segment).collect());
    let newest = candidates.keys().next_back().copied();
    let covered = |checkpoint: &Checkpoint| {
        let (segment, offset) = (checkpoint.header.segment, checkpoint.header.offset);
        let reached = match candidates.get(&segment) {
            Some(at) => offset <= at.len.next_multiple_of(SECTOR_BYTES as u64),
            // Compaction has removed it since, and what was needed of it follows in a newer one.
            None => newest > Some(segment),
        };
        reached.then_some((segment, offset))
    };
    if let Some((start, checkpoint)) = checkpoint.and_then(|found| Some((covered(&found)?, found))) {
        let mut replay = unread();
        if checkpoint.load(|key, blob| replay.index.put(key, blob))? {
            replay.from_checkpoint = true;
            return Ok((replay, start));
        }
    }
    Ok((unread(), (SegmentId(0), 0)))
}

fn unread_segment((segment, candidate): (&SegmentId, &Candidate)) -> (SegmentId, SegmentUse) {
    let used = SegmentUse {
        file: Arc::clone(&candidate.file),
        bytes: candidate.len,
        live_bytes: 0,
        pending_bytes: 0,
    };
    (*segment, used)
}

/// Reads the records from `start` on, and returns the last segment, ready to go on.
fn replay_all(
    start: (SegmentId, u64),
    candidates: &BTreeMap<SegmentId, Candidate>,
    replay: &mut Replay,
) -> Result<Option<Active>> {
    let last = candidates.keys().next_back().copied();
    let mut active = None;
    for (segment, candidate) in candidates.range(start.0..) {
        let from = if *segment == start.0 {
            start.1
        } else {
            SEGMENT_HEADER_BYTES
        };
        if candidate.header == HeaderScan::Invalid {
            replay.damage(*segment, 0, SEGMENT_HEADER_BYTES);
        }
        replay.read_bytes += candidate.len.saturating_sub(from);
        let scanner = Scanner::new(&*candidate.file, *segment, replay.salt, candidate.len);
        if Some(*segment) == last {
            let found = scanner.scan(from, true)?;
            active = Some(settle_tail(*segment, candidate, found, (from, replay))?);
        } else {
            let found = scanner.scan(from, false)?;
            let end = found.end();
            replay.segment(*segment, found, 0);
            if let Some(used) = replay.index.segments.get_mut(segment) {
                used.bytes = end.max(from);
            }
        }
    }
    Ok(active)
}

/// Removes what is torn from the last segment, makes the rest durable, and replays it.
fn settle_tail(
    segment: SegmentId,
    candidate: &Candidate,
    found: Found,
    (from, replay): (u64, &mut Replay),
) -> Result<Active> {
    let Tail { found, torn, end } = Tail::of(segment, found, from);
    for (offset, len) in torn {
        write_zeros(&*candidate.file, offset, offset + len)?;
    }
    if candidate.len > end {
        candidate.file.set_len(end)?;
    }
    // Also when nothing was torn: a killed process may have written records that it had no time to sync. Where
    // a sync failed, another sync alone does nothing: the system counts what it could not write as written.
    write_again(&*candidate.file, 0..SEGMENT_HEADER_BYTES.min(candidate.len))?;
    write_again(&*candidate.file, from..end.min(candidate.len))?;
    candidate.file.sync_data()?;
    let position = end.next_multiple_of(SECTOR_BYTES as u64);
    replay.segment(segment, found, from);
    if let Some(used) = replay.index.segments.get_mut(&segment) {
        used.bytes = position;
    }
    let file = Arc::clone(&candidate.file);
    Ok(Active {
        id: segment,
        file,
        position,
        allocated: position,
        durable: position,
        unsynced: false,
    })
}

/// Writes a part of a file once more as it reads.
fn write_again(file: &dyn DiskFile, part: Range<u64>) -> Result<()> {
    let mut buffer = vec![0; WRITE_AGAIN_BYTES];
    let mut at = part.start;
    while at < part.end {
        let length = usize::try_from(part.end - at).unwrap_or(usize::MAX);
        let Some(bytes) = buffer.get_mut(..length.min(WRITE_AGAIN_BYTES)) else {
            break;
        };
        file.read_exact_at(bytes, at)?;
        file.write_all_at(bytes, at)?;
        at += bytes.len() as u64;
    }
    Ok(())
}

fn read_candidates(disk: &dyn Disk, dir: &DiskPath) -> Result<BTreeMap<SegmentId, Candidate>> {
    let mut candidates = BTreeMap::new();
    for segment in disk.list(dir)?.iter().filter_map(|name| parse_segment_name(name)) {
        let file = disk.open(&segment_path(dir, segment)?)?;
        let len = file.len()?;
        let mut bytes = [0; SECTOR_BYTES];
        let header = match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => scan_header(&bytes, segment),
            Err(disk::Error::PastEnd { .. }) => HeaderScan::Invalid,
            Err(error) => return Err(error.into()),
        };
        if let HeaderScan::UnknownVersion(version) = header {
            return Err(Error::UnknownVersion { segment, version });
        }
        candidates.insert(segment, Candidate { file, len, header });
    }
    Ok(candidates)
}

fn known_salt(candidates: &BTreeMap<SegmentId, Candidate>) -> Option<u64> {
    candidates
        .values()
        .rev()
        .find_map(|candidate| match candidate.header {
            HeaderScan::Valid { salt } => Some(salt),
            HeaderScan::Invalid | HeaderScan::UnknownVersion(_) => None,
        })
}

/// Removes the newest segment if power was lost while it was created: its header is synced before anything is
/// written behind it, so without one it holds nothing.
fn remove_unfinished(
    disk: &dyn Disk,
    dir: &DiskPath,
    candidates: &mut BTreeMap<SegmentId, Candidate>,
) -> Result<()> {
    let Some((segment, newest)) = candidates.last_key_value() else {
        return Ok(());
    };
    if newest.header != HeaderScan::Invalid || !is_blank(&*newest.file, newest.len)? {
        return Ok(());
    }
    let segment = *segment;
    disk.remove(&segment_path(dir, segment)?)?;
    disk.sync_dir(dir)?;
    candidates.remove(&segment);
    Ok(())
}

/// Returns whether there is nothing but zeros behind the header.
fn is_blank(file: &dyn DiskFile, len: u64) -> Result<bool> {
    let mut at = SEGMENT_HEADER_BYTES;
    while at < len {
        let piece = usize::try_from(len - at).unwrap_or(usize::MAX).min(64 * 1024);
        let mut bytes = vec![0; piece];
        file.read_exact_at(&mut bytes, at)?;
        if bytes.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        at += piece as u64;
    }
    Ok(true)
}

//! The synchronous core: batches in, durable records out.

use std::collections::BTreeMap;
use std::sync::Arc;

use disk::{Disk, DiskFile, DiskPath};
use parking_lot::RwLock;

use crate::format::{BatchBuilder, Frame, FrameKind, decode_frame};
use crate::index::{Index, Location, LogEnd, SegmentUse};
use crate::record::{Entry, Operation, Record};
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, segment_path};
use crate::watermark::{Synced, Watermark};
use crate::{BatchNumber, Error, GroupId, LogIndex, Result, SegmentId, Term, WalOptions};

static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// The log of one disk, as a synchronous state machine with one owner.
///
/// A failed write or sync poisons it: what is durable is then unknown, every later call fails with
/// [`Error::Poisoned`], and the owner stops the process.
#[derive(Debug)]
pub struct Wal {
    pub(crate) store: Store,
    pub(crate) active: Active,
    poison: Option<Arc<disk::Error>>,
    pub(crate) builder: BatchBuilder,
}

/// Everything of the log but the segment that is being written.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: DiskPath,
    pub(crate) options: WalOptions,
    pub(crate) index: Arc<RwLock<Index>>,
    pub(crate) next_batch: BatchNumber,
    pub(crate) watermark: Watermark,
    /// While a repair writes: its first segment. Such segments are void until the repair is completed.
    pub(crate) repair: Option<SegmentId>,
}

/// The segment that is being written.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) id: SegmentId,
    pub(crate) file: Arc<dyn DiskFile>,
    /// Where the next batch goes.
    pub(crate) position: u64,
    /// Bytes of the file that have been written, with records or zeros.
    pub(crate) allocated: u64,
    /// Where the first batch behind the checkpoint began.
    pub(crate) start: u64,
}

impl Wal {
    /// Begins a segment of its own behind what the store holds.
    pub(crate) fn start(mut store: Store, id: SegmentId, previous: Option<(SegmentId, u64)>) -> Result<Self> {
        let active = store.begin_segment(id, previous)?;
        Ok(Self {
            store,
            active,
            poison: None,
            builder: BatchBuilder::default(),
        })
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Writes the records as one batch: durable in order when this returns, and wholly or not at all if it
    /// does not return.
    ///
    /// # Errors
    /// [`Error::NoSpace`], [`Error::NotContiguous`] and [`Error::TooLarge`] leave the log as it was; a failed
    /// write or sync poisons it.
    pub fn write_batch(&mut self, records: &[Record]) -> Result<()> {
        self.check_poison()?;
        self.check_fit(records)?;
        let mut sequences = Sequences::default();
        let index = Arc::clone(&self.store.index);
        self.builder.clear();
        let placed: Vec<_> = {
            let index = index.read();
            let frames = records.iter().map(|record| sequences.frame(&index, record));
            frames.map(|frame| (frame, self.builder.push(&frame))).collect()
        };
        self.write_frames(&placed)
    }

    /// Returns how many bytes are free above the configured reserve; `None` if the disk is below it and
    /// growth should be refused.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn room_above_reserve(&self) -> Result<Option<u64>> {
        Ok(self
            .store
            .disk
            .free_bytes()?
            .checked_sub(self.store.options.reserve_bytes))
    }

    /// Reads one entry, verifying its checksum and that it is the entry asked for.
    ///
    /// # Errors
    /// [`Error::NotInLog`] and [`Error::CorruptEntry`].
    pub fn read(&self, group: GroupId, index: LogIndex) -> Result<Entry> {
        let found = locate(&self.store.index.read(), group, index);
        let (location, file) = found.ok_or(Error::NotInLog { group, index })?;
        read_entry(&*file, group, index, location)
    }

    /// Makes the note of what has been synced durable itself. Worth calling before a clean stop.
    ///
    /// # Errors
    /// [`Error::Poisoned`] if the sync fails.
    pub fn sync_watermark(&mut self) -> Result<()> {
        self.check_poison()?;
        let synced = self.store.watermark.sync();
        self.poison_on_error(synced)
    }

    fn check_fit(&self, records: &[Record]) -> Result<()> {
        let index = self.store.index.read();
        let mut ends: BTreeMap<GroupId, LogEnd> = BTreeMap::new();
        for Record { group, operation } in records {
            let end = ends
                .entry(*group)
                .or_insert_with(|| LogEnd::of(index.groups.get(group)));
            if let Operation::Append(entry) = operation {
                check_size(entry, self.store.options.record_bytes_max)?;
            }
            end.follow(*group, operation)?;
        }
        Ok(())
    }

    /// Writes the batch in the builder, whose frames and places are given, and applies it to the index.
    pub(crate) fn write_frames(&mut self, placed: &[(Frame<'_>, (u64, usize))]) -> Result<()> {
        self.make_room(self.builder.padded_bytes())?;
        let start = self.append_batch()?;
        let mut index = self.store.index.write();
        for (frame, (offset, len)) in placed {
            let location = Location {
                segment: self.active.id,
                offset: start + offset,
                len: u32::try_from(*len).unwrap_or(u32::MAX),
                term: frame.term,
            };
            index
                .apply(frame, location)
                .expect("invariant: records are checked before they are written");
        }
        if let Some(segment) = index.segments.get_mut(&self.active.id) {
            segment.bytes = self.active.position;
        }
        Ok(())
    }

    /// Writes and syncs the batch in the builder. Returns the offset at which it begins.
    fn append_batch(&mut self) -> Result<u64> {
        let start = self.active.position;
        let len = self.builder.padded_bytes();
        let bytes = self.builder.finish(self.active.id, start, self.store.next_batch);
        let synced = Synced {
            batch: self.store.next_batch,
            segment: self.active.id,
        };
        let file = &self.active.file;
        let written = file
            .write_all_at(bytes, start)
            .and_then(|()| file.sync_data())
            .and_then(|()| self.store.watermark.note(synced));
        self.poison_on_error(written)?;
        self.active.position = start + len;
        self.store.next_batch = BatchNumber(self.store.next_batch.0 + 1);
        Ok(start)
    }

    /// Makes sure that a batch of `len` bytes fits into written space of the active segment, sealing it and
    /// beginning another one if need be.
    fn make_room(&mut self, len: u64) -> Result<()> {
        let fresh = self.active.position == self.active.start;
        if self.active.position + len > self.store.options.segment_bytes && !fresh {
            self.roll()?;
        }
        let needed = self.active.position + len;
        if needed <= self.active.allocated {
            return Ok(());
        }
        let target = (self.active.allocated + self.store.options.grow_bytes)
            .min(self.store.options.segment_bytes)
            .max(needed);
        // A failed extension leaves the records untouched: the space is merely not there yet.
        write_zeros(&*self.active.file, self.active.allocated, target).map_err(|error| match error {
            disk::Error::NoSpace { .. } => Error::NoSpace,
            error => self.poisoned_by(error),
        })?;
        self.active.allocated = target;
        Ok(())
    }

    fn roll(&mut self) -> Result<()> {
        let previous = Some((self.active.id, self.active.position));
        let next = SegmentId(self.active.id.0 + 1);
        match self.store.begin_segment(next, previous) {
            Ok(active) => {
                self.active = active;
                Ok(())
            }
            Err(disk::Error::NoSpace { .. }) => Err(Error::NoSpace),
            Err(error) => Err(self.poisoned_by(error)),
        }
    }

    pub(crate) fn check_poison(&self) -> Result<()> {
        match &self.poison {
            None => Ok(()),
            Some(cause) => Err(Error::Poisoned {
                cause: Arc::clone(cause),
            }),
        }
    }

    pub(crate) fn poison_on_error<T>(&mut self, result: disk::Result<T>) -> Result<T> {
        result.map_err(|error| self.poisoned_by(error))
    }

    fn poisoned_by(&mut self, error: disk::Error) -> Error {
        let cause = Arc::clone(self.poison.get_or_insert_with(|| Arc::new(error)));
        Error::Poisoned { cause }
    }
}

impl Store {
    /// Creates a segment with its header and a checkpoint of every group.
    pub(crate) fn begin_segment(
        &mut self,
        id: SegmentId,
        previous: Option<(SegmentId, u64)>,
    ) -> disk::Result<Active> {
        let created = self.create_segment(id, previous);
        if matches!(created, Err(disk::Error::NoSpace { .. })) {
            // Must not come back after a loss of power: its batch number will be used again.
            match self.disk.remove(&segment_path(&self.dir, id)?) {
                Ok(()) | Err(disk::Error::NotFound { .. }) => self.disk.sync_dir(&self.dir)?,
                Err(error) => return Err(error),
            }
        }
        let active = created?;
        let used = SegmentUse {
            file: Arc::clone(&active.file),
            bytes: active.position,
            live_bytes: 0,
        };
        self.index.write().segments.insert(id, used);
        self.next_batch = BatchNumber(self.next_batch.0 + 1);
        Ok(active)
    }

    fn create_segment(&mut self, id: SegmentId, previous: Option<(SegmentId, u64)>) -> disk::Result<Active> {
        let header = SegmentHeader {
            segment: id,
            first_batch: self.next_batch,
            previous,
            repair: self.repair,
        };
        let mut bytes = header.encode();
        bytes.extend_from_slice(
            self.checkpoint()
                .finish(id, SEGMENT_HEADER_BYTES, self.next_batch),
        );
        let file = self.disk.create_new(&segment_path(&self.dir, id)?)?;
        file.write_all_at(&bytes, 0)?;
        let position = bytes.len() as u64;
        let allocated = position.max(self.options.grow_bytes.min(self.options.segment_bytes));
        write_zeros(&*file, position, allocated)?;
        file.sync_data()?;
        self.disk.sync_dir(&self.dir)?;
        self.watermark.note(Synced {
            batch: self.next_batch,
            segment: id,
        })?;
        self.watermark.sync()?;
        Ok(Active {
            id,
            file,
            position,
            allocated,
            start: position,
        })
    }

    fn checkpoint(&self) -> BatchBuilder {
        let mut builder = BatchBuilder::default();
        builder.clear();
        for (group, state) in &self.index.read().groups {
            let payload = state.checkpoint().encode();
            builder.push(&Frame {
                kind: FrameKind::Checkpoint,
                group: *group,
                sequence: state.sequence,
                term: Term(0),
                index: LogIndex(0),
                id: &[],
                payload: &payload,
            });
        }
        builder
    }
}

fn write_zeros(file: &dyn DiskFile, from: u64, to: u64) -> disk::Result<()> {
    let mut at = from;
    while at < to {
        let len = usize::try_from(to - at).unwrap_or(usize::MAX).min(ZEROS.len());
        file.write_all_at(ZEROS.get(..len).unwrap_or_default(), at)?;
        at += len as u64;
    }
    Ok(())
}

pub(crate) fn check_size(entry: &Entry, bytes_max: usize) -> Result<()> {
    let bytes = entry.payload.len() + entry.position.id.len();
    if bytes > bytes_max || entry.position.id.len() > usize::from(u16::MAX) {
        return Err(Error::TooLarge { bytes, bytes_max });
    }
    Ok(())
}

/// Hands out sequence numbers to the records of one batch.
#[derive(Debug, Default)]
pub(crate) struct Sequences {
    newest: BTreeMap<GroupId, u64>,
}

impl Sequences {
    fn frame<'r>(&mut self, index: &Index, record: &'r Record) -> Frame<'r> {
        let frame = Frame::of(record.group, self.next(index, record.group), &record.operation);
        if frame.kind == FrameKind::Remove {
            self.newest.insert(record.group, 0);
        }
        frame
    }

    pub(crate) fn carry<'r>(&mut self, index: &Index, group: GroupId, entry: &'r Entry) -> Frame<'r> {
        let at = &entry.position;
        Frame {
            kind: FrameKind::Carry,
            group,
            sequence: self.next(index, group),
            term: at.term,
            index: at.index,
            id: &at.id,
            payload: &entry.payload,
        }
    }

    fn next(&mut self, index: &Index, group: GroupId) -> u64 {
        let known = || index.groups.get(&group).map_or(0, |state| state.sequence);
        let newest = self.newest.entry(group).or_insert_with(known);
        *newest += 1;
        *newest
    }
}

/// Returns where an entry lies and the file to read it from.
pub(crate) fn locate(
    index: &Index,
    group: GroupId,
    entry: LogIndex,
) -> Option<(Location, Arc<dyn DiskFile>)> {
    let location = index.groups.get(&group)?.location(entry)?;
    let segment = index.segments.get(&location.segment)?;
    Some((location, Arc::clone(&segment.file)))
}

/// Reads an entry and verifies that it is the one expected.
pub(crate) fn read_entry(
    file: &dyn DiskFile,
    group: GroupId,
    index: LogIndex,
    location: Location,
) -> Result<Entry> {
    let corrupt = || Error::CorruptEntry {
        group,
        index,
        segment: location.segment,
        offset: location.offset,
    };
    let mut bytes = vec![0; location.len as usize];
    match file.read_exact_at(&mut bytes, location.offset) {
        Err(disk::Error::PastEnd { .. }) => return Err(corrupt()),
        read => read?,
    }
    let (frame, len) = decode_frame(&bytes).map_err(|_| corrupt())?;
    let is_entry = matches!(frame.kind, FrameKind::Append | FrameKind::Carry);
    let expected = (frame.group, frame.index, frame.term) == (group, index, location.term);
    if is_entry && expected && len == bytes.len() {
        Ok(frame.entry())
    } else {
        Err(corrupt())
    }
}

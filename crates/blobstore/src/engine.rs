//! The synchronous core: changes in, durable records out.
//!
//! All changes pass through one owner, in one order. That order is the per-blob lock: an upload that finds
//! the bytes already there and a sweep that wants to remove them are decided one after the other, each
//! against what the one before it has made durable.

mod admission;
mod change;
#[cfg(test)]
mod lives;

use std::sync::Arc;

use disk::{Disk, DiskFile, DiskPath};
use parking_lot::RwLock;

use crate::format::{Place, RECORD_HEADER_BYTES, RecordHeader, padded};
use crate::index::{Index, Location, SegmentUse};
use crate::segment::{SEGMENT_HEADER_BYTES, encode_header, segment_path};
use crate::{BlobStoreOptions, Error, Result, SegmentId};
use admission::{Admission, Admitted};
pub(crate) use change::{Body, Change, Effect, Outcome, Renewal, blob};

static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// The store of one disk, as a synchronous state machine with one owner; see [`crate::BlobStore`].
///
/// A failed write or sync poisons it: every later change fails with [`Error::Poisoned`], and the owner stops
/// the process.
#[derive(Debug)]
pub struct Engine {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) dir: DiskPath,
    pub(crate) options: BlobStoreOptions,
    pub(crate) salt: u64,
    pub(crate) index: Arc<RwLock<Index>>,
    pub(crate) active: Active,
    /// Bytes of records that the newest checkpoint does not cover.
    pub(crate) uncovered_bytes: u64,
    pub(crate) poison: Option<Arc<disk::Error>>,
}

/// The segment that is being written.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) id: SegmentId,
    pub(crate) file: Arc<dyn DiskFile>,
    /// Where the next batch goes, on a sector boundary.
    pub(crate) position: u64,
    /// Bytes of the file that have been written, with records or zeros.
    pub(crate) allocated: u64,
    /// Everything before this place is durable; on a sector boundary.
    pub(crate) durable: u64,
    /// Chunks have been written that no sync has covered yet.
    pub(crate) unsynced: bool,
}

/// The bytes of one write, and what they will mean once they are durable.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    effects: Vec<(Effect, Location)>,
    needs_sync: bool,
}

impl Engine {
    /// Makes the changes, in order, with one write and at most one sync, and says what became of each.
    /// Chunks alone are not synced: the manifest that names them is.
    ///
    /// # Errors
    /// [`Error::NoSpace`] leaves the store as it was; a failed write or sync poisons it.
    pub(crate) fn commit(&mut self, changes: &[Change]) -> Result<Vec<Outcome>> {
        self.check_poison()?;
        self.make_room(changes.iter().map(Change::space).sum())?;
        let mut batch = Batch::default();
        let mut outcomes = Vec::with_capacity(changes.len());
        {
            let index = Arc::clone(&self.index);
            let index = index.read();
            let mut admission = Admission::new(&index);
            for change in changes {
                outcomes.push(match admission.admit(change) {
                    Admitted::Write {
                        header,
                        content,
                        effect,
                        outcome,
                    } => {
                        let location = self.add_record(&mut batch, header, &content, effect);
                        outcome.placed_at(location)
                    }
                    Admitted::Nothing(outcome) => outcome,
                    Admitted::Effect(effect, outcome) => {
                        batch.effects.push((effect, Location::nowhere()));
                        outcome
                    }
                });
            }
        }
        self.write(&batch)?;
        let mut index = self.index.write();
        for (effect, location) in batch.effects {
            effect.apply(&mut index, location);
        }
        if let Some(segment) = index.segments.get_mut(&self.active.id) {
            segment.bytes = self.active.position;
        }
        Ok(outcomes)
    }

    fn add_record(
        &self,
        batch: &mut Batch,
        mut header: RecordHeader,
        content: &[u8],
        effect: Effect,
    ) -> Location {
        let durable_sectors = self.active.durable / disk::SECTOR_BYTES as u64;
        header.durable_sectors = u32::try_from(durable_sectors).unwrap_or(u32::MAX);
        let offset = self.active.position + batch.bytes.len() as u64;
        let place = Place {
            salt: self.salt,
            segment: self.active.id,
            offset,
        };
        batch.bytes.extend_from_slice(&header.encode(place));
        batch.bytes.extend_from_slice(content);
        let aligned = batch
            .bytes
            .len()
            .next_multiple_of(crate::format::RECORD_ALIGNMENT);
        batch.bytes.resize(aligned, 0);
        batch.needs_sync |= effect.must_be_durable();
        let len = u32::try_from(header.record_bytes()).expect("invariant: a record is at most 4 GiB");
        let location = Location {
            segment: self.active.id,
            offset,
            len,
        };
        batch.effects.push((effect, location));
        location
    }

    fn write(&mut self, batch: &Batch) -> Result<()> {
        if batch.bytes.is_empty() {
            return Ok(());
        }
        let end = self.active.position + batch.bytes.len() as u64;
        let written = self.active.file.write_all_at(&batch.bytes, self.active.position);
        match written {
            Err(disk::Error::NoSpace { .. }) => {
                self.cut_unfinished()?;
                return Err(Error::NoSpace);
            }
            written => self.poison_on_error(written)?,
        }
        self.active.position = end.next_multiple_of(disk::SECTOR_BYTES as u64);
        self.uncovered_bytes += batch.bytes.len() as u64;
        self.active.allocated = self.active.allocated.max(self.active.position);
        self.active.unsynced = true;
        if batch.needs_sync {
            self.sync()?;
        }
        Ok(())
    }

    /// Takes back a write that did not fit: a shorter one in its place would leave records of it standing, and
    /// the next start would believe them.
    fn cut_unfinished(&mut self) -> Result<()> {
        let (file, position) = (Arc::clone(&self.active.file), self.active.position);
        let cut = file.len().and_then(|len| {
            if len > position {
                file.set_len(position)?;
            }
            file.sync_data()
        });
        self.poison_on_error(cut)?;
        self.active.allocated = position;
        (self.active.durable, self.active.unsynced) = (position, false);
        Ok(())
    }

    /// Makes everything written so far durable.
    pub(crate) fn sync(&mut self) -> Result<()> {
        if self.active.unsynced {
            let synced = self.active.file.sync_data();
            self.poison_on_error(synced)?;
            (self.active.durable, self.active.unsynced) = (self.active.position, false);
        }
        Ok(())
    }

    fn make_room(&mut self, space: u64) -> Result<()> {
        let fresh = self.active.position == SEGMENT_HEADER_BYTES;
        if self.active.position + space > self.options.segment_bytes && !fresh {
            self.roll()?;
        }
        let needed = self.active.position + space;
        if self.options.grow_bytes == 0 || needed <= self.active.allocated {
            return Ok(());
        }
        let target = (self.active.allocated + self.options.grow_bytes)
            .min(self.options.segment_bytes)
            .max(needed);
        match write_zeros(&*self.active.file, self.active.allocated, target) {
            Err(disk::Error::NoSpace { .. }) => return Err(Error::NoSpace),
            written => self.poison_on_error(written)?,
        }
        self.active.allocated = target;
        // The zeros must be durable before a batch that needs no sync relies on them; the next sync does it.
        self.active.unsynced = true;
        Ok(())
    }

    fn roll(&mut self) -> Result<()> {
        self.sync()?;
        let id = SegmentId(self.active.id.0 + 1);
        let creation = SegmentCreation {
            disk: &*self.disk,
            dir: &self.dir,
            salt: self.salt,
        };
        let created = creation.create(id, self.options.grow_bytes.min(self.options.segment_bytes));
        match created {
            Err(disk::Error::NoSpace { .. }) => Err(Error::NoSpace),
            created => {
                self.active = self.poison_on_error(created)?;
                self.register_active();
                Ok(())
            }
        }
    }

    pub(crate) fn register_active(&self) {
        let file = Arc::clone(&self.active.file);
        let used = SegmentUse {
            file,
            bytes: self.active.position,
            live_bytes: 0,
            pending_bytes: 0,
        };
        self.index.write().segments.insert(self.active.id, used);
    }

    /// Removes a sealed segment that nothing refers to any more. Returns whether it could go.
    pub(crate) fn remove_segment(&mut self, segment: SegmentId) -> Result<bool> {
        self.check_poison()?;
        {
            let mut index = self.index.write();
            let used = index.segments.get(&segment);
            let empty = used.is_some_and(|used| used.live_bytes == 0 && used.pending_bytes == 0);
            let referred = || index.iter().any(|(_, blob)| blob.touches(segment));
            if segment == self.active.id || !empty || referred() {
                return Ok(false);
            }
            index.segments.remove(&segment);
        }
        let removed = segment_path(&self.dir, segment)
            .and_then(|path| self.disk.remove(&path))
            .and_then(|()| self.disk.sync_dir(&self.dir));
        self.poison_on_error(removed)?;
        Ok(true)
    }

    pub(crate) fn check_poison(&self) -> Result<()> {
        match &self.poison {
            None => Ok(()),
            Some(cause) => Err(Error::Poisoned {
                cause: Arc::clone(cause),
            }),
        }
    }

    fn poison_on_error<T>(&mut self, result: disk::Result<T>) -> Result<T> {
        result.map_err(|error| {
            let cause = Arc::clone(self.poison.get_or_insert_with(|| Arc::new(error)));
            Error::Poisoned { cause }
        })
    }
}

/// What is needed to create a segment.
pub(crate) struct SegmentCreation<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) dir: &'a DiskPath,
    pub(crate) salt: u64,
}

impl SegmentCreation<'_> {
    /// Creates a segment with its header and `allocated` bytes of space, all durable.
    pub(crate) fn create(&self, id: SegmentId, allocated: u64) -> disk::Result<Active> {
        let path = segment_path(self.dir, id)?;
        let created = self.try_create(id, &path, allocated);
        if matches!(created, Err(disk::Error::NoSpace { .. })) {
            match self.disk.remove(&path) {
                Ok(()) | Err(disk::Error::NotFound { .. }) => self.disk.sync_dir(self.dir)?,
                Err(error) => return Err(error),
            }
        }
        created
    }

    fn try_create(&self, id: SegmentId, path: &DiskPath, allocated: u64) -> disk::Result<Active> {
        let file = self.disk.create_new(path)?;
        file.write_all_at(&encode_header(id, self.salt), 0)?;
        let allocated = allocated.max(SEGMENT_HEADER_BYTES);
        write_zeros(&*file, SEGMENT_HEADER_BYTES, allocated)?;
        file.sync_data()?;
        self.disk.sync_dir(self.dir)?;
        Ok(Active {
            id,
            file,
            position: SEGMENT_HEADER_BYTES,
            allocated,
            durable: SEGMENT_HEADER_BYTES,
            unsynced: false,
        })
    }
}

impl Change {
    /// Returns an upper bound of the space that the change needs in a segment.
    fn space(&self) -> u64 {
        padded((RECORD_HEADER_BYTES + self.content_len()) as u64) + disk::SECTOR_BYTES as u64
    }
}

pub(crate) fn write_zeros(file: &dyn DiskFile, from: u64, to: u64) -> disk::Result<()> {
    let mut at = from;
    while at < to {
        let len = usize::try_from(to - at).unwrap_or(usize::MAX).min(ZEROS.len());
        file.write_all_at(ZEROS.get(..len).unwrap_or_default(), at)?;
        at += len as u64;
    }
    Ok(())
}

//! Copying live blobs out of segments that have become mostly garbage.
//!
//! Copies go through the same queue as everything else and count only if the blob still lies where it was
//! read, so readers and writers need not stop. The old segment goes when the index, which follows what is
//! durable, no longer leads to it; readers that have it open keep it until they are done.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use disk::DiskFile;

use crate::chunk::{self, StoredChunk};
use crate::engine::{Body, Change, Outcome};
use crate::format::{BODY_LINE_BYTES, ManifestLine, Place, RECORD_HEADER_BYTES, RecordHeader, RecordKind};
use crate::index::{Blob, Key, Location};
use crate::queue::Job;
use crate::read::{read_bytes, read_record};
use crate::segment::SEGMENT_HEADER_BYTES;
use crate::{BlobReader, BlobStore, Error, Result, SegmentId};

/// What one step may copy before it comes back, unless half a segment is less.
const STEP_BYTES: u64 = 4 * 1024 * 1024;

/// How many blobs are looked at under one lock of the index.
const PAGE_BLOBS: usize = 4096;

/// What a compaction step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompactionStep {
    /// About this many bytes were copied out of a segment; more are left.
    Copied(u64),
    /// A segment was removed.
    Removed(SegmentId),
    /// No segment is worth compacting.
    Idle,
}

/// Sound blobs that have something in a segment.
struct Residents {
    keys: Vec<Key>,
    bytes: u64,
    bytes_max: u64,
    /// Nothing else is there.
    complete: bool,
}

/// What one step has read and will write.
#[derive(Default)]
struct Copies {
    changes: Vec<Change>,
    /// About how many bytes that is, never 0 for a change.
    bytes: u64,
}

impl Copies {
    fn add(&mut self, bytes: u64, change: Change) {
        self.bytes += bytes + 1;
        self.changes.push(change);
    }
}

impl Residents {
    fn add(&mut self, key: Key, blob: &Blob) {
        if blob.corrupt || self.bytes >= self.bytes_max {
            self.complete = false;
        } else {
            self.bytes += blob.len.max(RECORD_HEADER_BYTES as u64);
            self.keys.push(key);
        }
    }
}

impl BlobStore {
    /// Does a bounded amount of compaction: copies some live blobs out of the segment with the smallest live
    /// share, or removes it once it is empty. One caller at a time.
    ///
    /// A segment that holds a corrupt blob stays until that has been replaced or swept.
    ///
    /// # Errors
    /// [`Error::NoSpace`] and those of the disk.
    pub fn compaction_step(&self) -> Result<CompactionStep> {
        for segment in self.candidates() {
            let (keys, complete) = self.residents(segment);
            if keys.is_empty() && complete {
                if self.shared.engine.lock().remove_segment(segment)? {
                    return Ok(CompactionStep::Removed(segment));
                }
                continue;
            }
            let mut copies = Copies::default();
            let copied = keys
                .into_iter()
                .try_for_each(|key| self.copy_out(key, segment, &mut copies));
            let bytes = copies.bytes;
            // Also what was read before an error: chunks that it refers to have been written already.
            self.commit(copies)?;
            copied?;
            if bytes > 0 {
                return Ok(CompactionStep::Copied(bytes));
            }
        }
        Ok(CompactionStep::Idle)
    }

    /// Returns the sealed segments worth compacting, the emptiest first.
    fn candidates(&self) -> Vec<SegmentId> {
        let index = self.shared.index.read();
        let percent = u64::from(self.shared.options.compact_below_percent);
        let newest = index.segments.keys().next_back().copied();
        let mut candidates: Vec<_> = index
            .segments
            .iter()
            .filter(|(segment, used)| Some(**segment) != newest && used.pending_bytes == 0)
            .map(|(segment, used)| {
                let bytes = used.bytes.saturating_sub(SEGMENT_HEADER_BYTES).max(1);
                (used.live_bytes * 100 / bytes, *segment)
            })
            .filter(|(live_percent, _)| *live_percent < percent)
            .collect();
        candidates.sort_unstable();
        candidates.into_iter().map(|(_, segment)| segment).collect()
    }

    /// Returns sound blobs that have something in the segment, up to one step's worth, and whether they are
    /// all that is there.
    fn residents(&self, segment: SegmentId) -> (Vec<Key>, bool) {
        let mut residents = Residents {
            keys: Vec::new(),
            bytes: 0,
            bytes_max: STEP_BYTES.min(self.shared.options.segment_bytes / 2).max(1),
            complete: true,
        };
        let mut after = None;
        while residents.bytes < residents.bytes_max {
            let mut looked_at = 0;
            let from = after;
            for (key, blob) in self.shared.index.read().after(from.as_ref()).take(PAGE_BLOBS) {
                (looked_at, after) = (looked_at + 1, Some(*key));
                if blob.touches(segment) {
                    residents.add(*key, blob);
                }
            }
            if looked_at < PAGE_BLOBS {
                return (residents.keys, residents.complete);
            }
        }
        (residents.keys, false)
    }

    /// Reads whatever the blob has in the segment.
    fn copy_out(&self, key: Key, segment: SegmentId, copies: &mut Copies) -> Result<()> {
        let Some(blob) = self.shared.index.read().present(&key).cloned() else {
            return Ok(());
        };
        if blob.parts.is_none() && blob.place.segment == segment {
            match self.load_body(key, &blob)? {
                Some(body) => {
                    let from = blob.place;
                    copies.add(body.content.len() as u64, Change::CopyBody { key, from, body });
                }
                None => self.shared.index.write().mark_corrupt(&key, blob.place),
            }
        } else if blob.place.segment == segment || blob.parts_in(segment) > 0 {
            match self.move_chunks(key, &blob, segment)? {
                Some((change, bytes)) => copies.add(bytes, change),
                None => self.shared.index.write().mark_corrupt(&key, blob.place),
            }
        } else if blob.touched_in == segment {
            copies.add(0, Change::CopyTouch { key });
        } else if let Some((version, from)) = blob.summary.filter(|(_, at)| at.segment == segment) {
            match self.load_content(from, RecordKind::Summary)? {
                Some(content) => {
                    let bytes = content.len() as u64;
                    let copy = Change::CopySummary {
                        key,
                        from,
                        version,
                        content,
                    };
                    copies.add(bytes, copy);
                }
                None => self.shared.index.write().drop_summary(&key, from),
            }
        }
        Ok(())
    }

    /// Writes the copies of one step together: each write begins a sector, and small records that came one by one
    /// would be just as thin again where they are copied to.
    fn commit(&self, copies: Copies) -> Result<()> {
        let (jobs, outcomes): (Vec<_>, Vec<_>) = copies
            .changes
            .into_iter()
            .map(|change| {
                let (sender, receiver) = sync_channel::<Result<Outcome>>(1);
                let done = Box::new(move |result| {
                    // The step waits for every change that it has queued unless another one failed first.
                    let _ = sender.send(result);
                });
                (Job { change, done }, receiver)
            })
            .unzip();
        if !jobs.is_empty() {
            self.shared.submit_all(jobs)?;
        }
        for outcome in outcomes {
            outcome.recv().unwrap_or(Err(Error::Closed))?;
        }
        Ok(())
    }

    /// Reads a body whole and verifies every chunk.
    fn load_body(&self, key: Key, blob: &Blob) -> Result<Option<Body>> {
        let reader = BlobReader::open(std::sync::Arc::clone(&self.shared), key, 0..blob.len);
        for chunk in reader.into_iter().flatten() {
            if let Err(Error::Corrupt { .. }) = chunk {
                return Ok(None);
            }
            chunk?;
        }
        let Some((header, content)) = self.load(blob.place)? else {
            return Ok(None);
        };
        let table_len = chunk::count(blob.len) * BODY_LINE_BYTES;
        let table_crc = crc32c::crc32c(content.get(..table_len).unwrap_or_default());
        let sound = header.kind == RecordKind::Body && header.content_crc == table_crc;
        Ok(sound.then_some(Body {
            len: blob.len,
            table_crc,
            content,
        }))
    }

    /// Writes the chunks that lie in the segment again, and returns the manifest that says so.
    fn move_chunks(&self, key: Key, blob: &Blob, segment: SegmentId) -> Result<Option<(Change, u64)>> {
        let table = self.load_content(blob.place, RecordKind::Manifest)?;
        let Some(mut lines) = table.and_then(|table| ManifestLine::decode_table(&table)) else {
            return Ok(None);
        };
        let (mut moved, mut bytes) = (Vec::new(), 0);
        for (number, line) in lines
            .iter_mut()
            .enumerate()
            .filter(|(_, line)| line.segment == segment)
        {
            let raw_len = chunk::len_of(blob.len, number);
            let Some(stored) = self.load_stored(line, raw_len)? else {
                self.give_up(moved)?;
                return Ok(None);
            };
            bytes += stored.bytes.len() as u64;
            match self.shared.submit_and_wait(Change::Chunk(stored)) {
                Ok(Outcome::Placed(placed)) => {
                    *line = placed;
                    moved.push(placed);
                }
                Ok(Outcome::Done | Outcome::Renewed | Outcome::Absent | Outcome::Skipped) => (),
                Err(error) => {
                    self.give_up(moved)?;
                    return Err(error);
                }
            }
        }
        let change = Change::CopyManifest {
            key,
            from: blob.place,
            len: blob.len,
            lines,
            moved,
        };
        Ok(Some((change, bytes)))
    }

    fn load_stored(&self, line: &ManifestLine, raw_len: usize) -> Result<Option<StoredChunk>> {
        let Some(file) = self.file(line.segment) else {
            return Ok(None);
        };
        let offset = line.offset + RECORD_HEADER_BYTES as u64;
        let Some(bytes) = read_bytes(&*file, offset, line.line.stored_bytes as usize)? else {
            return Ok(None);
        };
        let (compressed, crc) = (line.line.compressed, line.line.crc);
        let raw_len = u32::try_from(raw_len).unwrap_or(u32::MAX);
        Ok((crc32c::crc32c(&bytes) == crc).then_some(StoredChunk {
            bytes,
            compressed,
            crc,
            raw_len,
        }))
    }

    fn give_up(&self, lines: Vec<ManifestLine>) -> Result<()> {
        self.shared.submit_and_wait(Change::Discard { lines }).map(|_| ())
    }

    /// Reads the content of a record whose checksum covers it whole.
    fn load_content(&self, at: Location, kind: RecordKind) -> Result<Option<Vec<u8>>> {
        let record = self
            .load(at)?
            .filter(|(header, content)| header.kind == kind && header.content_crc == crc32c::crc32c(content));
        Ok(record.map(|(_, content)| content))
    }

    fn load(&self, at: Location) -> Result<Option<(RecordHeader, Vec<u8>)>> {
        let Some(file) = self.file(at.segment) else {
            return Ok(None);
        };
        let place = Place {
            salt: self.shared.salt,
            segment: at.segment,
            offset: at.offset,
        };
        read_record(&*file, place, at.len)
    }

    fn file(&self, segment: SegmentId) -> Option<Arc<dyn DiskFile>> {
        self.shared
            .index
            .read()
            .segments
            .get(&segment)
            .map(|used| Arc::clone(&used.file))
    }
}

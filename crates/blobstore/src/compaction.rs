//! Copying live blobs out of segments that have become mostly garbage.
//!
//! Copies go through the same queue as everything else and count only if the blob still lies where it was
//! read, so readers and writers need not stop. The old segment goes when the index, which follows what is
//! durable, no longer leads to it; readers that have it open keep it until they are done.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use disk::DiskFile;

use crate::chunk::{self, StoredChunk};
use crate::engine::{Body, Change, Outcome};
use crate::format::{BODY_LINE_BYTES, ManifestLine, Place, RECORD_HEADER_BYTES, RecordHeader, RecordKind};
use crate::index::{Blob, Key, Location};
use crate::queue::Job;
use crate::read::{read_bytes, read_record};
use crate::segment::SEGMENT_HEADER_BYTES;
use crate::{BlobReader, BlobStore, Error, Result, SegmentId};

/// What one step may copy before it comes back.
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
#[derive(Default)]
struct Residents {
    keys: Vec<Key>,
    bytes: u64,
    /// Nothing else is there.
    complete: bool,
}

impl Residents {
    fn add(&mut self, key: Key, blob: &Blob) {
        if blob.corrupt || self.bytes >= STEP_BYTES {
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
            let mut copied = 0;
            let mut waiting = Vec::new();
            for key in keys {
                copied += self.copy_out(key, segment, &mut waiting)?;
            }
            for receiver in waiting {
                receiver.recv().unwrap_or(Err(Error::Closed))?;
            }
            if copied > 0 {
                return Ok(CompactionStep::Copied(copied));
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
            complete: true,
            ..Residents::default()
        };
        let mut after = None;
        while residents.bytes < STEP_BYTES {
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

    /// Copies whatever the blob has in the segment. Returns about how many bytes that was.
    fn copy_out(
        &self,
        key: Key,
        segment: SegmentId,
        waiting: &mut Vec<Receiver<Result<Outcome>>>,
    ) -> Result<u64> {
        let Some(blob) = self.shared.index.read().present(&key).cloned() else {
            return Ok(0);
        };
        let mut copied = 0;
        if blob.parts.is_none() && blob.place.segment == segment {
            match self.load_body(key, &blob)? {
                Some(body) => {
                    copied += body.content.len() as u64 + 1;
                    waiting.push(self.queue(Change::CopyBody {
                        key,
                        from: blob.place,
                        body,
                    })?);
                }
                None => self.shared.index.write().mark_corrupt(&key, blob.place),
            }
        } else if blob.place.segment == segment || blob.parts_in(segment) > 0 {
            match self.move_chunks(key, &blob, segment)? {
                Some((change, bytes)) => {
                    copied += bytes;
                    waiting.push(self.queue(change)?);
                }
                None => self.shared.index.write().mark_corrupt(&key, blob.place),
            }
        } else if blob.touched_in == segment {
            copied += 1;
            waiting.push(self.queue(Change::CopyTouch { key })?);
        } else if let Some((version, from)) = blob.summary.filter(|(_, at)| at.segment == segment) {
            copied += 1;
            match self.load_content(from, RecordKind::Summary)? {
                Some(content) => {
                    waiting.push(self.queue(Change::CopySummary {
                        key,
                        from,
                        version,
                        content,
                    })?);
                }
                None => self.shared.index.write().drop_summary(&key, from),
            }
        }
        Ok(copied)
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
        let (mut moved, mut bytes) = (Vec::new(), 1);
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
            if let Outcome::Placed(placed) = self.shared.submit_and_wait(Change::Chunk(stored))? {
                *line = placed;
                moved.push(placed);
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

    fn queue(&self, change: Change) -> Result<Receiver<Result<Outcome>>> {
        let (sender, receiver) = sync_channel(1);
        let done = Box::new(move |result| {
            // The step waits for every change that it has queued unless another one failed first.
            let _ = sender.send(result);
        });
        self.shared.submit(Job { change, done })?;
        Ok(receiver)
    }
}

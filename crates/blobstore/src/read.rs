//! Streaming a blob out.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use disk::DiskFile;

use crate::chunk::{self, CHUNK_BYTES};
use crate::format::{
    BODY_LINE_BYTES, BodyLine, MANIFEST_LINE_BYTES, ManifestLine, Place, RECORD_HEADER_BYTES, RecordHeader,
    RecordKind,
};
use crate::index::{Blob, Key, Location};
use crate::store::{Shared, Summary};
use crate::{Error, Result};

/// How often a reader looks again when compaction moves the blob under its hands.
const ATTEMPTS_MAX: usize = 8;

/// Part of a blob, as an iterator over chunks of at most 64 KiB. Each chunk is verified before it is handed
/// out; after an error the reader ends.
#[derive(Debug)]
pub struct BlobReader {
    shared: Arc<Shared>,
    key: Key,
    blob: Blob,
    chunks: Vec<ChunkPlace>,
    range: Range<u64>,
}

/// Where a chunk's stored bytes lie.
#[derive(Debug, Clone)]
pub(crate) struct ChunkPlace {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) offset: u64,
    pub(crate) line: BodyLine,
}

impl BlobReader {
    pub(crate) fn open(shared: Arc<Shared>, key: Key, range: Range<u64>) -> Result<Self> {
        for _ in 0..ATTEMPTS_MAX {
            let (blob, file) = find(&shared, key)?;
            let corrupt = || corrupt(key, &blob);
            if blob.corrupt {
                return Err(corrupt());
            }
            let Some(file) = file else { continue };
            match resolve(&shared, key, &blob, &file)? {
                Resolved::Chunks(chunks) => {
                    let range = range.start.min(blob.len)..range.end.min(blob.len);
                    return Ok(Self {
                        shared,
                        key,
                        blob,
                        chunks,
                        range,
                    });
                }
                // Compaction removed a segment between the look at the index and at the manifest.
                Resolved::Moved => (),
                Resolved::Corrupt => {
                    shared.index.write().mark_corrupt(&key, blob.place);
                    return Err(corrupt());
                }
            }
        }
        Err(Error::NotFound {
            group: key.0,
            blob: key.1,
        })
    }

    /// Returns which blob is read, and where its body or manifest lies.
    pub(crate) fn source(&self) -> (Key, Location) {
        (self.key, self.blob.place)
    }

    /// Returns how many bytes are still to come.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.range.end.saturating_sub(self.range.start)
    }

    fn next_chunk(&mut self) -> Result<Bytes> {
        let number = usize::try_from(self.range.start / CHUNK_BYTES as u64).unwrap_or(usize::MAX);
        let chunk_start = number as u64 * CHUNK_BYTES as u64;
        let raw_len = chunk::len_of(self.blob.len, number);
        let raw = match self.chunks.get(number) {
            Some(place) => load_chunk(place, raw_len)?,
            None => None,
        };
        let Some(raw) = raw else {
            self.range.start = self.range.end;
            self.shared.index.write().mark_corrupt(&self.key, self.blob.place);
            return Err(corrupt(self.key, &self.blob));
        };
        let end = self.range.end.min(chunk_start + raw_len as u64);
        let inside = |at: u64| usize::try_from(at - chunk_start).unwrap_or(usize::MAX);
        let wanted = inside(self.range.start)..inside(end);
        self.range.start = end;
        Ok(Bytes::from(raw).slice(wanted))
    }
}

impl Iterator for BlobReader {
    type Item = Result<Bytes>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.range.start >= self.range.end {
            return None;
        }
        let next = self.next_chunk();
        if next.is_err() {
            self.range.start = self.range.end;
        }
        Some(next)
    }
}

fn corrupt(key: Key, blob: &Blob) -> Error {
    Error::Corrupt {
        group: key.0,
        blob: key.1,
        segment: blob.place.segment,
    }
}

fn find(shared: &Shared, key: Key) -> Result<(Blob, Option<Arc<dyn DiskFile>>)> {
    let index = shared.index.read();
    let blob = index.get(&key).ok_or(Error::NotFound {
        group: key.0,
        blob: key.1,
    })?;
    let file = index
        .segments
        .get(&blob.place.segment)
        .map(|segment| Arc::clone(&segment.file));
    Ok((blob.clone(), file))
}

/// Where the chunks of a blob turned out to be.
enum Resolved {
    Chunks(Vec<ChunkPlace>),
    Moved,
    Corrupt,
}

/// Reads the table of a blob.
fn resolve(shared: &Shared, key: Key, blob: &Blob, file: &Arc<dyn DiskFile>) -> Result<Resolved> {
    let kind = if blob.parts.is_none() {
        RecordKind::Body
    } else {
        RecordKind::Manifest
    };
    let line_bytes = if blob.parts.is_none() {
        BODY_LINE_BYTES
    } else {
        MANIFEST_LINE_BYTES
    };
    let count = chunk::count(blob.len);
    let Some(table_len) = count
        .checked_mul(line_bytes)
        .filter(|len| *len <= blob.place.len as usize)
    else {
        return Ok(Resolved::Corrupt);
    };
    let Some(bytes) = read_bytes(&**file, blob.place.offset, RECORD_HEADER_BYTES + table_len)? else {
        return Ok(Resolved::Corrupt);
    };
    let header = RecordHeader::decode(&bytes, place(shared, blob.place));
    let table = bytes.get(RECORD_HEADER_BYTES..).unwrap_or_default();
    let expected = |header: &RecordHeader| {
        (header.kind, header.group, header.blob, header.blob_bytes) == (kind, key.0, key.1, blob.len)
            && header.content_crc == crc32c::crc32c(table)
    };
    if !header.is_some_and(|header| expected(&header)) {
        return Ok(Resolved::Corrupt);
    }
    let chunks = if blob.parts.is_none() {
        BodyLine::decode_table(table).map(|lines| body_chunks(blob.place, file, &lines))
    } else {
        ManifestLine::decode_table(table).map(|lines| manifest_chunks(shared, &lines))
    };
    Ok(chunks.unwrap_or(Resolved::Corrupt))
}

fn body_chunks(place: Location, file: &Arc<dyn DiskFile>, lines: &[BodyLine]) -> Resolved {
    let mut offset = place.offset + (RECORD_HEADER_BYTES + lines.len() * BODY_LINE_BYTES) as u64;
    let chunks = lines.iter().map(|line| {
        let chunk = ChunkPlace {
            file: Arc::clone(file),
            offset,
            line: *line,
        };
        offset += u64::from(line.stored_bytes);
        chunk
    });
    Resolved::Chunks(chunks.collect())
}

fn manifest_chunks(shared: &Shared, lines: &[ManifestLine]) -> Resolved {
    let index = shared.index.read();
    let chunks = lines.iter().map(|line| {
        let file = Arc::clone(&index.segments.get(&line.segment)?.file);
        Some(ChunkPlace {
            file,
            offset: line.offset + RECORD_HEADER_BYTES as u64,
            line: line.line,
        })
    });
    chunks
        .collect::<Option<_>>()
        .map_or(Resolved::Moved, Resolved::Chunks)
}

fn place(shared: &Shared, location: Location) -> Place {
    Place {
        salt: shared.salt,
        segment: location.segment,
        offset: location.offset,
    }
}

/// Reads and verifies a chunk; `None` if its bytes are bad.
pub(crate) fn load_chunk(place: &ChunkPlace, raw_len: usize) -> Result<Option<Vec<u8>>> {
    if place.line.stored_bytes as usize > CHUNK_BYTES {
        return Ok(None);
    }
    let stored = read_bytes(&*place.file, place.offset, place.line.stored_bytes as usize)?;
    Ok(stored.and_then(|stored| chunk::load(stored, place.line.compressed, place.line.crc, raw_len)))
}

/// Reads bytes; `None` if the file is too short.
pub(crate) fn read_bytes(file: &dyn DiskFile, offset: u64, len: usize) -> Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; len];
    match file.read_exact_at(&mut bytes, offset) {
        Ok(()) => Ok(Some(bytes)),
        Err(disk::Error::PastEnd { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Reads the whole record of a location and verifies it; `None` if it is not what was written.
pub(crate) fn read_record(
    file: &dyn DiskFile,
    place: Place,
    len: u32,
) -> Result<Option<(RecordHeader, Vec<u8>)>> {
    let Some(mut bytes) = read_bytes(file, place.offset, len as usize)? else {
        return Ok(None);
    };
    let Some(header) = RecordHeader::decode(&bytes, place) else {
        return Ok(None);
    };
    let content = bytes.split_off(RECORD_HEADER_BYTES.min(bytes.len()));
    Ok((header.content_bytes as usize == content.len()).then_some((header, content)))
}

pub(crate) fn read_summary(shared: &Shared, key: Key) -> Result<Option<Summary>> {
    for _ in 0..ATTEMPTS_MAX {
        let (blob, _) = find(shared, key)?;
        let Some((version, at)) = blob.summary else {
            return Ok(None);
        };
        let file = shared
            .index
            .read()
            .segments
            .get(&at.segment)
            .map(|segment| Arc::clone(&segment.file));
        let Some(file) = file else { continue };
        let record = read_record(&*file, place(shared, at), at.len)?;
        let sound = record.filter(|(header, content)| {
            (header.kind, header.group, header.blob) == (RecordKind::Summary, key.0, key.1)
                && header.content_crc == crc32c::crc32c(content)
        });
        if sound.is_none() {
            shared.index.write().drop_summary(&key, at);
        }
        return Ok(sound.map(|(_, content)| Summary {
            version,
            bytes: content.into(),
        }));
    }
    Ok(None)
}

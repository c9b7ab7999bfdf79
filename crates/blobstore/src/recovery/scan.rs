//! Finding the records of one segment.

use disk::DiskFile;

use crate::chunk::{self, CHUNK_BYTES};
use crate::format::{
    BODY_LINE_BYTES, BodyLine, Place, RECORD_ALIGNMENT, RECORD_HEADER_BYTES, RecordHeader, RecordKind, padded,
};
use crate::index::Location;
use crate::read::read_bytes;
use crate::{Result, SegmentId};

/// How much is read ahead while headers are looked for.
const WINDOW_BYTES: usize = 64 * 1024;

/// A record that was found.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) header: RecordHeader,
    pub(super) location: Location,
    /// The table of a manifest whose checksum holds.
    pub(super) table: Option<Vec<u8>>,
    /// Whether every byte is known to be sound, or to have been synced long ago.
    pub(super) sound: bool,
}

/// The records of one segment.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) records: Vec<Record>,
    /// Stretches (offset, length) without a readable record.
    pub(super) garbage: Vec<(u64, u64)>,
}

impl Record {
    /// Returns where it begins.
    pub(super) fn offset(&self) -> u64 {
        self.location.offset
    }

    /// Returns where it ends, with its padding.
    pub(super) fn end(&self) -> u64 {
        self.location.offset + padded(self.header.record_bytes())
    }
}

impl Found {
    /// Returns where the last record ends.
    pub(super) fn end(&self) -> u64 {
        self.records.last().map_or(0, Record::end)
    }
}

/// Reads one segment.
pub(super) struct Scanner<'f> {
    file: &'f dyn DiskFile,
    segment: SegmentId,
    salt: u64,
    len: u64,
    window: Vec<u8>,
    window_start: u64,
}

impl<'f> Scanner<'f> {
    pub(super) fn new(file: &'f dyn DiskFile, segment: SegmentId, salt: u64, len: u64) -> Self {
        Self {
            file,
            segment,
            salt,
            len,
            window: Vec::new(),
            window_start: 0,
        }
    }

    /// Finds every record from an offset on. With `verify` the contents are read and checked too.
    pub(super) fn scan(mut self, from: u64, verify: bool) -> Result<Found> {
        let mut found = Found::default();
        let (mut at, mut garbage_start) = (from, None);
        while at + RECORD_HEADER_BYTES as u64 <= self.len {
            let bytes = self.header_bytes(at)?;
            let place = Place {
                salt: self.salt,
                segment: self.segment,
                offset: at,
            };
            if let Some(header) = RecordHeader::decode(&bytes, place) {
                if let Some(start) = garbage_start.take() {
                    found.garbage.push((start, at - start));
                }
                let record = self.record(header, at, verify)?;
                at += padded(header.record_bytes());
                found.records.push(record);
            } else if bytes.iter().take(RECORD_ALIGNMENT).all(|byte| *byte == 0) && garbage_start.is_none() {
                at += RECORD_ALIGNMENT as u64;
            } else {
                garbage_start.get_or_insert(at);
                at += RECORD_ALIGNMENT as u64;
            }
        }
        if let Some(start) = garbage_start {
            found.garbage.push((start, self.len - start));
        }
        Ok(found)
    }

    fn header_bytes(&mut self, at: u64) -> Result<[u8; RECORD_HEADER_BYTES]> {
        let inside = |window: &[u8], start: u64| {
            let from = usize::try_from(at.checked_sub(start)?).ok()?;
            window.get(from..from + RECORD_HEADER_BYTES).map(|_| from)
        };
        let from = match inside(&self.window, self.window_start) {
            Some(from) => from,
            None => {
                let len = usize::try_from(self.len - at)
                    .unwrap_or(usize::MAX)
                    .min(WINDOW_BYTES);
                self.window.resize(len, 0);
                self.file.read_exact_at(&mut self.window, at)?;
                self.window_start = at;
                0
            }
        };
        let header = self.window.get(from..).and_then(|rest| rest.first_chunk());
        Ok(header.copied().unwrap_or([0; RECORD_HEADER_BYTES]))
    }

    fn record(&self, header: RecordHeader, at: u64, verify: bool) -> Result<Record> {
        let len = u32::try_from(header.record_bytes()).unwrap_or(u32::MAX);
        let location = Location {
            segment: self.segment,
            offset: at,
            len,
        };
        let mut record = Record {
            header,
            location,
            table: None,
            sound: true,
        };
        let content_at = at + RECORD_HEADER_BYTES as u64;
        if content_at + u64::from(header.content_bytes) > self.len {
            record.sound = false;
        } else if header.kind == RecordKind::Manifest {
            record.table = self.content(content_at, &header)?;
            record.sound = record.table.is_some();
        } else if verify && header.kind == RecordKind::Body {
            record.sound = self.is_body_sound(content_at, &header)?;
        } else if verify {
            record.sound = self.content(content_at, &header)?.is_some();
        }
        Ok(record)
    }

    /// Reads a content that its checksum covers whole.
    fn content(&self, at: u64, header: &RecordHeader) -> Result<Option<Vec<u8>>> {
        let content = read_bytes(self.file, at, header.content_bytes as usize)?;
        Ok(content.filter(|content| crc32c::crc32c(content) == header.content_crc))
    }

    fn is_body_sound(&self, at: u64, header: &RecordHeader) -> Result<bool> {
        let count = chunk::count(header.blob_bytes);
        let Some(table_len) = count.checked_mul(BODY_LINE_BYTES) else {
            return Ok(false);
        };
        if table_len > header.content_bytes as usize {
            return Ok(false);
        }
        let Some(table) = read_bytes(self.file, at, table_len)? else {
            return Ok(false);
        };
        if crc32c::crc32c(&table) != header.content_crc {
            return Ok(false);
        }
        let mut chunk_at = at + table_len as u64;
        for line in BodyLine::decode_table(&table).unwrap_or_default() {
            let len = line.stored_bytes as usize;
            let bytes = if len <= CHUNK_BYTES {
                read_bytes(self.file, chunk_at, len)?
            } else {
                None
            };
            if bytes.is_none_or(|bytes| crc32c::crc32c(&bytes) != line.crc) {
                return Ok(false);
            }
            chunk_at += len as u64;
        }
        Ok(true)
    }
}

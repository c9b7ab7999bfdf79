//! Segment files: names and headers.

use disk::DiskPath;

use crate::format::{ALIGNMENT_BYTES, Reader};
use crate::{BatchNumber, SegmentId};

/// Bytes before the first batch.
pub(crate) const SEGMENT_HEADER_BYTES: u64 = ALIGNMENT_BYTES as u64;
const MAGIC: [u8; 8] = *b"FACTWAL\0";
/// The version that this code writes.
const VERSION: u32 = 1;
const SUFFIX: &str = ".wal";
const COMMIT_SUFFIX: &str = ".base";

/// What a segment says about itself and about what came before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) segment: SegmentId,
    /// The number of its first batch.
    pub(crate) first_batch: BatchNumber,
    /// The segment before it and where that one ends; everything before was durable when this was written.
    pub(crate) previous: Option<(SegmentId, u64)>,
    /// The first segment of the repair that wrote this one; void unless that repair was completed.
    pub(crate) repair: Option<SegmentId>,
}

/// What the first sector of a segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderScan {
    Valid(SegmentHeader),
    Invalid,
    UnknownVersion(u32),
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut fields = Vec::with_capacity(ALIGNMENT_BYTES);
        fields.extend_from_slice(&VERSION.to_le_bytes());
        let (previous, previous_end) = self.previous.unwrap_or((SegmentId(0), 0));
        let repair = self.repair.unwrap_or(SegmentId(0));
        for number in [
            self.segment.0,
            self.first_batch.0,
            previous.0,
            previous_end,
            repair.0,
        ] {
            fields.extend_from_slice(&number.to_le_bytes());
        }
        fields.push(u8::from(self.previous.is_some()));
        fields.resize(ALIGNMENT_BYTES - MAGIC.len() - 4, 0);
        let crc = crc32c::crc32c(&fields);
        let mut out = Vec::with_capacity(ALIGNMENT_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(&fields);
        out
    }

    pub(crate) fn scan(bytes: &[u8], expected: SegmentId) -> HeaderScan {
        match Self::decode(bytes) {
            Some((version, _)) if version != VERSION => HeaderScan::UnknownVersion(version),
            Some((_, header)) if header.segment == expected => HeaderScan::Valid(header),
            Some(_) | None => HeaderScan::Invalid,
        }
    }

    fn decode(bytes: &[u8]) -> Option<(u32, Self)> {
        let mut reader = Reader::new(bytes.get(..ALIGNMENT_BYTES)?);
        if reader.take(MAGIC.len())? != MAGIC {
            return None;
        }
        let crc = reader.u32()?;
        if crc32c::crc32c(bytes.get(MAGIC.len() + 4..ALIGNMENT_BYTES)?) != crc {
            return None;
        }
        let version = reader.u32()?;
        let segment = SegmentId(reader.u64()?);
        let first_batch = BatchNumber(reader.u64()?);
        let previous = (SegmentId(reader.u64()?), reader.u64()?);
        let repair = Some(SegmentId(reader.u64()?)).filter(|first| first.0 != 0);
        let previous = (reader.u8()? == 1).then_some(previous);
        Some((
            version,
            Self {
                segment,
                first_batch,
                previous,
                repair,
            },
        ))
    }
}

/// Returns the path of a segment file.
pub(crate) fn segment_path(dir: &DiskPath, segment: SegmentId) -> disk::Result<DiskPath> {
    dir.join(&format!("{:016x}{SUFFIX}", segment.0))
}

/// Returns the path of the file whose existence says that every segment before `segment` is void.
pub(crate) fn base_path(dir: &DiskPath, segment: SegmentId) -> disk::Result<DiskPath> {
    dir.join(&format!("{:016x}{COMMIT_SUFFIX}", segment.0))
}

/// Returns the segment that a file name stands for.
pub(crate) fn parse_segment_name(name: &str) -> Option<SegmentId> {
    parse_name(name, SUFFIX)
}

/// Returns the segment that the name of a base file stands for.
pub(crate) fn parse_base_name(name: &str) -> Option<SegmentId> {
    parse_name(name, COMMIT_SUFFIX)
}

fn parse_name(name: &str, suffix: &str) -> Option<SegmentId> {
    let digits = name.strip_suffix(suffix).filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok().map(SegmentId)
}

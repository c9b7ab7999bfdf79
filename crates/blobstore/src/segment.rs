//! Segment files: names and headers.

use disk::{DiskPath, SECTOR_BYTES};

use crate::SegmentId;
use crate::format::Reader;

/// Where the first record begins.
pub(crate) const SEGMENT_HEADER_BYTES: u64 = SECTOR_BYTES as u64;
const MAGIC: [u8; 8] = *b"FACTBLOB";
const VERSION: u32 = 1;
const SUFFIX: &str = ".blobs";

/// What the first sector of a segment holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderScan {
    Valid { salt: u64 },
    Invalid,
    UnknownVersion(u32),
}

pub(crate) fn encode_header(segment: SegmentId, salt: u64) -> Vec<u8> {
    let mut fields = VERSION.to_le_bytes().to_vec();
    fields.extend_from_slice(&segment.0.to_le_bytes());
    fields.extend_from_slice(&salt.to_le_bytes());
    fields.resize(SECTOR_BYTES - MAGIC.len() - 4, 0);
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&crc32c::crc32c(&fields).to_le_bytes());
    out.extend_from_slice(&fields);
    out
}

pub(crate) fn scan_header(bytes: &[u8], segment: SegmentId) -> HeaderScan {
    match decode(bytes) {
        Some((version, _, _)) if version != VERSION => HeaderScan::UnknownVersion(version),
        Some((_, found, salt)) if found == segment => HeaderScan::Valid { salt },
        Some(_) | None => HeaderScan::Invalid,
    }
}

fn decode(bytes: &[u8]) -> Option<(u32, SegmentId, u64)> {
    let mut reader = Reader::new(bytes.get(..SECTOR_BYTES)?);
    if reader.array()? != MAGIC || reader.u32()? != crc32c::crc32c(bytes.get(MAGIC.len() + 4..SECTOR_BYTES)?)
    {
        return None;
    }
    Some((reader.u32()?, SegmentId(reader.u64()?), reader.u64()?))
}

pub(crate) fn segment_path(dir: &DiskPath, segment: SegmentId) -> disk::Result<DiskPath> {
    dir.join(&format!("{:016x}{SUFFIX}", segment.0))
}

pub(crate) fn parse_segment_name(name: &str) -> Option<SegmentId> {
    let digits = name.strip_suffix(SUFFIX).filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok().map(SegmentId)
}

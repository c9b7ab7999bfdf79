//! A batch as bytes: what one write and one sync put on the disk.

use super::frame::claimed_len;
use super::{Frame, Reader, decode_frame};
use crate::{BatchNumber, SegmentId};

/// Batches start on this boundary.
pub(crate) const ALIGNMENT_BYTES: usize = disk::SECTOR_BYTES;
const BATCH_HEADER_BYTES: usize = 48;
const MAGIC: [u8; 4] = *b"FWB1";

/// The head of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHeader {
    /// The segment it was written for.
    pub segment: SegmentId,
    /// The offset it was written at, in bytes.
    pub offset: u64,
    /// Its number.
    pub number: BatchNumber,
    /// Bytes of its frames.
    pub body_bytes: u32,
    /// How many frames it has.
    pub frames: u32,
}

impl BatchHeader {
    /// Returns the space that the batch takes in its segment, in bytes.
    #[must_use]
    pub fn padded_bytes(&self) -> u64 {
        pad(BATCH_HEADER_BYTES as u64 + u64::from(self.body_bytes))
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes.get(..BATCH_HEADER_BYTES)?);
        if reader.take(MAGIC.len())? != MAGIC {
            return None;
        }
        let crc = reader.u32()?;
        if crc32c::crc32c(bytes.get(8..BATCH_HEADER_BYTES)?) != crc {
            return None;
        }
        Some(Self {
            segment: SegmentId(reader.u64()?),
            offset: reader.u64()?,
            number: BatchNumber(reader.u64()?),
            body_bytes: reader.u32()?,
            frames: reader.u32()?,
        })
    }

    fn encode(&self) -> [u8; BATCH_HEADER_BYTES] {
        let mut fields = Vec::with_capacity(BATCH_HEADER_BYTES);
        for number in [self.segment.0, self.offset, self.number.0] {
            fields.extend_from_slice(&number.to_le_bytes());
        }
        fields.extend_from_slice(&self.body_bytes.to_le_bytes());
        fields.extend_from_slice(&self.frames.to_le_bytes());
        fields.extend_from_slice(&[0; 8]);
        let mut out = [0; BATCH_HEADER_BYTES];
        let crc = crc32c::crc32c(&fields).to_le_bytes();
        for (place, byte) in out.iter_mut().zip(MAGIC.iter().chain(&crc).chain(&fields)) {
            *place = *byte;
        }
        out
    }
}

/// What stands at a place where a batch may begin.
#[derive(Debug)]
pub enum BatchScan<'a> {
    /// A whole batch: each frame with its offset in the segment and its length.
    Whole(BatchHeader, Vec<(u64, usize, Frame<'a>)>),
    /// A valid header with an invalid body; the frames are those that are valid on their own.
    Broken(BatchHeader, Vec<(u64, usize, Frame<'a>)>),
    /// No batch of this segment and offset.
    Absent,
}

/// Looks for a batch of `segment` at `offset` of its bytes.
#[must_use]
pub fn scan_batch(bytes: &[u8], segment: SegmentId, offset: u64) -> BatchScan<'_> {
    let Some(header) = header_at(bytes, segment, offset) else {
        return BatchScan::Absent;
    };
    let start = usize::try_from(offset)
        .unwrap_or(usize::MAX)
        .saturating_add(BATCH_HEADER_BYTES);
    let body_len = header.body_bytes as usize;
    let body = bytes.get(start..).unwrap_or_default();
    let (body, complete) = match body.get(..body_len) {
        Some(body) => (body, true),
        None => (body, false),
    };
    let (frames, all_valid) = read_frames(body, start as u64);
    let whole = complete && all_valid && frames.len() == header.frames as usize;
    if whole {
        BatchScan::Whole(header, frames)
    } else {
        BatchScan::Broken(header, frames)
    }
}

/// Returns the frames that are valid, and whether they fill the body exactly.
fn read_frames(body: &[u8], body_offset: u64) -> (Vec<(u64, usize, Frame<'_>)>, bool) {
    let (mut frames, mut all_valid, mut at) = (Vec::new(), true, 0);
    while let Some(rest) = body.get(at..).filter(|rest| !rest.is_empty()) {
        let len = match decode_frame(rest) {
            Ok((frame, len)) => {
                frames.push((body_offset + at as u64, len, frame));
                len
            }
            Err(_) => {
                all_valid = false;
                // The length may itself be damaged; whatever stands there must then prove itself by checksum.
                claimed_len(rest).unwrap_or(rest.len())
            }
        };
        at += len;
    }
    (frames, all_valid && at == body.len())
}

fn header_at(bytes: &[u8], segment: SegmentId, offset: u64) -> Option<BatchHeader> {
    let header = BatchHeader::decode(bytes.get(usize::try_from(offset).ok()?..)?)?;
    (header.segment == segment && header.offset == offset).then_some(header)
}

/// Returns the first valid batch header at or after `from` whose number is above `above`.
pub(crate) fn next_header(
    bytes: &[u8],
    segment: SegmentId,
    from: u64,
    above: Option<BatchNumber>,
) -> Option<BatchHeader> {
    (pad(from)..bytes.len() as u64)
        .step_by(ALIGNMENT_BYTES)
        .filter_map(|offset| header_at(bytes, segment, offset))
        .find(|header| above.is_none_or(|above| header.number > above))
}

/// Rounds up to the next boundary.
pub(crate) fn pad(len: u64) -> u64 {
    len.next_multiple_of(ALIGNMENT_BYTES as u64)
}

/// Collects frames into a batch.
#[derive(Debug, Default)]
pub(crate) struct BatchBuilder {
    bytes: Vec<u8>,
    frames: u32,
}

impl BatchBuilder {
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.resize(BATCH_HEADER_BYTES, 0);
        self.frames = 0;
    }

    /// Adds a frame and returns its offset from the start of the batch and its length.
    pub(crate) fn push(&mut self, frame: &Frame<'_>) -> (u64, usize) {
        let offset = self.bytes.len() as u64;
        let len = frame.encode(&mut self.bytes);
        self.frames += 1;
        (offset, len)
    }

    pub(crate) fn padded_bytes(&self) -> u64 {
        pad(self.bytes.len() as u64)
    }

    /// Completes the batch for its place and returns its bytes.
    pub(crate) fn finish(&mut self, segment: SegmentId, offset: u64, number: BatchNumber) -> &[u8] {
        let body_len = self.bytes.len().saturating_sub(BATCH_HEADER_BYTES);
        let body_bytes = u32::try_from(body_len).expect("invariant: batch size is limited");
        let header = BatchHeader {
            segment,
            offset,
            number,
            body_bytes,
            frames: self.frames,
        };
        let padded = self.bytes.len().next_multiple_of(ALIGNMENT_BYTES);
        self.bytes.resize(padded, 0);
        if let Some(place) = self.bytes.get_mut(..BATCH_HEADER_BYTES) {
            place.copy_from_slice(&header.encode());
        }
        &self.bytes
    }
}

//! What lies on the disk.
//!
//! A segment file is a header of one sector, then records on boundaries of 64 bytes; what one write adds
//! begins on a sector boundary, so that a write never touches a sector that holds durable records. Unused
//! space is zeros. Numbers are little endian.
//!
//! ```text
//! record   magic u32 | crc32c u32 | kind u8 | flags u8 | version u16 | content bytes u32 | group u64
//!          | blob 32 bytes | time u64 | blob bytes u64 | content crc32c u32 | durable sectors u32 | content
//! ```
//!
//! The header's checksum covers the store's salt and the record's own place, so that nothing counts as a
//! record but what was written there. The contents are:
//!
//! * *body*: for each chunk its stored bytes (highest bit: compressed) u32 and crc32c u32, which is what the
//!   content checksum covers, then the chunks;
//! * *chunk* of a streamed upload: its stored bytes;
//! * *manifest* of a streamed blob: for each chunk segment u64, offset u64, stored bytes and flag u32, crc32c
//!   u32;
//! * *touch*, *delete*, *forget group*: nothing;
//! * *summary*: the bytes of the summary.
//!
//! The order of records is the order of their places. A later body or manifest of a blob replaces an earlier
//! one, so a copy made by compaction needs no other mark. The copy carries the newest time of touch and is
//! followed by the blob's summary. A deletion whose record has been compacted away may bring a blob back:
//! its bytes are still true to its name, nothing refers to it, and the next sweep removes it again.

//!
//! # The end of the last write
//!
//! A write that was under way when the process was killed or the power went leaves anything: all of it, a
//! prefix, any sectors of it. Nobody was told of it. What lies before it, though, may have been acknowledged.
//! Each record says how many sectors of its segment were durable when it was written, so the highest such
//! number found, or the checkpoint's position if that is higher, parts the two: what cannot be read before that
//! place is *damaged* and is reported; what cannot be read behind it is *torn*.
//!
//! A start leaves nothing torn behind, because whoever reads the segment later, when more records follow, could
//! not tell it from the rest: the head of a torn record would pass its length off as true and hide what was
//! written into its space. Behind the last whole record the file is cut, at the record's very end and not at the
//! sector's; torn records before it are overwritten with zeros. Then everything that is left, whoever wrote it,
//! is synced: a client may be told that it is there. A write that did not fit the disk is cut off in the same
//! way before anything else is written.

use crate::{BlobId, GroupId, SegmentId, SummaryVersion, UnixSeconds};

/// Bytes of a record before its content.
pub(crate) const RECORD_HEADER_BYTES: usize = 80;
/// Records begin on this boundary.
pub(crate) const RECORD_ALIGNMENT: usize = 64;
/// Bytes of a chunk's line in the table of a body.
pub(crate) const BODY_LINE_BYTES: usize = 8;
/// Bytes of a chunk's line in a manifest.
pub(crate) const MANIFEST_LINE_BYTES: usize = 24;

const MAGIC: [u8; 4] = *b"FBR1";
const CRC_END: usize = 8;
const COMPRESSED_BIT: u32 = 1 << 31;

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// A whole blob.
    Body,
    /// A piece of a blob whose manifest follows.
    Chunk,
    /// A blob that lies in chunks.
    Manifest,
    /// A renewal of the time of last use.
    Touch,
    /// A blob is gone.
    Delete,
    /// Data derived from a blob.
    Summary,
    /// All blobs of a group are gone.
    ForgetGroup,
}

const KINDS: [(RecordKind, u8); 7] = [
    (RecordKind::Body, 1),
    (RecordKind::Chunk, 2),
    (RecordKind::Manifest, 3),
    (RecordKind::Touch, 4),
    (RecordKind::Delete, 5),
    (RecordKind::Summary, 6),
    (RecordKind::ForgetGroup, 7),
];

/// The head of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordHeader {
    /// What the record says.
    pub kind: RecordKind,
    /// Whether the content of a chunk is compressed.
    pub compressed: bool,
    /// The version of a summary.
    pub version: SummaryVersion,
    /// Bytes of the content.
    pub content_bytes: u32,
    /// The group concerned.
    pub group: GroupId,
    /// The blob concerned; zeros where there is none.
    pub blob: BlobId,
    /// When the blob was last touched.
    pub time: UnixSeconds,
    /// Bytes of the whole blob, or of the chunk before compression.
    pub blob_bytes: u64,
    /// Checksum of the content, or of the table of a body.
    pub content_crc: u32,
    /// How many sectors of the segment were durable when the record was written.
    pub durable_sectors: u32,
}

/// Where a record stands, which its checksum covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The salt of the store.
    pub salt: u64,
    /// The segment.
    pub segment: SegmentId,
    /// The offset in it, in bytes.
    pub offset: u64,
}

impl RecordHeader {
    /// Decodes the record header at the start of `bytes`, which stand at `place`. Returns `None` if no record
    /// was written there.
    #[must_use]
    pub fn decode(bytes: &[u8], place: Place) -> Option<Self> {
        let bytes = bytes.get(..RECORD_HEADER_BYTES)?;
        let mut reader = Reader::new(bytes);
        if reader.array()? != MAGIC || u32::from_le_bytes(reader.array()?) != checksum(bytes, place)? {
            return None;
        }
        let [kind, flags] = reader.array()?;
        let header = Self {
            kind: KINDS.iter().find(|(_, code)| *code == kind)?.0,
            compressed: flags & 1 == 1,
            version: SummaryVersion(u16::from_le_bytes(reader.array()?)),
            content_bytes: reader.u32()?,
            group: GroupId(reader.u64()?),
            blob: BlobId(reader.array()?),
            time: UnixSeconds(reader.u64()?),
            blob_bytes: reader.u64()?,
            content_crc: reader.u32()?,
            durable_sectors: reader.u32()?,
        };
        Some(header)
    }

    /// Returns the encoded header for its place.
    #[must_use]
    pub(crate) fn encode(&self, place: Place) -> Vec<u8> {
        let kind = KINDS
            .iter()
            .find(|(kind, _)| *kind == self.kind)
            .map_or(0, |(_, code)| *code);
        let mut out = Vec::with_capacity(RECORD_HEADER_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&[kind, u8::from(self.compressed)]);
        out.extend_from_slice(&self.version.0.to_le_bytes());
        out.extend_from_slice(&self.content_bytes.to_le_bytes());
        out.extend_from_slice(&self.group.0.to_le_bytes());
        out.extend_from_slice(&self.blob.0);
        out.extend_from_slice(&self.time.0.to_le_bytes());
        out.extend_from_slice(&self.blob_bytes.to_le_bytes());
        out.extend_from_slice(&self.content_crc.to_le_bytes());
        out.extend_from_slice(&self.durable_sectors.to_le_bytes());
        let crc = checksum(&out, place).expect("invariant: the header is complete");
        if let Some(field) = out.get_mut(MAGIC.len()..CRC_END) {
            field.copy_from_slice(&crc.to_le_bytes());
        }
        out
    }

    /// Returns the bytes of the record without padding.
    pub(crate) fn record_bytes(&self) -> u64 {
        RECORD_HEADER_BYTES as u64 + u64::from(self.content_bytes)
    }
}

fn checksum(header: &[u8], place: Place) -> Option<u32> {
    let mut crc = 0;
    for number in [place.salt, place.segment.0, place.offset] {
        crc = crc32c::crc32c_append(crc, &number.to_le_bytes());
    }
    Some(crc32c::crc32c_append(crc, header.get(CRC_END..)?))
}

/// One line of a body's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BodyLine {
    pub(crate) stored_bytes: u32,
    pub(crate) compressed: bool,
    pub(crate) crc: u32,
}

impl BodyLine {
    pub(crate) fn encode(self) -> [u8; BODY_LINE_BYTES] {
        let mut out = [0; BODY_LINE_BYTES];
        let fields = [flagged(self.stored_bytes, self.compressed), self.crc];
        for (place, byte) in out
            .iter_mut()
            .zip(fields.iter().flat_map(|field| field.to_le_bytes()))
        {
            *place = byte;
        }
        out
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (stored_bytes, compressed) = unflagged(reader.u32()?);
        Some(Self {
            stored_bytes,
            compressed,
            crc: reader.u32()?,
        })
    }

    pub(crate) fn decode_table(bytes: &[u8]) -> Option<Vec<Self>> {
        let mut reader = Reader::new(bytes);
        (0..bytes.len() / BODY_LINE_BYTES)
            .map(|_| Self::read(&mut reader))
            .collect()
    }
}

/// One line of a manifest: where a chunk's content lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ManifestLine {
    pub(crate) segment: SegmentId,
    /// Where the chunk's record begins.
    pub(crate) offset: u64,
    pub(crate) line: BodyLine,
}

impl ManifestLine {
    pub(crate) fn encode_table(lines: &[Self]) -> Vec<u8> {
        let mut out = Vec::with_capacity(lines.len() * MANIFEST_LINE_BYTES);
        for line in lines {
            out.extend_from_slice(&line.segment.0.to_le_bytes());
            out.extend_from_slice(&line.offset.to_le_bytes());
            out.extend_from_slice(&line.line.encode());
        }
        out
    }

    pub(crate) fn decode_table(bytes: &[u8]) -> Option<Vec<Self>> {
        let mut reader = Reader::new(bytes);
        let lines = (0..bytes.len() / MANIFEST_LINE_BYTES).map(|_| {
            let (segment, offset) = (SegmentId(reader.u64()?), reader.u64()?);
            Some(Self {
                segment,
                offset,
                line: BodyLine::read(&mut reader)?,
            })
        });
        lines.collect()
    }

    /// Returns the space that the chunk's record takes in its segment.
    pub(crate) fn record_bytes(&self) -> u64 {
        padded(RECORD_HEADER_BYTES as u64 + u64::from(self.line.stored_bytes))
    }
}

fn flagged(stored_bytes: u32, compressed: bool) -> u32 {
    if compressed {
        stored_bytes | COMPRESSED_BIT
    } else {
        stored_bytes
    }
}

fn unflagged(field: u32) -> (u32, bool) {
    (field & !COMPRESSED_BIT, field & COMPRESSED_BIT != 0)
}

/// Returns the space that a record of `bytes` takes.
pub(crate) fn padded(bytes: u64) -> u64 {
    bytes.next_multiple_of(RECORD_ALIGNMENT as u64)
}

/// A cursor over untrusted bytes; every read says whether there was enough.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*taken)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

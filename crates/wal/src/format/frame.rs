//! One record as bytes.

use bytes::Bytes;

use super::Reader;
use crate::record::{Entry, LogPosition, Operation, Vote};
use crate::{GroupId, LogIndex, Term};

const FRAME_HEADER_BYTES: usize = 44;
/// No frame is shorter.
pub(crate) const FRAME_BYTES_MIN: u64 = FRAME_HEADER_BYTES as u64;
const CRC_BYTES: usize = 4;

/// What a frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// A new vote.
    Vote,
    /// A new entry.
    Append,
    /// Entries from an index on are gone.
    Truncate,
    /// Entries up to an index are gone.
    Purge,
    /// A new note of what is committed.
    Committed,
    /// The group is forgotten.
    Remove,
    /// An older live entry, copied forward.
    Carry,
    /// A group's whole state but its entries, at the head of a segment.
    Checkpoint,
}

const KINDS: [(FrameKind, u8); 8] = [
    (FrameKind::Vote, 1),
    (FrameKind::Append, 2),
    (FrameKind::Truncate, 3),
    (FrameKind::Purge, 4),
    (FrameKind::Committed, 5),
    (FrameKind::Remove, 6),
    (FrameKind::Carry, 7),
    (FrameKind::Checkpoint, 8),
];

impl FrameKind {
    fn code(self) -> u8 {
        KINDS
            .iter()
            .find(|(kind, _)| *kind == self)
            .map_or(0, |(_, code)| *code)
    }

    fn from_code(code: u8) -> Option<Self> {
        KINDS
            .iter()
            .find(|(_, known)| *known == code)
            .map(|(kind, _)| *kind)
    }
}

/// A record as it lies on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it says.
    pub kind: FrameKind,
    /// The group that it belongs to.
    pub group: GroupId,
    /// The number of this record among its group's records.
    pub sequence: u64,
    /// The term, 0 where the kind has none.
    pub term: Term,
    /// The index, 0 where the kind has none.
    pub index: LogIndex,
    /// The encoded log id, if the kind has one.
    pub id: &'a [u8],
    /// The encoded entry, vote or state.
    pub payload: &'a [u8],
}

/// Why bytes are not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end before the frame does.
    #[error("the frame is longer than its bytes")]
    TooShort,
    /// The checksum does not match.
    #[error("the checksum does not match")]
    Checksum,
    /// The checksum matches but the kind is not one of ours.
    #[error("unknown kind {0}")]
    UnknownKind(u8),
}

/// Decodes the frame at the start of `bytes`; what follows it is ignored. Returns it and its length in bytes.
///
/// # Errors
/// [`DecodeError`] says why there is no valid frame.
pub fn decode_frame(bytes: &[u8]) -> Result<(Frame<'_>, usize), DecodeError> {
    let (crc, len) = frame_extent(bytes).ok_or(DecodeError::TooShort)?;
    let checked = bytes.get(CRC_BYTES..len).ok_or(DecodeError::TooShort)?;
    if crc32c::crc32c(checked) != crc {
        return Err(DecodeError::Checksum);
    }
    let kind = bytes.get(10).copied().unwrap_or(0);
    let kind = FrameKind::from_code(kind).ok_or(DecodeError::UnknownKind(kind))?;
    let frame = read_fields(checked, kind).ok_or(DecodeError::TooShort)?;
    Ok((frame, len))
}

/// Returns the checksum and the length that the frame header claims.
fn frame_extent(bytes: &[u8]) -> Option<(u32, usize)> {
    let mut reader = Reader::new(bytes);
    let crc = reader.u32()?;
    let payload_len = reader.u32()? as usize;
    let id_len = usize::from(reader.u16()?);
    let len = FRAME_HEADER_BYTES.checked_add(id_len)?.checked_add(payload_len)?;
    Some((crc, len))
}

/// Returns the length that the frame header claims, whether or not it is valid.
pub(super) fn claimed_len(bytes: &[u8]) -> Option<usize> {
    frame_extent(bytes).map(|(_, len)| len)
}

fn read_fields(checked: &[u8], kind: FrameKind) -> Option<Frame<'_>> {
    let mut reader = Reader::new(checked);
    let payload_len = reader.u32()? as usize;
    let id_len = usize::from(reader.u16()?);
    reader.take(2)?;
    Some(Frame {
        kind,
        group: GroupId(reader.u64()?),
        sequence: reader.u64()?,
        term: Term(reader.u64()?),
        index: LogIndex(reader.u64()?),
        id: reader.take(id_len)?,
        payload: reader.take(payload_len)?,
    })
}

impl<'a> Frame<'a> {
    /// Appends the encoded frame to `out` and returns its length in bytes.
    ///
    /// The caller has checked that id and payload fit their length fields.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) -> usize {
        let start = out.len();
        let payload_len = u32::try_from(self.payload.len()).expect("invariant: record size is limited");
        let id_len = u16::try_from(self.id.len()).expect("invariant: id size is limited");
        out.extend_from_slice(&[0; CRC_BYTES]);
        out.extend_from_slice(&payload_len.to_le_bytes());
        out.extend_from_slice(&id_len.to_le_bytes());
        out.extend_from_slice(&[self.kind.code(), 0]);
        for number in [self.group.0, self.sequence, self.term.0, self.index.0] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(self.id);
        out.extend_from_slice(self.payload);
        let (crc, checked) = out.split_at_mut(start + CRC_BYTES);
        if let Some(crc) = crc.get_mut(start..) {
            crc.copy_from_slice(&crc32c::crc32c(checked).to_le_bytes());
        }
        out.len() - start
    }

    /// Returns the frame of an operation.
    pub(crate) fn of(group: GroupId, sequence: u64, operation: &'a Operation) -> Self {
        let (kind, term, index, id, payload): (_, _, _, &[u8], &[u8]) = match operation {
            Operation::Vote(vote) => (FrameKind::Vote, vote.term, LogIndex(0), &[], &vote.bytes),
            Operation::Append(entry) => {
                let at = &entry.position;
                (FrameKind::Append, at.term, at.index, &at.id, &entry.payload)
            }
            Operation::TruncateFrom(index) => (FrameKind::Truncate, Term(0), *index, &[], &[]),
            Operation::Purge(at) => (FrameKind::Purge, at.term, at.index, &at.id, &[]),
            Operation::Committed(note) => (FrameKind::Committed, Term(0), LogIndex(0), &[], note),
            Operation::Remove => (FrameKind::Remove, Term(0), LogIndex(0), &[], &[]),
        };
        Self {
            kind,
            group,
            sequence,
            term,
            index,
            id,
            payload,
        }
    }

    pub(crate) fn position(&self) -> LogPosition {
        LogPosition {
            term: self.term,
            index: self.index,
            id: Bytes::copy_from_slice(self.id),
        }
    }

    pub(crate) fn vote(&self) -> Vote {
        Vote {
            term: self.term,
            bytes: Bytes::copy_from_slice(self.payload),
        }
    }

    pub(crate) fn entry(&self) -> Entry {
        Entry {
            position: self.position(),
            payload: Bytes::copy_from_slice(self.payload),
        }
    }
}

/// The payload of a checkpoint frame: a group's state but for its entries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct CheckpointState {
    pub(crate) vote: Option<Vote>,
    pub(crate) committed: Bytes,
    pub(crate) purged: Option<LogPosition>,
    /// First index and number of the entries that the group has.
    pub(crate) entries: (LogIndex, u64),
}

impl CheckpointState {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let vote = self.vote.as_ref().map(|vote| (vote.term.0, 0, &vote.bytes));
        let purged = self.purged.as_ref().map(|at| (at.term.0, at.index.0, &at.id));
        for part in [vote, purged] {
            out.push(u8::from(part.is_some()));
            if let Some((term, index, bytes)) = part {
                out.extend_from_slice(&term.to_le_bytes());
                out.extend_from_slice(&index.to_le_bytes());
                put_bytes(&mut out, bytes);
            }
        }
        put_bytes(&mut out, &self.committed);
        out.extend_from_slice(&self.entries.0.0.to_le_bytes());
        out.extend_from_slice(&self.entries.1.to_le_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let vote = read_part(&mut reader)?.map(|at| Vote {
            term: at.term,
            bytes: at.id,
        });
        let purged = read_part(&mut reader)?;
        let committed = read_bytes(&mut reader)?;
        let entries = (LogIndex(reader.u64()?), reader.u64()?);
        reader.is_empty().then_some(Self {
            vote,
            committed,
            purged,
            entries,
        })
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = u32::try_from(bytes.len()).expect("invariant: record size is limited");
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(bytes);
}

fn read_bytes(reader: &mut Reader<'_>) -> Option<Bytes> {
    let len = reader.u32()? as usize;
    reader.take(len).map(Bytes::copy_from_slice)
}

fn read_part(reader: &mut Reader<'_>) -> Option<Option<LogPosition>> {
    match reader.u8()? {
        0 => Some(None),
        1 => {
            let (term, index) = (Term(reader.u64()?), LogIndex(reader.u64()?));
            Some(Some(LogPosition {
                term,
                index,
                id: read_bytes(reader)?,
            }))
        }
        _ => None,
    }
}

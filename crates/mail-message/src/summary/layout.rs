//! The stored form: a fixed head, then the sections one after the other.
//!
//! ```text
//! 0   u8   format version
//! 1   u8   flags: 1 header inline, 2 sent date present
//! 2   i16  zone of the sent date in minutes
//! 4   i64  sent date in unix seconds
//! 12  u32  length of each section, in the order of `Slot`
//! ..       the sections
//! ```
//!
//! Numbers are little-endian. A change of this layout, of a limit or of what any section says raises
//! [`FORMAT_VERSION`]; stored summaries with another version are made again.

use crate::error::Error;

/// The version of the stored form.
pub const FORMAT_VERSION: u8 = 1;

pub(super) const FLAG_HEADER_INLINE: u8 = 1;
pub(super) const FLAG_SENT_DATE: u8 = 2;

/// A section of the stored form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    Envelope,
    Body,
    BodyStructure,
    Header,
    Preview,
    BaseSubject,
    SortFrom,
    SortTo,
    SortCc,
    DisplayFrom,
    DisplayTo,
    MessageId,
    InReplyTo,
    References,
    Parts,
    Names,
}

/// How many sections there are; each [`Slot`] is one below it.
pub(super) const SLOTS: usize = 16;

const LENGTHS_AT: usize = 12;
const SECTIONS_AT: usize = LENGTHS_AT + 4 * SLOTS;

/// The fixed head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub flags: u8,
    pub zone_minutes: i16,
    pub sent_seconds: i64,
}

/// Appends the head and the sections, which stand in the order of [`Slot`].
pub(super) fn write(head: Head, sections: &[Vec<u8>; SLOTS]) -> Vec<u8> {
    let length = SECTIONS_AT + sections.iter().map(Vec::len).sum::<usize>();
    let mut out = Vec::with_capacity(length);
    out.extend([FORMAT_VERSION, head.flags]);
    out.extend(head.zone_minutes.to_le_bytes());
    out.extend(head.sent_seconds.to_le_bytes());
    for section in sections {
        let length = u32::try_from(section.len()).expect("invariant: limits keep every section short");
        out.extend(length.to_le_bytes());
    }
    for section in sections {
        out.extend_from_slice(section);
    }
    out
}

/// Reads the head and where the sections start and end, checking that they fill the bytes exactly.
pub(super) fn read(bytes: &[u8]) -> Result<(Head, [u32; SLOTS + 1]), Error> {
    let version = *bytes.first().ok_or(Error::Damaged)?;
    if version != FORMAT_VERSION {
        return Err(Error::OtherVersion { found: version });
    }
    let head = Head {
        flags: *bytes.get(1).ok_or(Error::Damaged)?,
        zone_minutes: i16::from_le_bytes(array(bytes, 2)?),
        sent_seconds: i64::from_le_bytes(array(bytes, 4)?),
    };
    let mut ends = [0; SLOTS + 1];
    let mut at = u32::try_from(SECTIONS_AT).map_err(|_| Error::Damaged)?;
    for (slot, end) in ends.iter_mut().enumerate() {
        *end = at;
        if slot < SLOTS {
            let length = u32::from_le_bytes(array(bytes, LENGTHS_AT + 4 * slot)?);
            at = at.checked_add(length).ok_or(Error::Damaged)?;
        }
    }
    if usize::try_from(at) == Ok(bytes.len()) {
        Ok((head, ends))
    } else {
        Err(Error::Damaged)
    }
}

/// Returns the fixed-size array that starts at `at`.
pub(super) fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Error> {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .ok_or(Error::Damaged)
}

/// Appends a list of byte strings, each behind its 16-bit length.
pub(super) fn write_list<I: AsRef<[u8]>>(items: impl IntoIterator<Item = I>) -> Vec<u8> {
    let mut out = Vec::new();
    for item in items {
        let item = item.as_ref();
        let length = u16::try_from(item.len()).unwrap_or(u16::MAX);
        out.extend(length.to_le_bytes());
        out.extend_from_slice(item.get(..usize::from(length)).unwrap_or_default());
    }
    out
}

/// Iterates over a list that [`write_list`] wrote.
#[derive(Debug, Clone)]
pub(super) struct List<'a>(pub &'a [u8]);

impl<'a> Iterator for List<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk()?;
        let (item, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        self.0 = rest;
        Some(item)
    }
}

//! The keys of a group's rows.
//!
//! ```text
//! 00                          what is applied
//! 01 length name              index of the entry that last changed the subject
//! 02 length name key          a row of the state machine
//! ```
//! The length is two bytes, most significant first, so that no subject's rows lie among another's.

use bytes::Bytes;

use crate::machine::Subject;
use crate::wire::DecodeError;

pub(super) const APPLIED: &[u8] = &[0];
pub(super) const SUBJECTS: &[u8] = &[1];
const ROWS: u8 = 2;

/// Returns the key of the note about a subject.
pub(super) fn subject(subject: &Subject) -> Vec<u8> {
    named(1, subject)
}

/// Returns the prefix of a subject's rows.
pub(super) fn rows(subject: &Subject) -> Vec<u8> {
    named(ROWS, subject)
}

/// Reads a key of a note; `None` for the header's.
pub(super) fn parse_subject(key: &Bytes) -> Result<Option<Subject>, DecodeError> {
    let name = key.get(3..).ok_or(DecodeError::Encoding("a subject's key"))?;
    if name.is_empty() {
        return Ok(None);
    }
    let name = key.slice_ref(name);
    Subject::new(name)
        .map(Some)
        .ok_or(DecodeError::Encoding("a subject's key"))
}

pub(super) fn encode_index(index: u64) -> Vec<u8> {
    index.to_be_bytes().to_vec()
}

pub(super) fn decode_index(row: &[u8]) -> Result<u64, DecodeError> {
    row.try_into()
        .map(u64::from_be_bytes)
        .map_err(|_| DecodeError::Encoding("a subject's index"))
}

fn named(kind: u8, subject: &Subject) -> Vec<u8> {
    let name = subject.name();
    let length = u16::try_from(name.len()).expect("invariant: a subject's name is at most 512 bytes");
    let mut key = Vec::with_capacity(3 + name.len());
    key.push(kind);
    key.extend_from_slice(&length.to_be_bytes());
    key.extend_from_slice(name);
    key
}

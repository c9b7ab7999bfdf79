//! Sequence sets.

use crate::parse::context::{Context, Parsed, expected};
use crate::parse::strings::nz_number;
use crate::types::{MessageSet, SequenceNumber, SequenceSet, SequenceSetBuilder};

/// `sequence-set =/ seq-last-command`, `seq-last-command = "$"` (RFC 5182 §4)
pub(crate) fn message_set<'a>(_: &Context, input: &'a [u8]) -> Parsed<'a, MessageSet> {
    match input.strip_prefix(b"$") {
        Some(rest) => Ok((rest, MessageSet::Saved)),
        None => sequence_set(input).map(|(rest, set)| (rest, MessageSet::Numbers(set))),
    }
}

/// `sequence-set = (seq-number / seq-range) *("," sequence-set)` (RFC 3501 §9)
pub(crate) fn sequence_set(input: &[u8]) -> Parsed<'_, SequenceSet> {
    let mut set = SequenceSetBuilder::default();
    let mut rest = input;
    loop {
        let (after, (first, last)) = seq_range(rest)?;
        set.push(first, last);
        match after.strip_prefix(b",") {
            Some(after) => rest = after,
            None => return Ok((after, set.finish())),
        }
    }
}

/// As [`sequence_set`], without `*`: what a client says that it knows.
///
/// `known-uids = sequence-set ; sequence of UIDs, "*" is not allowed` (RFC 7162 §7)
pub(crate) fn known_set(input: &[u8]) -> Parsed<'_, SequenceSet> {
    let (rest, set) = sequence_set(input)?;
    if set.closed().is_some() {
        Ok((rest, set))
    } else {
        Err(expected(input, "a set without *"))
    }
}

/// `seq-range = seq-number ":" seq-number` (RFC 3501 §9), or one number.
fn seq_range(input: &[u8]) -> Parsed<'_, (SequenceNumber, SequenceNumber)> {
    let (rest, first) = seq_number(input)?;
    match rest.strip_prefix(b":") {
        Some(after) => {
            let (rest, last) = seq_number(after)?;
            Ok((rest, (first, last)))
        }
        None => Ok((rest, (first, first))),
    }
}

/// `seq-number = nz-number / "*"` (RFC 3501 §9)
fn seq_number(input: &[u8]) -> Parsed<'_, SequenceNumber> {
    match input.strip_prefix(b"*") {
        Some(rest) => Ok((rest, SequenceNumber::Largest)),
        None => match nz_number(input) {
            Ok((rest, number)) => Ok((rest, SequenceNumber::Number(number))),
            Err(_) => Err(expected(input, "a message set")),
        },
    }
}

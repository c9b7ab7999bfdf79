//! Typed responses, each appended to the caller's buffer.
//!
//! Nothing here allocates but the growth of that buffer, and the modified UTF-7 of a name outside
//! US-ASCII. Every text that could come from outside is written so that it cannot end a line or a
//! string early; message bodies are announced here and streamed by the caller.

mod code;
mod fetch;
mod mailbox;
mod message;
mod quota;
mod search;
mod session;
mod status;

pub use code::ResponseCode;
pub use fetch::{BodyName, FetchWriter};
pub use mailbox::{
    ChildInfo, ListAttribute, ListForm, ListResponse, NamespaceResponse, NamespaceRoot, StatusResponse,
    StatusValue,
};
pub use message::{Expunged, exists, expunge, flags, recent, vanished};
pub use quota::{QuotaResource, QuotaUsage, quota, quota_root};
pub use search::{ESearch, search};
pub use session::{capability, continuation, continuation_base64, enabled, id};
pub use status::{Condition, Status};

use crate::encode::number;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;

#[cfg(test)]
mod tests;

/// UIDs or sequence numbers without a gap, as the response that holds them says.
pub type NumberRange = RangeInclusive<NonZeroU32>;

/// Joins ascending numbers into ranges, one at a time.
pub fn ranges(numbers: impl IntoIterator<Item = NonZeroU32>) -> impl Iterator<Item = NumberRange> {
    let mut numbers = numbers.into_iter().peekable();
    std::iter::from_fn(move || {
        let first = numbers.next()?;
        let mut last = first;
        while let Some(next) = numbers.next_if(|next| last.checked_add(1) == Some(*next)) {
            last = next;
        }
        Some(first..=last)
    })
}

/// Appends a set: `1:3,7`.
///
/// `uid-set = (uniqueid / uid-range) *("," uid-set)` (RFC 4315 §4). The grammar has no empty set.
pub(crate) fn number_set(out: &mut Vec<u8>, ranges: impl IntoIterator<Item = NumberRange>) {
    for (index, range) in ranges.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        crate::types::write_range(out, range.start().get(), range.end().get());
    }
}

/// Appends CRLF.
pub(crate) fn end_line(out: &mut Vec<u8>) {
    out.extend_from_slice(b"\r\n");
}

/// Appends `name n`, with a space before it unless it is the first of its list.
pub(crate) fn named_number(out: &mut Vec<u8>, first: &mut bool, name: &str, value: u64) {
    separate(out, first);
    out.extend_from_slice(name.as_bytes());
    out.push(b' ');
    number(out, value);
}

/// Appends a space, unless it is before the first item of a list.
pub(crate) fn separate(out: &mut Vec<u8>, first: &mut bool) {
    if !std::mem::take(first) {
        out.push(b' ');
    }
}

/// Appends text that a person may read: printable US-ASCII, everything else as `?`.
///
/// `text = 1*TEXT-CHAR` (RFC 3501 §9)
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(text.chars().map(|character| match character {
        ' '..='~' => u8::try_from(character).unwrap_or(b'?'),
        _ => b'?',
    }));
}

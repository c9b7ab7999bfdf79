//! Responses about the messages of the selected mailbox, FETCH excepted.

use crate::encode::{self, number};
use crate::response::{NumberRange, end_line, number_set};
use crate::types::{FlagRef, SeqNum};

/// Appends `* n EXISTS` (RFC 3501 §7.3.1).
pub fn exists(out: &mut Vec<u8>, count: u32) {
    count_line(out, count, b" EXISTS");
}

/// Appends `* n RECENT` (RFC 3501 §7.3.2).
pub fn recent(out: &mut Vec<u8>, count: u32) {
    count_line(out, count, b" RECENT");
}

/// Appends `* n EXPUNGE` (RFC 3501 §7.4.1).
pub fn expunge(out: &mut Vec<u8>, number: SeqNum) {
    count_line(out, number.0.get(), b" EXPUNGE");
}

fn count_line(out: &mut Vec<u8>, count: u32, name: &[u8]) {
    out.extend_from_slice(b"* ");
    number(out, u64::from(count));
    out.extend_from_slice(name);
    end_line(out);
}

/// When the messages of a VANISHED response went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expunged {
    /// Just now: the client's sequence numbers move.
    Now,
    /// `(EARLIER)`: before the client looked, in answer to QRESYNC or `UID FETCH ... VANISHED`.
    Earlier,
}

/// Appends `* VANISHED uids`, or nothing if there are none.
///
/// `expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids` (RFC 7162 §7)
pub fn vanished(out: &mut Vec<u8>, when: Expunged, uids: impl IntoIterator<Item = NumberRange>) {
    let mut uids = uids.into_iter().peekable();
    if uids.peek().is_none() {
        return;
    }
    out.extend_from_slice(match when {
        Expunged::Now => b"* VANISHED ".as_slice(),
        Expunged::Earlier => b"* VANISHED (EARLIER) ",
    });
    number_set(out, uids);
    end_line(out);
}

/// Appends `* FLAGS (...)` (RFC 3501 §7.2.6).
pub fn flags<'a>(out: &mut Vec<u8>, flags: impl IntoIterator<Item = FlagRef<'a>>) {
    out.extend_from_slice(b"* FLAGS ");
    encode::list(out, flags, |out, flag| flag.encode(out));
    end_line(out);
}

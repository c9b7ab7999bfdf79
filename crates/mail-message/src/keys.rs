//! Sort keys: base subject (RFC 5256 §2.1) and addresses (RFC 5256 §3, RFC 5957 §3).

use crate::header::address::{Address, Mailbox};
use crate::header::encoded_word::decode_words;
use crate::limits::SORT_KEY_BYTES_MAX;
use crate::text::casemap::fold;

/// How much of a header field is looked at to make a key.
const SOURCE_BYTES_MAX: usize = 4_000;

/// Returns the stored form of a key: folded, cut at a character boundary.
pub(crate) fn sort_key(text: &str) -> Vec<u8> {
    let mut key = fold(text);
    key.truncate(key.floor_char_boundary(SORT_KEY_BYTES_MAX));
    key.into_bytes()
}

/// Returns the local part of the first address (RFC 5256 §3: "the mailbox of the first address").
pub(crate) fn first_local_part(list: &[Address]) -> String {
    first_mailbox(list)
        .map(|mailbox| lossy(&mailbox.local))
        .unwrap_or_default()
}

/// Returns the display name of the first address, its address if it has none (RFC 5957 §3).
pub(crate) fn display_name(list: &[Address]) -> String {
    let Some(mailbox) = first_mailbox(list) else {
        return String::new();
    };
    match &mailbox.name {
        Some(name) => decode_words(clip(name)),
        None => format!("{}@{}", lossy(&mailbox.local), lossy(&mailbox.domain)),
    }
}

fn first_mailbox(list: &[Address]) -> Option<&Mailbox> {
    list.iter().find_map(|address| match address {
        Address::Mailbox(mailbox) => Some(mailbox),
        Address::GroupStart(_) | Address::GroupEnd => None,
    })
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(clip(bytes)).into_owned()
}

fn clip(bytes: &[u8]) -> &[u8] {
    bytes.get(..SOURCE_BYTES_MAX).unwrap_or(bytes)
}

/// Returns the base subject of a raw Subject field (RFC 5256 §2.1): what is left without "Re:", "Fwd:",
/// mailing list tags and trailing "(fwd)".
pub(crate) fn base_subject(raw: &[u8]) -> String {
    let decoded = decode_words(clip(raw));
    // Step 1: white space runs become one space.
    let subject = decoded.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rest = subject.as_str();
    loop {
        rest = cut_trailers(rest);
        rest = cut_leaders(rest);
        // Step 6: "[fwd: subject]" is the subject inside, and all starts again.
        match starts_with_ignoring_case(rest, "[fwd:").and_then(|inside| inside.strip_suffix(']')) {
            Some(inside) => rest = inside,
            None => return rest.trim().to_owned(),
        }
    }
}

/// Step 2: `subj-trailer = "(fwd)" / WSP` (RFC 5256 §5)
fn cut_trailers(subject: &str) -> &str {
    let mut rest = subject.trim_end();
    while let Some(at) = rest.len().checked_sub(5) {
        match rest.split_at_checked(at) {
            Some((before, "(fwd)" | "(FWD)" | "(Fwd)")) => rest = before.trim_end(),
            _ => break,
        }
    }
    rest
}

/// Steps 3 to 5: `subj-leader` and `subj-blob`, as long as something is left behind a blob.
fn cut_leaders(subject: &str) -> &str {
    let mut rest = subject.trim_start();
    while let Some(behind) = leader(rest) {
        rest = behind.trim_start();
    }
    // A leader may begin with blobs, so where none was found none follows behind the blobs either.
    while let Some(behind) = blob(rest).filter(|behind| !behind.is_empty()) {
        rest = behind;
    }
    rest
}

/// `subj-leader = (*subj-blob subj-refwd) / WSP` (RFC 5256 §5)
fn leader(subject: &str) -> Option<&str> {
    let mut rest = subject;
    loop {
        if let Some(behind) = refwd(rest) {
            return Some(behind);
        }
        rest = blob(rest)?;
    }
}

/// `subj-refwd = ("re" / ("fw" ["d"])) *WSP [subj-blob] ":"` (RFC 5256 §5)
fn refwd(subject: &str) -> Option<&str> {
    let behind = ["re", "fwd", "fw"].iter().find_map(|word| {
        let behind = starts_with_ignoring_case(subject, word)?.trim_start();
        let behind = blob(behind).unwrap_or(behind);
        behind.strip_prefix(':')
    })?;
    Some(behind)
}

/// `subj-blob = "[" *BLOBCHAR "]" *WSP` (RFC 5256 §5)
fn blob(subject: &str) -> Option<&str> {
    let inside = subject.strip_prefix('[')?;
    let end = inside.find(['[', ']'])?;
    inside.get(end..)?.strip_prefix(']').map(str::trim_start)
}

fn starts_with_ignoring_case<'s>(subject: &'s str, start: &str) -> Option<&'s str> {
    let (head, rest) = subject.split_at_checked(start.len())?;
    head.eq_ignore_ascii_case(start).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(subject: &str, expected: &str) {
        assert_eq!(base_subject(subject.as_bytes()), expected, "{subject}");
    }

    #[test]
    fn base_subjects() {
        check("Hello", "Hello");
        check("Re: Hello", "Hello");
        check("RE: fw: Fwd : re[2]: Hello (fwd) (fwd)", "Hello");
        check("[list] Re: [list] Hello", "Hello");
        check("[only a tag]", "[only a tag]");
        check("Re: [a] [b] c", "c");
        check("[fwd: Re: inner  one]", "inner one");
        check("=?utf-8?Q?Re=3A_caf=C3=A9?=", "café");
        check("Reply: x", "Reply: x");
        check("Re:", "");
    }

    #[test]
    fn leaders_without_end_are_linear() {
        let hostile = "[a]".repeat(SOURCE_BYTES_MAX);
        assert_eq!(base_subject(hostile.as_bytes()).len(), 1);
    }
}

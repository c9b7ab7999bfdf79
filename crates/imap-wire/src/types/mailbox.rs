//! Mailbox names.

use crate::encode::{self, LiteralForm};
use crate::list_match::DELIMITER;
use crate::mutf7;
use std::fmt;

/// The longest mailbox name in bytes of UTF-8.
pub const MAILBOX_NAME_BYTES_MAX: usize = 1000;

/// The most hierarchy levels of a mailbox name.
pub const MAILBOX_NAME_LEVELS_MAX: usize = 100;

/// Why a text can name no mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MailboxNameError {
    /// Nothing at all, or nothing between two delimiters.
    #[error("an empty level")]
    EmptyLevel,
    /// Longer than [`MAILBOX_NAME_BYTES_MAX`].
    #[error("too long")]
    TooLong,
    /// More levels than [`MAILBOX_NAME_LEVELS_MAX`].
    #[error("too many levels")]
    TooDeep,
    /// A control character, or one that reorders or hides text.
    #[error("a control character")]
    Control,
    /// A level `.` or `..`, or a leading `~`.
    #[error("a reserved level")]
    Reserved,
    /// `*` or `%`, which LIST could not tell from a wildcard.
    #[error("a wildcard")]
    Wildcard,
    /// Bytes that are not UTF-8.
    #[error("not UTF-8")]
    NotUtf8,
}

/// A mailbox name: decoded, with `INBOX` in capitals as the first level, without a trailing delimiter.
///
/// It is text, whatever encoding the session uses on the wire, and an opaque key: it names no file.
/// Unicode normalisation is the store's business, which alone knows the names that exist.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailboxName(String);

/// How a session writes mailbox names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NameEncoding {
    /// Modified UTF-7 (RFC 3501 §5.1.3).
    #[default]
    ModifiedUtf7,
    /// UTF-8, after `ENABLE UTF8=ACCEPT` (RFC 9755 §3).
    Utf8,
}

impl MailboxName {
    /// Returns the name that `text` stands for.
    ///
    /// One trailing delimiter is taken off: CREATE may have one (RFC 3501 §6.3.3), and some clients
    /// add one everywhere.
    pub fn new(text: &str) -> Result<Self, MailboxNameError> {
        let text = text.strip_suffix(DELIMITER).unwrap_or(text);
        if text.len() > MAILBOX_NAME_BYTES_MAX {
            return Err(MailboxNameError::TooLong);
        }
        if text.starts_with('~') {
            return Err(MailboxNameError::Reserved);
        }
        if text.chars().any(is_forbidden) {
            return Err(MailboxNameError::Control);
        }
        if text.contains(['*', '%']) {
            return Err(MailboxNameError::Wildcard);
        }
        for (depth, level) in text.split(DELIMITER).enumerate() {
            match level {
                "" => return Err(MailboxNameError::EmptyLevel),
                "." | ".." => return Err(MailboxNameError::Reserved),
                _ if depth >= MAILBOX_NAME_LEVELS_MAX => return Err(MailboxNameError::TooDeep),
                _ => {}
            }
        }
        Ok(Self(canonical(text)))
    }

    /// Returns `INBOX`.
    pub fn inbox() -> Self {
        Self("INBOX".to_owned())
    }

    /// Tells whether this is INBOX itself, not a child of it.
    pub fn is_inbox(&self) -> bool {
        self.0 == "INBOX"
    }

    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Appends the name as an astring in the session's encoding.
    pub fn encode(&self, out: &mut Vec<u8>, encoding: NameEncoding) {
        encode_text(out, &self.0, encoding);
    }
}

impl fmt::Display for MailboxName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Appends `text`, a mailbox name or a LIST pattern, as an astring in the session's encoding.
pub(crate) fn encode_text(out: &mut Vec<u8>, text: &str, encoding: NameEncoding) {
    encode_text_as(out, text, encoding, LiteralForm::Synchronising);
}

/// As [`encode_text`], with literals of that form.
pub(crate) fn encode_text_as(out: &mut Vec<u8>, text: &str, encoding: NameEncoding, form: LiteralForm) {
    let direct = |byte| matches!(byte, 0x20..=0x7e) && byte != b'&';
    match encoding {
        NameEncoding::Utf8 => encode::utf8_astring_as(out, text, form),
        NameEncoding::ModifiedUtf7 if text.bytes().all(direct) => {
            encode::astring_as(out, text.as_bytes(), form)
        }
        NameEncoding::ModifiedUtf7 => encode::astring_as(out, mutf7::encode(text).as_bytes(), form),
    }
}

fn canonical(text: &str) -> String {
    match text.split_at_checked(5) {
        Some((head, tail))
            if head.eq_ignore_ascii_case("INBOX") && (tail.is_empty() || tail.starts_with(DELIMITER)) =>
        {
            format!("INBOX{tail}")
        }
        _ => text.to_owned(),
    }
}

/// Controls of RFC 5198 §2, line and paragraph separators (RFC 9755 §3), and the bidirectional and
/// invisible characters with which one name is made to look like another.
fn is_forbidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{2028}' | '\u{2029}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, MailboxNameError>) {
        assert_eq!(
            MailboxName::new(text).as_ref().map(MailboxName::as_str),
            expected.as_ref().copied(),
            "{text:?}"
        );
    }

    #[test]
    fn inbox_in_any_case() {
        check("inbox", Ok("INBOX"));
        check("iNbOx/x", Ok("INBOX/x"));
        check("inboxes", Ok("inboxes"));
        check("a/inbox", Ok("a/inbox"));
    }

    #[test]
    fn trailing_delimiter() {
        check("a/", Ok("a"));
        check("a//", Err(MailboxNameError::EmptyLevel));
    }

    #[test]
    fn names_that_name_nothing() {
        check("", Err(MailboxNameError::EmptyLevel));
        check("/a", Err(MailboxNameError::EmptyLevel));
        check("a//b", Err(MailboxNameError::EmptyLevel));
        check("../a", Err(MailboxNameError::Reserved));
        check("a/../b", Err(MailboxNameError::Reserved));
        check("a/.", Err(MailboxNameError::Reserved));
        check("~root", Err(MailboxNameError::Reserved));
        check("a\r\nb", Err(MailboxNameError::Control));
        check("a\0b", Err(MailboxNameError::Control));
        check("a\u{202e}b", Err(MailboxNameError::Control));
        check("a*", Err(MailboxNameError::Wildcard));
        check(&"x".repeat(1001), Err(MailboxNameError::TooLong));
        check(&vec!["x"; 101].join("/"), Err(MailboxNameError::TooDeep));
        check(&vec!["x"; 100].join("/"), Ok(&vec!["x"; 100].join("/")));
    }

    #[test]
    fn encoding_follows_the_session() {
        let name = MailboxName::new("Entwürfe & mehr").expect("name");
        let mut out = Vec::new();
        name.encode(&mut out, NameEncoding::ModifiedUtf7);
        assert_eq!(out, b"\"Entw&APw-rfe &- mehr\"");
        out.clear();
        name.encode(&mut out, NameEncoding::Utf8);
        assert_eq!(out, "\"Entwürfe & mehr\"".as_bytes());
    }
}

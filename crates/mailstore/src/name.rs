//! Mailbox names: UTF-8, `/` between levels, INBOX without regard to case.

use std::fmt;

use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The hierarchy separator.
pub const SEPARATOR: char = '/';
/// Longest name, in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 1000;
/// Most levels of hierarchy.
pub const NAME_DEPTH_MAX: usize = 100;

/// A mailbox name that can be created: an opaque key, never a path. Normalised to NFC; a first level
/// that spells INBOX in any case is `INBOX` (RFC 9051 §5.1).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MailboxName(Box<str>);

/// Why a text is not a mailbox name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NameError {
    /// There is no character in it.
    #[error("mailbox name is empty")]
    Empty,
    /// Longer than [`NAME_BYTES_MAX`].
    #[error("mailbox name is longer than {NAME_BYTES_MAX} bytes")]
    TooLong,
    /// Deeper than [`NAME_DEPTH_MAX`].
    #[error("mailbox name has more than {NAME_DEPTH_MAX} levels")]
    TooDeep,
    /// A level is empty, `.` or `..`, or the name starts with `~`.
    #[error("mailbox name has an empty or reserved level")]
    Level,
    /// A control character, line or paragraph separator, or a wildcard stands in it.
    #[error("mailbox name has a forbidden character")]
    Character,
}

impl MailboxName {
    /// Returns the name of the mailbox that every account has.
    #[must_use]
    pub fn inbox() -> Self {
        Self("INBOX".into())
    }

    /// Checks and normalises a name as a client gave it, already decoded to UTF-8. One trailing
    /// separator is dropped, as CREATE asks (RFC 9051 §6.3.4).
    ///
    /// # Errors
    /// Names the first rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.strip_suffix(SEPARATOR).unwrap_or(text);
        let normal: String = if is_nfc(text) {
            text.to_owned()
        } else {
            text.nfc().collect()
        };
        check(&normal)?;
        let (first, rest) = normal.split_at(normal.find(SEPARATOR).unwrap_or(normal.len()));
        if first.eq_ignore_ascii_case("INBOX") {
            return Ok(Self(format!("INBOX{rest}").into()));
        }
        Ok(Self(normal.into()))
    }

    /// Returns the name as UTF-8.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether this is INBOX itself.
    #[must_use]
    pub fn is_inbox(&self) -> bool {
        &*self.0 == "INBOX"
    }

    /// Returns the name one level up, if there is one.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.rfind(SEPARATOR).map(|end| Self(self.0[..end].into()))
    }

    /// Tells whether this name lies below `ancestor` in the hierarchy. Compares whole levels, so that
    /// `ab` is not below `a`.
    #[must_use]
    pub fn is_below(&self, ancestor: &Self) -> bool {
        self.0
            .strip_prefix(&*ancestor.0)
            .is_some_and(|rest| rest.starts_with(SEPARATOR))
    }

    /// Returns this name with its leading `from` replaced by `to`, or `None` when it is neither `from`
    /// nor below it, or when the result is no valid name.
    #[must_use]
    pub fn rebased(&self, from: &Self, to: &Self) -> Option<Self> {
        if self != from && !self.is_below(from) {
            return None;
        }
        let rest = self.0.strip_prefix(&*from.0)?;
        Self::parse(&format!("{}{rest}", to.0)).ok()
    }
}

fn check(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong);
    }
    if name.split(SEPARATOR).count() > NAME_DEPTH_MAX {
        return Err(NameError::TooDeep);
    }
    let forbidden = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '*' | '%');
    if name.chars().any(forbidden) {
        return Err(NameError::Character);
    }
    if name.starts_with('~')
        || name
            .split(SEPARATOR)
            .any(|level| matches!(level, "" | "." | ".."))
    {
        return Err(NameError::Level);
    }
    Ok(())
}

impl fmt::Display for MailboxName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, NameError>) {
        assert_eq!(
            MailboxName::parse(text).as_ref().map(MailboxName::as_str),
            expected.as_ref().copied(),
            "{text:?}"
        );
    }

    #[test]
    fn names_are_normalised() {
        check("inbox", Ok("INBOX"));
        check("iNbOx/x", Ok("INBOX/x"));
        check("inboxes", Ok("inboxes"));
        check("a/b/", Ok("a/b"));
        check("e\u{301}", Ok("é"));
    }

    #[test]
    fn names_that_could_be_misread_are_refused() {
        check("", Err(NameError::Empty));
        check("/", Err(NameError::Empty));
        check("/etc", Err(NameError::Level));
        check("a//b", Err(NameError::Level));
        check("../x", Err(NameError::Level));
        check("~root", Err(NameError::Level));
        check("a\r\nb", Err(NameError::Character));
        check("a*", Err(NameError::Character));
        check(&"x".repeat(1001), Err(NameError::TooLong));
        check(&vec!["x"; 101].join("/"), Err(NameError::TooDeep));
    }

    #[test]
    fn hierarchy_compares_whole_levels() {
        let name = |text| MailboxName::parse(text).expect("a valid name");
        assert!(name("a/b").is_below(&name("a")));
        assert!(!name("ab").is_below(&name("a")));
        assert_eq!(name("a/b/c").rebased(&name("a/b"), &name("z")), Some(name("z/c")));
        assert_eq!(name("ab").rebased(&name("a"), &name("z")), None);
        assert_eq!(name("a/b").parent(), Some(name("a")));
    }
}

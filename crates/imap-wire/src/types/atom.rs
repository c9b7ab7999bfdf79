//! Tags, atoms and secrets.

use crate::encode::{is_astring_char, is_atom_char};
use std::fmt;
use zeroize::Zeroizing;

/// The tag of a command, echoed in its tagged response.
///
/// `tag = 1*<any ASTRING-CHAR except "+">` (RFC 3501 §9)
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tag(String);

/// The longest tag taken. RFC 3501 sets no limit; the tag is echoed, so it must not be a burden.
pub const TAG_BYTES_MAX: usize = 256;

impl Tag {
    /// Returns the tag made of `bytes`, or `None` if they break the rule or the limit.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let valid =
            !bytes.is_empty() && bytes.len() <= TAG_BYTES_MAX && bytes.iter().copied().all(is_tag_char);
        valid.then(|| Self(ascii_string(bytes)))
    }

    /// Returns the tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An atom: one word of printable US-ASCII without specials.
///
/// `atom = 1*ATOM-CHAR` (RFC 3501 §9)
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Atom(String);

impl Atom {
    /// Returns the atom made of `bytes`, or `None` if they break the rule.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let valid = !bytes.is_empty() && bytes.iter().copied().all(is_atom_char);
        valid.then(|| Self(ascii_string(bytes)))
    }

    /// Returns the atom as text, in the case that the client used.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Compares without regard to case, as RFC 3501 §9 note (1) compares all names.
    pub fn is(&self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name)
    }
}

/// Bytes that must reach neither a log nor a core file: a password or a SASL message.
///
/// They are wiped when dropped, and `Debug` does not show them. The comparison is for tests: it takes
/// a time that depends on the bytes, so nothing may be verified with it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes `bytes` into safe keeping.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Returns the bytes, for the code that verifies them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

pub(crate) fn is_tag_char(byte: u8) -> bool {
    is_astring_char(byte) && byte != b'+'
}

/// Copies bytes that were checked to be US-ASCII.
pub(crate) fn ascii_string(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        for good in ["a", "A001", "a.b]c"] {
            assert!(Tag::new(good.as_bytes()).is_some(), "{good}");
        }
        let long = "x".repeat(257);
        for bad in ["", "a+", "+", "a b", "a(", "é", "a\r", long.as_str()] {
            assert!(Tag::new(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn secrets_do_not_show() {
        assert_eq!(format!("{:?}", Secret::new(b"hunter2".to_vec())), "Secret(..)");
    }
}

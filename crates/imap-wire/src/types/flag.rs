//! Message flags and keywords.

use crate::encode::is_atom_char;
use crate::types::atom::ascii_string;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

/// The longest keyword taken.
pub const KEYWORD_BYTES_MAX: usize = 255;

/// A flag that a client may store or that a message carries.
///
/// `flag = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword / flag-extension`
/// (RFC 3501 §9)
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Flag {
    /// `\Answered`
    Answered,
    /// `\Flagged`
    Flagged,
    /// `\Deleted`
    Deleted,
    /// `\Seen`
    Seen,
    /// `\Draft`
    Draft,
    /// A keyword, without backslash.
    Keyword(Keyword),
}

/// A keyword: an atom. It keeps its spelling and compares without regard to case, as all names do
/// (RFC 3501 §9 note 1).
#[derive(Debug, Clone)]
pub struct Keyword(String);

impl Keyword {
    fn folded(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

impl PartialEq for Keyword {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Keyword {}

impl PartialOrd for Keyword {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Keyword {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(other.folded())
    }
}

impl Hash for Keyword {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for byte in self.folded() {
            state.write_u8(byte);
        }
    }
}

/// A flag as a response shows it: one of a message's, or one that only the server sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagRef<'a> {
    /// `\Answered`
    Answered,
    /// `\Flagged`
    Flagged,
    /// `\Deleted`
    Deleted,
    /// `\Seen`
    Seen,
    /// `\Draft`
    Draft,
    /// `\Recent`, set by the server alone.
    Recent,
    /// `\*` in PERMANENTFLAGS: new keywords may be made (RFC 3501 §7.1).
    NewKeywords,
    /// A keyword.
    Keyword(&'a str),
}

impl Keyword {
    /// Returns the keyword made of `bytes`, in the case given, or `None` if they are no atom.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let valid =
            !bytes.is_empty() && bytes.len() <= KEYWORD_BYTES_MAX && bytes.iter().copied().all(is_atom_char);
        valid.then(|| Self(ascii_string(bytes)))
    }

    /// Returns the keyword as text, in the case that the client used.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Flag {
    /// Returns the system flag of that name, given with its backslash in any case. `\Recent` is not
    /// among them: no client may store it.
    pub fn system(name: &[u8]) -> Option<Self> {
        let known = [
            ("\\Answered", Self::Answered),
            ("\\Flagged", Self::Flagged),
            ("\\Deleted", Self::Deleted),
            ("\\Seen", Self::Seen),
            ("\\Draft", Self::Draft),
        ];
        known
            .into_iter()
            .find(|(spelling, _)| name.eq_ignore_ascii_case(spelling.as_bytes()))
            .map(|(_, flag)| flag)
    }

    /// Returns the flag for a response.
    pub fn as_ref(&self) -> FlagRef<'_> {
        match self {
            Self::Answered => FlagRef::Answered,
            Self::Flagged => FlagRef::Flagged,
            Self::Deleted => FlagRef::Deleted,
            Self::Seen => FlagRef::Seen,
            Self::Draft => FlagRef::Draft,
            Self::Keyword(keyword) => FlagRef::Keyword(keyword.as_str()),
        }
    }
}

impl FlagRef<'_> {
    /// Appends the flag.
    ///
    /// A keyword that is no atom, which no [`Keyword`] is, is written with its bad bytes as `_`, so a
    /// flag can never end a response early.
    pub fn encode(self, out: &mut Vec<u8>) {
        match self {
            Self::Answered => out.extend_from_slice(b"\\Answered"),
            Self::Flagged => out.extend_from_slice(b"\\Flagged"),
            Self::Deleted => out.extend_from_slice(b"\\Deleted"),
            Self::Seen => out.extend_from_slice(b"\\Seen"),
            Self::Draft => out.extend_from_slice(b"\\Draft"),
            Self::Recent => out.extend_from_slice(b"\\Recent"),
            Self::NewKeywords => out.extend_from_slice(b"\\*"),
            Self::Keyword(name) => {
                out.extend(
                    name.bytes()
                        .map(|byte| if is_atom_char(byte) { byte } else { b'_' }),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeSet, HashSet};

    #[test]
    fn keywords_compare_without_regard_to_case() {
        let keywords =
            || ["$Junk", "$junk", "$JUNK", "other"].map(|text| Keyword::new(text.as_bytes()).expect(text));
        assert_eq!(keywords().into_iter().collect::<HashSet<_>>().len(), 2);
        assert_eq!(keywords().into_iter().collect::<BTreeSet<_>>().len(), 2);
        assert_eq!(keywords().map(|keyword| keyword.as_str().to_owned())[2], "$JUNK");
    }

    #[test]
    fn names_that_are_no_flags() {
        for bad in ["", "a b", "a(", "\\Seen", "é", "a]"] {
            assert_eq!(Keyword::new(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(Flag::system(b"\\Recent"), None);
        assert_eq!(Flag::system(b"\\sEEN"), Some(Flag::Seen));
    }
}

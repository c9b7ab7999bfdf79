//! Message flags and keywords.

use crate::encode::is_atom_char;
use crate::types::atom::ascii_string;

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

/// A keyword: an atom that compares without regard to case (RFC 3501 §2.3.2).
#[derive(Debug, Clone, Hash, PartialEq, Eq, PartialOrd, Ord)]
pub struct Keyword(String);

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

//! Message flags: the five system flags, and keywords through the mailbox's keyword table.

use std::fmt;

/// Most keywords that one mailbox can hold.
pub const KEYWORDS_MAX: usize = 120;
/// Longest keyword, in bytes.
pub const KEYWORD_BYTES_MAX: usize = 255;

/// A system flag that is stored (RFC 9051 §2.3.2). `\Recent` is not: see
/// [`Mailbox::first_recent_uid`](crate::mailbox::Mailbox::first_recent_uid).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum SystemFlag {
    /// `\Answered`
    Answered = 0,
    /// `\Flagged`
    Flagged = 1,
    /// `\Deleted`
    Deleted = 2,
    /// `\Seen`
    Seen = 3,
    /// `\Draft`
    Draft = 4,
}

impl SystemFlag {
    /// All of them, in the order in which they are listed to clients.
    pub const ALL: [SystemFlag; 5] = [
        Self::Answered,
        Self::Flagged,
        Self::Deleted,
        Self::Seen,
        Self::Draft,
    ];
}

/// The flags of one message as bits: 0 to 7 system flags, 8 and up index the mailbox's keyword table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FlagBits(pub u128);

impl FlagBits {
    /// No flag at all.
    pub const EMPTY: FlagBits = FlagBits(0);
    const KEYWORD_SHIFT: usize = 8;

    /// Returns the bits with only this system flag.
    #[must_use]
    pub const fn system(flag: SystemFlag) -> Self {
        Self(1 << flag as u8)
    }

    /// Returns the bits with only the keyword at this index of the table; empty beyond its bound.
    #[must_use]
    pub const fn keyword(index: usize) -> Self {
        if index < KEYWORDS_MAX {
            Self(1 << (index + Self::KEYWORD_SHIFT))
        } else {
            Self::EMPTY
        }
    }

    /// Tells whether every flag of `other` is set here.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Tells whether the system flag is set.
    #[must_use]
    pub const fn has(self, flag: SystemFlag) -> bool {
        self.contains(Self::system(flag))
    }

    /// Returns the flags of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns these flags less those of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Lists the system flags that are set.
    pub fn system_flags(self) -> impl Iterator<Item = SystemFlag> {
        SystemFlag::ALL.into_iter().filter(move |flag| self.has(*flag))
    }

    /// Lists the indexes into the keyword table that are set, ascending.
    pub fn keyword_indexes(self) -> impl Iterator<Item = usize> {
        let mut bits = self.0 >> Self::KEYWORD_SHIFT;
        std::iter::from_fn(move || {
            if bits == 0 {
                return None;
            }
            let index = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            Some(index)
        })
    }
}

/// A keyword, compared without regard to ASCII case; keeps the spelling that it was first given.
#[derive(Clone, Debug)]
pub struct Keyword(Box<str>);

impl Keyword {
    /// Checks `flag-keyword = atom` (RFC 9051 §9) and the length bound.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let atom = |byte: u8| byte.is_ascii_graphic() && !b"(){%*\"\\]".contains(&byte);
        let valid = !text.is_empty() && text.len() <= KEYWORD_BYTES_MAX && text.bytes().all(atom);
        valid.then(|| Self(text.into()))
    }

    /// Returns the spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Keyword {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Keyword {}

impl fmt::Display for Keyword {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Flags as a client names them: system flags as bits, keywords by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NamedFlags {
    /// System flags only; keyword bits are ignored.
    pub system: FlagBits,
    /// Keywords, each at most once.
    pub keywords: Vec<Keyword>,
}

/// What STORE does with the named flags (RFC 9051 §6.4.6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FlagOperation {
    /// `FLAGS`
    Replace,
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyword_bits_never_touch_system_flags() {
        let bits = FlagBits::keyword(0)
            .with(FlagBits::keyword(119))
            .with(FlagBits::system(SystemFlag::Seen));
        assert_eq!(bits.keyword_indexes().collect::<Vec<_>>(), [0, 119]);
        assert_eq!(bits.system_flags().collect::<Vec<_>>(), [SystemFlag::Seen]);
        assert_eq!(FlagBits::keyword(KEYWORDS_MAX), FlagBits::EMPTY);
    }

    #[test]
    fn keywords_are_atoms_without_case() {
        assert_eq!(Keyword::new("$Junk"), Keyword::new("$junk"));
        for invalid in ["", "a b", "\\Seen", "x]", "é", "a\r"] {
            assert!(Keyword::new(invalid).is_none(), "{invalid:?}");
        }
    }
}

//! Numbers with a meaning, so that a UID is never taken for a sequence number.

use std::num::NonZeroU32;

/// A unique identifier of a message in a mailbox (RFC 3501 §2.3.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(pub NonZeroU32);

/// A message sequence number (RFC 3501 §2.3.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeqNum(pub NonZeroU32);

/// The generation of a mailbox's UIDs (RFC 3501 §2.3.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UidValidity(pub NonZeroU32);

/// A modification sequence, at most 2^63 - 1; zero only where the grammar is `mod-sequence-valzer`
/// (RFC 7162 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModSeq(u64);

impl ModSeq {
    /// The greatest mod-sequence (RFC 7162 §7).
    pub const MAX: Self = Self(u64::MAX >> 1);

    /// Returns the mod-sequence of that value, or `None` above [`ModSeq::MAX`].
    pub fn new(value: u64) -> Option<Self> {
        (value <= Self::MAX.0).then_some(Self(value))
    }

    /// Returns the value.
    pub fn get(self) -> u64 {
        self.0
    }
}

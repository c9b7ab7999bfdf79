//! Identifiers. Every number with a meaning has a type of its own.

use std::fmt;
use std::num::NonZeroU32;

use crate::time::Timestamp;

/// Number of slots that addresses and accounts hash to; fixed for the life of a cluster.
pub const SLOT_COUNT: u16 = 16_384;

/// One account: 128 random bits, chosen by the leader that creates it, never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub [u8; 16]);

/// One mailbox within its account; ascending, never used again in that account (RFC 8474 §4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MailboxId(pub u32);

/// The BLAKE3 hash of a message's bytes, which names them within a group.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub [u8; 32]);

/// One Raft group. Group 0 is the directory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupId(pub u32);

/// A storage node: a process that hosts replicas. Given by the directory and never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct NodeId(pub u64);

/// One storage node's copy of a group, chosen by the directory and never used again: a damaged replica is
/// replaced under a new id, because a voter that lost what it promised must not vote again under the old one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ReplicaId(pub u64);

/// One of [`SLOT_COUNT`] hash slots, the unit in which accounts are assigned to groups.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Slot(pub u16);

/// One authenticated session, from login to logout; 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub [u8; 16]);

/// Names one attempted change so that a retry is recognised and answered from the record
/// (Raft dissertation §6.3). Unique within its session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RequestId {
    /// The session that asks.
    pub session: SessionId,
    /// Counts the requests of the session, from 1.
    pub sequence: u64,
    /// When the request was first made, by the asking process's clock. A request made no later than one
    /// whose reply is already forgotten is answered [`Rejection::OutcomeUnknown`](crate::Rejection::OutcomeUnknown).
    pub created: Timestamp,
}

/// A message's unique identifier in a mailbox under one UIDVALIDITY (RFC 9051 §2.3.1.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Uid(NonZeroU32);

/// The unique identifier validity value of a mailbox (RFC 9051 §2.3.1.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UidValidity(NonZeroU32);

/// A modification sequence (RFC 7162 §3.1): a counter per account, one step for each command that
/// changes something, 1 to 2^63 - 1. Zero stands for "before everything" in questions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ModSeq(pub u64);

impl Uid {
    /// The smallest UID.
    pub const MIN: Uid = Uid(NonZeroU32::MIN);
    /// The largest UID.
    pub const MAX: Uid = Uid(NonZeroU32::MAX);

    /// Returns the UID with this value, or `None` for zero.
    #[must_use]
    pub const fn new(value: u32) -> Option<Self> {
        match NonZeroU32::new(value) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// Returns the value.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// Returns the UID after this one, or `None` at the end of the UID space.
    #[must_use]
    pub const fn next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }
}

impl UidValidity {
    /// The smallest UIDVALIDITY.
    pub const MIN: UidValidity = UidValidity(NonZeroU32::MIN);

    /// Returns the UIDVALIDITY with this value, or `None` for zero.
    #[must_use]
    pub const fn new(value: u32) -> Option<Self> {
        match NonZeroU32::new(value) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// Returns the value.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl ModSeq {
    /// The value below every assigned one.
    pub const ZERO: ModSeq = ModSeq(0);
    /// The largest value that may be assigned (RFC 7162 §7: 63 bits).
    pub const MAX: ModSeq = ModSeq(i64::MAX as u64);
}

impl AccountId {
    /// Returns the slot that holds the account.
    #[must_use]
    pub fn slot(self) -> Slot {
        Slot::of(&self.0)
    }
}

impl Slot {
    /// Returns the slot for the bytes of an account id or of a normalised address.
    #[must_use]
    pub fn of(key: &[u8]) -> Self {
        let slot = xxhash_rust::xxh3::xxh3_64(key) % u64::from(SLOT_COUNT);
        Self(u16::try_from(slot).unwrap_or_default())
    }
}

impl From<u64> for ReplicaId {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

/// Writes bytes as lower-case hexadecimal, the printed form of every binary id.
fn write_hex(formatter: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
}

/// Reads `N` bytes of hexadecimal.
fn read_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

macro_rules! hexadecimal_id {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(formatter, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, "{}({self})", stringify!($name))
            }
        }

        impl $name {
            /// Reads the hexadecimal form that `Display` writes.
            #[must_use]
            pub fn from_hex(text: &str) -> Option<Self> {
                read_hex(text).map(Self)
            }
        }
    )*};
}

hexadecimal_id!(AccountId BlobId SessionId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_forms_round_trip() {
        let id = AccountId([0xa5; 16]);
        assert_eq!(AccountId::from_hex(&id.to_string()), Some(id));
        assert_eq!(AccountId::from_hex("a5"), None);
        assert_eq!(AccountId::from_hex(&"é".repeat(16)), None);
    }

    #[test]
    fn slots_stay_in_range_and_never_change() {
        assert_eq!(Slot::of(b"demo@example.org"), Slot::of(b"demo@example.org"));
        assert!((0..1000_u32).all(|n| Slot::of(&n.to_be_bytes()).0 < SLOT_COUNT));
    }
}

//! Messages: what is stored of one beside its bytes.

use crate::flags::{FlagBits, NamedFlags};
use crate::ids::{BlobId, ModSeq, Uid};
use crate::time::{InternalDate, Timestamp};

/// What of a message can change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessageState {
    /// Its UID.
    pub uid: Uid,
    /// Its flags.
    pub flags: FlagBits,
    /// When it was last changed.
    pub modseq: ModSeq,
}

/// What of a message never changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessageRecord {
    /// Its UID.
    pub uid: Uid,
    /// Names its bytes.
    pub blob: BlobId,
    /// RFC822.SIZE: the exact number of its bytes.
    pub size: u32,
    /// INTERNALDATE.
    pub internal_date: InternalDate,
    /// When it came into this mailbox (RFC 8514).
    pub saved: Timestamp,
    /// EMAILID (RFC 8474 §5.1): kept by COPY and MOVE.
    pub email_id: EmailId,
}

/// Names the content of a message within its account (RFC 8474 §5.1). Random, chosen at APPEND, so that
/// storing equal bytes once is not observable.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EmailId(pub [u8; 12]);

/// A message to be added. Its bytes are already durable on a majority of the group's replicas.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewMessage {
    /// Names its bytes.
    pub blob: BlobId,
    /// The exact number of its bytes.
    pub size: u32,
    /// Flags to set.
    pub flags: NamedFlags,
    /// INTERNALDATE.
    pub internal_date: InternalDate,
    /// EMAILID.
    pub email_id: EmailId,
}

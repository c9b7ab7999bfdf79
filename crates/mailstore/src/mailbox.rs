//! Mailboxes.

use crate::flags::Keyword;
use crate::ids::{MailboxId, ModSeq, Uid, UidValidity};
use crate::name::MailboxName;
use crate::time::Timestamp;

/// A special use of a mailbox (RFC 6154 §2). One mailbox may have several.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SpecialUse(pub u8);

impl SpecialUse {
    /// No special use.
    pub const NONE: SpecialUse = SpecialUse(0);
    /// `\All`
    pub const ALL: SpecialUse = SpecialUse(1);
    /// `\Archive`
    pub const ARCHIVE: SpecialUse = SpecialUse(2);
    /// `\Drafts`
    pub const DRAFTS: SpecialUse = SpecialUse(4);
    /// `\Flagged`
    pub const FLAGGED: SpecialUse = SpecialUse(8);
    /// `\Junk`
    pub const JUNK: SpecialUse = SpecialUse(16);
    /// `\Sent`
    pub const SENT: SpecialUse = SpecialUse(32);
    /// `\Trash`
    pub const TRASH: SpecialUse = SpecialUse(64);
    /// `\Important` (RFC 8457)
    pub const IMPORTANT: SpecialUse = SpecialUse(128);

    /// Tells whether all uses of `other` are among these.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// One mailbox, without its messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mailbox {
    /// Its id, which survives RENAME (RFC 8474 §4).
    pub id: MailboxId,
    /// Its name.
    pub name: MailboxName,
    /// Its UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// The UID that the next message gets. `None` when the UID space is used up.
    pub uid_next: Option<Uid>,
    /// The modification sequence of its last change, at least 1 (RFC 7162 §3.1.2.1).
    pub highest_modseq: ModSeq,
    /// Changes below this are forgotten by the expunge log: a client that knows less gets VANISHED for
    /// every UID that is absent.
    pub expunge_floor: ModSeq,
    /// Messages from this UID on are `\Recent` for the next read-write session; `None` when none can be.
    pub first_recent_uid: Option<Uid>,
    /// Number of messages.
    pub messages: u32,
    /// Number of messages that are `\Recent` for the next read-write session (RFC 3501 §6.3.10).
    pub recent: u32,
    /// Number of messages without `\Seen`.
    pub unseen: u32,
    /// Number of messages with `\Deleted`.
    pub deleted: u32,
    /// Sum of RFC822.SIZE (RFC 8438).
    pub size_bytes: u64,
    /// Special uses.
    pub special_use: SpecialUse,
    /// The keyword table: bit 8 + n of [`FlagBits`](crate::flags::FlagBits) means entry n. Only grows.
    pub keywords: Vec<Keyword>,
    /// When it was made.
    pub created: Timestamp,
}

//! What `apply` answers to a command. Kept with the request id, so that a retry gets the same answer.

use crate::ids::{MailboxId, ModSeq, Uid, UidValidity};
use crate::message::MessageState;
use crate::uid_set::UidSet;

/// The answer to an accepted command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// Done; there is nothing to tell.
    Done,
    /// A mailbox was made (RFC 8474 §4.2).
    Created {
        /// Its id.
        mailbox: MailboxId,
    },
    /// Messages were added.
    Appended(Appended),
    /// Flags were changed.
    Stored(Stored),
    /// Messages were copied or moved.
    Copied(Copied),
    /// Messages were removed.
    Expunged(Expunged),
    /// `\Recent` was taken.
    RecentClaimed {
        /// The first UID that is recent for the session that asked; all above it are, up to what it
        /// named. `None`: there was nothing to take.
        first: Option<Uid>,
    },
    /// Rows that had become garbage were removed.
    RowsRemoved {
        /// Whether there are more.
        more: bool,
    },
}

/// The answer to APPEND (APPENDUID, RFC 4315 §3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Appended {
    /// The mailbox.
    pub mailbox: MailboxId,
    /// Its UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// The new UIDs, one a message in the order given; always one range.
    pub uids: UidSet,
    /// The change's modification sequence.
    pub modseq: ModSeq,
}

/// The answer to STORE.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// The change's modification sequence; the mailbox's highest when nothing was changed.
    pub modseq: ModSeq,
    /// UIDs whose flags or modification sequence changed.
    pub changed: UidSet,
    /// UIDs left alone because of UNCHANGEDSINCE (`MODIFIED`, RFC 7162 §3.1.3).
    pub modified: UidSet,
    /// UIDs that were named and do not exist any more.
    pub missing: UidSet,
    /// State after the change of every message named that exists, for the untagged answers. Not kept
    /// with the request id: a retry reads it anew.
    pub states: Vec<MessageState>,
}

/// The answer to COPY and MOVE (COPYUID, RFC 4315 §3).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Copied {
    /// The target.
    pub target: MailboxId,
    /// The target's UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// UIDs taken from the source, ascending.
    pub source: UidSet,
    /// UIDs given at the target, ascending, matching `source` one to one.
    pub uids: UidSet,
    /// The change's modification sequence.
    pub modseq: ModSeq,
}

/// The answer to EXPUNGE.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expunged {
    /// UIDs that were removed.
    pub uids: UidSet,
    /// The change's modification sequence; the mailbox's highest when nothing was removed.
    pub modseq: ModSeq,
}

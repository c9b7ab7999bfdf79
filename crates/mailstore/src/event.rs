//! What a change means to those who watch. An event is a hint to look, never the truth.

use crate::ids::{AccountId, MailboxId, ModSeq, Slot};

/// Something that a committed entry changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// Messages of the mailbox changed, up to this modification sequence.
    MailboxChanged {
        /// The account.
        account: AccountId,
        /// The mailbox.
        mailbox: MailboxId,
        /// Its HIGHESTMODSEQ now.
        modseq: ModSeq,
    },
    /// The mailbox was deleted.
    MailboxDeleted {
        /// The account.
        account: AccountId,
        /// The mailbox.
        mailbox: MailboxId,
    },
    /// Mailboxes were made, renamed, deleted or (un)subscribed.
    TreeChanged {
        /// The account.
        account: AccountId,
    },
    /// Credentials or state changed, or the account is gone: its sessions are over. Not told of limits and
    /// addresses, which no login depends on.
    AccountChanged {
        /// The account.
        account: AccountId,
    },
    /// Another group has the slot now: whoever watches accounts in it must look for them there.
    SlotReleased {
        /// The slot.
        slot: Slot,
    },
}

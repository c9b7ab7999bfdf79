//! Commands and questions of clients, and what they hear.

use mailstore::command::{MailboxCommand, MessageCommand};
use mailstore::name::MailboxName;
use mailstore::query::{MailboxChanges, MailboxTree};
use mailstore::{BlobId, MailboxId, ModSeq, Rejection, Reply};

/// What a client asks of an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operation {
    /// Changes mailboxes.
    Mailbox(MailboxCommand),
    /// Changes messages.
    Message(MessageCommand),
    /// Delivers a message.
    Deliver {
        /// Its content.
        blob: BlobId,
        /// Its size.
        size: u32,
        /// The part of the address behind `+`.
        detail: Option<MailboxName>,
    },
    /// Asks for the mailboxes.
    Tree,
    /// Asks what changed in a mailbox.
    Changes(MailboxId, ModSeq),
    /// Asks for the records of all messages of a mailbox.
    Records(MailboxId),
    /// Asks for the use of the quota: octets and messages.
    Quota,
}

/// What a client hears.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Observed {
    /// The command was accepted.
    Reply(Reply),
    /// The message was delivered.
    Delivered,
    /// The command or question was refused.
    Refused(Rejection),
    /// The mailboxes.
    Tree(MailboxTree),
    /// What changed.
    Changes(Box<MailboxChanges>),
    /// UIDs, contents and sizes of messages, expunged ones included.
    Records(Vec<(u32, BlobId, u32)>),
    /// The use of the quota.
    Quota {
        /// Octets.
        storage_bytes: u64,
        /// Messages.
        messages: u64,
    },
}

//! Questions to the leader of an account's group, and their answers. All are linearizable.

use crate::account::{Account, QuotaLimits, QuotaUsage};
use crate::ids::{BlobId, MailboxId, ModSeq, Uid};
use crate::mailbox::Mailbox;
use crate::message::{MessageRecord, MessageState};
use crate::name::MailboxName;
use crate::uid_set::UidSet;
use bytes::Bytes;

/// One name in the tree of mailboxes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TreeEntry {
    /// The name.
    pub name: MailboxName,
    /// The mailbox, when it exists; a name may be only subscribed.
    pub mailbox: Option<Mailbox>,
    /// Whether it is subscribed.
    pub subscribed: bool,
}

/// All mailboxes and subscriptions of an account, sorted by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MailboxTree {
    /// The names.
    pub entries: Vec<TreeEntry>,
}

/// Limits and use of an account.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Quota {
    /// Limits.
    pub limits: QuotaLimits,
    /// Use.
    pub usage: QuotaUsage,
}

/// How a mailbox is named in a question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MailboxRef {
    /// By name.
    Name(MailboxName),
    /// By id.
    Id(MailboxId),
}

/// What changed in a mailbox after a modification sequence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailboxChanges {
    /// The mailbox as it is now.
    pub mailbox: Mailbox,
    /// The modification sequence that was asked for.
    pub since: ModSeq,
    /// State of every message that changed or came after `since`, ascending by UID. From
    /// [`ModSeq::ZERO`] these are all messages.
    pub changed: Vec<MessageState>,
    /// What became of messages that are gone.
    pub vanished: Vanished,
}

/// Messages that are gone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Vanished {
    /// Exactly these were removed after the modification sequence that was asked for.
    Exactly(UidSet),
    /// The expunge log does not reach back so far: every UID is gone that is not among `present`.
    AllBut {
        /// The UIDs that exist.
        present: UidSet,
    },
}

/// Which parts of messages are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MessageParts {
    /// The summary derived from the content, in the encoding of the `mail-message` crate.
    pub summary: bool,
    /// A ticket, by which any replica gives the content.
    pub ticket: bool,
}

/// One message as answered to a question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MessageAnswer {
    /// What never changes.
    pub record: MessageRecord,
    /// The summary, when asked for; `None` then when the content can be read on no replica.
    pub summary: Option<Bytes>,
    /// When asked for, with the last message of a batch: what the leader has signed for the messages of the batch.
    pub ticket: Option<Bytes>,
}

/// Leave to read the content of messages at any replica, for a minute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContentTicket {
    /// What the leader has signed: account, audience, time, and a digest over the messages.
    pub signed: Bytes,
    /// The messages that the ticket is for, as the batch had them.
    pub messages: Vec<TicketMessage>,
}

/// One message that a ticket is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TicketMessage {
    /// Its UID.
    pub uid: Uid,
    /// Its content.
    pub blob: BlobId,
    /// The octets of that.
    pub size: u32,
}

impl ContentTicket {
    /// Returns the ticket that came with a batch of messages, if one did.
    #[must_use]
    pub fn of(batch: &[MessageAnswer]) -> Option<Self> {
        let signed = batch.last()?.ticket.clone()?;
        let messages = batch
            .iter()
            .map(|answer| TicketMessage::of(&answer.record))
            .collect();
        Some(Self { signed, messages })
    }
}

impl TicketMessage {
    /// Returns what a ticket has of a message.
    #[must_use]
    pub fn of(record: &MessageRecord) -> Self {
        Self {
            uid: record.uid,
            blob: record.blob,
            size: record.size,
        }
    }
}

/// A piece of a message's content that is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ContentRange {
    /// The message, present or not yet told as expunged.
    pub uid: crate::ids::Uid,
    /// First octet.
    pub offset: u32,
    /// Number of octets; what lies behind the end is left out.
    pub length: u32,
}

/// A piece of an answer to a list of [`ContentRange`]s. The pieces of one range come in order and the
/// ranges come in the order asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContentChunk {
    /// Index of the range in the question.
    pub range: u32,
    /// The octets, at most 64 KiB.
    pub bytes: Bytes,
    /// Whether this is the last piece of the range. Every range has a last piece, maybe empty.
    pub last: bool,
    /// Set on the only piece of a range whose message does not exist any more.
    pub missing: bool,
}

/// An account as shown to its administrator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountInfo {
    /// The account; its credentials are left empty.
    pub account: Account,
    /// Number of mailboxes.
    pub mailboxes: u32,
}

//! The replicated commands: everything that changes an account or an address record.
//!
//! A command touches exactly one account, one address record or the header of the group. It is validated by `apply`, which
//! rejects bad input as a value; what a leader checks earlier only saves a log entry.

use crate::account::{Credentials, NewAccount, QuotaLimits};
use crate::address::Address;
use crate::flags::{FlagOperation, NamedFlags};
use crate::ids::{AccountId, MailboxId, ModSeq, RequestId, Slot, Uid};
use crate::mailbox::SpecialUse;
use crate::message::NewMessage;
use crate::name::MailboxName;
use crate::slots::{RowsCommand, SlotCommand};
use crate::time::Timestamp;
use crate::uid_set::UidSet;

/// One committed change as it stands in the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// What it changes.
    pub subject: Subject,
    /// Names the attempt, so that a retry is answered from the record. `None` for commands that may be
    /// repeated without harm.
    pub request: Option<RequestId>,
    /// The leader's time when it proposed the entry. Log time never goes back: `apply` takes the later
    /// of this and the account's last.
    pub time: Timestamp,
    /// The change.
    pub command: Command,
}

/// What an entry changes; it names the slot and thereby the group.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Subject {
    /// An account.
    Account(AccountId),
    /// An address record.
    Address(Address),
    /// The header of the group to whose log the entry goes.
    Header,
}

impl Subject {
    /// Returns the slot that holds the account or address record; the header is in none.
    #[must_use]
    pub fn slot(&self) -> Option<Slot> {
        match self {
            Self::Account(account) => Some(account.slot()),
            Self::Address(address) => Some(address.slot()),
            Self::Header => None,
        }
    }
}

/// A change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Changes an address record.
    Address(AddressCommand),
    /// Changes an account as such.
    Account(AccountCommand),
    /// Changes the tree of mailboxes or subscriptions.
    Mailbox(MailboxCommand),
    /// Changes messages.
    Message(MessageCommand),
    /// Changes the header: a step of a move of slots.
    Slots(SlotCommand),
    /// Changes the rows of an account or address record as such, whatever they mean.
    Rows(RowsCommand),
}

/// Changes of an address record. Each may be repeated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AddressCommand {
    /// Takes a free address for an account; the same account may repeat it.
    Reserve {
        /// Who gets it.
        account: AccountId,
    },
    /// Puts a reserved address to use.
    Activate {
        /// Who has it.
        account: AccountId,
    },
    /// Frees the address if that account has it.
    Release {
        /// Who had it.
        account: AccountId,
    },
}

/// Changes of an account as such.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccountCommand {
    /// Makes the account, with INBOX and the given mailboxes. Repeating it on an account that exists
    /// changes nothing.
    Create(NewAccount),
    /// Replaces the login secrets.
    SetCredentials(Credentials),
    /// Replaces the login secrets by ones for the same password under other parameters: sessions stay.
    /// Changes nothing when the credentials' version is another than `version` by now.
    UpgradeCredentials {
        /// The new secrets.
        credentials: Credentials,
        /// The version that they were derived from.
        version: u64,
    },
    /// Suspends or resumes.
    SetSuspended(bool),
    /// Changes the address that the account logs in by; its record is changed by commands of its own.
    SetAddress(Address),
    /// Replaces the limits.
    SetLimits(QuotaLimits),
    /// Marks as removed; the data stays until then.
    Remove {
        /// When the data may be deleted.
        purge_after: Timestamp,
    },
    /// Undoes `Remove`.
    Restore,
    /// Deletes all rows of an account that is removed and whose time is over.
    Purge,
}

/// Changes of the tree of mailboxes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MailboxCommand {
    /// CREATE (RFC 9051 §6.3.4), with special uses (RFC 6154 §3). Missing parents are made too.
    Create {
        /// The new mailbox.
        name: MailboxName,
        /// Its uses.
        special_use: SpecialUse,
    },
    /// DELETE (RFC 9051 §6.3.5). The messages of a mailbox with children go, and its name stays as a
    /// level of the hierarchy without a mailbox (RFC 3501 §6.3.4); such a level cannot be deleted.
    Delete {
        /// The mailbox; not INBOX.
        name: MailboxName,
    },
    /// RENAME with everything below (RFC 9051 §6.3.6). RENAME of INBOX moves its messages to a new
    /// mailbox and leaves INBOX empty under a greater UIDVALIDITY.
    Rename {
        /// The old name.
        from: MailboxName,
        /// The new name; missing parents are made.
        to: MailboxName,
    },
    /// SUBSCRIBE or UNSUBSCRIBE; the name need not exist.
    Subscribe {
        /// The name.
        name: MailboxName,
        /// Whether it is to be subscribed.
        subscribed: bool,
    },
}

/// Changes of messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MessageCommand {
    /// APPEND or delivery: all messages or none (RFC 3502 §6.3.11).
    Append {
        /// Where to.
        mailbox: MailboxName,
        /// What, in the order of the UIDs that they get.
        messages: Vec<NewMessage>,
        /// Whether a missing mailbox is made (delivery) or refused (APPEND).
        create: bool,
    },
    /// STORE (RFC 9051 §6.4.6, RFC 7162 §3.1.3).
    Store {
        /// Where.
        mailbox: MailboxId,
        /// Which messages; absent ones are passed over.
        uids: UidSet,
        /// What to do.
        operation: FlagOperation,
        /// With which flags.
        flags: NamedFlags,
        /// Leaves messages alone that changed after this.
        unchanged_since: Option<ModSeq>,
    },
    /// COPY (RFC 9051 §6.4.7): all messages or none.
    Copy {
        /// Where from.
        mailbox: MailboxId,
        /// Which messages; absent ones are passed over.
        uids: UidSet,
        /// Where to.
        target: MailboxName,
    },
    /// MOVE (RFC 6851): one atomic step.
    Move {
        /// Where from.
        mailbox: MailboxId,
        /// Which messages; absent ones are passed over.
        uids: UidSet,
        /// Where to. May be the same mailbox: the messages get new UIDs.
        target: MailboxName,
    },
    /// EXPUNGE or UID EXPUNGE (RFC 9051 §6.4.3, §6.4.9): removes messages with `\Deleted`.
    Expunge {
        /// Where.
        mailbox: MailboxId,
        /// Only these; `None` for all.
        uids: Option<UidSet>,
    },
    /// Takes the `\Recent` messages below a UID for one read-write session (RFC 3501 §2.3.2).
    ClaimRecent {
        /// Where.
        mailbox: MailboxId,
        /// Takes messages below this UID; `None` takes all.
        below: Option<Uid>,
    },
}

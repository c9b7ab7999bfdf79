//! Why something was refused or failed, in three families: the client's fault, a passing condition, ours.

use crate::ids::GroupId;
use crate::name::NameError;
use crate::rows::RowsError;

/// Who has to do something about an error.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ErrorKind {
    /// The request cannot succeed as it stands.
    Client,
    /// The same request may succeed later.
    Passing,
    /// A defect or damage on our side.
    Internal,
}

/// Why `apply` or a check before it refused a command. A value, the same on every replica.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejection {
    /// There is no such account.
    #[error("no such account")]
    NoSuchAccount,
    /// The account exists already with other content.
    #[error("account exists")]
    AccountExists,
    /// The account is suspended or removed.
    #[error("account is not active")]
    AccountNotActive,
    /// The account is not in the state that the command needs (not removed, not due).
    #[error("account is not in the state for this")]
    AccountState,
    /// The address belongs to another account.
    #[error("address is taken")]
    AddressTaken,
    /// There is no record of the address.
    #[error("no such address")]
    NoSuchAddress,
    /// There is no such mailbox.
    #[error("no such mailbox")]
    NoSuchMailbox,
    /// A mailbox of that name exists.
    #[error("mailbox exists")]
    MailboxExists,
    /// The name is a level without a mailbox and has children, so it cannot be deleted.
    #[error("mailbox has children")]
    MailboxHasChildren,
    /// INBOX cannot be deleted, nor be the target of RENAME.
    #[error("not possible with INBOX")]
    Inbox,
    /// Not a name that a mailbox can have.
    #[error(transparent)]
    Name(#[from] NameError),
    /// RENAME to a place below itself.
    #[error("mailbox cannot be moved below itself")]
    RenameBelowItself,
    /// Another mailbox has that special use (RFC 6154 §3).
    #[error("special use is taken by another mailbox")]
    SpecialUseTaken,
    /// The account's limit on bytes or messages would be passed.
    #[error("quota exceeded")]
    OverQuota,
    /// The mailbox's keyword table is full.
    #[error("too many keywords in this mailbox")]
    TooManyKeywords,
    /// The account has as many mailboxes or subscriptions as it may.
    #[error("too many mailboxes")]
    TooManyMailboxes,
    /// The command names more messages than one entry may.
    #[error("too many messages in one command")]
    TooManyMessages,
    /// The mailbox has no UID left to give.
    #[error("no unique identifier left in this mailbox")]
    UidsExhausted,
    /// The password or hash cannot be stored: empty, too long, or of no known form.
    #[error("password or hash is not acceptable")]
    Secret,
    /// The message is larger than is accepted.
    #[error("message is too large")]
    MessageTooLarge,
    /// The request is older than the window for which replies are kept: whether it took effect is not
    /// known, and it will not be executed.
    #[error("outcome of this request is not known any more")]
    OutcomeUnknown,
    /// The slot is moving: the same request may succeed a moment later, here or at another group.
    #[error("slot is being moved")]
    SlotMoving,
    /// Another group has the slot.
    #[error("another group has this slot")]
    WrongGroup,
    /// A step of a move of slots that cannot be taken here, or not any more.
    #[error("slots are not in the state for this step")]
    SlotStep,
}

/// Why a call through a port failed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// Refused for a reason that the same request will meet again.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The caller's token is not valid for this account any more.
    #[error("not authorised")]
    Unauthorized,
    /// No leader, no majority or no connection, for longer than the caller's patience.
    #[error("storage is not available: {0}")]
    Unavailable(&'static str),
    /// The node does not lead the group that the call concerns. Seen by routers only.
    #[error("not the leader of this group")]
    NotLeader {
        /// The node that does, by name, when known.
        hint: Option<String>,
    },
    /// The group does not have the slot that the call concerns. Seen by routers only, which go to the
    /// group that has it, under the same request id.
    #[error("another group has this slot since epoch {epoch}")]
    WrongGroup {
        /// From this epoch of the slot map on, another group has it.
        epoch: u64,
        /// Which, when known.
        group: Option<GroupId>,
    },
    /// Too much work is waiting.
    #[error("overloaded")]
    Overloaded,
    /// The disk has no room for more mail.
    #[error("no space left")]
    NoSpace,
    /// The call was given up; whether it took effect is not known.
    #[error("outcome is not known")]
    OutcomeUnknown,
    /// The message's bytes are damaged or missing on every replica that answered.
    #[error("message content is damaged or missing")]
    ContentUnavailable,
    /// A bound on the work of one command was reached.
    #[error("limit reached: {0}")]
    Limit(&'static str),
    /// A defect or damage on our side. The text is for the log, never for the client.
    #[error("internal error: {0}")]
    Internal(String),
}

/// Why bytes are not the encoded form of a value.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not protobuf, or not of this message.
    #[error("malformed: {0}")]
    Malformed(String),
    /// A field that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A kind or value that this version does not know. Written by a newer version, or by none.
    #[error("unknown {0}")]
    Unknown(&'static str),
    /// A field breaks a rule of its type.
    #[error("{0} is not valid")]
    Invalid(&'static str),
    /// A version of the form that this version does not know.
    #[error("unknown format {0}")]
    Format(u32),
    /// Larger than any value may be.
    #[error("encoded value is too large")]
    TooLarge,
}

/// Why rows could not be read or changed. Neither is ever the client's fault: the replica must stop
/// using these tables and rebuild them from snapshot and log.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TableError {
    /// The table engine failed.
    #[error(transparent)]
    Engine(#[from] RowsError),
    /// A row does not hold what it must.
    #[error("corrupt row: {0}")]
    Corrupt(#[from] DecodeError),
}

impl TableError {
    /// Returns the family.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Engine(_) | Self::Corrupt(_) => ErrorKind::Internal,
        }
    }

    /// Tells whether the same call may succeed when it is made again; never, on the same tables.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        false
    }
}

impl From<std::convert::Infallible> for DecodeError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl DecodeError {
    /// Returns the family: bytes come from our own processes and tables.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::Internal
    }

    /// Tells whether decoding the same bytes again may succeed; never.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        false
    }
}

impl Rejection {
    /// Returns the family: all rejections are the client's but those that say nothing of the request.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::OutcomeUnknown | Self::SlotMoving | Self::WrongGroup | Self::SlotStep => ErrorKind::Passing,
            Self::NoSuchAccount
            | Self::AccountExists
            | Self::AccountNotActive
            | Self::AccountState
            | Self::AddressTaken
            | Self::NoSuchAddress
            | Self::NoSuchMailbox
            | Self::MailboxExists
            | Self::MailboxHasChildren
            | Self::Inbox
            | Self::Name(_)
            | Self::RenameBelowItself
            | Self::SpecialUseTaken
            | Self::OverQuota
            | Self::TooManyKeywords
            | Self::TooManyMailboxes
            | Self::TooManyMessages
            | Self::UidsExhausted
            | Self::Secret
            | Self::MessageTooLarge => ErrorKind::Client,
        }
    }

    /// Tells whether the same request may succeed when it is sent again; never, for a rejection.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        false
    }
}

impl StoreError {
    /// Returns the family.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Rejected(rejection) => rejection.kind(),
            Self::Unauthorized | Self::Limit(_) => ErrorKind::Client,
            Self::Unavailable(_)
            | Self::NotLeader { .. }
            | Self::WrongGroup { .. }
            | Self::Overloaded
            | Self::NoSpace
            | Self::OutcomeUnknown => ErrorKind::Passing,
            Self::ContentUnavailable | Self::Internal(_) => ErrorKind::Internal,
        }
    }

    /// Tells whether the same request, under the same request id, may succeed when it is sent again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_) | Self::WrongGroup { .. } | Self::Overloaded | Self::OutcomeUnknown
        )
    }
}

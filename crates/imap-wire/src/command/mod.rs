//! Typed commands.

mod encode;
mod encode_search;
mod kind;
mod leniency;

pub use kind::{COMMANDS, CommandKind, CommandSpec, SessionState, States, UidForm};
pub use leniency::{Leniencies, Leniency};

use crate::types::{
    Atom, Charset, DateTime, FetchItem, Flag, ListReturn, ListSelection, MailboxName, MessageSet, ModSeq,
    SearchKey, SearchReturn, Secret, SequenceSet, SpecialUse, StatusItem, Tag, UidValidity,
};

/// A command as read from a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The tag to answer under.
    pub tag: Tag,
    /// What the client asks for.
    pub body: CommandBody,
    /// What in its spelling broke the grammar and was accepted all the same.
    pub leniencies: Leniencies,
}

/// Whether a command names messages by sequence number or by UID.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Addressing {
    /// By sequence number.
    Sequence,
    /// By UID: the command came behind `UID`.
    Uid,
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandBody {
    /// `CAPABILITY` (RFC 3501 §6.1.1)
    Capability,
    /// `NOOP` (RFC 3501 §6.1.2)
    Noop,
    /// `LOGOUT` (RFC 3501 §6.1.3)
    Logout,
    /// `ID` (RFC 2971): field and value pairs, empty for `NIL`.
    Id(Vec<(String, Option<String>)>),
    /// `STARTTLS` (RFC 3501 §6.2.1)
    StartTls,
    /// `AUTHENTICATE` (RFC 3501 §6.2.2, RFC 4959)
    Authenticate {
        /// The mechanism, known or not.
        mechanism: Atom,
        /// The initial response, already decoded.
        initial_response: Option<Secret>,
    },
    /// `LOGIN` (RFC 3501 §6.2.3)
    Login {
        /// The user's name, as bytes: the literal form may hold any.
        user: Vec<u8>,
        /// The password.
        password: Secret,
    },
    /// `ENABLE` (RFC 5161 §3.1); unknown names are ignored by the server, not refused.
    Enable(Vec<Atom>),
    /// `SELECT` (RFC 3501 §6.3.1)
    Select(Select),
    /// `EXAMINE` (RFC 3501 §6.3.2)
    Examine(Select),
    /// `CREATE` (RFC 3501 §6.3.3, RFC 6154 §3)
    Create {
        /// The new mailbox.
        mailbox: MailboxName,
        /// `USE`
        special_uses: Vec<SpecialUse>,
    },
    /// `DELETE` (RFC 3501 §6.3.4)
    Delete(MailboxName),
    /// `RENAME` (RFC 3501 §6.3.5)
    Rename {
        /// The present name.
        from: MailboxName,
        /// The new name.
        to: MailboxName,
    },
    /// `SUBSCRIBE` (RFC 3501 §6.3.6)
    Subscribe(MailboxName),
    /// `UNSUBSCRIBE` (RFC 3501 §6.3.7)
    Unsubscribe(MailboxName),
    /// `LIST` (RFC 3501 §6.3.8, RFC 5258)
    List(List),
    /// `LSUB` (RFC 3501 §6.3.9)
    Lsub(BasicList),
    /// `XLIST`
    Xlist(BasicList),
    /// `NAMESPACE` (RFC 2342)
    Namespace,
    /// `STATUS` (RFC 3501 §6.3.10)
    Status {
        /// The mailbox.
        mailbox: MailboxName,
        /// What to report, in the client's order.
        items: Vec<StatusItem>,
    },
    /// `IDLE` (RFC 2177); the `DONE` line is framed by [`crate::frame`].
    Idle,
    /// `CHECK` (RFC 3501 §6.4.1)
    Check,
    /// `CLOSE` (RFC 3501 §6.4.2)
    Close,
    /// `UNSELECT` (RFC 3691)
    Unselect,
    /// `EXPUNGE` (RFC 3501 §6.4.3)
    Expunge,
    /// `UID EXPUNGE` (RFC 4315 §2.1)
    UidExpunge(MessageSet),
    /// `SEARCH` and `UID SEARCH` (RFC 3501 §6.4.4)
    Search(Search),
    /// `FETCH` and `UID FETCH` (RFC 3501 §6.4.5)
    Fetch(Fetch),
    /// `STORE` and `UID STORE` (RFC 3501 §6.4.6)
    Store(Store),
    /// `COPY` and `UID COPY` (RFC 3501 §6.4.7)
    Copy(CopyOrMove),
    /// `MOVE` and `UID MOVE` (RFC 6851)
    Move(CopyOrMove),
    /// `GETQUOTA` (RFC 9208 §4.1.1): the quota root.
    GetQuota(Vec<u8>),
    /// `GETQUOTAROOT` (RFC 9208 §4.1.2)
    GetQuotaRoot(MailboxName),
    /// `SETQUOTA` (RFC 9208 §4.1.3)
    SetQuota {
        /// The quota root.
        root: Vec<u8>,
        /// Resource names and limits.
        limits: Vec<(Atom, u64)>,
    },
    /// `COMPRESS` (RFC 4978): the algorithm, `DEFLATE` or unknown.
    Compress(Atom),
}

/// The arguments of SELECT and EXAMINE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// `CONDSTORE` (RFC 7162 §3.1.8)
    pub condstore: bool,
    /// `QRESYNC` (RFC 7162 §3.2.5)
    pub qresync: Option<QResync>,
}

/// What the client knew when it last saw the mailbox (RFC 7162 §3.2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QResync {
    /// The UIDVALIDITY that it knew.
    pub uid_validity: UidValidity,
    /// The last mod-sequence that it knew.
    pub mod_seq: ModSeq,
    /// The UIDs that it knows, or `None` for all.
    pub known_uids: Option<SequenceSet>,
    /// Pairs of sequence numbers and UIDs that it knew.
    pub sequence_match: Option<(SequenceSet, SequenceSet)>,
}

/// The arguments of LIST. A basic LIST has empty options and one pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// The selection options.
    pub selection: ListSelection,
    /// The reference, decoded.
    pub reference: String,
    /// The patterns, decoded; at least one.
    pub patterns: Vec<String>,
    /// The return options, or `None` if the client gave none at all.
    pub returns: Option<ListReturn>,
}

/// The arguments of LSUB and XLIST.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasicList {
    /// The reference, decoded.
    pub reference: String,
    /// The pattern, decoded.
    pub pattern: String,
}

/// The arguments of SEARCH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// What the result is made of.
    pub addressing: Addressing,
    /// The result options of an extended SEARCH (RFC 4731), or `None` for the old response.
    pub returns: Option<SearchReturn>,
    /// How to read the texts in `key`.
    pub charset: Charset,
    /// What to search for.
    pub key: SearchKey,
}

/// The arguments of FETCH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// What the set means.
    pub addressing: Addressing,
    /// The messages.
    pub set: MessageSet,
    /// The items, macros expanded, each once, in the client's order. `UID` is not added for UID FETCH.
    pub items: Vec<FetchItem>,
    /// `CHANGEDSINCE` (RFC 7162 §3.1.4.1)
    pub changed_since: Option<ModSeq>,
    /// `VANISHED` (RFC 7162 §3.2.6); only with UID FETCH and CHANGEDSINCE.
    pub vanished: bool,
}

/// The arguments of STORE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// What the set means.
    pub addressing: Addressing,
    /// The messages.
    pub set: MessageSet,
    /// `UNCHANGEDSINCE` (RFC 7162 §3.1.3)
    pub unchanged_since: Option<ModSeq>,
    /// What to do with the flags.
    pub action: StoreAction,
    /// `.SILENT`
    pub silent: bool,
    /// The flags.
    pub flags: Vec<Flag>,
}

/// What STORE does with its flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreAction {
    /// `FLAGS`
    Replace,
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
}

/// The arguments of COPY and MOVE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyOrMove {
    /// What the set means.
    pub addressing: Addressing,
    /// The messages.
    pub set: MessageSet,
    /// Where they go.
    pub mailbox: MailboxName,
}

/// The part of an APPEND that stands before its first message (RFC 3501 §6.3.11).
///
/// It is no [`CommandBody`]: the messages are not kept, so [`crate::frame`] hands this over while the
/// literal is still to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The tag to answer under.
    pub tag: Tag,
    /// Where the message goes.
    pub mailbox: MailboxName,
    /// The first message.
    pub message: AppendMessage,
    /// What was accepted although the grammar has it not.
    pub leniencies: Leniencies,
}

/// One message of an APPEND, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendMessage {
    /// The flags to store.
    pub flags: Vec<Flag>,
    /// The internal date to store, or `None` for the time of arrival.
    pub internal_date: Option<DateTime>,
    /// How the bytes are announced.
    pub literal: Literal,
    /// Whether it came as `UTF8 (~{n})` (RFC 9755 §4): headers may hold UTF-8. Whether the session
    /// has enabled that is for the caller to check.
    pub utf8: bool,
}

/// The header of a literal (RFC 3501 §9, RFC 7888 §8, RFC 3516 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Literal {
    /// How many bytes follow.
    pub bytes: u64,
    /// Whether the client waits for `+` before it sends them.
    pub synchronising: bool,
    /// Whether it is a literal8, which may hold NUL.
    pub binary: bool,
}

impl CommandBody {
    /// Returns which row of the command table this is.
    pub fn kind(&self) -> CommandKind {
        match self {
            Self::Capability => CommandKind::Capability,
            Self::Noop => CommandKind::Noop,
            Self::Logout => CommandKind::Logout,
            Self::Id(_) => CommandKind::Id,
            Self::StartTls => CommandKind::StartTls,
            Self::Authenticate { .. } => CommandKind::Authenticate,
            Self::Login { .. } => CommandKind::Login,
            Self::Enable(_) => CommandKind::Enable,
            Self::Select(_) => CommandKind::Select,
            Self::Examine(_) => CommandKind::Examine,
            Self::Create { .. } => CommandKind::Create,
            Self::Delete(_) => CommandKind::Delete,
            Self::Rename { .. } => CommandKind::Rename,
            Self::Subscribe(_) => CommandKind::Subscribe,
            Self::Unsubscribe(_) => CommandKind::Unsubscribe,
            Self::List(_) => CommandKind::List,
            Self::Lsub(_) => CommandKind::Lsub,
            Self::Xlist(_) => CommandKind::Xlist,
            Self::Namespace => CommandKind::Namespace,
            Self::Status { .. } => CommandKind::Status,
            Self::Idle => CommandKind::Idle,
            Self::Check => CommandKind::Check,
            Self::Close => CommandKind::Close,
            Self::Unselect => CommandKind::Unselect,
            Self::Expunge => CommandKind::Expunge,
            Self::UidExpunge(_) => CommandKind::UidExpunge,
            Self::Search(_) => CommandKind::Search,
            Self::Fetch(_) => CommandKind::Fetch,
            Self::Store(_) => CommandKind::Store,
            Self::Copy(_) => CommandKind::Copy,
            Self::Move(_) => CommandKind::Move,
            Self::GetQuota(_) => CommandKind::GetQuota,
            Self::GetQuotaRoot(_) => CommandKind::GetQuotaRoot,
            Self::SetQuota { .. } => CommandKind::SetQuota,
            Self::Compress(_) => CommandKind::Compress,
        }
    }

    /// Returns whether the command came behind `UID`.
    pub fn addressing(&self) -> Addressing {
        match self {
            Self::Search(search) => search.addressing,
            Self::Fetch(fetch) => fetch.addressing,
            Self::Store(store) => store.addressing,
            Self::Copy(copy) | Self::Move(copy) => copy.addressing,
            Self::UidExpunge(_) => Addressing::Uid,
            _ => Addressing::Sequence,
        }
    }
}

//! SEARCH keys as a tree.

use crate::types::{Date, Flag, Keyword, MessageSet, ModSeq};
use std::num::NonZeroU32;

/// How deep search keys may be nested; so recursion over a [`SearchKey`] is bounded.
pub const SEARCH_DEPTH_MAX: usize = 50;

/// Text to search for: the client's bytes in the charset of the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchText(pub Vec<u8>);

/// The charset of a SEARCH, which says how to read each [`SearchText`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Charset {
    /// `US-ASCII`
    UsAscii,
    /// `UTF-8`, also when the command names none: every US-ASCII text is UTF-8.
    Utf8,
    /// Another label, in capitals; the reader answers `NO [BADCHARSET]` if it does not know it.
    Other(String),
}

/// The header field of a HEADER search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchHeader {
    /// The field's name as the client wrote it.
    pub name: Vec<u8>,
    /// The text to find in it; empty finds every message that has the field.
    pub text: SearchText,
}

/// The metadata entry of a MODSEQ search (RFC 7162 §3.1.5): a flag and whose it is. A server with one
/// mod-sequence a message may ignore it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModSeqEntry {
    /// The flag of `/flags/...`.
    pub flag: Flag,
    /// `priv`, `shared` or `all`.
    pub kind: EntryKind,
}

/// `entry-type-req = "priv" / "shared" / "all"` (RFC 7162 §7)
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// `priv`
    Private,
    /// `shared`
    Shared,
    /// `all`
    All,
}

/// One search key, or several that must all hold.
///
/// `search-key` (RFC 3501 §9), with those of RFC 5032 §4, RFC 7162 §7 and RFC 8474 §7.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchKey {
    /// All of these: a parenthesised list, or the keys of the command.
    And(Vec<SearchKey>),
    /// `OR`
    Or(Box<SearchKey>, Box<SearchKey>),
    /// `NOT`
    Not(Box<SearchKey>),
    /// `ALL`
    All,
    /// Messages by sequence number, or the saved result.
    Sequence(MessageSet),
    /// `UID`
    Uid(MessageSet),
    /// `ANSWERED`, `DELETED`, `DRAFT`, `FLAGGED`, `SEEN` or `KEYWORD`.
    Flag(Flag),
    /// `UNANSWERED`, `UNDELETED`, `UNDRAFT`, `UNFLAGGED`, `UNSEEN` or `UNKEYWORD`.
    NoFlag(Flag),
    /// `RECENT`
    Recent,
    /// `NEW`: RECENT UNSEEN.
    New,
    /// `OLD`: NOT RECENT.
    Old,
    /// `BCC`
    Bcc(SearchText),
    /// `BODY`
    Body(SearchText),
    /// `CC`
    Cc(SearchText),
    /// `FROM`
    From(SearchText),
    /// `HEADER`
    Header(SearchHeader),
    /// `SUBJECT`
    Subject(SearchText),
    /// `TEXT`
    Text(SearchText),
    /// `TO`
    To(SearchText),
    /// `BEFORE`, by INTERNALDATE.
    Before(Date),
    /// `ON`, by INTERNALDATE.
    On(Date),
    /// `SINCE`, by INTERNALDATE.
    Since(Date),
    /// `SENTBEFORE`, by the Date field.
    SentBefore(Date),
    /// `SENTON`, by the Date field.
    SentOn(Date),
    /// `SENTSINCE`, by the Date field.
    SentSince(Date),
    /// `LARGER`, in bytes.
    Larger(u64),
    /// `SMALLER`, in bytes.
    Smaller(u64),
    /// `OLDER`, in seconds before now (RFC 5032).
    Older(NonZeroU32),
    /// `YOUNGER`, in seconds before now (RFC 5032).
    Younger(NonZeroU32),
    /// `MODSEQ` (RFC 7162 §3.1.5)
    ModSeq(Option<ModSeqEntry>, ModSeq),
    /// `EMAILID` (RFC 8474 §5.3)
    EmailId(String),
    /// `THREADID` (RFC 8474 §5.3)
    ThreadId(String),
}

impl SearchKey {
    /// Returns the flag key for `keyword`, as `KEYWORD` makes it.
    pub fn keyword(keyword: Keyword) -> Self {
        Self::Flag(Flag::Keyword(keyword))
    }

    /// Tells whether some key in the tree holds.
    pub fn any(&self, test: &mut impl FnMut(&Self) -> bool) -> bool {
        test(self)
            || match self {
                Self::And(keys) => keys.iter().any(|key| key.any(test)),
                Self::Or(left, right) => left.any(test) || right.any(test),
                Self::Not(key) => key.any(test),
                _ => false,
            }
    }
}

/// What an extended SEARCH returns.
///
/// `search-return-opts` (RFC 4731 §4, RFC 5182 §4). `RETURN ()` means ALL, which the parser sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SearchReturn {
    /// `MIN`
    pub min: bool,
    /// `MAX`
    pub max: bool,
    /// `ALL`
    pub all: bool,
    /// `COUNT`
    pub count: bool,
    /// `SAVE`
    pub save: bool,
}

//! Search programs in domain terms: sequence numbers, charsets and saved results are resolved before.

use crate::flags::{Keyword, SystemFlag};
use crate::ids::ModSeq;
use crate::message::EmailId;
use crate::uid_set::UidSet;

/// A day, as days since 1970-01-01, without regard to zone (RFC 9051 §6.4.4).
pub type Day = i32;

/// Where a date is taken from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DateField {
    /// INTERNALDATE.
    Internal,
    /// The `Date:` header field.
    Sent,
    /// When the message came into this mailbox (RFC 8514).
    Saved,
}

/// How a date or a number is compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// Strictly less.
    Below,
    /// Equal (the same day).
    At,
    /// Greater or equal for dates (`SINCE`), strictly greater for sizes (`LARGER`).
    Above,
}

/// One condition on a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SearchKey {
    /// Every message.
    All,
    /// All of these.
    And(Vec<SearchKey>),
    /// Either of the two.
    Or(Box<(SearchKey, SearchKey)>),
    /// Not this.
    Not(Box<SearchKey>),
    /// UID in the set.
    Uids(UidSet),
    /// A system flag is set.
    Flag(SystemFlag),
    /// A keyword is set.
    Keyword(Keyword),
    /// A date's day.
    Date(DateField, Comparison, Day),
    /// RFC822.SIZE.
    Size(Comparison, u32),
    /// INTERNALDATE lies less than this many seconds before `now` (`YOUNGER`, RFC 5032).
    Younger {
        /// Seconds.
        seconds: u32,
        /// Seconds since the epoch when the search began.
        now: i64,
    },
    /// A header field of this name contains the text; empty text: the field is there.
    Header {
        /// Field name.
        name: String,
        /// Decoded text, compared without regard to case.
        value: String,
    },
    /// The body contains the text.
    Body(String),
    /// Header or body contains the text.
    Text(String),
    /// The message changed at or after this (RFC 7162 §3.1.5).
    ModSeq(ModSeq),
    /// EMAILID (RFC 8474 §5.1).
    EmailId(EmailId),
}

/// A search of one mailbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SearchProgram {
    /// The condition.
    pub key: SearchKey,
    /// Looks at no other messages than these: what the session has been told of.
    pub within: UidSet,
}

/// What a search found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SearchResult {
    /// UIDs that match.
    pub uids: UidSet,
    /// The highest modification sequence among them (RFC 7162 §3.1.5).
    pub highest_modseq: Option<ModSeq>,
}

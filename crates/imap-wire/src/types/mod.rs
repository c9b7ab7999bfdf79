//! The values that commands and responses are made of. None can be built invalid.

mod atom;
mod capability;
mod date;
mod fetch;
mod flag;
mod list;
mod mailbox;
mod number;
mod search;
mod sequence;
mod status;

pub use atom::{Atom, Secret, TAG_BYTES_MAX, Tag};
pub use capability::{Capability, SaslMechanism};
pub use date::{Date, DateTime};
pub use fetch::{FetchItem, FetchMacro, Partial, Section, SectionText};
pub use flag::{Flag, FlagRef, KEYWORD_BYTES_MAX, Keyword};
pub use list::{ListReturn, ListSelection, SpecialUse};
pub use mailbox::{
    MAILBOX_NAME_BYTES_MAX, MAILBOX_NAME_LEVELS_MAX, MailboxName, MailboxNameError, NameEncoding,
};
pub use number::{ModSeq, SeqNum, Uid, UidValidity};
pub use search::{
    Charset, EntryKind, ModSeqEntry, SEARCH_DEPTH_MAX, SearchHeader, SearchKey, SearchReturn, SearchText,
};
pub use sequence::{MessageSet, SequenceNumber, SequenceSet, SequenceSetBuilder};
pub use status::StatusItem;

pub(crate) use atom::is_tag_char;
pub(crate) use date::month_of;
pub(crate) use mailbox::{encode_text, encode_text_as};
pub(crate) use sequence::write_range;

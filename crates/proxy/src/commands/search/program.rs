//! Search keys as the storage understands them: numbers, texts and saved results resolved.

use imap_wire::types::{Charset, Date, Flag, SearchKey as Wire};
use mailstore::UidSet;
use mailstore::flags::{Keyword, SystemFlag};
use mailstore::search::{Comparison, DateField, SearchKey};
use mailstore::time::Timestamp;

use super::super::message_set::{self, Numbering};
use super::text;
use crate::answer::Failure;
use crate::convert;
use crate::session::LoggedIn;
use crate::session::selected::Selected;

/// What the words of a search mean in this session.
pub(super) struct Terms<'a> {
    pub(super) login: &'a LoggedIn,
    pub(super) selected: &'a Selected,
    pub(super) now: Timestamp,
}

/// Translates a tree of keys. The parser bounds its depth.
pub(super) fn compile(key: &Wire, charset: &Charset, terms: &Terms<'_>) -> Result<SearchKey, Failure> {
    let below = |key: &Wire| compile(key, charset, terms);
    Ok(match key {
        Wire::And(keys) => SearchKey::And(keys.iter().map(below).collect::<Result<_, _>>()?),
        Wire::Or(left, right) => SearchKey::Or(Box::new((below(left)?, below(right)?))),
        Wire::Not(key) => not(below(key)?),
        Wire::All => SearchKey::All,
        Wire::Sequence(set) => SearchKey::Uids(message_set::resolve(terms.login, set, Numbering::Sequence)?),
        Wire::Uid(set) => SearchKey::Uids(message_set::resolve(terms.login, set, Numbering::Uid)?),
        Wire::Recent => recent(terms),
        Wire::New => SearchKey::And(vec![recent(terms), not(SearchKey::Flag(SystemFlag::Seen))]),
        Wire::Old => not(recent(terms)),
        Wire::Flag(name) => flag(name),
        Wire::NoFlag(name) => not(flag(name)),
        Wire::ModSeq(_, modseq) => SearchKey::ModSeq(convert::modseq(*modseq)),
        Wire::EmailId(id) => convert::parse_email_id(id).map_or_else(nothing, SearchKey::EmailId),
        // There are no threads: THREADID is NIL for every message (RFC 8474 §5.2).
        Wire::ThreadId(_) => nothing(),
        other => by_content(other, charset, terms)?,
    })
}

fn by_content(key: &Wire, charset: &Charset, terms: &Terms<'_>) -> Result<SearchKey, Failure> {
    let read = |value| text::decode(value, charset);
    let header = |name: &str, value| {
        Ok::<_, Failure>(SearchKey::Header {
            name: name.to_owned(),
            value: read(value)?,
        })
    };
    Ok(match key {
        Wire::Bcc(value) => header("Bcc", value)?,
        Wire::Cc(value) => header("Cc", value)?,
        Wire::From(value) => header("From", value)?,
        Wire::Subject(value) => header("Subject", value)?,
        Wire::To(value) => header("To", value)?,
        Wire::Header(wanted) => header(&String::from_utf8_lossy(&wanted.name), &wanted.text)?,
        Wire::Body(value) => SearchKey::Body(read(value)?),
        Wire::Text(value) => SearchKey::Text(read(value)?),
        Wire::Before(date) => day(DateField::Internal, Comparison::Below, *date),
        Wire::On(date) => day(DateField::Internal, Comparison::At, *date),
        Wire::Since(date) => day(DateField::Internal, Comparison::Above, *date),
        Wire::SentBefore(date) => day(DateField::Sent, Comparison::Below, *date),
        Wire::SentOn(date) => day(DateField::Sent, Comparison::At, *date),
        Wire::SentSince(date) => day(DateField::Sent, Comparison::Above, *date),
        Wire::Larger(bytes) => size(Comparison::Above, *bytes),
        Wire::Smaller(bytes) => size(Comparison::Below, *bytes),
        Wire::Younger(seconds) => younger(seconds.get(), terms.now),
        // RFC 5032 §3: what is not YOUNGER.
        Wire::Older(seconds) => not(younger(seconds.get(), terms.now)),
        // Every other key was translated before this was called.
        _ => nothing(),
    })
}

fn not(key: SearchKey) -> SearchKey {
    SearchKey::Not(Box::new(key))
}

fn nothing() -> SearchKey {
    SearchKey::Uids(UidSet::new())
}

fn recent(terms: &Terms<'_>) -> SearchKey {
    SearchKey::Uids(terms.selected.recent().clone())
}

fn flag(name: &Flag) -> SearchKey {
    match convert::system_flag(name) {
        Ok(flag) => SearchKey::Flag(flag),
        Err(keyword) => Keyword::new(keyword.as_str()).map_or_else(nothing, SearchKey::Keyword),
    }
}

fn day(field: DateField, comparison: Comparison, date: Date) -> SearchKey {
    let day = i32::try_from(date.days_since_epoch()).unwrap_or(i32::MAX);
    SearchKey::Date(field, comparison, day)
}

/// No message is larger than 32 bits can say.
fn size(comparison: Comparison, bytes: u64) -> SearchKey {
    match (u32::try_from(bytes), comparison) {
        (Ok(bytes), _) => SearchKey::Size(comparison, bytes),
        (Err(_), Comparison::Below) => SearchKey::All,
        (Err(_), Comparison::At | Comparison::Above) => nothing(),
    }
}

fn younger(seconds: u32, now: Timestamp) -> SearchKey {
    SearchKey::Younger {
        seconds,
        now: i64::try_from(now.seconds()).unwrap_or(i64::MAX),
    }
}

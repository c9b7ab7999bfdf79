//! A search program, made ready for many messages.

use std::time::Duration;

use mail_message::search::{Needle, PieceSearch, header_contains};
use mail_message::{PartKind, TextDecoder};
use mailstore::StoreError;
use mailstore::flags::{FlagBits, Keyword};
use mailstore::message::MessageState;
use mailstore::search::{Comparison, DateField, Day, SearchKey};
use tokio::time::Instant;

use super::candidate::Candidate;

/// Octets of a body that are looked at in one piece.
const PIECE_BYTES: u32 = 64 * 1024;
/// Octets of a header block that are looked at.
const HEADER_BYTES_MAX: u32 = 1024 * 1024;

/// Why a search ended early.
pub(crate) type SearchError = StoreError;

/// A program with its needles folded and its cheap conditions first.
pub(crate) struct Matcher {
    key: Key,
    deadline: Instant,
}

enum Key {
    Constant(bool),
    And(Vec<Key>),
    Or(Box<(Key, Key)>),
    Not(Box<Key>),
    /// Decided by what the program's caller looked up already.
    Plain(SearchKey),
    Flags(FlagBits),
    Header(String, Needle),
    Body(Needle),
    Text(Needle),
    Sent(Comparison, Day),
}

impl Matcher {
    /// Prepares a program. `keywords` is the mailbox's keyword table; the search may take `budget`.
    pub(crate) fn new(key: &SearchKey, keywords: &[Keyword], budget: Duration) -> Self {
        Self {
            key: Key::prepare(key, keywords),
            deadline: Instant::now() + budget,
        }
    }

    /// Tells whether the message can be ruled out without its record or content.
    pub(crate) fn excludes(&self, state: &MessageState) -> bool {
        self.key.by_state(state) == Some(false)
    }

    /// Tells whether the message matches whatever its record and content are.
    pub(crate) fn includes(&self, state: &MessageState) -> bool {
        self.key.by_state(state) == Some(true)
    }

    /// Tells whether the message matches.
    ///
    /// # Errors
    /// When the content cannot be read, or when the search has taken too long.
    pub(crate) fn matches(&self, candidate: &mut Candidate<'_>) -> Result<bool, SearchError> {
        if Instant::now() > self.deadline {
            return Err(StoreError::Limit("search took too long"));
        }
        self.key.matches(candidate)
    }
}

impl Key {
    fn prepare(key: &SearchKey, keywords: &[Keyword]) -> Self {
        match key {
            SearchKey::All => Self::Constant(true),
            SearchKey::And(keys) => {
                let mut keys: Vec<Self> = keys.iter().map(|key| Self::prepare(key, keywords)).collect();
                keys.sort_by_key(Self::cost);
                Self::And(keys)
            }
            SearchKey::Or(keys) => {
                let (one, other) = (Self::prepare(&keys.0, keywords), Self::prepare(&keys.1, keywords));
                Self::Or(Box::new(if one.cost() <= other.cost() {
                    (one, other)
                } else {
                    (other, one)
                }))
            }
            SearchKey::Not(key) => Self::Not(Box::new(Self::prepare(key, keywords))),
            SearchKey::Flag(flag) => Self::Flags(FlagBits::system(*flag)),
            SearchKey::Keyword(keyword) => match keywords.iter().position(|known| known == keyword) {
                Some(index) => Self::Flags(FlagBits::keyword(index)),
                None => Self::Constant(false),
            },
            SearchKey::Header { name, value } => Self::Header(name.clone(), Needle::new(value)),
            SearchKey::Body(text) => Self::Body(Needle::new(text)),
            SearchKey::Text(text) => Self::Text(Needle::new(text)),
            SearchKey::Date(DateField::Sent, comparison, day) => Self::Sent(*comparison, *day),
            SearchKey::Uids(_)
            | SearchKey::Date(DateField::Internal | DateField::Saved, ..)
            | SearchKey::Size(..)
            | SearchKey::Younger { .. }
            | SearchKey::ModSeq(_)
            | SearchKey::EmailId(_) => Self::Plain(key.clone()),
        }
    }

    /// Ranks conditions by what they read: nothing, the record, the summary, the body.
    fn cost(&self) -> u8 {
        match self {
            Self::Constant(_) | Self::Flags(_) => 0,
            Self::Plain(_) => 1,
            Self::Sent(..) | Self::Header(..) => 2,
            Self::Body(_) | Self::Text(_) => 3,
            Self::And(keys) => keys.iter().map(Self::cost).max().unwrap_or(0),
            Self::Or(keys) => keys.0.cost().max(keys.1.cost()),
            Self::Not(key) => key.cost(),
        }
    }

    /// Decides by flags, UID and modification sequence alone, if they can.
    fn by_state(&self, state: &MessageState) -> Option<bool> {
        match self {
            Self::Constant(value) => Some(*value),
            Self::Flags(flags) => Some(state.flags.contains(*flags)),
            Self::Plain(SearchKey::Uids(uids)) => Some(uids.contains(state.uid)),
            Self::Plain(SearchKey::ModSeq(modseq)) => Some(state.modseq >= *modseq),
            Self::And(keys) => {
                let mut known = Some(true);
                for key in keys {
                    match key.by_state(state) {
                        Some(false) => return Some(false),
                        Some(true) => {}
                        None => known = None,
                    }
                }
                known
            }
            Self::Or(keys) => match (keys.0.by_state(state), keys.1.by_state(state)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Self::Not(key) => key.by_state(state).map(|value| !value),
            Self::Plain(_) | Self::Header(..) | Self::Body(_) | Self::Text(_) | Self::Sent(..) => None,
        }
    }

    fn matches(&self, candidate: &mut Candidate<'_>) -> Result<bool, SearchError> {
        if let Some(known) = self.by_state(&candidate.state) {
            return Ok(known);
        }
        match self {
            Self::Constant(value) => Ok(*value),
            Self::Flags(flags) => Ok(candidate.state.flags.contains(*flags)),
            Self::Plain(key) => Ok(plain(key, candidate)),
            Self::And(keys) => {
                for key in keys {
                    if !key.matches(candidate)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Or(keys) => Ok(keys.0.matches(candidate)? || keys.1.matches(candidate)?),
            Self::Not(key) => Ok(!key.matches(candidate)?),
            Self::Sent(comparison, day) => {
                let sent = candidate.with_summary(|summary| summary.sent_date())?;
                Ok(sent.is_some_and(|date| compare(*comparison, date.local_day(), i64::from(*day))))
            }
            Self::Header(name, needle) => Ok(header_contains(&candidate.header()?, name, needle)),
            Self::Body(needle) => body_contains(candidate, needle),
            Self::Text(needle) => {
                Ok(block_contains(&candidate.header()?, needle) || body_contains(candidate, needle)?)
            }
        }
    }
}

/// Decides a condition on what the record holds.
fn plain(key: &SearchKey, candidate: &Candidate<'_>) -> bool {
    let record = &candidate.record;
    match key {
        SearchKey::Uids(uids) => uids.contains(record.uid),
        SearchKey::Size(Comparison::Below, size) => record.size < *size,
        SearchKey::Size(Comparison::At, size) => record.size == *size,
        SearchKey::Size(Comparison::Above, size) => record.size > *size,
        SearchKey::Date(DateField::Saved, comparison, day) => {
            let saved = record.saved.seconds() / 86_400;
            compare(
                *comparison,
                i64::try_from(saved).unwrap_or(i64::MAX),
                i64::from(*day),
            )
        }
        // "Disregarding time and timezone" (RFC 9051 §6.4.4): the day in the zone that was given.
        SearchKey::Date(_, comparison, day) => {
            let date = record.internal_date;
            let local = date.seconds + i64::from(date.zone_minutes) * 60;
            compare(*comparison, local.div_euclid(86_400), i64::from(*day))
        }
        SearchKey::Younger { seconds, now } => record.internal_date.seconds > now - i64::from(*seconds),
        SearchKey::ModSeq(modseq) => candidate.state.modseq >= *modseq,
        SearchKey::EmailId(id) => record.email_id == *id,
        SearchKey::All
        | SearchKey::And(_)
        | SearchKey::Or(_)
        | SearchKey::Not(_)
        | SearchKey::Flag(_)
        | SearchKey::Keyword(_)
        | SearchKey::Header { .. }
        | SearchKey::Body(_)
        | SearchKey::Text(_) => false,
    }
}

fn compare(comparison: Comparison, value: i64, bound: i64) -> bool {
    match comparison {
        Comparison::Below => value < bound,
        Comparison::At => value == bound,
        Comparison::Above => value >= bound,
    }
}

/// Looks through every field of a header block, names included.
fn block_contains(header: &[u8], needle: &Needle) -> bool {
    mail_message::search::header_block_contains(header, needle)
}

/// Looks through the decoded text of every part and the headers of parts, in pieces.
fn body_contains(candidate: &mut Candidate<'_>, needle: &Needle) -> Result<bool, SearchError> {
    let parts = candidate.with_summary(|summary| {
        let parts = summary.parts();
        let described = parts.iter().enumerate().map(|(index, part)| TextPart {
            header: (index > 0).then(|| part.header()),
            body: (part.kind() == PartKind::Leaf && (part.is_of_type("text") || part.is_of_type("message")))
                .then(|| (part.body(), TextDecoder::new(part.encoding(), part.charset()))),
        });
        described.collect::<Vec<_>>()
    })?;
    for part in parts {
        if part.contains(candidate, needle)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What of a part is looked at.
struct TextPart {
    header: Option<mail_message::Span>,
    body: Option<(mail_message::Span, TextDecoder)>,
}

impl TextPart {
    fn contains(self, candidate: &Candidate<'_>, needle: &Needle) -> Result<bool, SearchError> {
        if let Some(span) = self.header
            && block_contains(
                &candidate.read(span.start(), span.len().min(HEADER_BYTES_MAX))?,
                needle,
            )
        {
            return Ok(true);
        }
        let Some((span, mut decoder)) = self.body else {
            return Ok(false);
        };
        let mut search = PieceSearch::new(needle);
        let mut text = String::new();
        for offset in (span.start()..span.end()).step_by(PIECE_BYTES as usize) {
            let piece = candidate.read(offset, PIECE_BYTES.min(span.end() - offset))?;
            text.clear();
            decoder.push(&piece, &mut text);
            if search.push(&text) {
                return Ok(true);
            }
        }
        text.clear();
        decoder.finish(&mut text);
        Ok(search.push(&text))
    }
}

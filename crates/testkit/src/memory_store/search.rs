//! Searching message by message, in the plainest way that is right.

use bytes::Bytes;
use mail_message::SummaryRef;
use mail_message::search::{Needle, body_contains, header_contains, text_contains};
use mailstore::BlobId;
use mailstore::flags::FlagBits;
use mailstore::mailbox::Mailbox;
use mailstore::message::{MessageRecord, MessageState};
use mailstore::search::{Comparison, DateField, SearchKey, SearchProgram, SearchResult};

const SECONDS_PER_DAY: i64 = 86_400;

/// One message with everything that a key may ask.
struct Candidate<'a> {
    record: MessageRecord,
    state: MessageState,
    mailbox: &'a Mailbox,
    message: &'a Bytes,
    summary: SummaryRef<'a>,
}

/// Looks at every message that the program admits.
pub(super) fn run<'a>(
    program: &SearchProgram,
    mailbox: &'a Mailbox,
    states: &[MessageState],
    records: Vec<MessageRecord>,
    content: impl Fn(BlobId) -> Option<(&'a Bytes, &'a Bytes)>,
) -> SearchResult {
    let mut result = SearchResult::default();
    for record in records {
        let state = states.iter().find(|state| state.uid == record.uid);
        let (Some(state), Some((message, summary))) = (state, content(record.blob)) else {
            continue;
        };
        let Ok(summary) = SummaryRef::parse(summary) else {
            continue;
        };
        let candidate = Candidate {
            record,
            state: *state,
            mailbox,
            message,
            summary,
        };
        if candidate.meets(&program.key) {
            result.uids.insert(record.uid);
            result.highest_modseq = result.highest_modseq.max(Some(state.modseq));
        }
    }
    result
}

impl Candidate<'_> {
    fn meets(&self, key: &SearchKey) -> bool {
        match key {
            SearchKey::All => true,
            SearchKey::And(keys) => keys.iter().all(|key| self.meets(key)),
            SearchKey::Or(either) => self.meets(&either.0) || self.meets(&either.1),
            SearchKey::Not(key) => !self.meets(key),
            SearchKey::Uids(uids) => uids.contains(self.record.uid),
            SearchKey::Flag(flag) => self.state.flags.has(*flag),
            SearchKey::Keyword(keyword) => {
                let index = self.mailbox.keywords.iter().position(|known| known == keyword);
                index.is_some_and(|index| self.state.flags.contains(FlagBits::keyword(index)))
            }
            SearchKey::Date(field, comparison, day) => self
                .day(*field)
                .is_some_and(|own| compare(*comparison, own, i64::from(*day), true)),
            SearchKey::Size(comparison, size) => compare(*comparison, self.record.size, *size, false),
            SearchKey::Younger { seconds, now } => {
                self.record.internal_date.seconds > now - i64::from(*seconds)
            }
            SearchKey::Header { name, value } => {
                let header = self.summary.header().unwrap_or_default();
                header_contains(header, name, &Needle::new(value))
            }
            SearchKey::Body(text) => body_contains(self.message, &self.summary, &Needle::new(text)),
            SearchKey::Text(text) => text_contains(self.message, &self.summary, &Needle::new(text)),
            SearchKey::ModSeq(modseq) => self.state.modseq >= *modseq,
            SearchKey::EmailId(id) => self.record.email_id == *id,
        }
    }

    /// RFC 3501 §6.4.4: the day, disregarding time and zone.
    fn day(&self, field: DateField) -> Option<i64> {
        let local = |seconds: i64, minutes: i64| (seconds + minutes * 60).div_euclid(SECONDS_PER_DAY);
        match field {
            DateField::Internal => {
                let date = self.record.internal_date;
                Some(local(date.seconds, i64::from(date.zone_minutes)))
            }
            DateField::Sent => {
                let date = self.summary.sent_date()?;
                Some(local(date.unix_seconds, i64::from(date.offset_minutes)))
            }
            DateField::Saved => i64::try_from(self.record.saved.seconds())
                .ok()
                .map(|s| local(s, 0)),
        }
    }
}

fn compare<T: Ord>(comparison: Comparison, own: T, wanted: T, inclusive: bool) -> bool {
    match comparison {
        Comparison::Below => own < wanted,
        Comparison::At => own == wanted,
        Comparison::Above => own > wanted || (inclusive && own == wanted),
    }
}

//! Between the wire's types and the model's. Both are checked when made, so hardly anything can fail.

use std::num::NonZeroU32;

use imap_wire::command::StoreAction;
use imap_wire::response::NumberRange;
use imap_wire::types as wire;
use imap_wire::types::{DateTime, Flag, FlagRef, SequenceSet};
use mailstore::flags::{FlagBits, FlagOperation, Keyword, NamedFlags, SystemFlag};
use mailstore::mailbox::SpecialUse;
use mailstore::message::EmailId;
use mailstore::name::MailboxName;
use mailstore::time::{InternalDate, Timestamp};
use mailstore::{MailboxId, ModSeq, Rejection, Uid, UidSet, UidValidity};

/// Returns the model's name; the model normalises more than the wire does.
pub(crate) fn mailbox_name(name: &wire::MailboxName) -> Result<MailboxName, Rejection> {
    Ok(MailboxName::parse(name.as_str())?)
}

pub(crate) fn number(uid: Uid) -> NonZeroU32 {
    NonZeroU32::new(uid.get()).unwrap_or(NonZeroU32::MIN)
}

pub(crate) fn wire_uid(uid: Uid) -> wire::Uid {
    wire::Uid(number(uid))
}

pub(crate) fn wire_uid_validity(validity: UidValidity) -> wire::UidValidity {
    wire::UidValidity(NonZeroU32::new(validity.get()).unwrap_or(NonZeroU32::MIN))
}

pub(crate) fn wire_modseq(modseq: ModSeq) -> wire::ModSeq {
    wire::ModSeq::new(modseq.0).unwrap_or(wire::ModSeq::MAX)
}

pub(crate) fn modseq(modseq: wire::ModSeq) -> ModSeq {
    ModSeq(modseq.get())
}

/// Returns a sequence number for a response, `None` for zero.
pub(crate) fn wire_seq(number: u32) -> Option<wire::SeqNum> {
    NonZeroU32::new(number).map(wire::SeqNum)
}

/// Lists the ranges of a set as responses write them.
pub(crate) fn wire_ranges(uids: &UidSet) -> impl Iterator<Item = NumberRange> {
    uids.ranges().map(|(first, last)| number(first)..=number(last))
}

/// Returns the UIDs that a set names when `largest` is the largest in use.
pub(crate) fn uid_set(set: &SequenceSet, largest: Option<Uid>) -> UidSet {
    let mut uids = UidSet::new();
    for range in set.resolve(largest.map(number)) {
        if let (Some(first), Some(last)) = (Uid::new(*range.start()), Uid::new(*range.end())) {
            uids.insert_range(first, last);
        }
    }
    uids
}

/// Returns a date as the wire writes it. What lies outside the years that the grammar can express is
/// shown as the epoch.
pub(crate) fn wire_date(date: InternalDate) -> Option<DateTime> {
    DateTime::from_unix_seconds(date.seconds, date.zone_minutes).or_else(|| DateTime::from_unix_seconds(0, 0))
}

pub(crate) fn internal_date(date: Option<DateTime>, now: Timestamp) -> InternalDate {
    match date {
        Some(date) => InternalDate {
            seconds: date.unix_seconds(),
            zone_minutes: date.zone_minutes(),
        },
        None => InternalDate {
            seconds: i64::try_from(now.seconds()).unwrap_or(i64::MAX),
            zone_minutes: 0,
        },
    }
}

pub(crate) fn named_flags(flags: &[Flag]) -> NamedFlags {
    let mut named = NamedFlags::default();
    for flag in flags {
        match system_flag(flag) {
            Ok(flag) => named.system = named.system.with(FlagBits::system(flag)),
            Err(keyword) => {
                let keyword = Keyword::new(keyword.as_str());
                let new = keyword.filter(|keyword| !named.keywords.contains(keyword));
                named.keywords.extend(new);
            }
        }
    }
    named
}

/// Returns the system flag that this is, or the keyword.
pub(crate) fn system_flag(flag: &Flag) -> Result<SystemFlag, &wire::Keyword> {
    match flag {
        Flag::Answered => Ok(SystemFlag::Answered),
        Flag::Flagged => Ok(SystemFlag::Flagged),
        Flag::Deleted => Ok(SystemFlag::Deleted),
        Flag::Seen => Ok(SystemFlag::Seen),
        Flag::Draft => Ok(SystemFlag::Draft),
        Flag::Keyword(keyword) => Err(keyword),
    }
}

pub(crate) fn wire_system_flag<'a>(flag: SystemFlag) -> FlagRef<'a> {
    match flag {
        SystemFlag::Answered => FlagRef::Answered,
        SystemFlag::Flagged => FlagRef::Flagged,
        SystemFlag::Deleted => FlagRef::Deleted,
        SystemFlag::Seen => FlagRef::Seen,
        SystemFlag::Draft => FlagRef::Draft,
    }
}

pub(crate) fn flag_operation(action: StoreAction) -> FlagOperation {
    match action {
        StoreAction::Replace => FlagOperation::Replace,
        StoreAction::Add => FlagOperation::Add,
        StoreAction::Remove => FlagOperation::Remove,
    }
}

const SPECIAL_USES: [(wire::SpecialUse, SpecialUse); 8] = [
    (wire::SpecialUse::All, SpecialUse::ALL),
    (wire::SpecialUse::Archive, SpecialUse::ARCHIVE),
    (wire::SpecialUse::Drafts, SpecialUse::DRAFTS),
    (wire::SpecialUse::Flagged, SpecialUse::FLAGGED),
    (wire::SpecialUse::Junk, SpecialUse::JUNK),
    (wire::SpecialUse::Sent, SpecialUse::SENT),
    (wire::SpecialUse::Trash, SpecialUse::TRASH),
    (wire::SpecialUse::Important, SpecialUse::IMPORTANT),
];

pub(crate) fn special_use(uses: &[wire::SpecialUse]) -> SpecialUse {
    let known = SPECIAL_USES.iter().filter(|(wire, _)| uses.contains(wire));
    known.fold(SpecialUse::NONE, |all, (_, one)| SpecialUse(all.0 | one.0))
}

pub(crate) fn wire_special_uses(uses: SpecialUse) -> impl Iterator<Item = wire::SpecialUse> {
    let set = SPECIAL_USES.iter().filter(move |(_, one)| uses.contains(*one));
    set.map(|(wire, _)| *wire)
}

/// Returns MAILBOXID (RFC 8474 §4): unique in the account, which is all that a client can see.
pub(crate) fn mailbox_id(mailbox: MailboxId) -> String {
    format!("F{}", mailbox.0)
}

/// Returns EMAILID (RFC 8474 §5.1).
pub(crate) fn email_id(id: EmailId) -> String {
    let mut text = String::with_capacity(25);
    text.push('M');
    for byte in id.0 {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(nibble), 16));
        }
    }
    text
}

/// Reads EMAILID as [`email_id`] writes it.
pub(crate) fn parse_email_id(text: &str) -> Option<EmailId> {
    let digits = text.strip_prefix('M').filter(|digits| digits.len() == 24)?;
    let mut id = [0; 12];
    for (byte, pair) in id.iter_mut().zip(digits.as_bytes().chunks(2)) {
        let pair = std::str::from_utf8(pair).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(EmailId(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8474 §7: `objectid = 1*255(ALPHA / DIGIT / "_" / "-")`
    #[test]
    fn object_ids_round_trip() {
        let id = EmailId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xab, 0xff]);
        assert_eq!(email_id(id), "M00010203040506070809abff");
        assert_eq!(parse_email_id(&email_id(id)), Some(id));
        assert_eq!(parse_email_id("M00"), None);
        assert_eq!(parse_email_id("Mé0010203040506070809abf"), None);
    }

    #[test]
    fn special_uses_round_trip() {
        let all: Vec<_> = wire_special_uses(SpecialUse(255)).collect();
        assert_eq!(all.len(), 8);
        assert_eq!(special_use(&all), SpecialUse(255));
    }

    #[test]
    fn keywords_are_named_once_whatever_their_case() {
        let keyword = |text: &[u8]| Flag::Keyword(wire::Keyword::new(text).unwrap());
        let named = named_flags(&[keyword(b"a"), Flag::Seen, keyword(b"A")]);
        assert_eq!(named.keywords.len(), 1);
        assert!(named.system.has(SystemFlag::Seen));
    }
}

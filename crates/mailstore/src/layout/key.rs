//! Keys of rows, relative to their subject.

use std::ops::Range;

use crate::error::DecodeError;
use crate::ids::{MailboxId, ModSeq, SessionId, Slot, Uid};
use crate::name::{MailboxName, SEPARATOR};

/// Kinds of rows. The numbers stand in tables and snapshots.
mod kind {
    pub(super) const COUNTERS: u8 = 1;
    pub(super) const PROFILE: u8 = 2;
    pub(super) const NAME: u8 = 3;
    pub(super) const MAILBOX: u8 = 4;
    pub(super) const HOT: u8 = 6;
    pub(super) const FIXED: u8 = 7;
    pub(super) const GONE: u8 = 8;
    pub(super) const EXPUNGED: u8 = 9;
    pub(super) const EXPIRY: u8 = 10;
    pub(super) const REQUEST: u8 = 11;
    pub(super) const ADDRESS: u8 = 12;
    pub(super) const ARRIVAL: u8 = 13;
    // Of the header of a group only.
    pub(super) const HEADER: u8 = 32;
    pub(super) const SLOT: u8 = 33;
}

/// A range of keys: start included, end excluded.
pub(crate) type KeyRange = Range<Vec<u8>>;

pub(crate) const COUNTERS: &[u8] = &[kind::COUNTERS];
pub(crate) const PROFILE: &[u8] = &[kind::PROFILE];
pub(crate) const ADDRESS: &[u8] = &[kind::ADDRESS];
pub(crate) const ARRIVAL: &[u8] = &[kind::ARRIVAL];
pub(crate) const HEADER: &[u8] = &[kind::HEADER];

/// All rows of a subject.
pub(crate) fn everything() -> KeyRange {
    Vec::new()..vec![u8::MAX]
}

/// All rows of a kind that belongs to a mailbox.
fn of_kind(kind: u8) -> KeyRange {
    vec![kind]..vec![kind + 1]
}

fn with_mailbox(kind: u8, mailbox: MailboxId, capacity: usize) -> Vec<u8> {
    let mut key = Vec::with_capacity(5 + capacity);
    key.push(kind);
    key.extend(mailbox.0.to_be_bytes());
    key
}

/// All keys that start with these bytes; no key has a run of 0xff behind them that is longer.
fn starting_with(prefix: Vec<u8>) -> KeyRange {
    let mut end = prefix.clone();
    end.extend([u8::MAX; 24]);
    prefix..end
}

pub(crate) fn name(name: &MailboxName) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + name.as_str().len());
    key.push(kind::NAME);
    key.extend(name.as_str().as_bytes());
    key
}

pub(crate) fn names() -> KeyRange {
    of_kind(kind::NAME)
}

/// The names below a name.
pub(crate) fn names_below(parent: &MailboxName) -> KeyRange {
    let mut start = name(parent);
    start.push(SEPARATOR as u8);
    let mut end = start.clone();
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    start..end
}

/// Reads a name out of its key.
pub(crate) fn name_in(key: &[u8]) -> Result<MailboxName, DecodeError> {
    const WRONG: DecodeError = DecodeError::Invalid("name key");
    let text = key.get(1..).ok_or(WRONG)?;
    let text = std::str::from_utf8(text).map_err(|_| WRONG)?;
    MailboxName::parse(text).map_err(|_| WRONG)
}

pub(crate) fn mailbox(id: MailboxId) -> Vec<u8> {
    with_mailbox(kind::MAILBOX, id, 0)
}

pub(crate) fn mailboxes() -> KeyRange {
    of_kind(kind::MAILBOX)
}

fn block_key(kind: u8, mailbox: MailboxId, block: u32) -> Vec<u8> {
    let mut key = with_mailbox(kind, mailbox, 4);
    key.extend(block.to_be_bytes());
    key
}

pub(crate) fn hot(mailbox: MailboxId, block: u32) -> Vec<u8> {
    block_key(kind::HOT, mailbox, block)
}

pub(crate) fn fixed(mailbox: MailboxId, block: u32) -> Vec<u8> {
    block_key(kind::FIXED, mailbox, block)
}

/// Hot rows from block `first` to block `last`, both included.
pub(crate) fn hot_blocks(mailbox: MailboxId, first: u32, last: u32) -> KeyRange {
    hot(mailbox, first)..hot(mailbox, last.saturating_add(1))
}

/// Fixed rows from block `first` to block `last`, both included.
pub(crate) fn fixed_blocks(mailbox: MailboxId, first: u32, last: u32) -> KeyRange {
    fixed(mailbox, first)..fixed(mailbox, last.saturating_add(1))
}

pub(crate) fn all_fixed() -> KeyRange {
    of_kind(kind::FIXED)
}

/// Reads the block number out of the key of a hot or fixed row.
pub(crate) fn block_in(key: &[u8]) -> Result<u32, DecodeError> {
    key.get(5..)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u32::from_be_bytes)
        .ok_or(DecodeError::Invalid("block key"))
}

pub(crate) fn gone(mailbox: MailboxId, modseq: ModSeq) -> Vec<u8> {
    let mut key = with_mailbox(kind::GONE, mailbox, 8);
    key.extend(modseq.0.to_be_bytes());
    key
}

/// Rows of the expunge log later than a modification sequence.
pub(crate) fn gone_after(mailbox: MailboxId, since: ModSeq) -> KeyRange {
    gone(mailbox, ModSeq(since.0.saturating_add(1)))..gone(mailbox, ModSeq(u64::MAX))
}

/// Reads the modification sequence out of the key of a row of the expunge log.
pub(crate) fn gone_in(key: &[u8]) -> Result<ModSeq, DecodeError> {
    key.get(5..)
        .and_then(|bytes| bytes.try_into().ok())
        .map(|bytes| ModSeq(u64::from_be_bytes(bytes)))
        .ok_or(DecodeError::Invalid("expunge log key"))
}

pub(crate) fn expunged(mailbox: MailboxId, modseq: ModSeq, first: Uid) -> Vec<u8> {
    let mut key = with_mailbox(kind::EXPUNGED, mailbox, 12);
    key.extend(modseq.0.to_be_bytes());
    key.extend(first.get().to_be_bytes());
    key
}

/// Records of messages that one command removed.
pub(crate) fn expunged_by(mailbox: MailboxId, modseq: ModSeq) -> KeyRange {
    let mut key = with_mailbox(kind::EXPUNGED, mailbox, 8);
    key.extend(modseq.0.to_be_bytes());
    starting_with(key)
}

/// Records of messages removed from a mailbox.
pub(crate) fn expunged_from(mailbox: MailboxId) -> KeyRange {
    starting_with(with_mailbox(kind::EXPUNGED, mailbox, 0))
}

pub(crate) fn all_expunged() -> KeyRange {
    of_kind(kind::EXPUNGED)
}

pub(crate) fn expiry(modseq: ModSeq, mailbox: MailboxId) -> Vec<u8> {
    let mut key = Vec::with_capacity(13);
    key.push(kind::EXPIRY);
    key.extend(modseq.0.to_be_bytes());
    key.extend(mailbox.0.to_be_bytes());
    key
}

pub(crate) fn all_expiries() -> KeyRange {
    of_kind(kind::EXPIRY)
}

/// Reads what an expiry key names.
pub(crate) fn expiry_in(key: &[u8]) -> Result<(ModSeq, MailboxId), DecodeError> {
    let modseq = key.get(1..9).and_then(|bytes| bytes.try_into().ok());
    let mailbox = key.get(9..).and_then(|bytes| bytes.try_into().ok());
    modseq
        .map(u64::from_be_bytes)
        .zip(mailbox.map(u32::from_be_bytes))
        .map(|(modseq, mailbox)| (ModSeq(modseq), MailboxId(mailbox)))
        .ok_or(DecodeError::Invalid("expiry key"))
}

pub(crate) fn request(minute: u64, session: SessionId, slot: u8) -> Vec<u8> {
    let mut key = Vec::with_capacity(26);
    key.push(kind::REQUEST);
    key.extend(minute.to_be_bytes());
    key.extend(session.0);
    key.push(slot);
    key
}

pub(crate) fn all_requests() -> KeyRange {
    of_kind(kind::REQUEST)
}

/// Reads the minute out of the key of a request.
pub(crate) fn request_minute_in(key: &[u8]) -> Result<u64, DecodeError> {
    key.get(1..9)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u64::from_be_bytes)
        .ok_or(DecodeError::Invalid("request key"))
}

/// The row of one slot in the header.
pub(crate) fn slot(slot: Slot) -> Vec<u8> {
    let [high, low] = slot.0.to_be_bytes();
    vec![kind::SLOT, high, low]
}

pub(crate) fn all_slots() -> KeyRange {
    of_kind(kind::SLOT)
}

/// Reads the slot out of its key.
pub(crate) fn slot_in(key: &[u8]) -> Result<Slot, DecodeError> {
    key.get(1..)
        .and_then(|bytes| bytes.try_into().ok())
        .map(|bytes| Slot(u16::from_be_bytes(bytes)))
        .ok_or(DecodeError::Invalid("slot key"))
}

/// Tells whether a row with this key is part of what a subject is, wherever it is.
pub(crate) fn is_copied(key: &[u8]) -> bool {
    !key.is_empty() && key < everything().end.as_slice() && key != ARRIVAL
}

/// All rows that belong to one mailbox.
pub(crate) fn of_mailbox(id: MailboxId) -> [KeyRange; 5] {
    [kind::MAILBOX, kind::HOT, kind::FIXED, kind::GONE, kind::EXPUNGED]
        .map(|kind| starting_with(with_mailbox(kind, id, 0)))
}

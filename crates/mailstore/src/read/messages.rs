//! Records and states of messages.

use super::ReadError;
use super::changes::scan;
use crate::ids::{MailboxId, Uid};
use crate::layout::fixed::{FixedBlock, Removed, decode_removed};
use crate::layout::hot::HotBlock;
use crate::layout::{block, key};
use crate::message::{MessageRecord, MessageState};
use crate::rows::ReadRows;
use crate::uid_set::UidSet;

/// Returns records of the messages named, ascending by UID, at most `limit`: to go on, ask for what lies
/// above the last. Messages that were expunged and not yet forgotten are included; others that do not
/// exist are left out.
///
/// # Errors
/// When the tables fail.
pub fn messages(
    rows: &dyn ReadRows,
    mailbox: MailboxId,
    uids: &UidSet,
    limit: usize,
) -> Result<Vec<MessageRecord>, ReadError> {
    let mut records = Vec::new();
    for (first, last) in block::runs(uids) {
        scan(
            rows,
            &key::fixed_blocks(mailbox, first, last),
            &mut |key, value| {
                let found = FixedBlock::decode(key::block_in(key)?, value)?.records;
                records.extend(found.into_iter().filter(|record| uids.contains(record.uid)));
                Ok(records.len() < limit)
            },
        )?;
        if records.len() >= limit {
            break;
        }
    }
    records.truncate(limit);
    let present: UidSet = records.iter().map(|record| record.uid).collect();
    // Beyond a last record that was cut off by the limit nothing is to be looked for.
    let looked = match records.last() {
        Some(last) if records.len() == limit => uids.intersection(&UidSet::range(Uid::MIN, last.uid)),
        _ => uids.clone(),
    };
    let absent = looked.difference(&present);
    let removed = removed(rows, mailbox, &absent)?;
    if !removed.is_empty() {
        records.extend(removed.into_iter().map(|message| message.record));
        records.sort_unstable_by_key(|record| record.uid);
        records.truncate(limit);
    }
    Ok(records)
}

/// Returns states of the messages named, ascending by UID. Messages that were expunged and not yet
/// forgotten are included with their last state.
///
/// # Errors
/// When the tables fail.
pub fn states(
    rows: &dyn ReadRows,
    mailbox: MailboxId,
    uids: &UidSet,
) -> Result<Vec<MessageState>, ReadError> {
    let mut states = Vec::new();
    for (first, last) in block::runs(uids) {
        scan(rows, &key::hot_blocks(mailbox, first, last), &mut |key, value| {
            let found = HotBlock::decode(key::block_in(key)?, value)?.states;
            states.extend(found.into_iter().filter(|state| uids.contains(state.uid)));
            Ok(true)
        })?;
    }
    let present: UidSet = states.iter().map(|state| state.uid).collect();
    let removed = removed(rows, mailbox, &uids.difference(&present))?;
    if !removed.is_empty() {
        states.extend(removed.into_iter().map(|message| message.state));
        states.sort_unstable_by_key(|state| state.uid);
    }
    Ok(states)
}

/// Returns those messages of a set that were expunged and are not yet forgotten.
fn removed(rows: &dyn ReadRows, mailbox: MailboxId, uids: &UidSet) -> Result<Vec<Removed>, ReadError> {
    let mut removed = Vec::new();
    if uids.is_empty() {
        return Ok(removed);
    }
    scan(rows, &key::expunged_from(mailbox), &mut |_, value| {
        let found = decode_removed(value)?.into_iter();
        removed.extend(found.filter(|message| uids.contains(message.record.uid)));
        Ok(true)
    })?;
    Ok(removed)
}

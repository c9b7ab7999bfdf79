//! Forgetting what is kept for a while only. Each entry forgets a bounded number of rows, more than it
//! adds, so that nothing piles up and no entry pays for all.

use super::requests;
use super::workspace::Workspace;
use crate::error::{DecodeError, TableError};
use crate::layout::gone::Expiry;
use crate::layout::key;
use crate::limits::{EXPUNGED_RECORDS_MAX, EXPUNGED_RETENTION};
use crate::time::Timestamp;

/// Most rows of each kind that one entry forgets.
const PRUNED_MAX: usize = 32;

pub(super) fn prune(work: &mut Workspace<'_>, time: Timestamp) -> Result<(), TableError> {
    prune_requests(work, time)?;
    prune_expunged(work)
}

fn prune_requests(work: &mut Workspace<'_>, time: Timestamp) -> Result<(), TableError> {
    let Some(horizon) = requests::horizon(&work.counters, time) else {
        return Ok(());
    };
    let mut expired = Vec::new();
    let (mut oldest, mut forgotten) = (None, work.counters.requests_floor);
    let mut failed: Result<(), DecodeError> = Ok(());
    let range = key::all_requests();
    work.stored().scan(&range.start, &range.end, &mut |key, _| {
        match key::request_minute_in(key) {
            Ok(minute) if minute < horizon && expired.len() < PRUNED_MAX => {
                forgotten = forgotten.max(Some(minute));
                expired.push(key.to_vec());
                return true;
            }
            Ok(minute) => oldest = Some(minute),
            Err(error) => failed = Err(error),
        }
        false
    })?;
    failed?;
    // What this entry itself adds is not among the stored rows yet.
    let added = work.request_now;
    work.counters.requests_oldest = oldest.into_iter().chain(added).min();
    work.counters.requests_floor = forgotten;
    expired.into_iter().for_each(|key| work.delete(key));
    Ok(())
}

fn prune_expunged(work: &mut Workspace<'_>) -> Result<(), TableError> {
    let horizon = work.counters.log_time.before(EXPUNGED_RETENTION);
    let expired = |time: Timestamp| time < horizon;
    let mut records = work.counters.expunged_records;
    let oldest = work.counters.expunged_oldest;
    if records <= EXPUNGED_RECORDS_MAX && !oldest.is_some_and(expired) {
        return Ok(());
    }
    let mut forgotten = Vec::new();
    let mut next = None;
    let mut failed: Result<(), DecodeError> = Ok(());
    let range = key::all_expiries();
    work.stored().scan(&range.start, &range.end, &mut |key, value| {
        match key::expiry_in(key).and_then(|name| Ok((name, Expiry::decode(value)?))) {
            Ok((name, expiry)) => {
                let over = records > EXPUNGED_RECORDS_MAX || expired(expiry.removed_at);
                if over && forgotten.len() < PRUNED_MAX {
                    records = records.saturating_sub(expiry.records);
                    forgotten.push(name);
                    return true;
                }
                next = Some(expiry.removed_at);
            }
            Err(error) => failed = Err(error),
        }
        false
    })?;
    failed?;
    let now = work.expunged_now.then_some(work.counters.log_time);
    work.counters.expunged_oldest = next.or(now);
    work.counters.expunged_records = records;
    for (modseq, mailbox) in forgotten {
        work.delete(key::expiry(modseq, mailbox));
        work.delete_range(key::expunged_by(mailbox, modseq));
    }
    Ok(())
}

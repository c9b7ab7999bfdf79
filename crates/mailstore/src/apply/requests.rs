//! Exactly once: the replies of recent requests (Raft dissertation §6.3).
//!
//! A reply lies under the minute in which its request was made, its session, and its sequence number
//! modulo [`REQUESTS_MAX`]. So looking it up, keeping it and bounding what is kept each touch one row,
//! and what is too old stands in front.
//!
//! Whether a request is new is decided without any clock: a request that was applied has a record, or
//! its minute is no later than the latest that was forgotten from. Clocks only say when to forget, and
//! two must agree on it: the leader's at this entry, and that of whoever made the newest request. So one
//! wrong clock forgets nothing that is recent, and leaves nothing behind when it is right again.

use super::workspace::Workspace;
use crate::codec::Outcome;
use crate::command::{Command, Entry, MessageCommand};
use crate::error::{Rejection, TableError};
use crate::ids::RequestId;
use crate::layout::key;
use crate::layout::row::{Counters, RequestRow};
use crate::limits::{REQUEST_RETENTION, REQUESTS_MAX};
use crate::reply::{Reply, Stored};
use crate::time::Timestamp;

const MINUTE_MILLIS: u64 = 60_000;

pub(super) fn minute(time: Timestamp) -> u64 {
    time.0 / MINUTE_MILLIS
}

fn key_of(request: &RequestId) -> Vec<u8> {
    let slot = u8::try_from(request.sequence % u64::from(REQUESTS_MAX)).unwrap_or_default();
    key::request(minute(request.created), request.session, slot)
}

/// Returns the outcome of a request that was applied before, or the refusal of one that is too old to
/// be told from such; `None` for a new one.
pub(super) fn recorded(
    work: &mut Workspace<'_>,
    request: &RequestId,
    entry: &Entry,
) -> Result<Option<Outcome>, TableError> {
    let unknown = Ok(Some(Err(Rejection::OutcomeUnknown)));
    if let Some(row) = work.stored().get(&key_of(request))? {
        let row = RequestRow::decode(&row)?;
        if row.sequence == request.sequence && row.created == request.created {
            return refreshed(work, row.outcome, &entry.command).map(Some);
        }
        if row.sequence >= request.sequence {
            return unknown;
        }
    }
    let forgotten = work.counters.requests_floor;
    if forgotten.is_some_and(|floor| minute(request.created) <= floor)
        || request.created < entry.time.before(REQUEST_RETENTION)
    {
        return unknown;
    }
    Ok(None)
}

/// Adds to the reply of a STORE the states that are not kept with it.
fn refreshed(work: &Workspace<'_>, outcome: Outcome, command: &Command) -> Result<Outcome, TableError> {
    match (outcome, command) {
        (Ok(Reply::Stored(stored)), Command::Message(MessageCommand::Store { mailbox, uids, .. })) => {
            let states = work.select(*mailbox, uids)?;
            Ok(Ok(Reply::Stored(Stored { states, ..stored })))
        }
        (outcome, _) => Ok(outcome),
    }
}

/// Keeps the outcome of a request.
pub(super) fn record(work: &mut Workspace<'_>, request: &RequestId, outcome: &Outcome) {
    let outcome = match outcome {
        Ok(Reply::Stored(stored)) => Ok(Reply::Stored(Stored {
            modseq: stored.modseq,
            changed: stored.changed.clone(),
            modified: stored.modified.clone(),
            missing: stored.missing.clone(),
            states: Vec::new(),
        })),
        other => other.clone(),
    };
    let row = RequestRow {
        sequence: request.sequence,
        created: request.created,
        outcome,
    };
    work.put(key_of(request), row.encode());
    let minute = minute(request.created);
    work.request_now = Some(minute);
    let counters = &mut work.counters;
    counters.requests_oldest = counters.requests_oldest.into_iter().chain([minute]).min();
    counters.requests_newest = counters.requests_newest.max(Some(minute));
}

/// Returns the minute before which replies are forgotten when an entry of this time is applied; `None`
/// when there is nothing to forget.
pub(super) fn horizon(counters: &Counters, time: Timestamp) -> Option<u64> {
    let now = minute(time).min(counters.requests_newest?);
    let horizon = now.saturating_sub(REQUEST_RETENTION.as_secs() / 60);
    (counters.requests_oldest? < horizon).then_some(horizon)
}

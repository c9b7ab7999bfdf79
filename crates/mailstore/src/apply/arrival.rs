//! Rows of accounts and address records that come from another group, or have gone to one.

use bytes::Bytes;

use super::{Applied, ApplyError};
use crate::error::{Rejection, TableError};
use crate::ids::Slot;
use crate::layout::row::{AddressRow, Counters};
use crate::layout::{key, slots as rows_of_slots};
use crate::reply::Reply;
use crate::rows::{ReadRows, Rows};
use crate::slots::{Arrival, CopiedRow, InstallRows, REMOVED_ROWS_MAX, RowsCommand, SlotState};

/// Applies a command to the rows of one subject.
pub(super) fn apply(
    header: &dyn ReadRows,
    rows: &mut dyn Rows,
    index: u64,
    (slot, command): (Slot, &RowsCommand),
) -> Result<Applied, ApplyError> {
    let state = crate::read::slot_state(header, slot)?;
    let reply = match (command, state) {
        (RowsCommand::Install(piece), Some(SlotState::Arriving { moving, .. })) if piece.moving == moving => {
            install(rows, index, piece)?
        }
        (RowsCommand::Remove, Some(SlotState::Released { .. })) => Ok(remove(rows)?),
        (RowsCommand::Install(_) | RowsCommand::Remove, _) => Err(Rejection::SlotStep),
    };
    Ok(Applied::without_events(reply))
}

/// Puts one piece of a copy. The last one of a subject that is empty leaves nothing behind.
fn install(
    rows: &mut dyn Rows,
    index: u64,
    piece: &InstallRows,
) -> Result<Result<Reply, Rejection>, TableError> {
    let arrived = crate::read::arrival(rows)?;
    if arrived.is_some_and(|arrived| index <= arrived.index) {
        return Ok(Err(Rejection::OutcomeUnknown));
    }
    let copy = arrived.filter(|arrived| (arrived.moving, arrived.copy) == (piece.moving, piece.copy));
    if copy.is_some_and(|copy| piece.piece < copy.next_piece) {
        // It was asked for again because the answer was lost.
        return Ok(Ok(Reply::Done));
    }
    let follows = copy.is_some_and(|copy| piece.piece == copy.next_piece && !copy.complete);
    if piece.piece != 0 && !follows {
        return Ok(Err(Rejection::SlotStep));
    }
    let Some(values) = values(rows, index, piece)? else {
        return Ok(Err(Rejection::SlotStep));
    };
    if piece.piece == 0 {
        let all = key::everything();
        rows.delete_range(&all.start, &all.end)?;
    }
    let is_empty = piece.piece == 0 && piece.last && values.is_empty();
    for (key, value) in values {
        rows.put(key, value);
    }
    if !is_empty {
        let arrival = Arrival {
            moving: piece.moving,
            copy: piece.copy,
            source_index: piece.source_index,
            next_piece: piece.piece.saturating_add(1),
            complete: piece.last,
            index,
        };
        rows.put(key::ARRIVAL.to_vec(), rows_of_slots::encode_arrival(&arrival));
    }
    Ok(Ok(Reply::Done))
}

type Values = Vec<(Vec<u8>, Bytes)>;

/// Returns what is to be put, `None` where a row is not one that a subject can have.
fn values(rows: &dyn ReadRows, index: u64, piece: &InstallRows) -> Result<Option<Values>, TableError> {
    let first = piece.piece == 0;
    let mut values = Vec::with_capacity(piece.rows.len());
    for row in &piece.rows {
        if !key::is_copied(&row.key) {
            return Ok(None);
        }
        let value = if row.append {
            // The part before is the last row of this piece, or of an earlier one.
            let before = match values.pop_if(|(key, _): &mut (Vec<u8>, Bytes)| *key == row.key) {
                Some((_, before)) => before,
                None if first => return Ok(None),
                None => rows.get(&row.key)?.unwrap_or_default(),
            };
            Some(Bytes::from([before, row.value.clone()].concat()))
        } else {
            here(index, row)
        };
        let Some(value) = value else {
            return Ok(None);
        };
        values.push((row.key.to_vec(), value));
    }
    Ok(Some(values))
}

/// Returns a row as it is in this group: which entry last changed a subject is counted by this log now.
fn here(index: u64, row: &CopiedRow) -> Option<Bytes> {
    match row.key.as_ref() {
        key::COUNTERS => {
            let counters = Counters::decode(&row.value).ok()?;
            Some(Counters { index, ..counters }.encode())
        }
        key::ADDRESS => {
            let address = AddressRow::decode(&row.value).ok()?;
            Some(AddressRow { index, ..address }.encode())
        }
        _ => Some(row.value.clone()),
    }
}

/// Removes some rows of a subject that has gone to another group.
fn remove(rows: &mut dyn Rows) -> Result<Reply, TableError> {
    let all = key::everything();
    let mut keys = Vec::new();
    let mut more = false;
    rows.scan(&all.start, &all.end, &mut |key, _| {
        more = keys.len() == REMOVED_ROWS_MAX;
        if !more {
            keys.push(key.to_vec());
        }
        !more
    })?;
    keys.into_iter().for_each(|key| rows.delete(key));
    Ok(Reply::RowsRemoved { more })
}

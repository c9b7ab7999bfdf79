//! What the header says of slots, and how far copies of subjects have come.

use super::ReadError;
use super::changes::scan;
use crate::error::Rejection;
use crate::ids::Slot;
use crate::layout::{key, slots};
use crate::rows::ReadRows;
use crate::slots::{Arrival, SlotState};

/// Returns what the rows of a header say of a slot; `None` where no move has touched it.
///
/// # Errors
/// When the tables fail.
pub fn slot_state(header: &dyn ReadRows, slot: Slot) -> Result<Option<SlotState>, ReadError> {
    let row = header.get(&key::slot(slot))?;
    Ok(row.map(|row| slots::decode_state(&row)).transpose()?)
}

/// Returns what the rows of a header say of all slots that a move has touched, ascending.
///
/// # Errors
/// When the tables fail.
pub fn slot_states(header: &dyn ReadRows) -> Result<Vec<(Slot, SlotState)>, ReadError> {
    let mut states = Vec::new();
    scan(header, &key::all_slots(), &mut |key, row| {
        states.push((key::slot_in(key)?, slots::decode_state(row)?));
        Ok(true)
    })?;
    Ok(states)
}

/// Tells whether questions about what lies in the slot are answered here. A source goes on until it
/// releases the slot, since nobody changes it elsewhere before.
///
/// # Errors
/// When the tables fail.
pub fn check_slot(header: &dyn ReadRows, slot: Slot) -> Result<Result<(), Rejection>, ReadError> {
    Ok(match slot_state(header, slot)? {
        None | Some(SlotState::Owned { .. } | SlotState::Frozen { .. }) => Ok(()),
        Some(SlotState::Arriving { .. }) => Err(Rejection::SlotMoving),
        Some(SlotState::Released { .. }) => Err(Rejection::WrongGroup),
    })
}

/// Returns how far a copy of the subject has come; `None` where it did not come from another group.
///
/// # Errors
/// When the tables fail.
pub fn arrival(rows: &dyn ReadRows) -> Result<Option<Arrival>, ReadError> {
    let row = rows.get(key::ARRIVAL)?;
    Ok(row.map(|row| slots::decode_arrival(&row)).transpose()?)
}

/// Tells whether the subject has any row but that of [`arrival`].
///
/// # Errors
/// When the tables fail.
pub fn exists(rows: &dyn ReadRows) -> Result<bool, ReadError> {
    let mut found = false;
    scan(rows, &key::everything(), &mut |key, _| {
        found = key::is_copied(key);
        Ok(!found)
    })?;
    Ok(found)
}

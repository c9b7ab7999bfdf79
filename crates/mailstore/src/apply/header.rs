//! The header of a group: which slots it answers for.
//!
//! Entries of accounts and address records ask the header before they change anything. All replicas get
//! the same answer although each subject is replayed by itself: a snapshot holds the header exactly as of
//! its position, whatever later state it holds other subjects in, and the log is replayed in order from
//! there. So whenever an entry is applied, the header is what all entries before it made it. An entry
//! whose subject is further on is passed over without asking.

use super::{Applied, ApplyError};
use crate::command::Command;
use crate::error::{Rejection, TableError};
use crate::event::Event;
use crate::ids::{GroupId, Slot};
use crate::layout::{key, slots as rows_of_slots};
use crate::rows::{ReadRows, Rows};
use crate::slots::{MoveId, SlotCommand, SlotState, SlotStep};

/// Applies a command to the header.
pub(super) fn apply(rows: &mut dyn Rows, index: u64, command: &Command) -> Result<Applied, ApplyError> {
    let Command::Slots(command) = command else {
        return Ok(Applied::without_events(Err(Rejection::SlotStep)));
    };
    let stored = rows.get(key::HEADER)?;
    let stored = stored.map(|row| rows_of_slots::decode_index(&row)).transpose()?;
    if stored.is_some_and(|stored| index <= stored) {
        return Ok(Applied::without_events(Err(Rejection::OutcomeUnknown)));
    }
    let Some(changes) = changes(rows, command)? else {
        return Ok(Applied::without_events(Err(Rejection::SlotStep)));
    };
    let mut events = Vec::new();
    for (slot, state) in changes {
        rows.put(key::slot(slot), rows_of_slots::encode_state(&state));
        if matches!(state, SlotState::Released { .. }) {
            events.push(Event::SlotReleased { slot });
        }
    }
    rows.put(key::HEADER.to_vec(), rows_of_slots::encode_index(index));
    let reply = Ok(crate::Reply::Done);
    Ok(Applied { reply, events })
}

/// Returns the states that the step changes, `None` where one of the slots cannot take it.
fn changes(rows: &dyn ReadRows, command: &SlotCommand) -> Result<Option<Vec<(Slot, SlotState)>>, TableError> {
    let mut changes = Vec::new();
    for slot in command.slots.iter() {
        let before = crate::read::slot_state(rows, slot)?;
        match after(before, command.moving, command.step) {
            None => return Ok(None),
            Some(state) if Some(state) == before => {}
            Some(state) => changes.push((slot, state)),
        }
    }
    Ok(Some(changes))
}

/// Returns the state of a slot behind a step, `None` where the step cannot be taken. A slot that no move
/// has touched is taken for the group's own by the steps of a source, and for another's by those of a
/// target: only the directory knows, which begins moves.
fn after(before: Option<SlotState>, moving: MoveId, step: SlotStep) -> Option<SlotState> {
    use SlotState::{Arriving, Frozen, Owned, Released};
    let newest = match before {
        None => MoveId::default(),
        Some(Owned { ended, .. }) => ended,
        Some(Arriving { moving, .. } | Frozen { moving, .. } | Released { moving, .. }) => moving,
    };
    // Nothing is taken that an earlier move left under way.
    if newest > moving {
        return None;
    }
    let (is_new, repeated) = (newest < moving, newest == moving);
    match (step, before) {
        (SlotStep::Accept { from }, None) => Some(Arriving { moving, from }),
        (SlotStep::Accept { from }, Some(Released { .. })) if is_new => Some(Arriving { moving, from }),
        (SlotStep::Accept { .. }, Some(Arriving { .. })) if repeated => before,
        (SlotStep::Own, Some(Arriving { from, .. })) if repeated => Some(Owned {
            ended: moving,
            from: Some(from),
        }),
        (SlotStep::Own, Some(Owned { .. })) if repeated => before,
        (SlotStep::Refuse, None) => Some(given_up(moving)),
        (SlotStep::Refuse, Some(Arriving { .. })) if repeated => Some(given_up(moving)),
        // So late that the slot never arrived: that it goes elsewhere stays known.
        (SlotStep::Refuse, Some(Released { epoch, to, .. })) => Some(Released { moving, epoch, to }),
        (SlotStep::Freeze { to }, None) => Some(Frozen { moving, to }),
        (SlotStep::Freeze { to }, Some(Owned { .. })) if is_new => Some(Frozen { moving, to }),
        (SlotStep::Freeze { .. }, Some(Frozen { .. })) if repeated => before,
        // Also where it never came to freezing, so that one which is still under way comes too late.
        (SlotStep::Thaw, None) => Some(kept(moving, None)),
        (SlotStep::Thaw, Some(Owned { from, .. })) => Some(kept(moving, from)),
        (SlotStep::Thaw, Some(Frozen { .. })) if repeated => Some(kept(moving, None)),
        (SlotStep::Release { epoch, to }, Some(Frozen { .. })) if repeated => Some(Released {
            moving,
            epoch,
            to: Some(to),
        }),
        (SlotStep::Release { .. }, Some(Released { .. })) if repeated => before,
        _ => None,
    }
}

fn kept(ended: MoveId, from: Option<GroupId>) -> SlotState {
    SlotState::Owned { ended, from }
}

fn given_up(moving: MoveId) -> SlotState {
    SlotState::Released {
        moving,
        epoch: 0,
        to: None,
    }
}

/// Refuses a change of what the group does not answer for.
pub(super) fn check_change(header: &dyn ReadRows, slot: Slot) -> Result<Result<(), Rejection>, TableError> {
    Ok(match crate::read::slot_state(header, slot)? {
        None | Some(SlotState::Owned { .. }) => Ok(()),
        Some(SlotState::Arriving { .. } | SlotState::Frozen { .. }) => Err(Rejection::SlotMoving),
        Some(SlotState::Released { .. }) => Err(Rejection::WrongGroup),
    })
}

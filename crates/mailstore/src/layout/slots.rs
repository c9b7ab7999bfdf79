//! Rows of the header, and the row that says how far a copy of a subject has come.

use bytes::Bytes;

use super::row::{read, write};
use crate::codec::proto;
use crate::error::DecodeError;
use crate::ids::GroupId;
use crate::slots::{Arrival, MoveId, SlotState};

pub(crate) fn encode_state(state: &SlotState) -> Bytes {
    use proto::slot_row::State;
    let (moving, state) = match *state {
        SlotState::Owned { ended, from } => {
            let from = from.map(|from| from.0);
            (ended, State::Owned(proto::SlotOwned { from }))
        }
        SlotState::Arriving { moving, from } => (moving, State::ArrivingFrom(from.0)),
        SlotState::Frozen { moving, to } => (moving, State::FrozenFor(to.0)),
        SlotState::Released { moving, epoch, to } => {
            let to = to.map(|to| to.0);
            (moving, State::Released(proto::SlotReleased { epoch, to }))
        }
    };
    write(&proto::SlotRow {
        moving: moving.0,
        state: Some(state),
    })
}

pub(crate) fn decode_state(bytes: &Bytes) -> Result<SlotState, DecodeError> {
    use proto::slot_row::State;
    let row: proto::SlotRow = read(bytes)?;
    let moving = MoveId(row.moving);
    Ok(match row.state.ok_or(DecodeError::Unknown("state of a slot"))? {
        State::Owned(owned) => SlotState::Owned {
            ended: moving,
            from: owned.from.map(GroupId),
        },
        State::ArrivingFrom(from) => SlotState::Arriving {
            moving,
            from: GroupId(from),
        },
        State::FrozenFor(to) => SlotState::Frozen {
            moving,
            to: GroupId(to),
        },
        State::Released(released) => SlotState::Released {
            moving,
            epoch: released.epoch,
            to: released.to.map(GroupId),
        },
    })
}

pub(crate) fn encode_arrival(arrival: &Arrival) -> Bytes {
    write(&proto::ArrivalRow {
        moving: arrival.moving.0,
        copy: arrival.copy,
        source_index: arrival.source_index,
        next_piece: arrival.next_piece,
        complete: arrival.complete,
        index: arrival.index,
    })
}

pub(crate) fn decode_arrival(bytes: &Bytes) -> Result<Arrival, DecodeError> {
    let row: proto::ArrivalRow = read(bytes)?;
    Ok(Arrival {
        moving: MoveId(row.moving),
        copy: row.copy,
        source_index: row.source_index,
        next_piece: row.next_piece,
        complete: row.complete,
        index: row.index,
    })
}

pub(crate) fn encode_index(index: u64) -> Bytes {
    write(&proto::HeaderRow { index })
}

pub(crate) fn decode_index(bytes: &Bytes) -> Result<u64, DecodeError> {
    Ok(read::<proto::HeaderRow>(bytes)?.index)
}

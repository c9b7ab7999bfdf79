//! Commands that move slots, and lists of slots.

use super::field::{all, each};
use super::proto;
use crate::error::DecodeError;
use crate::ids::{GroupId, Slot};
use crate::slots::{CopiedRow, InstallRows, MoveId, SlotCommand, SlotSet, SlotStep};

impl From<&SlotSet> for proto::SlotSet {
    fn from(slots: &SlotSet) -> Self {
        Self {
            slots: slots.iter().map(|slot| u32::from(slot.0)).collect(),
        }
    }
}

impl TryFrom<proto::SlotSet> for SlotSet {
    type Error = DecodeError;

    fn try_from(set: proto::SlotSet) -> Result<Self, DecodeError> {
        let slot = |slot: &u32| u16::try_from(*slot).map(Slot);
        let slots = set.slots.iter().map(slot).collect::<Result<SlotSet, _>>();
        slots
            .ok()
            .filter(|slots| slots.len() == set.slots.len())
            .ok_or(DecodeError::Invalid("slots"))
    }
}

impl From<&SlotCommand> for proto::SlotCommand {
    fn from(command: &SlotCommand) -> Self {
        use proto::slot_command::Step;
        let unit = proto::Unit {};
        Self {
            moving: command.moving.0,
            slots: Some((&command.slots).into()),
            step: Some(match command.step {
                SlotStep::Accept { from } => Step::AcceptFrom(from.0),
                SlotStep::Freeze { to } => Step::FreezeFor(to.0),
                SlotStep::Thaw => Step::Thaw(unit),
                SlotStep::Release { epoch, to } => {
                    let to = Some(to.0);
                    Step::Release(proto::SlotReleased { epoch, to })
                }
                SlotStep::Own => Step::Own(unit),
                SlotStep::Refuse => Step::Refuse(unit),
            }),
        }
    }
}

impl TryFrom<proto::SlotCommand> for SlotCommand {
    type Error = DecodeError;

    fn try_from(command: proto::SlotCommand) -> Result<Self, DecodeError> {
        use proto::slot_command::Step;
        Ok(Self {
            moving: MoveId(command.moving),
            slots: super::required(command.slots, "slots")?,
            step: match command.step.ok_or(DecodeError::Unknown("step of a move"))? {
                Step::AcceptFrom(from) => SlotStep::Accept { from: GroupId(from) },
                Step::FreezeFor(to) => SlotStep::Freeze { to: GroupId(to) },
                Step::Thaw(_) => SlotStep::Thaw,
                Step::Release(release) => SlotStep::Release {
                    epoch: release.epoch,
                    to: release.to.map(GroupId).ok_or(DecodeError::Missing("to"))?,
                },
                Step::Own(_) => SlotStep::Own,
                Step::Refuse(_) => SlotStep::Refuse,
            },
        })
    }
}

impl From<&InstallRows> for proto::InstallRows {
    fn from(piece: &InstallRows) -> Self {
        Self {
            moving: piece.moving.0,
            copy: piece.copy,
            source_index: piece.source_index,
            piece: piece.piece,
            last: piece.last,
            rows: all(&piece.rows),
        }
    }
}

impl TryFrom<proto::InstallRows> for InstallRows {
    type Error = DecodeError;

    fn try_from(piece: proto::InstallRows) -> Result<Self, DecodeError> {
        Ok(Self {
            moving: MoveId(piece.moving),
            copy: piece.copy,
            source_index: piece.source_index,
            piece: piece.piece,
            last: piece.last,
            rows: each(piece.rows)?,
        })
    }
}

impl From<&CopiedRow> for proto::CopiedRow {
    fn from(row: &CopiedRow) -> Self {
        Self {
            key: row.key.clone(),
            value: row.value.clone(),
            append: row.append,
        }
    }
}

impl TryFrom<proto::CopiedRow> for CopiedRow {
    type Error = DecodeError;

    fn try_from(row: proto::CopiedRow) -> Result<Self, DecodeError> {
        Ok(Self {
            key: row.key,
            value: row.value,
            append: row.append,
        })
    }
}

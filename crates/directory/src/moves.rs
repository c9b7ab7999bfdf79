//! Slots on their way from one group to another.
//!
//! A move is recorded before anything is done for it, and its fate is decided here and nowhere else: the slots go to the
//! target, or the move is given up. It is closed when both groups have done what was decided.

use mailstore::GroupId;
use mailstore::slots::{MoveId, SlotSet};

use crate::command::Rejection;
use crate::model::{Directory, Epoch};

/// Most moves that are under way at one time.
pub const MOVES_MAX: usize = 64;

/// Slots on their way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotMove {
    /// What moves.
    pub slots: SlotSet,
    /// The group that had them when the move began.
    pub from: GroupId,
    /// The group that is to have them.
    pub to: GroupId,
    /// How far it is decided.
    pub fate: MoveFate,
}

/// How far a move is decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MoveFate {
    /// The source has the slots; either may happen.
    Open,
    /// The target has them, since this epoch.
    Done(Epoch),
    /// The source keeps them.
    GivenUp,
}

impl Directory {
    /// Begins a move, under the number of the epoch that it makes. The same move again is the one that is under way.
    pub(crate) fn begin_move(&mut self, slots: SlotSet, to: GroupId) -> Result<(), Rejection> {
        let open = |moved: &&SlotMove| moved.fate == MoveFate::Open;
        let mut moves = self.moves.values();
        if moves
            .clone()
            .filter(open)
            .any(|moved| (&moved.slots, moved.to) == (&slots, to))
        {
            return Ok(());
        }
        let first = slots.iter().next().ok_or(Rejection::Invalid)?;
        let from = self.slots.group_of(first);
        let of_others = slots.iter().any(|slot| self.slots.group_of(slot) != from);
        if from == to || to.0 == 0 || of_others {
            return Err(Rejection::Invalid);
        }
        if !self.groups.contains_key(&to) {
            return Err(Rejection::NoSuchGroup);
        }
        let moving = |moved: &SlotMove| slots.iter().any(|slot| moved.slots.contains(slot));
        if self.moves.len() >= MOVES_MAX || moves.any(moving) {
            return Err(Rejection::Busy);
        }
        let fate = MoveFate::Open;
        let moved = SlotMove {
            slots,
            from,
            to,
            fate,
        };
        self.moves.insert(MoveId(self.epoch.0 + 1), moved);
        Ok(())
    }

    /// Gives the slots of a move to its target.
    pub(crate) fn finish_move(&mut self, moving: MoveId) -> Result<(), Rejection> {
        let next = Epoch(self.epoch.0 + 1);
        let moved = self.moves.get_mut(&moving).ok_or(Rejection::NoSuchMove)?;
        match moved.fate {
            MoveFate::Open => {
                moved.fate = MoveFate::Done(next);
                for slot in moved.slots.iter() {
                    self.slots.assign(slot, moved.to);
                }
                Ok(())
            }
            MoveFate::Done(_) => Ok(()),
            MoveFate::GivenUp => Err(Rejection::MoveDecided),
        }
    }

    /// Leaves the slots of a move where they are.
    pub(crate) fn abandon_move(&mut self, moving: MoveId) -> Result<(), Rejection> {
        let moved = self.moves.get_mut(&moving).ok_or(Rejection::NoSuchMove)?;
        if matches!(moved.fate, MoveFate::Done(_)) {
            return Err(Rejection::MoveDecided);
        }
        moved.fate = MoveFate::GivenUp;
        Ok(())
    }

    /// Forgets a move that is decided, once both groups know. One that is forgotten already is no error.
    pub(crate) fn close_move(&mut self, moving: MoveId) -> Result<(), Rejection> {
        match self.moves.get(&moving) {
            Some(moved) if moved.fate == MoveFate::Open => Err(Rejection::Busy),
            Some(_) | None => {
                self.moves.remove(&moving);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use mailstore::Slot;

    use super::*;
    use crate::testing::{founded, tell};
    use crate::{Command, apply};

    /// Slots 0, 4, 8 and so on belong to the first of four groups.
    fn slots(numbers: &[u16]) -> SlotSet {
        numbers.iter().copied().map(Slot).collect()
    }

    fn begin(numbers: &[u16], to: u32) -> Command {
        Command::BeginSlotMove {
            slots: slots(numbers),
            to: GroupId(to),
        }
    }

    fn refused(directory: &mut Option<Directory>, command: Command, rejection: Rejection) {
        let before = directory.clone();
        assert_eq!(apply(directory, command), Err(rejection));
        assert_eq!(*directory, before);
    }

    fn begun(directory: &Option<Directory>) -> (MoveId, SlotMove) {
        let directory = directory.as_ref().expect("founded");
        let (id, moved) = directory.moves.iter().next_back().expect("a move");
        (*id, moved.clone())
    }

    #[test]
    fn a_move_that_is_finished_gives_the_slots_to_its_target_once() {
        let mut directory = founded(4);
        let done = tell(&mut directory, begin(&[0, 4], 2));
        let (id, moved) = begun(&directory);
        assert_eq!(
            (id.0, moved.from, moved.fate),
            (done.epoch.0, GroupId(1), MoveFate::Open)
        );
        assert_eq!(
            tell(&mut directory, begin(&[0, 4], 2)).epoch,
            done.epoch,
            "the same move"
        );
        refused(&mut directory, Command::CloseSlotMove(id), Rejection::Busy);
        let finished = tell(&mut directory, Command::FinishSlotMove(id));
        assert_eq!(begun(&directory).1.fate, MoveFate::Done(finished.epoch));
        let holder = |directory: &Option<Directory>, slot| {
            directory
                .as_ref()
                .map(|directory| directory.slots.group_of(Slot(slot)))
        };
        assert_eq!(holder(&directory, 4), Some(GroupId(2)));
        assert_eq!(holder(&directory, 8), Some(GroupId(1)));
        assert_eq!(
            tell(&mut directory, Command::FinishSlotMove(id)).epoch,
            finished.epoch
        );
        refused(
            &mut directory,
            Command::AbandonSlotMove(id),
            Rejection::MoveDecided,
        );
        tell(&mut directory, Command::CloseSlotMove(id));
        assert_eq!(holder(&directory, 4), Some(GroupId(2)));
        refused(&mut directory, Command::FinishSlotMove(id), Rejection::NoSuchMove);
        tell(&mut directory, Command::CloseSlotMove(id));
    }

    #[test]
    fn a_move_that_is_abandoned_leaves_the_slots() {
        let mut directory = founded(4);
        tell(&mut directory, begin(&[0], 2));
        let (id, _) = begun(&directory);
        tell(&mut directory, Command::AbandonSlotMove(id));
        refused(
            &mut directory,
            Command::FinishSlotMove(id),
            Rejection::MoveDecided,
        );
        refused(&mut directory, begin(&[0], 3), Rejection::Busy);
        tell(&mut directory, Command::CloseSlotMove(id));
        tell(&mut directory, begin(&[0], 3));
        assert!(begun(&directory).0 > id);
    }

    #[test]
    fn what_cannot_move_is_refused() {
        let mut directory = founded(4);
        for impossible in [begin(&[], 2), begin(&[0, 1], 2), begin(&[0], 1), begin(&[0], 0)] {
            refused(&mut directory, impossible, Rejection::Invalid);
        }
        refused(&mut directory, begin(&[0], 9), Rejection::NoSuchGroup);
        tell(&mut directory, begin(&[0], 2));
        refused(&mut directory, begin(&[0, 4], 2), Rejection::Busy);
    }
}

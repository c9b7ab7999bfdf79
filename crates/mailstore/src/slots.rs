//! Slots that move from one group to another, and what the header of a group says of them.
//!
//! A group without a header owns every slot that is routed to it. The header keeps a row for each slot
//! that a move has touched; it changes by [`SlotCommand`]s only, which are entries of the group's log
//! like any other. Rows of accounts and address records come in by [`RowsCommand`]s.
//!
//! A move goes so: the target accepts the slots and takes copies of their subjects while the source goes
//! on; the source freezes them; the target takes what has changed since; the directory gives the slots to
//! the target, which decides the move; the source releases them; only then the target owns them. So at
//! most one group at a time answers for a slot. Until the directory has decided, the move can be given up:
//! the source thaws and the target refuses.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::ids::{GroupId, SLOT_COUNT, Slot};

/// Most octets of keys and values in one entry that installs rows, so that the entry stays below what a
/// log takes. One row alone may be larger and is cut into pieces.
pub const INSTALL_BYTES_MAX: usize = 512 * 1024;
/// Most rows that one entry removes from a group that released their slot.
pub const REMOVED_ROWS_MAX: usize = 4_096;

/// One move of slots. The directory gives these numbers, each greater than all before it, so that what is
/// left over from an earlier move is told from what belongs to a later one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct MoveId(pub u64);

/// Some slots.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct SlotSet(BTreeSet<Slot>);

impl SlotSet {
    /// Tells whether the slot is among them.
    #[must_use]
    pub fn contains(&self, slot: Slot) -> bool {
        self.0.contains(&slot)
    }

    /// Returns the slots, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Slot> {
        self.0.iter().copied()
    }

    /// Returns how many they are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Slot> for SlotSet {
    /// Numbers that no slot has are left out.
    fn from_iter<I: IntoIterator<Item = Slot>>(slots: I) -> Self {
        Self(slots.into_iter().filter(|slot| slot.0 < SLOT_COUNT).collect())
    }
}

/// What the header of a group says of one slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SlotState {
    /// The group answers for the slot.
    Owned {
        /// The last move that ended here; nothing of it or of an earlier one is taken any more.
        ended: MoveId,
        /// The group that it came from, which may still have content that is looked for here in vain.
        from: Option<GroupId>,
    },
    /// Copies of the slot's subjects come in. The group answers nothing.
    Arriving {
        /// The move.
        moving: MoveId,
        /// Where they come from.
        from: GroupId,
    },
    /// The group still answers questions, and takes no change.
    Frozen {
        /// The move.
        moving: MoveId,
        /// Where the slot goes.
        to: GroupId,
    },
    /// Another group has the slot. What rows of it are left here are garbage.
    Released {
        /// The move that took it away, or that was given up before it came.
        moving: MoveId,
        /// The epoch of the slot map from which on the other group has it; zero where that is not known.
        epoch: u64,
        /// The other group, where that is known.
        to: Option<GroupId>,
    },
}

/// One step of a move, at one of its two groups. Each may be repeated: a step that has been taken changes
/// nothing. A step of a move that has ended here is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SlotCommand {
    /// The move.
    pub moving: MoveId,
    /// The slots; all take the step or none.
    pub slots: SlotSet,
    /// The step.
    pub step: SlotStep,
}

/// A step of a move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SlotStep {
    /// The target is to take copies.
    Accept {
        /// From this group.
        from: GroupId,
    },
    /// The source takes no more changes.
    Freeze {
        /// The target.
        to: GroupId,
    },
    /// The move is given up: the source takes changes again.
    Thaw,
    /// The directory has decided: the source answers no more.
    Release {
        /// The epoch of the slot map that gives the slots to the target.
        epoch: u64,
        /// The target.
        to: GroupId,
    },
    /// The source has released the slots: the target answers for them.
    Own,
    /// The move is given up: the target takes no more copies, and what came is garbage.
    Refuse,
}

/// A change of the rows of one account or address record as such.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RowsCommand {
    /// Puts rows of a copy, while the slot is arriving.
    Install(InstallRows),
    /// Removes rows that are garbage, at most [`REMOVED_ROWS_MAX`], once the slot is released.
    Remove,
}

/// A piece of a copy of one subject. The first piece replaces whatever is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InstallRows {
    /// The move.
    pub moving: MoveId,
    /// Tells this copy from others of the same subject, whose pieces may be under way too.
    pub copy: u64,
    /// The entry of the source's log that last changed the subject before it was copied.
    pub source_index: u64,
    /// The number of the piece, from zero. Pieces are taken in order.
    pub piece: u32,
    /// Whether it is the last one.
    pub last: bool,
    /// The rows.
    pub rows: Vec<CopiedRow>,
}

/// A row of a copy, or a piece of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CopiedRow {
    /// Its key within the subject.
    pub key: Bytes,
    /// Its value.
    pub value: Bytes,
    /// Whether the value goes on the end of what is there, for rows that are too large for one entry.
    pub append: bool,
}

/// How far a copy of a subject has come in its new group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Arrival {
    /// The move.
    pub moving: MoveId,
    /// The copy.
    pub copy: u64,
    /// See [`InstallRows::source_index`].
    pub source_index: u64,
    /// The number of the next piece.
    pub next_piece: u32,
    /// Whether all pieces are there.
    pub complete: bool,
    /// The entry that brought the last piece.
    pub index: u64,
}

/// Cuts the rows of a subject into pieces for [`InstallRows::rows`], of at most about
/// [`INSTALL_BYTES_MAX`] each. There is always one piece.
#[must_use]
pub fn pieces(rows: impl IntoIterator<Item = (Bytes, Bytes)>) -> Vec<Vec<CopiedRow>> {
    let mut pieces = vec![Vec::new()];
    let mut room = INSTALL_BYTES_MAX;
    for (key, value) in rows
        .into_iter()
        .filter(|(key, _)| crate::layout::key::is_copied(key))
    {
        let mut rest = value;
        let mut append = false;
        loop {
            if room < key.len() + rest.len() && room < INSTALL_BYTES_MAX {
                pieces.push(Vec::new());
                room = INSTALL_BYTES_MAX;
            }
            let value = rest.split_to(rest.len().min(room.saturating_sub(key.len()).max(1)));
            room = room.saturating_sub(key.len() + value.len());
            let key = key.clone();
            if let Some(piece) = pieces.last_mut() {
                piece.push(CopiedRow { key, value, append });
            }
            append = true;
            if rest.is_empty() {
                break;
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(size: usize) -> (Bytes, Bytes) {
        (Bytes::from_static(b"\x06key"), Bytes::from(vec![7; size]))
    }

    fn check(sizes: &[usize], expected: &[&[(usize, bool)]]) {
        let pieces = pieces(sizes.iter().map(|size| row(*size)));
        let found: Vec<Vec<_>> = pieces
            .iter()
            .map(|piece| piece.iter().map(|row| (row.value.len(), row.append)).collect())
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn rows_are_cut_into_pieces_that_an_entry_takes() {
        const MAX: usize = INSTALL_BYTES_MAX;
        check(&[], &[&[]]);
        check(&[0, 5], &[&[(0, false), (5, false)]]);
        check(&[MAX - 10, 10], &[&[(MAX - 10, false)], &[(10, false)]]);
        check(
            &[2 * MAX],
            &[&[(MAX - 4, false)], &[(MAX - 4, true)], &[(8, true)]],
        );
    }

    #[test]
    fn what_says_how_far_a_copy_has_come_is_not_copied() {
        let arrival = Bytes::from_static(crate::layout::key::ARRIVAL);
        assert_eq!(pieces([(arrival, Bytes::new())]), [[]]);
    }

    #[test]
    fn there_are_no_slots_beyond_the_last() {
        let slots: SlotSet = [Slot(3), Slot(SLOT_COUNT), Slot(3)].into_iter().collect();
        assert_eq!(slots.iter().collect::<Vec<_>>(), [Slot(3)]);
    }
}

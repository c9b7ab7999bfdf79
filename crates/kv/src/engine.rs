//! The port: engines, the shelves they keep and the tables on them.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::{Batch, Direction, KeyRange, KvError, LossCause, Rows};

/// The largest number of shelves that an engine keeps.
const SHELVES_MAX: u16 = 64;

/// Names a table. Tables are independent: no key of one is ever seen through another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(u64);

impl TableId {
    /// Returns the table of this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number of the table.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the shelf on which the table stands when there are `shelves` of them. Numbers that differ in a
    /// few bits only, wherever these are, come to stand on all shelves.
    pub fn shelf(self, shelves: ShelfCount) -> ShelfId {
        let at = mixed(self.0) % u64::from(shelves.0);
        ShelfId(u16::try_from(at).expect("invariant: a remainder is smaller than its 16-bit divisor"))
    }
}

/// Lets every bit of a number depend on all of them (the finalizer of SplitMix64, Steele, Lea and Flood 2014).
fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Names a shelf: one instance of an engine, with its own files, cache and faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShelfId(u16);

impl ShelfId {
    /// Returns the shelf of this number, counted from zero.
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// Returns the number of the shelf.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for ShelfId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// How many shelves an engine keeps, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShelfCount(u16);

impl ShelfCount {
    /// Returns the count.
    ///
    /// # Errors
    /// Refuses zero and counts above 64 with [`KvError::ShelfCount`].
    pub fn new(count: u16) -> Result<Self, KvError> {
        if count == 0 || count > SHELVES_MAX {
            return Err(KvError::ShelfCount {
                count,
                max: SHELVES_MAX,
            });
        }
        Ok(Self(count))
    }

    /// Returns the count as a number.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Returns every shelf, in order.
    pub fn shelves(self) -> impl Iterator<Item = ShelfId> {
        (0..self.0).map(ShelfId)
    }
}

/// Whether the rows on a shelf may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShelfState {
    /// The rows are those that the last run applied, up to some whole batch of each table.
    Believed,
    /// The shelf is empty and its tables must be filled from the truth.
    Rebuild(RebuildReason),
    /// The shelf failed while running. It answers nothing until it is wiped.
    Lost(LossCause),
}

/// Why a shelf was handed out empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RebuildReason {
    /// There was no shelf before.
    New,
    /// The last run was cut off and the kernel has been started again since, so what the engine wrote
    /// without fsync may be torn.
    UncleanShutdown,
    /// The shelf was laid out for another number of shelves, so its tables belong elsewhere.
    ShelfCountChanged,
    /// The marker that says how the last run ended is absent or damaged.
    MarkerDamaged,
    /// The files are not those that the last run left when it ended cleanly.
    FilesDamaged,
    /// The engine could not open what it had written, or the rows do not add up.
    OpenFailed(LossCause),
    /// It was wiped by [`Engine::wipe_shelf`].
    Wiped,
}

/// What is known about a shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShelfReport {
    /// The shelf.
    pub shelf: ShelfId,
    /// Whether its rows may be used.
    pub state: ShelfState,
    /// The space that its files take; zero for an engine without files.
    pub bytes_on_disk: u64,
}

/// A set of shelves. All calls block; run them on a pool for blocking work.
pub trait Engine: Send + Sync + 'static {
    /// Returns how many shelves there are.
    fn shelf_count(&self) -> ShelfCount;

    /// Returns a handle on the table. A table exists as soon as it is asked for and is empty at first.
    fn table(&self, id: TableId) -> Arc<dyn Table>;

    /// Reports the state and size of a shelf, for the decision to rebuild it.
    ///
    /// # Errors
    /// Fails with [`KvError::Closed`] only; a lost shelf is a report, not an error.
    fn report(&self, shelf: ShelfId) -> Result<ShelfReport, KvError>;

    /// Throws away every row on a shelf, whatever its state, and opens it again empty.
    ///
    /// The caller must have stopped whoever believes in the rows of its tables.
    ///
    /// # Errors
    /// Fails with [`KvError::Open`] when not even an empty shelf can be opened.
    fn wipe_shelf(&self, shelf: ShelfId) -> Result<(), KvError>;

    /// Writes everything out, makes it durable and marks each shelf as cleanly shut down, so that the next
    /// start believes it. Later calls answer [`KvError::Closed`].
    ///
    /// # Errors
    /// Gives the first failure after trying every shelf. A shelf that failed is rebuilt at the next start.
    fn close(&self) -> Result<(), KvError>;
}

/// One ordered map from key to value.
///
/// Any call may answer [`KvError::ShelfLost`]; then all tables of that shelf are gone.
pub trait Table: Send + Sync {
    /// Returns the shelf on which the table stands.
    fn shelf(&self) -> ShelfId;

    /// Applies all changes or none, also across a crash. Nothing is durable before [`Engine::close`].
    fn apply_batch(&self, batch: &Batch) -> Result<(), KvError>;

    /// Returns the value under `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError>;

    /// Returns the rows of a range as they are met: each row is whole, but batches may be applied between
    /// one row and the next. Use [`Table::view`] where rows must fit together.
    fn range(&self, range: &KeyRange, direction: Direction) -> Result<Rows<'_>, KvError>;

    /// Opens a view that shows the table as it stands after some whole batch, unchanged while it lives.
    ///
    /// An engine without multi-version reads (sled) keeps that promise by making writers of this table wait,
    /// so a view must be short and its holder must not write to the same table.
    fn view(&self) -> Result<Box<dyn View + '_>, KvError>;

    /// Asks the engine to write out what it buffers, so that less must be replayed after a crash of the
    /// process. It says nothing about loss of power.
    fn checkpoint(&self) -> Result<(), KvError>;

    /// Removes every row of this table, in several steps: a crash may leave some of the rows. Whoever keeps
    /// a row that vouches for the others must delete it first.
    fn wipe(&self) -> Result<(), KvError>;
}

/// A table at one moment.
pub trait View {
    /// Returns the value under `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, KvError>;

    /// Returns the rows of a range.
    fn range(&self, range: &KeyRange, direction: Direction) -> Result<Rows<'_>, KvError>;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn tables_spread_over_all_shelves_by_number() {
        let shelves = ShelfCount::new(8).expect("eight shelves are allowed");
        // A replica's number is that of its group and, in the low half, of its node.
        for low in [0, 1, 7] {
            let used: BTreeSet<_> = (1..=64_u64)
                .map(|group| TableId::new((group << 32) | low).shelf(shelves).get())
                .collect();
            assert_eq!(used.len(), 8, "{low}");
        }
        assert_eq!(shelves.shelves().count(), 8);
    }

    #[test]
    fn a_count_of_shelves_has_bounds() {
        assert!(ShelfCount::new(0).is_err());
        assert!(ShelfCount::new(SHELVES_MAX).is_ok());
        assert!(ShelfCount::new(SHELVES_MAX + 1).is_err());
    }
}

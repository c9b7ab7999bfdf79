//! Moving slots from one group to another while both go on.
//!
//! [`SlotMover`] carries a move out in steps that may each be repeated, by whoever leads the directory; what it asks of
//! nodes is answered here too. The rows go from leader to leader (`copy.rs`), the content from each node that has it to
//! each replica of the target (`content.rs`). What makes it safe is in `mailstore::slots`.

mod adopt;
mod content;
mod control;
mod copy;
mod leader;
mod mover;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use consensus::NodeId;
use mailstore::GroupId;
use mailstore::slots::MoveId;
use parking_lot::Mutex;

pub use mover::{RecordedMove, SlotLedger, SlotMover, SlotStage};

pub(crate) use adopt::{MOVING, refusal};

use content::Looked;

type SharedLooked = Arc<tokio::sync::Mutex<Looked>>;

/// What a node remembers of moves. None of it is needed: it only saves work.
#[derive(Default)]
pub(crate) struct SlotWork {
    /// The node that last answered as leader of a group.
    leaders: Mutex<BTreeMap<GroupId, NodeId>>,
    /// Of each target here, what rows of its newest move have been looked through.
    looked: Mutex<BTreeMap<GroupId, (MoveId, SharedLooked)>>,
    /// Copies that were begun by this process.
    copies: AtomicU32,
}

impl SlotWork {
    /// Returns a number that no other copy of the term has. A process that is started again leads in a later one.
    fn new_copy(&self, term: u64) -> u64 {
        (term << u32::BITS) | u64::from(self.copies.fetch_add(1, Ordering::Relaxed))
    }

    /// Returns what has been looked through for a move; that of an earlier move to the same group is forgotten.
    fn looked(&self, group: GroupId, moving: MoveId) -> SharedLooked {
        let mut all = self.looked.lock();
        let (of, looked) = all.entry(group).or_insert_with(|| (moving, Arc::default()));
        if *of != moving {
            (*of, *looked) = (moving, Arc::default());
        }
        Arc::clone(looked)
    }
}

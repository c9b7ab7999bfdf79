//! Questions, answered from the rows of one account or address record.
//!
//! Every function reads a consistent state when the rows given are one: the caller holds a view of the
//! tables, or keeps entries from being applied meanwhile.

mod account;
mod blobs;
mod changes;
mod messages;
mod slots;

pub use account::{account, account_info, address_record, applied_index, check_append, quota};
pub use blobs::{live_blobs, state_hash};
pub use changes::{changes, expunged, mailbox, mailbox_tree};
pub use messages::{messages, states};
pub use slots::{arrival, check_slot, exists, slot_state, slot_states};

use crate::error::TableError;

/// Why a question could not be answered.
pub type ReadError = TableError;

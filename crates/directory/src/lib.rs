//! The directory of a cluster: which storage nodes there are, which groups, where their replicas are, and which group
//! holds which slots.
//!
//! [`Directory`] is the whole of it, [`apply()`] the only code that changes it, [`plan()`] says what has to be changed so
//! that every group has its voters on nodes that are there, and [`codec`] is how it is stored and sent. The directory is
//! replicated by group 0, and every process keeps a copy.
//!
//! Not here: Raft, clocks, the network, and who carries a plan out. Start reading at `model.rs`, then `apply.rs`.
#![deny(missing_docs)]

mod apply;
pub mod codec;
mod command;
mod leaders;
mod model;
mod moves;
mod plan;
mod slots;
#[cfg(test)]
mod testing;

pub use apply::apply;
pub use command::{Announcement, Command, Done, Rejection};
pub use model::{
    Change, ChangeReason, ClusterId, Directory, DiskId, Epoch, FeatureLevel, Group, Node, NodeState,
    VOTERS_MAX,
};
pub use moves::{MOVES_MAX, MoveFate, SlotMove};
pub use plan::{Observed, PlanLimits, PlannedChange, plan};
pub use slots::{SlotMap, SlotRange};

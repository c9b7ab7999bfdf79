//! Which node serves which account, and the way to it.
//!
//! [`Layout`] says which storage nodes have replicas of which group, as the [`directory`] has it; [`DirectoryAccess`]
//! finds somebody to ask for the directory and follows it. [`Router`] stands
//! before any number of [`StorageNode`](mailstore::ports::StorageNode)s, in this process or behind gRPC,
//! and implements the ports that protocol roles call: it finds the leader, follows its moves, and tries
//! again under the same request id until its patience ends.
//!
//! The crate deliberately knows neither Raft nor tables nor any mail protocol. Start reading at
//! [`Router`].

mod administration;
mod attempts;
mod authentication;
mod delivery;
mod directory_access;
mod gate;
mod hedge;
mod layout;
mod mail;
mod resume;
mod router;
mod spool;
#[cfg(test)]
mod tests;
mod vigil;

pub use attempts::Patience;
pub use directory_access::{DirectoryAccess, DirectoryDoors, DirectoryNode};
pub use gate::RequestLimits;
pub use layout::{Layout, LayoutError};
pub use router::{AccountDefaults, Clock, Nodes, Random, Router, RouterOptions};
pub use spool::SpoolOptions;

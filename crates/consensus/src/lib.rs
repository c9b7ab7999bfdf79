//! Raft groups: many replicated state machines on one node, over one log, one set of tables and one network.
//!
//! A [`Machine`] says what a committed entry means. [`Groups`] runs replicas of groups: each [`Group`] proposes
//! entries, makes reads linearizable, keeps its tables in step with the log, writes snapshots so that the log
//! can be purged, and fills its tables again when they are lost. Log, tables, disk and network come in through
//! the ports of `wal`, `kv` and `disk` and through [`PeerTransport`], so that a simulated node differs from a
//! real one only in what it is given.
//!
//! The crate does not know what entries and rows mean, who is to host a replica, or how a call reaches another
//! node. No type of openraft leaves it.
//!
//! Start reading at `groups.rs` and `group.rs`; then `state_machine.rs` (applying), `log_store.rs`, `snapshot.rs`
//! and `peer.rs`.
#![deny(missing_docs)]

mod blocking;
mod directory;
mod error;
mod group;
mod groups;
mod hold;
mod ids;
mod log_store;
mod machine;
mod mail;
mod neighbours;
mod options;
mod parking;
mod peer;
mod runtime;
mod snapshot;
mod state_machine;
mod tables;
mod types;
mod wire;

pub use blocking::Blocking;
pub use directory::{DirectoryMachine, DirectorySink};
pub use error::{Error, ErrorKind, LeaderHint, Result};
pub use group::{Committed, Group, GroupStatus, GroupWatch, Role, SettledRows, SubjectPiece};
pub use groups::{Failure, Groups, NodeParts, Remedy};
pub use ids::{LogPosition, NodeId, ReplicaId};
pub use machine::{Applied, Machine, MachineError, SUBJECT_BYTES_MAX, Subject};
pub use mail::{EventSink, MailMachine, account_of, mail_subject, subject_of};
pub use options::{GroupOptions, ReadPolicy};
pub use peer::{PeerCall, PeerCallKind, PeerTransport};
pub use runtime::seed_elections_of_this_thread;
pub use snapshot::SnapshotError;
pub use tables::SubjectRows;

#[cfg(test)]
mod suite_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

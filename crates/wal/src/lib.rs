//! One checksummed, segmented log per disk, shared by all Raft groups of a storage node.
//!
//! [`Wal`] is the synchronous core: [`Wal::write_batch`] writes a batch with one write and one data sync, and
//! an index in memory says where each entry lies. [`Log`] is what consensus uses: it stages operations in
//! order, hands them to the core through a bounded queue (a thread of its own, or inline for simulation), and
//! calls back once they are durable. [`GroupLog`] is one group's share of it.
//!
//! The crate does not know what a log id, a vote or an entry means: they are opaque bytes beside an explicit
//! term and index. It never reads a clock and never deletes what it cannot verify: see [`DamageReport`].
//!
//! Start reading at [`format`](mod@format) for what lies on the disk, then `log.rs` (writing), `recovery.rs` (opening) and
//! `service.rs` (queue, order and callbacks).
#![deny(missing_docs)]

mod compaction;
mod damage;
mod error;
pub mod format;
mod ids;
mod index;
mod log;
mod options;
mod record;
mod recovery;
mod repair;
mod segment;
mod service;
mod view;
mod watermark;

pub use compaction::CompactionStep;
pub use damage::{Certainty, Damage, DamageReason, DamageReport, GroupDamage};
pub use disk::ErrorKind;
pub use error::{Error, Result};
pub use ids::{BatchNumber, GroupId, LogIndex, SegmentId, Term};
pub use log::Wal;
pub use options::WalOptions;
pub use record::{Entry, LogPosition, LogState, Operation, Record, Vote};
pub use repair::{RepairPlan, RepairPolicy};
pub use service::{Callback, GroupLog, Log};

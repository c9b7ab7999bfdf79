//! Whether what mail programs saw of a server is what a correct server shows them, also while it fails.
//!
//! A run is recorded as one [`Record`] a command, faults among them, and read back by a [`Checker`], which looks for
//! violations of numbered invariants: the promises on UIDs, durability, MOVE, flags, mod-sequences, the views of
//! sessions, names, quota and liveness. [`Violation`] says which invariant, which records, and why.
//!
//! The crate is pure: no clock, no socket, no file. It knows neither the program under test nor its internals, only
//! what goes over the wire. Who works on a server and records it is the matter of the whole-system tests.
//!
//! Start reading at `record.rs`, then `check.rs` for the way of a round of records, `replay.rs` for what is known after
//! each record, and `invariants/` for the rules by family.
//!
//! Not checked: invariant 34 (rights of others), because there are no access control lists yet.
#![deny(missing_docs)]

mod carry;
mod check;
mod facts;
mod invariants;
mod linear;
mod names;
mod numbers;
mod record;
mod replay;
mod report;
mod response;
#[cfg(test)]
mod samples;

pub use check::Checker;
pub use numbers::Numbers;
pub use record::{
    Command, DUMP, FaultKind, FlagChange, JournalError, Messages, NEMESIS, Outcome, Record, Resync, Told,
    read, write,
};
pub use report::{Bounds, Report, Violation};
pub use response::{Content, Fetched, Response};

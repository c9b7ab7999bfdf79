//! What tests share: a mail store in memory behind the real ports, and transcripts of IMAP sessions.
//!
//! [`MemoryStore`] runs the real `mailstore::apply` on rows in memory, without log, disk or network.
//! [`transcript`] reads `tests/transcripts/*.imap` and plays them against any server that takes
//! connections. Products never depend on this crate.
#![deny(missing_docs)]

mod memory_store;
pub mod transcript;

pub use memory_store::MemoryStore;

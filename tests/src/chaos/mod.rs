//! A whole cluster under load while its processes die, stand still and are cut off, with every command recorded and
//! checked (RELIABILITY.md §1).
//!
//! [`Chaos`] starts storage nodes and proxies, and lets clients work in rounds. A round ends with the end of all
//! faults and a look at everything through every proxy; then its records go to the [`history::Checker`]. Everything
//! random follows from one seed, but the threads of a real machine do not, so that a seed repeats the mix and not the
//! run. The records of the last round, and of each that violates something, are kept as JSON lines.
//!
//! Start reading at `run.rs`, then `worker.rs` for what clients do and `nemesis.rs` for what is done to processes.

mod acts;
mod client;
mod cold;
mod deliver;
mod dump;
mod journal;
mod message;
mod nemesis;
mod run;
mod stage;
mod summary;
mod trial;
mod view;
mod watcher;
mod worker;

pub use client::Distortion;
pub use run::{Chaos, Options};
pub use summary::Summary;
pub use trial::Trial;

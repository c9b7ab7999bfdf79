//! Whole storage nodes on simulated time, disks and networks, from one seed.
//!
//! A [`World`] is a cluster of machines in one thread: the product's own storage nodes on
//! [`SimDisk`](disk::SimDisk)s, with time that stands still until everybody waits, and randomness that
//! follows from a seed. [`run`](fn@run) lets clients work there while faults happen, and hands what they saw to the
//! [`checker`]s. [`run_cluster`] does so with several machines that fail one at a time while clients go on. The same
//! seed gives the same run, line by line.
//!
//! The crate knows nothing of mail protocols: it speaks the ports of `mailstore`, as roles do. Start
//! reading at `run.rs`, then `world.rs`.

pub mod checker;
mod client;
mod cluster;
mod environment;
mod fault;
mod happen;
mod history;
mod holders;
mod imap;
mod lines;
mod machine;
mod mutation;
mod nemesis;
mod network;
mod plug;
mod proxies;
mod random;
mod remote;
mod run;
mod session;
mod slow_disk;
mod stage;
mod way;
mod world;

pub use client::{Client, Identity, Views};
pub use cluster::{ClusterOptions, run_cluster};
pub use environment::SimEnvironment;
pub use fault::Fault;
pub use history::{AccountNumber, Call, Check, Counts, History, Violation};
pub use holders::Holders;
pub use machine::{BootError, Machine, MachineOptions, Running};
pub use mutation::Mutation;
pub use network::{Cut, Network};
pub use plug::Plug;
pub use proxies::Proxies;
pub use random::Random;
pub use run::{Outcome, RunOptions, run};
pub use session::{PROXY, Session, log_in, login_request};
pub use slow_disk::SlowDisk;
pub use world::{World, WorldOptions};

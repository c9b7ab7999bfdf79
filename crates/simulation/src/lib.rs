//! Whole storage nodes on simulated time, disks and networks, from one seed.
//!
//! A [`World`] is a cluster of [`machines`](World::boot) in one thread: the product's own storage nodes on
//! [`SimDisk`](disk::SimDisk)s, with time that stands still until everybody waits, and randomness that
//! follows from a seed.
//!
//! The crate knows nothing of mail protocols: it speaks the ports of `mailstore`, as roles do. Start
//! reading at `world.rs`.

mod environment;
mod machine;
mod network;
mod random;
mod session;
mod world;

pub use environment::SimEnvironment;
pub use machine::{BootError, Machine, MachineOptions, Running};
pub use network::Network;
pub use random::Random;
pub use session::{PROXY, Session, log_in, login_request};
pub use world::{World, WorldOptions};

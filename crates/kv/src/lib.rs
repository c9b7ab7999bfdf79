//! Ordered key-value tables that may be thrown away and rebuilt.
//!
//! A node keeps its rows in a small number of *shelves*, each one instance of an engine. Every [`Table`]
//! lives on one shelf, chosen by its [`TableId`]. The truth is elsewhere (log and snapshots); an engine
//! therefore never tries to repair itself. When a shelf cannot be believed it says so, through
//! [`ShelfState::Rebuild`] at opening or [`KvError::ShelfLost`] at run time, and whoever owns the truth
//! fills the tables again after [`Engine::wipe_shelf`].
//!
//! Engines: [`SledEngine`] on disk, [`MemoryEngine`] for tests and simulation, [`BufferedEngine`],
//! which gathers batches before another one, and [`FaultyEngine`], which wraps another one and fails by script.
//!
//! The crate does not know what keys and values hold, does not read the clock or the boot id, and gives
//! no durability: what survives a crash is decided by the shelf's state at the next start.
//!
//! Start reading at [`Engine`], then [`Table`] and [`Batch`].

#![deny(missing_docs)]

mod batch;
mod buffered;
mod engine;
mod error;
mod faulty;
mod guard;
mod layers;
mod memory;
mod range;
mod sled;

pub use batch::{Batch, Pending};
pub use buffered::{BufferOptions, BufferedEngine};
pub use engine::{Engine, RebuildReason, ShelfCount, ShelfId, ShelfReport, ShelfState, Table, TableId, View};
pub use error::{ErrorKind, KvError, LossCause};
pub use faulty::{Effect, Fault, FaultScript, FaultyEngine, Operation};
pub use layers::Layers;
pub use memory::MemoryEngine;
pub use range::{Direction, KeyRange, Row, Rows};
pub use sled::{BootId, SledEngine, SledOptions};

/// The longest key that an engine takes, in bytes.
pub const KEY_BYTES_MAX: usize = 2048;

/// The longest value that an engine takes, in bytes.
pub const VALUE_BYTES_MAX: usize = 16 * 1024 * 1024;

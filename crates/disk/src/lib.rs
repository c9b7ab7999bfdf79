//! The port through which the engines reach a disk: positional reads and writes, explicit syncs of file
//! contents and of directory entries, and errors that tell a full disk from a broken one.
//!
//! Two implementations stand behind it. [`RealDisk`] is a directory of the operating system, locked against
//! a second process. [`SimDisk`] lives in memory, remembers what has been synced and what has not, and can
//! lose power in every way that a real disk can, from one seed.
//!
//! The crate knows nothing of records, segments or checksums. A read returns whatever the medium holds;
//! detecting damage is the work of the engines above.
//!
//! Start reading at [`Disk`] and [`DiskFile`].
#![deny(missing_docs)]

mod error;
mod path;
mod port;
mod real;
mod sim;

pub use error::{Error, ErrorKind, Operation, Result};
pub use path::DiskPath;
pub use port::{Disk, DiskFile};
pub use real::RealDisk;
pub use sim::{SECTOR_BYTES, SimDisk};

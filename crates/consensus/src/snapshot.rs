//! Snapshots: a manifest over checksummed pack files, rewritten subject by subject.
//!
//! A manifest says which log position it stands for and where the rows of each subject lie. The group's header
//! is exactly as of that position; every other subject was captured at or after it, and its note says at which
//! entry, so that replay skips what is already there. Only subjects that changed since the last snapshot are
//! written again; the others keep their place in older packs.
//!
//! The order of writing is the invariant: packs are fsynced, then the manifest beside the old one, then it
//! replaces the old one, then the directory is fsynced. Only after that may the log be purged.

mod build;
mod error;
mod handle;
mod incoming;
mod load;
mod manifest;
mod pack;
mod store;

pub(crate) use build::SnapshotBuild;
pub use error::SnapshotError;
pub(crate) use handle::SnapshotHandle;
pub(crate) use incoming::Incoming;
pub(crate) use load::load;
pub(crate) use manifest::Manifest;
pub(crate) use store::{SnapshotStore, StoredSnapshot};

/// About how many bytes of rows one part holds.
pub(crate) const PART_BYTES: usize = 48 * 1024;

#[cfg(test)]
mod tests;

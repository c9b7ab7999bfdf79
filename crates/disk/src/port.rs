//! The port itself: what an engine may ask of a disk.

use std::fmt::Debug;
use std::sync::Arc;

use crate::{DiskPath, Result};

/// A directory tree on one medium. All calls block.
///
/// Durability is explicit. Bytes survive a loss of power once [`DiskFile::sync_data`] has returned, and a
/// created, renamed or removed name survives once [`Disk::sync_dir`] of its directory has returned. Nothing
/// else promises anything: unsynced bytes and names may survive wholly, in part or not at all, in any order.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Creates an empty file and opens it for reading and writing.
    ///
    /// # Errors
    /// [`crate::Error::AlreadyExists`] if the name is taken.
    fn create_new(&self, path: &DiskPath) -> Result<Arc<dyn DiskFile>>;

    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] if there is none.
    fn open(&self, path: &DiskPath) -> Result<Arc<dyn DiskFile>>;

    /// Renames a file, replacing an existing target in one step.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] if `from` does not exist.
    fn rename(&self, from: &DiskPath, to: &DiskPath) -> Result<()>;

    /// Removes a file. Handles that are open go on working.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] if there is none.
    fn remove(&self, path: &DiskPath) -> Result<()>;

    /// Returns the names of the files (not directories) in a directory, in ascending order.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] if the directory does not exist.
    fn list(&self, dir: &DiskPath) -> Result<Vec<String>>;

    /// Creates a directory and its parents where missing. They are durable on return.
    ///
    /// # Errors
    /// Those of the medium.
    fn create_dir_all(&self, dir: &DiskPath) -> Result<()>;

    /// Makes every earlier creation, renaming and removal in `dir` durable.
    ///
    /// # Errors
    /// Those of the medium; after one, what is durable is unknown.
    fn sync_dir(&self, dir: &DiskPath) -> Result<()>;

    /// Returns how many bytes an unprivileged writer could still add.
    ///
    /// # Errors
    /// Those of the medium.
    fn free_bytes(&self) -> Result<u64>;
}

/// An open file. Handles may be shared between threads; positional calls do not disturb each other.
pub trait DiskFile: Debug + Send + Sync + 'static {
    /// Fills `buf` from `offset`.
    ///
    /// # Errors
    /// [`crate::Error::PastEnd`] if the file ends first.
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<()>;

    /// Writes all of `buf` at `offset`, growing the file as needed; a gap reads as zeros.
    ///
    /// # Errors
    /// [`crate::Error::NoSpace`] and those of the medium; a prefix or any part may have been written.
    fn write_all_at(&self, buf: &[u8], offset: u64) -> Result<()>;

    /// Makes every earlier write and length change of this file durable.
    ///
    /// # Errors
    /// Those of the medium. After one the unsynced bytes may be lost for good, and a later sync may
    /// succeed without them: the caller must stop trusting the file.
    fn sync_data(&self) -> Result<()>;

    /// Returns the length of the file in bytes.
    ///
    /// # Errors
    /// Those of the medium.
    fn len(&self) -> Result<u64>;

    /// Returns whether the file has no bytes.
    ///
    /// # Errors
    /// Those of [`DiskFile::len`].
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Cuts the file, or extends it with zeros, to `len` bytes.
    ///
    /// # Errors
    /// [`crate::Error::NoSpace`] and those of the medium.
    fn set_len(&self, len: u64) -> Result<()>;
}

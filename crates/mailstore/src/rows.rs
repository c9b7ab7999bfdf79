//! The rows that the model is stored in, as `apply` and the readers see them.
//!
//! A key is relative to one account or address record; whoever implements [`Rows`] puts group and
//! subject in front of it. What the rows hold is private to this crate.

mod memory;

use bytes::Bytes;

pub use memory::MemoryRows;

/// The table engine failed. What was changed by the entry so far must be thrown away, and the replica
/// rebuilt from snapshot and log.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("table engine failed: {0}")]
pub struct RowsError(pub String);

/// Reads rows of one subject.
pub trait ReadRows {
    /// Returns the value at `key`.
    ///
    /// # Errors
    /// When the engine fails.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, RowsError>;

    /// Calls `visit` with each row from `start` (included) to `end` (excluded), ascending, until it
    /// returns `false`.
    ///
    /// # Errors
    /// When the engine fails.
    fn scan(
        &self,
        start: &[u8],
        end: &[u8],
        visit: &mut dyn FnMut(&[u8], &Bytes) -> bool,
    ) -> Result<(), RowsError>;
}

/// Reads and writes rows of one subject. Reads see earlier writes of the same entry.
pub trait Rows: ReadRows {
    /// Sets the value at `key`.
    fn put(&mut self, key: Vec<u8>, value: Bytes);

    /// Removes the value at `key`, if there is one.
    fn delete(&mut self, key: Vec<u8>);

    /// Removes all values from `start` (included) to `end` (excluded).
    ///
    /// # Errors
    /// When the engine fails.
    fn delete_range(&mut self, start: &[u8], end: &[u8]) -> Result<(), RowsError> {
        let mut keys = Vec::new();
        self.scan(start, end, &mut |key, _| {
            keys.push(key.to_vec());
            true
        })?;
        keys.into_iter().for_each(|key| self.delete(key));
        Ok(())
    }
}

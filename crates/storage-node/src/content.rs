//! What a node asks of the place where message content lies.

use async_trait::async_trait;
use bytes::Bytes;
use mailstore::ports::BlobUpload;
use mailstore::{BlobId, GroupId, StoreError};

/// Message content of the groups on this node. Reads block; uploads do not.
#[async_trait]
pub trait Content: Send + Sync + 'static {
    /// Starts to store content that will be durable on a majority of the group's replicas.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`], [`StoreError::NoSpace`], or [`StoreError::Unavailable`].
    async fn begin(&self, group: GroupId, size: u64) -> Result<Box<dyn BlobUpload>, StoreError>;

    /// Returns octets of a blob, fewer at its end. Blocks.
    ///
    /// # Errors
    /// [`StoreError::ContentUnavailable`] when it is damaged or missing here and at the other replicas.
    fn read(&self, group: GroupId, blob: BlobId, offset: u32, length: u32) -> Result<Bytes, StoreError>;

    /// Returns the summary of a blob, made anew when there is none of this version. Blocks.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn summary(&self, group: GroupId, blob: BlobId) -> Result<Bytes, StoreError>;

    /// Tells whether so little is free that nothing may grow any more.
    fn is_full(&self) -> bool;

    /// Returns the octets stored and those free on the disk.
    fn usage(&self) -> ContentUsage;
}

/// How much is stored and how much room is left.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ContentUsage {
    /// Octets that live records take on the disk.
    pub stored_bytes: u64,
    /// Octets free on the disk.
    pub free_bytes: u64,
}

//! What a node asks of the place where message content lies.

use async_trait::async_trait;
use bytes::Bytes;
use mailstore::ports::BlobUpload;
use mailstore::time::Timestamp;
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

    /// Gets content that is missing or damaged here from another replica, checks it, and keeps it.
    ///
    /// # Errors
    /// [`StoreError::ContentUnavailable`] when no replica that answers has it.
    async fn repair(&self, group: GroupId, blob: BlobId) -> Result<(), StoreError>;

    /// Tells whether a blob is here, whole as far as is known.
    fn has(&self, group: GroupId, blob: BlobId) -> bool;

    /// Stores content that another group has, so that it is durable on a majority of this group's replicas.
    ///
    /// # Errors
    /// As [`begin`](Self::begin), and [`StoreError::ContentUnavailable`] when no replica of the other group that answers
    /// has it.
    async fn adopt(&self, group: GroupId, blob: BlobId, from: GroupId) -> Result<(), StoreError>;

    /// Compares what is here with what the group's rows name: removes what they do not name and nobody has
    /// touched since `unused_since`, and tells what they name that is not here. Blocks.
    ///
    /// # Errors
    /// Those of the disk.
    fn reconcile(
        &self,
        group: GroupId,
        named: &NamedBlobs,
        unused_since: Timestamp,
    ) -> Result<Reconciled, StoreError>;

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

/// The content that a group's rows name: every blob that is not among them and has not been touched for long
/// may go.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NamedBlobs(Vec<BlobId>);

impl NamedBlobs {
    /// Tells whether the rows name a blob.
    #[must_use]
    pub fn contains(&self, blob: &BlobId) -> bool {
        self.0.binary_search(blob).is_ok()
    }

    /// Returns the blobs, ascending.
    pub fn iter(&self) -> impl Iterator<Item = &BlobId> {
        self.0.iter()
    }
}

impl FromIterator<BlobId> for NamedBlobs {
    fn from_iter<I: IntoIterator<Item = BlobId>>(blobs: I) -> Self {
        let mut blobs: Vec<_> = blobs.into_iter().collect();
        blobs.sort_unstable();
        blobs.dedup();
        Self(blobs)
    }
}

/// What a comparison of content with rows found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Reconciled {
    /// Blobs that nobody needed and that were removed.
    pub removed: u64,
    /// Blobs that rows name and that are not here.
    pub missing: Vec<BlobId>,
}

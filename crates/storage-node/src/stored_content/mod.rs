//! Message content in segments on this node's disk, and on a majority of its group's replicas.

mod copy;
mod peers;
mod read;
mod receive;
mod repair;
mod upload;

use std::sync::Arc;

use async_trait::async_trait;
use blobstore::{BlobStore, SummaryVersion, UnixSeconds};
use bytes::Bytes;
use mailstore::ports::BlobUpload;
use mailstore::time::Timestamp;
use mailstore::{BlobId, GroupId, StoreError};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::content::{Content, ContentUsage, NamedBlobs, Reconciled};
use crate::environment::Environment;
use crate::pool::Pool;

pub use peers::{ContentPeer, ContentPlacement, ContentPush, Followers};

/// The format of summaries that this version writes; others are made again.
const SUMMARY_VERSION: SummaryVersion = SummaryVersion(mail_message::FORMAT_VERSION as u16);

/// Content that is fetched from other replicas at one time.
const FETCHES_MAX: usize = 8;

/// Message content of this node's groups.
#[derive(Clone)]
pub struct StoredContent {
    inner: Arc<Inner>,
}

struct Inner {
    store: BlobStore,
    placement: Arc<dyn ContentPlacement>,
    environment: Arc<dyn Environment>,
    writers: Pool,
    /// Followers that are still storing what a majority has already.
    late: TaskTracker,
    free_bytes: Box<dyn Fn() -> u64 + Send + Sync>,
    /// Content that is fetched from other replicas at one time.
    fetches: Semaphore,
    /// Cancelled when the disk has failed under a change.
    failed: CancellationToken,
}

/// What stored content is made of.
pub struct StoredContentParts {
    /// The segments.
    pub store: BlobStore,
    /// Who leads a group and who follows.
    pub placement: Arc<dyn ContentPlacement>,
    /// The clock.
    pub environment: Arc<dyn Environment>,
    /// Writes that are prepared at one time, and that may wait.
    pub writers: (usize, usize),
    /// Returns the octets free on the disk.
    pub free_bytes: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl StoredContent {
    /// Puts stored content together.
    #[must_use]
    pub fn new(parts: StoredContentParts) -> Self {
        let place = parts.environment.blocking_work();
        let inner = Inner {
            store: parts.store,
            placement: parts.placement,
            environment: parts.environment,
            writers: Pool::new(place, parts.writers.0, parts.writers.1),
            late: TaskTracker::new(),
            free_bytes: parts.free_bytes,
            fetches: Semaphore::new(FETCHES_MAX),
            failed: CancellationToken::new(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Returns when a write or sync of content has failed: what is durable is not known any more, and the
    /// process should stop and recover.
    pub async fn failed(&self) {
        self.inner.failed.cancelled().await;
    }

    /// Returns the error of the ports for an error of a change.
    fn change_error(&self, error: &blobstore::Error) -> StoreError {
        if matches!(
            error,
            blobstore::Error::Poisoned { .. } | blobstore::Error::Disk { .. }
        ) {
            tracing::error!(%error, "content cannot be stored any more");
            self.inner.failed.cancel();
        }
        store_error(error)
    }

    fn now(&self) -> UnixSeconds {
        UnixSeconds(self.inner.environment.now().seconds())
    }
}

#[async_trait]
impl Content for StoredContent {
    async fn begin(&self, group: GroupId, size: u64) -> Result<Box<dyn BlobUpload>, StoreError> {
        let followers = self.inner.placement.followers(group)?;
        Ok(Box::new(upload::ReplicatedUpload::begin(
            self.clone(),
            group,
            size,
            &followers,
        )))
    }

    fn read(&self, group: GroupId, blob: BlobId, offset: u32, length: u32) -> Result<Bytes, StoreError> {
        self.read_range(group, blob, offset, length)
    }

    fn summary(&self, group: GroupId, blob: BlobId) -> Result<Bytes, StoreError> {
        self.read_summary(group, blob)
    }

    async fn repair(&self, group: GroupId, blob: BlobId) -> Result<(), StoreError> {
        self.fetch_missing(group, blob).await
    }

    fn has(&self, group: GroupId, blob: BlobId) -> bool {
        self.has_blob(group, blob)
    }

    async fn adopt(&self, group: GroupId, blob: BlobId, from: GroupId) -> Result<(), StoreError> {
        self.adopt_from(group, blob, from).await
    }

    fn reconcile(
        &self,
        group: GroupId,
        named: &NamedBlobs,
        unused_since: Timestamp,
    ) -> Result<Reconciled, StoreError> {
        self.sweep(group, named, unused_since)
    }

    fn is_full(&self) -> bool {
        // A disk that does not say how much is free is looked at as full.
        self.inner.store.is_below_reserve().unwrap_or(true)
    }

    fn usage(&self) -> ContentUsage {
        ContentUsage {
            stored_bytes: self.inner.store.live_bytes(),
            free_bytes: (self.inner.free_bytes)(),
        }
    }
}

fn store_group(group: GroupId) -> blobstore::GroupId {
    blobstore::GroupId(u64::from(group.0))
}

fn store_blob(blob: BlobId) -> blobstore::BlobId {
    blobstore::BlobId(blob.0)
}

/// Returns the error of the ports for an error of the segments.
fn store_error(error: &blobstore::Error) -> StoreError {
    match error {
        blobstore::Error::QueueFull => StoreError::Overloaded,
        blobstore::Error::NoSpace => StoreError::NoSpace,
        blobstore::Error::TooLarge { .. } => mailstore::Rejection::MessageTooLarge.into(),
        blobstore::Error::NotFound { .. } | blobstore::Error::Corrupt { .. } => {
            StoreError::ContentUnavailable
        }
        blobstore::Error::Closed => StoreError::Unavailable("the node is stopping"),
        blobstore::Error::Poisoned { .. } | blobstore::Error::Disk { .. } => {
            StoreError::Unavailable("the disk has failed")
        }
        blobstore::Error::UnknownVersion { .. } => StoreError::Internal(error.to_string()),
    }
}

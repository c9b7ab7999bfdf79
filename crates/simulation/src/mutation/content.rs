//! Content that is lost, or kept in too few places.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use mailstore::ports::{BlobUpload, StoredBlob};
use mailstore::time::Timestamp;
use mailstore::{BlobId, GroupId, StoreError};
use storage_node::{Content, ContentPeer, ContentPlacement, ContentUsage, Followers, NamedBlobs, Reconciled};

use super::Mutation;

/// Content that is not all kept.
pub(super) struct MutatedContent {
    inner: Arc<dyn Content>,
    mutation: Mutation,
    uploads: AtomicU64,
}

impl MutatedContent {
    pub(super) fn new(inner: Arc<dyn Content>, mutation: Mutation) -> Self {
        Self {
            inner,
            mutation,
            uploads: AtomicU64::new(0),
        }
    }
}

#[async_trait]
impl Content for MutatedContent {
    async fn begin(&self, group: GroupId, size: u64) -> Result<Box<dyn BlobUpload>, StoreError> {
        let strikes = self.uploads.fetch_add(1, Ordering::Relaxed) % 8 == 7;
        if self.mutation == Mutation::LoseBlob && strikes {
            return Ok(Box::new(Nowhere::default()));
        }
        self.inner.begin(group, size).await
    }

    fn read(&self, group: GroupId, blob: BlobId, offset: u32, length: u32) -> Result<Bytes, StoreError> {
        self.inner.read(group, blob, offset, length)
    }

    fn summary(&self, group: GroupId, blob: BlobId) -> Result<Bytes, StoreError> {
        self.inner.summary(group, blob)
    }

    async fn repair(&self, group: GroupId, blob: BlobId) -> Result<(), StoreError> {
        self.inner.repair(group, blob).await
    }

    fn reconcile(
        &self,
        group: GroupId,
        named: &NamedBlobs,
        unused_since: Timestamp,
    ) -> Result<Reconciled, StoreError> {
        match self.mutation {
            Mutation::SweepBlindly => self.inner.reconcile(group, &NamedBlobs::default(), unused_since),
            _ => self.inner.reconcile(group, named, unused_since),
        }
    }

    fn is_full(&self) -> bool {
        self.inner.is_full()
    }

    fn usage(&self) -> ContentUsage {
        self.inner.usage()
    }
}

/// Content that goes nowhere.
#[derive(Default)]
struct Nowhere {
    name: blake3::Hasher,
    size: usize,
}

impl fmt::Debug for Nowhere {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} octets nowhere", self.size)
    }
}

#[async_trait]
impl BlobUpload for Nowhere {
    async fn push(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.name.update(&bytes);
        self.size += bytes.len();
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<StoredBlob, StoreError> {
        Ok(StoredBlob {
            blob: BlobId(*self.name.finalize().as_bytes()),
            size: u32::try_from(self.size).unwrap_or(u32::MAX),
        })
    }
}

/// A placement under which the leader alone keeps what is uploaded.
pub(super) struct LeaderOnly(pub(super) Arc<dyn ContentPlacement>);

impl ContentPlacement for LeaderOnly {
    fn followers(&self, group: GroupId) -> Result<Followers, StoreError> {
        self.0.followers(group).map(|_| Followers::default())
    }

    fn holders(&self, group: GroupId) -> Vec<Arc<dyn ContentPeer>> {
        self.0.holders(group)
    }
}

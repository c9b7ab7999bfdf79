//! Making what is here agree with what the rows name.

use std::time::Duration;

use blobstore::{CompactionStep, UnixSeconds};
use futures::StreamExt;
use mailstore::time::Timestamp;
use mailstore::{BlobId, GroupId, StoreError};

use super::peers::ContentPeer;
use super::{StoredContent, store_blob, store_group};
use crate::content::{NamedBlobs, Reconciled};

/// How long one other replica may take to give content.
pub(super) const FETCH_TIMEOUT: Duration = Duration::from_secs(30);
/// The size that is assumed of content of which only the name is known, so that it is not kept in memory.
pub(super) const UNKNOWN_SIZE: u64 = u64::MAX;

impl StoredContent {
    /// Gets a blob from whichever other replica has it.
    pub(crate) async fn fetch_missing(&self, group: GroupId, blob: BlobId) -> Result<(), StoreError> {
        let permit = self.inner.fetches.acquire().await;
        // The semaphore is never closed; if it were, the node would be gone.
        let _permit = permit.map_err(|_| StoreError::Unavailable("the node is stopping"))?;
        if self.inner.store.contains(store_group(group), &store_blob(blob)) {
            // Somebody else was faster.
            return Ok(());
        }
        for holder in self.inner.placement.holders(group) {
            let fetched = tokio::time::timeout(FETCH_TIMEOUT, self.fetch_from(&*holder, group, blob)).await;
            match fetched {
                Ok(Ok(())) => {
                    tracing::info!(group = group.0, %blob, "content was fetched from another replica");
                    return Ok(());
                }
                Ok(Err(error)) => {
                    tracing::debug!(group = group.0, %blob, %error, "another replica did not give content");
                }
                Err(_) => tracing::debug!(group = group.0, %blob, "another replica was too slow"),
            }
        }
        Err(StoreError::ContentUnavailable)
    }

    async fn fetch_from(
        &self,
        holder: &dyn ContentPeer,
        group: GroupId,
        blob: BlobId,
    ) -> Result<(), StoreError> {
        let mut pieces = holder.fetch(group, blob).await?;
        let mut receipt = self.receive(group, UNKNOWN_SIZE);
        while let Some(octets) = pieces.next().await {
            receipt = receipt.push(octets?).await?;
        }
        // Content is stored under the name that its octets have. Nothing names what was given in the place of
        // what was asked for, so it is collected later.
        if receipt.finish().await? == blob {
            Ok(())
        } else {
            Err(StoreError::ContentUnavailable)
        }
    }

    /// Moves some content out of segments that are mostly garbage, or removes such a segment. Returns whether
    /// there is more to do. Blocks; one caller at a time.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`], and those of the disk, which [`failed`](Self::failed) tells of too.
    pub fn compact(&self) -> Result<bool, StoreError> {
        match self.inner.store.compaction_step() {
            Ok(step) => Ok(step != CompactionStep::Idle),
            Err(error) => Err(self.change_error(&error)),
        }
    }

    /// Returns whether a blob is here, whole as far as is known.
    pub(crate) fn has_blob(&self, group: GroupId, blob: BlobId) -> bool {
        self.inner.store.contains(store_group(group), &store_blob(blob))
    }

    /// Returns the size of a blob that is here.
    pub(crate) fn size_of(&self, group: GroupId, blob: BlobId) -> Option<u64> {
        self.inner.store.len(store_group(group), &store_blob(blob))
    }

    /// Returns the size of all blobs of a group that are here.
    pub(crate) fn size_of_group(&self, group: GroupId) -> u64 {
        self.inner.store.group_len(store_group(group))
    }

    /// Removes all content of a group that has no replica here any more.
    pub(crate) async fn forget(&self, group: GroupId) -> Result<(), StoreError> {
        let content = self.clone();
        let forget = move || {
            let forgotten = content.inner.store.forget_group(store_group(group));
            forgotten.map_err(|error| content.change_error(&error))
        };
        self.inner.writers.run(forget).await?
    }

    /// See [`Content::reconcile`](crate::Content::reconcile).
    pub(super) fn sweep(
        &self,
        group: GroupId,
        named: &NamedBlobs,
        unused_since: Timestamp,
    ) -> Result<Reconciled, StoreError> {
        let store = &self.inner.store;
        let is_missing = |blob: &&BlobId| !store.contains(store_group(group), &store_blob(**blob));
        let missing = named.iter().filter(is_missing).copied().collect();
        let is_named = |blob: &blobstore::BlobId| named.contains(&BlobId(blob.0));
        let unused_since = UnixSeconds(unused_since.seconds());
        let swept = store.sweep(store_group(group), &is_named, unused_since);
        let swept = swept.map_err(|error| self.change_error(&error))?;
        Ok(Reconciled {
            removed: swept.removed,
            missing,
        })
    }
}

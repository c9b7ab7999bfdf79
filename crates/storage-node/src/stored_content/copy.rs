//! Content of one group that another needs, because accounts move.

use bytes::Bytes;
use futures::StreamExt;
use mailstore::ports::BoxStream;
use mailstore::{BlobId, GroupId, StoreError};

use super::StoredContent;
use super::repair::{FETCH_TIMEOUT, UNKNOWN_SIZE};
use crate::content::Content;

type Pieces = BoxStream<Result<Bytes, StoreError>>;

impl StoredContent {
    /// Gets a blob for a group from whoever has it for another one, this node before all others; or from the group's own
    /// replicas, which may have got it already.
    pub(crate) async fn fetch_copy(
        &self,
        group: GroupId,
        blob: BlobId,
        from: GroupId,
    ) -> Result<(), StoreError> {
        let permit = self.inner.fetches.acquire().await;
        // The semaphore is never closed; if it were, the node would be gone.
        let permit = permit.map_err(|_| StoreError::Unavailable("the node is stopping"))?;
        if self.has_blob(group, blob) {
            return Ok(());
        }
        for place in 0.. {
            let Some(pieces) = self.pieces_at(place, blob, from).await else {
                break;
            };
            let stored = async { self.keep(group, blob, pieces?).await };
            let stored = tokio::time::timeout(FETCH_TIMEOUT, stored).await;
            match stored.unwrap_or(Err(StoreError::OutcomeUnknown)) {
                Ok(()) => return Ok(()),
                Err(error) => tracing::debug!(group = from.0, %blob, %error, "content could not be copied"),
            }
        }
        drop(permit);
        self.fetch_missing(group, blob).await
    }

    /// See [`Content::adopt`].
    pub(super) async fn adopt_from(
        &self,
        group: GroupId,
        blob: BlobId,
        from: GroupId,
    ) -> Result<(), StoreError> {
        for place in 0.. {
            let Some(pieces) = self.pieces_at(place, blob, from).await else {
                break;
            };
            let stored = async { self.replicate(group, blob, pieces?).await };
            let stored = tokio::time::timeout(FETCH_TIMEOUT, stored).await;
            match stored.unwrap_or(Err(StoreError::OutcomeUnknown)) {
                Err(StoreError::ContentUnavailable) => {}
                stored => return stored,
            }
        }
        Err(StoreError::ContentUnavailable)
    }

    /// Returns the octets of a blob of another group from the first place, which is here, or a later one, which is
    /// another node; `None` when there is no such place.
    async fn pieces_at(
        &self,
        place: usize,
        blob: BlobId,
        from: GroupId,
    ) -> Option<Result<Pieces, StoreError>> {
        let Some(other) = place.checked_sub(1) else {
            return Some(self.stream(from, blob));
        };
        let holder = self.inner.placement.holders(from).into_iter().nth(other)?;
        let fetched = tokio::time::timeout(FETCH_TIMEOUT, holder.fetch(from, blob)).await;
        Some(fetched.unwrap_or(Err(StoreError::OutcomeUnknown)))
    }

    /// Stores content here only.
    async fn keep(&self, group: GroupId, blob: BlobId, mut pieces: Pieces) -> Result<(), StoreError> {
        let mut receipt = self.receive(group, UNKNOWN_SIZE);
        while let Some(octets) = pieces.next().await {
            receipt = receipt.push(octets?).await?;
        }
        is_the_one(receipt.finish().await?, blob)
    }

    /// Stores content on a majority of the group's replicas.
    async fn replicate(&self, group: GroupId, blob: BlobId, mut pieces: Pieces) -> Result<(), StoreError> {
        let mut upload = self.begin(group, UNKNOWN_SIZE).await?;
        while let Some(octets) = pieces.next().await {
            upload.push(octets?).await?;
        }
        is_the_one(upload.finish().await?.blob, blob)
    }
}

/// Content is stored under the name that its octets have; what was given in the place of what was asked for is named by
/// nothing and collected later.
fn is_the_one(stored: BlobId, wanted: BlobId) -> Result<(), StoreError> {
    if stored == wanted {
        Ok(())
    } else {
        Err(StoreError::ContentUnavailable)
    }
}

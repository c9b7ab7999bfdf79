//! Content that the leader of a group sends here, and that other replicas get from here.

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::try_unfold;
use mailstore::ports::BoxStream;
use mailstore::{BlobId, GroupId, StoreError};

use super::upload::LocalUpload;
use super::{StoredContent, store_blob, store_error, store_group};

/// Content on its way to this node's segments only.
pub(crate) struct Receipt {
    content: StoredContent,
    group: GroupId,
    upload: LocalUpload,
}

impl Receipt {
    /// Adds octets.
    pub(crate) async fn push(mut self, octets: Bytes) -> Result<Self, StoreError> {
        self.upload = self.upload.push(&self.content, octets).await?;
        Ok(self)
    }

    /// Ends the content and returns once it is durable here.
    pub(crate) async fn finish(self) -> Result<BlobId, StoreError> {
        self.upload.finish(&self.content, self.group).await
    }
}

impl StoredContent {
    /// Starts to store content here only.
    pub(crate) fn receive(&self, group: GroupId, size: u64) -> Receipt {
        Receipt {
            content: self.clone(),
            group,
            upload: LocalUpload::begin(self, group, size),
        }
    }

    /// Returns the octets of content that is here.
    pub(crate) fn stream(
        &self,
        group: GroupId,
        blob: BlobId,
    ) -> Result<BoxStream<Result<Bytes, StoreError>>, StoreError> {
        let length = self.inner.store.len(store_group(group), &store_blob(blob));
        let length = length.ok_or(StoreError::ContentUnavailable)?;
        let reader = self
            .inner
            .store
            .reader(store_group(group), &store_blob(blob), 0..length);
        let reader = reader.map_err(|error| store_error(&error))?;
        let pool = self.inner.writers.clone();
        let chunks = try_unfold((reader, pool), |(mut reader, pool)| async move {
            let (chunk, reader) = pool.run(move || (reader.next(), reader)).await?;
            match chunk {
                None => Ok(None),
                Some(Ok(chunk)) => Ok(Some((chunk, (reader, pool)))),
                Some(Err(error)) => Err(store_error(&error)),
            }
        });
        Ok(chunks.boxed())
    }
}

//! Content that other nodes send or ask for.

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use mailstore::ports::BoxStream;
use mailstore::{BlobId, GroupId, StoreError};
use rpc::ContentHandler;

use crate::stored_content::StoredContent;

/// Gives other nodes access to the content here.
pub struct StoredContentHandler {
    content: StoredContent,
}

impl StoredContentHandler {
    /// Returns a handler for this content.
    #[must_use]
    pub fn new(content: StoredContent) -> Self {
        Self { content }
    }
}

#[async_trait]
impl ContentHandler for StoredContentHandler {
    async fn store(
        &self,
        group: GroupId,
        size: u64,
        mut pieces: BoxStream<Result<Bytes, StoreError>>,
    ) -> Result<BlobId, StoreError> {
        let mut upload = self.content.receive(group, size);
        while let Some(octets) = pieces.next().await {
            upload = upload.push(octets?).await?;
        }
        upload.finish().await
    }

    async fn load(
        &self,
        group: GroupId,
        blob: BlobId,
    ) -> Result<BoxStream<Result<Bytes, StoreError>>, StoreError> {
        self.content.stream(group, blob)
    }
}

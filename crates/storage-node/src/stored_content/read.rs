//! Reading content, from here or from whoever has it.

use blobstore::Summary;
use bytes::Bytes;
use mailstore::{BlobId, GroupId, StoreError};

use super::{SUMMARY_VERSION, StoredContent, store_blob, store_error, store_group};

impl StoredContent {
    /// Returns octets of a blob. Blocks.
    pub(super) fn read_range(
        &self,
        group: GroupId,
        blob: BlobId,
        offset: u32,
        length: u32,
    ) -> Result<Bytes, StoreError> {
        let range = u64::from(offset)..u64::from(offset) + u64::from(length);
        let read = self
            .inner
            .store
            .read(store_group(group), &store_blob(blob), range);
        read.map_err(|error| self.unreadable(group, blob, &error))
    }

    /// Returns the summary of a blob, made again and stored when there is none of this version. Blocks.
    pub(super) fn read_summary(&self, group: GroupId, blob: BlobId) -> Result<Bytes, StoreError> {
        let (store, key) = (&self.inner.store, store_blob(blob));
        match store.summary(store_group(group), &key) {
            Ok(Some(summary)) if summary.version == SUMMARY_VERSION => return Ok(summary.bytes),
            Ok(_) => {}
            Err(error) => return Err(self.unreadable(group, blob, &error)),
        }
        let length = store.len(store_group(group), &key).unwrap_or(0);
        let content = store.read(store_group(group), &key, 0..length);
        let content = content.map_err(|error| self.unreadable(group, blob, &error))?;
        let bytes = summarise(&content)?;
        let summary = Summary {
            version: SUMMARY_VERSION,
            bytes: bytes.clone(),
        };
        if let Err(error) = store.put_summary(store_group(group), &key, &summary) {
            tracing::debug!(%blob, %error, "summary could not be kept");
        }
        Ok(bytes)
    }

    /// Notes content that should be here and is not, for repair.
    fn unreadable(&self, group: GroupId, blob: BlobId, error: &blobstore::Error) -> StoreError {
        tracing::error!(group = group.0, %blob, %error, "content cannot be read here");
        store_error(error)
    }
}

/// Makes the summary of a message.
pub(super) fn summarise(content: &[u8]) -> Result<Bytes, StoreError> {
    let summary = mail_message::Summary::of(content);
    let summary = summary.map_err(|error| StoreError::Internal(format!("summary: {error}")))?;
    Ok(Bytes::from(summary.into_bytes()))
}

//! One message under search: what is known of it, loaded when first asked for.

use bytes::Bytes;
use mail_message::SummaryRef;
use mailstore::message::{MessageRecord, MessageState};
use mailstore::{BlobId, StoreError};

/// Reads stored content. Blocks.
pub(crate) trait ContentReader {
    /// Returns the summary of a blob, made from its octets when there is none of this version.
    fn summary(&self, blob: BlobId) -> Result<Bytes, StoreError>;

    /// Returns `length` octets of a blob from `offset`.
    fn read(&self, blob: BlobId, offset: u32, length: u32) -> Result<Bytes, StoreError>;
}

/// A message under search.
pub(crate) struct Candidate<'a> {
    pub(crate) state: MessageState,
    pub(crate) record: MessageRecord,
    reader: &'a dyn ContentReader,
    summary: Option<Bytes>,
}

impl<'a> Candidate<'a> {
    pub(crate) fn new(state: MessageState, record: MessageRecord, reader: &'a dyn ContentReader) -> Self {
        Self {
            state,
            record,
            reader,
            summary: None,
        }
    }

    /// Calls `look` with the message's summary.
    pub(crate) fn with_summary<T>(
        &mut self,
        look: impl FnOnce(SummaryRef<'_>) -> T,
    ) -> Result<T, StoreError> {
        let summary = match &self.summary {
            Some(summary) => summary.clone(),
            None => self
                .summary
                .insert(self.reader.summary(self.record.blob)?)
                .clone(),
        };
        let summary = SummaryRef::parse(&summary)
            .map_err(|error| StoreError::Internal(format!("summary of {}: {error}", self.record.blob)))?;
        Ok(look(summary))
    }

    /// Returns the header block of the message.
    pub(crate) fn header(&mut self) -> Result<Bytes, StoreError> {
        let (inline, end) = self.with_summary(|summary| {
            let end = summary.part(&[]).map_or(0, |root| root.header().end());
            (summary.header().map(Bytes::copy_from_slice), end)
        })?;
        match inline {
            Some(header) => Ok(header),
            None => self.reader.read(self.record.blob, 0, end),
        }
    }

    /// Returns octets of the message.
    pub(crate) fn read(&self, offset: u32, length: u32) -> Result<Bytes, StoreError> {
        self.reader.read(self.record.blob, offset, length)
    }
}

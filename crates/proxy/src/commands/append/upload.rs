//! A message on its way to the storage, across the loss of the node that takes it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mailstore::StoreError;
use mailstore::ports::{BlobUpload, StoredBlob};
use tokio::time::Instant;

use crate::account_store::AccountStore;

/// Octets handed to the storage at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// Octets of one message that are kept until it is stored. A larger message is not sent again when its
/// upload breaks off: the client hears `[UNAVAILABLE]` and sends it anew.
const KEPT_BYTES_MAX: usize = 256 * 1024;
/// Wait before an upload is begun again.
const RESUME_WAIT: Duration = Duration::from_millis(100);

/// Stores one message. What fails for a passing reason is begun again with the octets that were kept.
pub(super) struct Upload {
    store: Arc<AccountStore>,
    size: u64,
    port: Option<Box<dyn BlobUpload>>,
    /// Everything pushed so far, unless that is too much.
    kept: Option<Vec<Bytes>>,
    kept_bytes: usize,
    deadline: Instant,
}

impl Upload {
    /// Begins to store content of at most `size` octets.
    pub(super) async fn begin(store: Arc<AccountStore>, size: u64) -> Result<Self, StoreError> {
        let port = store.upload(size).await?;
        Ok(Self {
            deadline: Instant::now() + store.patience(),
            store,
            size,
            port: Some(port),
            kept: Some(Vec::new()),
            kept_bytes: 0,
        })
    }

    /// Adds octets.
    pub(super) async fn push(&mut self, mut bytes: Bytes) -> Result<(), StoreError> {
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(CHUNK_BYTES));
            self.keep(&piece);
            if let Err(error) = self.hand_on(piece).await {
                self.begin_again(error).await?;
            }
        }
        Ok(())
    }

    /// Ends the content and returns its name once it is durable.
    pub(super) async fn finish(mut self) -> Result<StoredBlob, StoreError> {
        loop {
            let Some(port) = self.port.take() else {
                return Err(StoreError::Unavailable("upload broke off"));
            };
            match port.finish().await {
                Ok(stored) => return Ok(stored),
                Err(error) => self.begin_again(error).await?,
            }
        }
    }

    fn keep(&mut self, piece: &Bytes) {
        self.kept_bytes += piece.len();
        if self.kept_bytes > KEPT_BYTES_MAX {
            self.kept = None;
        }
        if let Some(kept) = &mut self.kept {
            kept.push(piece.clone());
        }
    }

    async fn hand_on(&mut self, piece: Bytes) -> Result<(), StoreError> {
        match &mut self.port {
            Some(port) => port.push(piece).await,
            None => Err(StoreError::Unavailable("upload broke off")),
        }
    }

    /// Begins a new upload with what was kept, until it succeeds or patience is used up.
    async fn begin_again(&mut self, error: StoreError) -> Result<(), StoreError> {
        let mut error = error;
        self.port = None;
        while error.is_retryable() && Instant::now() < self.deadline {
            let Some(kept) = self.kept.clone() else { break };
            tokio::time::sleep(RESUME_WAIT).await;
            match self.replay(kept).await {
                Ok(()) => return Ok(()),
                Err(next) => error = next,
            }
        }
        self.port = None;
        Err(error)
    }

    async fn replay(&mut self, kept: Vec<Bytes>) -> Result<(), StoreError> {
        self.port = Some(self.store.upload(self.size).await?);
        for piece in kept {
            self.hand_on(piece).await?;
        }
        Ok(())
    }
}

//! A message on its way from the client to the storage.

use std::time::Duration;

use bytes::Bytes;
use mailstore::StoreError;
use mailstore::ports::DeliveryUpload;
use tokio::time::timeout;
use tracing::Span;

use crate::environment::TransactionName;
use crate::status::Failure;

/// Octets handed to the storage at one time.
pub(super) const PIECE_BYTES: usize = 64 * 1024;

/// Bounds of one message.
#[derive(Clone, Copy, Debug)]
pub(super) struct IncomingLimits {
    /// Octets, without what is put before the message.
    pub(super) bytes_max: u64,
    /// How long the storage may take over one piece.
    pub(super) storage_max: Duration,
}

/// A message that is not whole yet. Dropped, it leaves nothing in the storage.
pub(super) struct Incoming {
    pub(super) name: TransactionName,
    /// Covers the message from its begin to its last reply.
    pub(super) span: Span,
    pub(super) upload: Result<Box<dyn DeliveryUpload>, Failure>,
    /// Waits to make a whole piece.
    pending: Vec<u8>,
    received: u64,
    limits: IncomingLimits,
}

impl Incoming {
    /// Returns a message that begins with `prefix`, which does not count as received.
    pub(super) fn new(
        (name, span): (TransactionName, Span),
        upload: Result<Box<dyn DeliveryUpload>, Failure>,
        limits: IncomingLimits,
        prefix: &str,
    ) -> Self {
        Self {
            name,
            span,
            upload,
            pending: prefix.as_bytes().to_vec(),
            received: 0,
            limits,
        }
    }

    /// Adds octets of the message, at most half a piece at a time. After a failure they are dropped.
    pub(super) async fn push(&mut self, octets: &[u8]) {
        debug_assert!(octets.len() <= PIECE_BYTES / 2);
        if self.upload.is_err() {
            return;
        }
        self.received += octets.len() as u64;
        if self.received > self.limits.bytes_max {
            return self.fail(Failure::TooLarge);
        }
        if octets.contains(&0) {
            return self.fail(Failure::Nul);
        }
        self.pending.extend_from_slice(octets);
        if self.pending.len() >= PIECE_BYTES / 2 {
            self.hand_over().await;
        }
    }

    /// Hands over what is left. The message is whole.
    pub(super) async fn finish(&mut self) {
        self.span.record("bytes", self.received);
        self.hand_over().await;
    }

    async fn hand_over(&mut self) {
        let Ok(upload) = &mut self.upload else { return };
        while !self.pending.is_empty() {
            let rest = self.pending.split_off(self.pending.len().min(PIECE_BYTES));
            let piece = Bytes::from(std::mem::replace(&mut self.pending, rest));
            let pushed = timeout(self.limits.storage_max, upload.push(piece)).await;
            let failure = match pushed {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => Failure::Store(error),
                Err(_) => Failure::Store(StoreError::Unavailable("the upload does not go on")),
            };
            return self.fail(failure);
        }
    }

    /// Gives the upload up at once; the rest of the message is only read over.
    fn fail(&mut self, failure: Failure) {
        self.upload = Err(failure);
        self.pending = Vec::new();
    }
}

//! Content on its way to a node.

use async_trait::async_trait;
use bytes::Bytes;
use mailstore::StoreError;
use mailstore::codec;
use mailstore::ports::{BlobUpload, StoredBlob};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status};

use super::decoded;
use crate::generated::node::upload_piece::Piece;
use crate::generated::node::upload_start::Target;
use crate::generated::node::{Empty, UploadPiece, UploadResponse, UploadStart};
use crate::status::store_error;

/// Pieces that wait for the network, beside what HTTP/2's windows hold.
const PIECES_WAITING_MAX: usize = 4;

/// An upload in progress. Its call runs in a task that ends with it.
pub(super) struct Upload {
    pieces: mpsc::Sender<UploadPiece>,
    call: JoinSet<Result<UploadResponse, Status>>,
}

impl Upload {
    pub(super) fn begin<C, F>(target: Target, size: u64, call: C) -> Box<dyn BlobUpload>
    where
        C: FnOnce(ReceiverStream<UploadPiece>) -> F + Send + 'static,
        F: Future<Output = Result<Response<UploadResponse>, Status>> + Send + 'static,
    {
        let (pieces, queue) = mpsc::channel(PIECES_WAITING_MAX);
        let start = Piece::Start(UploadStart {
            target: Some(target),
            size,
        });
        // The queue is empty, so the first piece always has room.
        let queued = pieces.try_send(UploadPiece { piece: Some(start) });
        debug_assert!(queued.is_ok());
        let mut calls = JoinSet::new();
        calls.spawn(async move { call(ReceiverStream::new(queue)).await.map(Response::into_inner) });
        Box::new(Self { pieces, call: calls })
    }

    /// Returns what the call ended with.
    async fn outcome(&mut self) -> Result<UploadResponse, StoreError> {
        match self.call.join_next().await {
            Some(Ok(Ok(response))) => Ok(response),
            Some(Ok(Err(status))) => Err(store_error(&status)),
            Some(Err(_)) | None => Err(StoreError::OutcomeUnknown),
        }
    }

    async fn send(&mut self, piece: Piece) -> Result<(), StoreError> {
        if self.pieces.send(UploadPiece { piece: Some(piece) }).await.is_ok() {
            return Ok(());
        }
        // The call has ended before the content did: it says why.
        self.outcome().await.and(Err(StoreError::OutcomeUnknown))
    }
}

#[async_trait]
impl BlobUpload for Upload {
    async fn push(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.send(Piece::Octets(bytes)).await
    }

    async fn finish(mut self: Box<Self>) -> Result<StoredBlob, StoreError> {
        self.send(Piece::End(Empty {})).await?;
        let response = self.outcome().await?;
        decoded(codec::decode_stored_blob(response.encoded_blob))
    }
}

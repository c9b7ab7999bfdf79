//! Message content between the replicas of a group.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use mailstore::ports::BoxStream;
use mailstore::{BlobId, GroupId, StoreError};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::generated::raft as proto;
use crate::generated::raft::content_client::ContentClient as Client;
use crate::generated::raft::content_server::{Content, ContentServer};
use crate::generated::raft::replicate_piece::Piece;
use crate::status::{status, store_error};
use crate::transport::{Connection, Dialer, Services, may_use_raft};

/// Pieces that wait for the network, beside what HTTP/2's windows hold.
const PIECES_WAITING_MAX: usize = 4;

/// Takes and gives content of the groups on this node.
#[async_trait]
pub trait ContentHandler: Send + Sync + 'static {
    /// Stores content and returns its name once it is durable here. The stream ends behind the last
    /// octets; an error in it gives the content up.
    ///
    /// # Errors
    /// When it cannot be stored.
    async fn store(
        &self,
        group: GroupId,
        size: u64,
        pieces: BoxStream<Result<Bytes, StoreError>>,
    ) -> Result<BlobId, StoreError>;

    /// Returns the octets of content that is here.
    ///
    /// # Errors
    /// [`StoreError::ContentUnavailable`] when it is not.
    async fn load(
        &self,
        group: GroupId,
        blob: BlobId,
    ) -> Result<BoxStream<Result<Bytes, StoreError>>, StoreError>;
}

impl Services {
    /// Offers the content on this node to other storage nodes.
    pub fn add_content(&mut self, handler: Arc<dyn ContentHandler>) {
        self.add(ContentServer::new(HandlerServer { handler }));
    }
}

/// Sends content to one other node, or gets it from there.
#[derive(Clone)]
pub struct ContentClient {
    client: Client<Connection>,
}

impl ContentClient {
    /// Returns a client that connects when first used.
    #[must_use]
    pub fn new(dialer: &Dialer) -> Self {
        Self {
            client: Client::new(dialer.channel()),
        }
    }

    /// Starts to store content at the other node.
    #[must_use]
    pub fn replicate(&self, group: GroupId, size: u64) -> Replication {
        let (pieces, queue) = mpsc::channel(PIECES_WAITING_MAX);
        let start = Piece::Start(proto::ReplicateStart { group: group.0, size });
        // The queue is empty, so the first piece always has room.
        let queued = pieces.try_send(proto::ReplicatePiece { piece: Some(start) });
        debug_assert!(queued.is_ok());
        let mut client = self.client.clone();
        let mut calls = JoinSet::new();
        calls.spawn(async move { client.replicate(ReceiverStream::new(queue)).await.map(|_| ()) });
        Replication { pieces, calls }
    }

    /// Gets content from the other node.
    ///
    /// # Errors
    /// When it is not there.
    pub async fn fetch(
        &self,
        group: GroupId,
        blob: BlobId,
    ) -> Result<BoxStream<Result<Bytes, StoreError>>, StoreError> {
        let request = proto::FetchRequest {
            group: group.0,
            blob: Bytes::copy_from_slice(&blob.0),
        };
        let stream = self
            .client
            .clone()
            .fetch(request)
            .await
            .map_err(|status| store_error(&status))?;
        let pieces = stream.into_inner();
        Ok(pieces
            .map(|piece| {
                piece
                    .map(|piece| piece.octets)
                    .map_err(|status| store_error(&status))
            })
            .boxed())
    }
}

/// Content on its way to another node. Dropping it leaves nothing there.
pub struct Replication {
    pieces: mpsc::Sender<proto::ReplicatePiece>,
    calls: JoinSet<Result<(), Status>>,
}

impl Replication {
    /// Adds octets. Waits while the other node is behind.
    ///
    /// # Errors
    /// When the other node gave up.
    pub async fn push(&mut self, octets: Bytes) -> Result<(), StoreError> {
        self.send(Piece::Octets(octets)).await
    }

    /// Ends the content, which must have this name, and returns once it is durable there.
    ///
    /// # Errors
    /// When it is not.
    pub async fn finish(mut self, blob: BlobId) -> Result<(), StoreError> {
        self.send(Piece::End(Bytes::copy_from_slice(&blob.0))).await?;
        self.outcome().await
    }

    async fn send(&mut self, piece: Piece) -> Result<(), StoreError> {
        if self
            .pieces
            .send(proto::ReplicatePiece { piece: Some(piece) })
            .await
            .is_ok()
        {
            return Ok(());
        }
        self.outcome().await.and(Err(StoreError::OutcomeUnknown))
    }

    async fn outcome(&mut self) -> Result<(), StoreError> {
        match self.calls.join_next().await {
            Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(status))) => Err(store_error(&status)),
            Some(Err(_)) | None => Err(StoreError::OutcomeUnknown),
        }
    }
}

struct HandlerServer {
    handler: Arc<dyn ContentHandler>,
}

#[async_trait]
impl Content for HandlerServer {
    async fn replicate(
        &self,
        request: Request<Streaming<proto::ReplicatePiece>>,
    ) -> Result<Response<proto::ReplicateResponse>, Status> {
        may_use_raft(&request)?;
        let mut pieces = request.into_inner();
        let Some(Piece::Start(start)) = pieces.message().await?.and_then(|piece| piece.piece) else {
            return Err(Status::invalid_argument("content without start"));
        };
        let (expect, expected) = tokio::sync::oneshot::channel();
        let stored = self
            .handler
            .store(GroupId(start.group), start.size, octets(pieces, expect))
            .await;
        let stored = stored.map_err(|error| status(&error))?;
        // The stream has ended, so the name that was announced has been sent.
        if expected.await.ok().as_deref() != Some(&stored.0[..]) {
            return Err(Status::data_loss("content arrived under another name"));
        }
        Ok(Response::new(proto::ReplicateResponse {}))
    }

    type FetchStream =
        std::pin::Pin<Box<dyn futures::Stream<Item = Result<proto::FetchPiece, Status>> + Send>>;

    async fn fetch(
        &self,
        request: Request<proto::FetchRequest>,
    ) -> Result<Response<Self::FetchStream>, Status> {
        may_use_raft(&request)?;
        let message = request.into_inner();
        let name = <[u8; 32]>::try_from(&message.blob[..]);
        let blob = BlobId(name.map_err(|_| Status::invalid_argument("malformed name"))?);
        let pieces = self
            .handler
            .load(GroupId(message.group), blob)
            .await
            .map_err(|error| status(&error))?;
        let pieces = pieces.map(|piece| match piece {
            Ok(octets) => Ok(proto::FetchPiece { octets }),
            Err(error) => Err(status(&error)),
        });
        Ok(Response::new(pieces.boxed()))
    }
}

/// Returns the octets of a stream up to its end, which names the content; without an end the stream
/// ends with an error.
fn octets(
    pieces: Streaming<proto::ReplicatePiece>,
    name: tokio::sync::oneshot::Sender<Bytes>,
) -> BoxStream<Result<Bytes, StoreError>> {
    futures::stream::try_unfold((pieces, name), |(mut pieces, name)| async move {
        match pieces
            .message()
            .await
            .map_err(|status| store_error(&status))?
            .and_then(|piece| piece.piece)
        {
            Some(Piece::Octets(octets)) => Ok(Some((octets, (pieces, name)))),
            Some(Piece::End(blob)) => {
                // Nobody waits for it when the store has failed already.
                let _ = name.send(blob);
                Ok(None)
            }
            Some(Piece::Start(_)) | None => Err(StoreError::OutcomeUnknown),
        }
    })
    .boxed()
}

//! The directory of the cluster: changes of it, and the stream that keeps every process's copy fresh.

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use mailstore::StoreError;
use mailstore::ports::BoxStream;
use tonic::{Request, Response, Status};

use crate::generated::node as proto;
use crate::generated::node::directory_client::DirectoryClient as Client;
use crate::generated::node::directory_server::{Directory, DirectoryServer};
use crate::status::{status, store_error};
use crate::transport::{Connection, Dialer, Services, may_change_directory, may_read_directory};

/// Largest directory that is taken; one of 1,024 groups on 100 nodes has about 200 KiB.
const DIRECTORY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What a storage node says of itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Described {
    /// Its name, as in its certificate.
    pub name: String,
    /// It has never been part of a cluster.
    pub blank: bool,
    /// The newest directory that it knows, encoded by the directory's crate.
    pub directory: Option<Bytes>,
}

/// Answers for the directory on a storage node. What it takes and gives is encoded by the directory's crate.
#[async_trait]
pub trait DirectoryHandler: Send + Sync + 'static {
    /// Says who the node is and what it knows.
    fn describe(&self) -> Described;

    /// Changes the directory and returns the reply when the change is durable on a majority.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`] where another node leads group 0.
    async fn submit(&self, command: Bytes) -> Result<Bytes, StoreError>;

    /// Returns the directory whenever this node comes to know one that is newer than `epoch`, and then each
    /// newer one. It never ends by itself.
    fn watch(&self, epoch: u64) -> BoxStream<Bytes>;
}

impl Services {
    /// Offers the directory to the processes of the cluster.
    pub fn add_directory(&mut self, handler: Arc<dyn DirectoryHandler>) {
        let server = DirectoryServer::new(HandlerServer { handler });
        self.add(server.max_decoding_message_size(DIRECTORY_BYTES_MAX));
    }
}

/// Asks one storage node for the directory.
#[derive(Clone)]
pub struct DirectoryClient {
    client: Client<Connection>,
}

impl DirectoryClient {
    /// Returns a client that connects when first used.
    #[must_use]
    pub fn new(dialer: &Dialer) -> Self {
        let client = Client::new(dialer.channel());
        Self {
            client: client.max_decoding_message_size(DIRECTORY_BYTES_MAX),
        }
    }

    /// See [`DirectoryHandler::describe`].
    ///
    /// # Errors
    /// When the node cannot be reached.
    pub async fn describe(&self) -> Result<Described, StoreError> {
        let answer = self.client.clone().describe(proto::DescribeRequest {}).await;
        let answer = answer.map_err(|status| store_error(&status))?.into_inner();
        Ok(Described {
            name: answer.name,
            blank: answer.blank,
            directory: answer.directory,
        })
    }

    /// See [`DirectoryHandler::submit`].
    ///
    /// # Errors
    /// Those of the node, and [`StoreError::OutcomeUnknown`] where it cannot be reached.
    pub async fn submit(&self, command: Bytes) -> Result<Bytes, StoreError> {
        let request = proto::SubmitDirectoryRequest { command };
        let answer = self.client.clone().submit(request).await;
        answer
            .map(|answer| answer.into_inner().reply)
            .map_err(|status| store_error(&status))
    }

    /// See [`DirectoryHandler::watch`].
    ///
    /// # Errors
    /// When the node cannot be reached; in the stream, when it can no longer.
    pub async fn watch(&self, epoch: u64) -> Result<BoxStream<Result<Bytes, StoreError>>, StoreError> {
        let request = proto::WatchDirectoryRequest { epoch };
        let stream = self.client.clone().watch(request).await;
        let stream = stream.map_err(|status| store_error(&status))?.into_inner();
        Ok(stream
            .map(|given| {
                given
                    .map(|given| given.directory)
                    .map_err(|status| store_error(&status))
            })
            .boxed())
    }
}

struct HandlerServer {
    handler: Arc<dyn DirectoryHandler>,
}

#[async_trait]
impl Directory for HandlerServer {
    async fn describe(
        &self,
        request: Request<proto::DescribeRequest>,
    ) -> Result<Response<proto::DescribeResponse>, Status> {
        may_read_directory(&request)?;
        let described = self.handler.describe();
        Ok(Response::new(proto::DescribeResponse {
            name: described.name,
            blank: described.blank,
            directory: described.directory,
        }))
    }

    async fn submit(
        &self,
        request: Request<proto::SubmitDirectoryRequest>,
    ) -> Result<Response<proto::SubmitDirectoryResponse>, Status> {
        may_change_directory(&request)?;
        let reply = self.handler.submit(request.into_inner().command).await;
        let reply = reply.map_err(|error| status(&error))?;
        Ok(Response::new(proto::SubmitDirectoryResponse { reply }))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<proto::WatchDirectoryResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<proto::WatchDirectoryRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        may_read_directory(&request)?;
        let directories = self.handler.watch(request.into_inner().epoch);
        let given = directories.map(|directory| Ok(proto::WatchDirectoryResponse { directory }));
        Ok(Response::new(given.boxed()))
    }
}

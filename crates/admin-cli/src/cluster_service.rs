//! What commands about the cluster ask for.

use std::time::Duration;

use async_trait::async_trait;
use directory::{Command, Directory, Done, Rejection, codec};
use futures::StreamExt;
use mailstore::ids::NodeId;
use mailstore::ports::Administration;
use mailstore::{GroupId, StoreError};
use rpc::{ClusterAdmin, ClusterAdminClient, Dialer, DirectoryClient, NodeReport};

/// How long a node may take to give its directory; one that has none gives nothing.
const DIRECTORY_TIME_MAX: Duration = Duration::from_secs(3);

/// The cluster, as the node that is connected to sees it.
#[async_trait]
pub trait ClusterService: Send + Sync {
    /// Returns the directory, `None` where the node knows none yet.
    ///
    /// # Errors
    /// When the node does not answer.
    async fn directory(&self) -> Result<Option<Directory>, StoreError>;

    /// Changes the directory, and returns when that is durable on a majority.
    ///
    /// # Errors
    /// When the leader of the directory does not answer.
    async fn submit(&self, command: Command) -> Result<Result<Done, Rejection>, StoreError>;

    /// Returns how every node and its replicas are.
    ///
    /// # Errors
    /// When the node does not answer.
    async fn report(&self) -> Result<Vec<NodeReport>, StoreError>;

    /// Asks the replica on a node to lead its group.
    ///
    /// # Errors
    /// When the group has no leader that answers, or no replica there that votes.
    async fn transfer_leader(&self, group: GroupId, node: NodeId) -> Result<(), StoreError>;
}

/// What commands are carried out with.
#[derive(Clone, Copy)]
pub struct Services<'a> {
    /// Accounts, mailboxes, sessions.
    pub administration: &'a dyn Administration,
    /// Nodes, groups, slots.
    pub cluster: &'a dyn ClusterService,
}

/// The cluster over gRPC.
pub(crate) struct RemoteCluster {
    directory: DirectoryClient,
    admin: ClusterAdminClient,
}

impl RemoteCluster {
    pub(crate) fn new(dialer: &Dialer) -> Self {
        Self {
            directory: DirectoryClient::new(dialer),
            admin: ClusterAdminClient::new(dialer),
        }
    }
}

#[async_trait]
impl ClusterService for RemoteCluster {
    async fn directory(&self) -> Result<Option<Directory>, StoreError> {
        let first = async { self.directory.watch(0).await?.next().await.transpose() };
        let Ok(given) = tokio::time::timeout(DIRECTORY_TIME_MAX, first).await else {
            return Ok(None);
        };
        let decoded = given?.map(codec::decode_directory).transpose();
        decoded.map_err(|error| StoreError::Internal(format!("the directory cannot be read: {error}")))
    }

    async fn submit(&self, command: Command) -> Result<Result<Done, Rejection>, StoreError> {
        let reply = self.directory.submit(codec::encode_command(&command)).await?;
        codec::decode_reply(reply)
            .map_err(|error| StoreError::Internal(format!("the reply cannot be read: {error}")))
    }

    async fn report(&self) -> Result<Vec<NodeReport>, StoreError> {
        self.admin.report().await
    }

    async fn transfer_leader(&self, group: GroupId, node: NodeId) -> Result<(), StoreError> {
        self.admin.transfer_leader(group, node).await
    }
}

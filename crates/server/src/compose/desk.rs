//! The directory for administrators: whichever node they ask, changes reach the one that leads.

use async_trait::async_trait;
use bytes::Bytes;
use cluster::DirectoryAccess;
use directory::codec;
use mailstore::StoreError;
use mailstore::ports::BoxStream;
use rpc::{Described, DirectoryHandler};
use storage_node::Replicas;

/// The directory as this node knows it, and the way to where it is changed.
pub struct DirectoryDesk {
    replicas: Replicas,
    access: DirectoryAccess,
}

impl DirectoryDesk {
    /// Returns the desk of a node with these replicas.
    pub fn new(replicas: Replicas, access: DirectoryAccess) -> Self {
        Self { replicas, access }
    }
}

#[async_trait]
impl DirectoryHandler for DirectoryDesk {
    fn describe(&self) -> Described {
        self.replicas.describe()
    }

    async fn submit(&self, command: Bytes) -> Result<Bytes, StoreError> {
        let decoded = codec::decode_command(command);
        let command = decoded.map_err(|error| {
            tracing::warn!(%error, "an administrator asks for a change of a later version");
            StoreError::Unavailable("this version does not know such a change")
        })?;
        let reply = self.access.submit(&command).await?;
        Ok(codec::encode_reply(&reply))
    }

    fn watch(&self, epoch: u64) -> BoxStream<Bytes> {
        self.replicas.watch(epoch)
    }
}

//! What a storage node does about the directory: it says that it is there, follows the directory, and makes its
//! replicas agree with it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cluster::{DirectoryAccess, DirectoryNode};
use directory::{Announcement, Command, Directory, Rejection};
use futures::StreamExt;
use mailstore::StoreError;
use mailstore::ports::BoxStream;
use rpc::{Described, DirectoryHandler};
use tokio_util::sync::CancellationToken;

use crate::node::Node;
use crate::replicas::{Placement, Replicas, StartError};

/// The pause before something that failed is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// This node in its cluster.
#[derive(Clone)]
pub struct Membership {
    /// Its replicas.
    pub replicas: Replicas,
    /// What answers for them.
    pub node: Node,
    /// The way to the directory.
    pub access: DirectoryAccess,
    /// What it says of itself.
    pub announcement: Announcement,
}

impl Membership {
    /// Does all of it until `stop`.
    ///
    /// # Errors
    /// When the directory does not take this node: it must not go on with what it has.
    pub async fn run(&self, stop: CancellationToken) -> Result<(), StartError> {
        let work = async {
            tokio::select! {
                () = self.replicas.follow_directory(stop.clone()) => Ok(()),
                () = self.share() => Ok(()),
                () = self.agree() => Ok(()),
                refused = self.announce() => refused,
            }
        };
        // Each of them may be cut off: what is durable is durable, the rest is done again at the next start.
        stop.run_until_cancelled(work).await.unwrap_or(Ok(()))
    }

    /// Keeps what the replicas here know and what is known from elsewhere the same.
    async fn share(&self) {
        let (mut here, mut elsewhere) = (self.replicas.known_directory(), self.access.known());
        loop {
            if let Some(known) = here.borrow_and_update().clone() {
                self.access.learn(Directory::clone(&known));
            }
            if let Some(known) = elsewhere.borrow_and_update().clone() {
                self.replicas.learn_directory(Directory::clone(&known));
            }
            let news = futures::future::select(Box::pin(here.changed()), Box::pin(elsewhere.changed()));
            drop(news.await);
        }
    }

    /// Makes the replicas agree with each newer directory.
    async fn agree(&self) {
        let mut known = self.replicas.known_directory();
        loop {
            let newest = known.borrow_and_update().clone();
            if let Some(directory) = newest
                && let Err(error) = self.adopt(&directory).await
            {
                tracing::error!(%error, "replicas do not agree with the directory yet");
                tokio::time::sleep(PAUSE).await;
                known.mark_changed();
            }
            if known.changed().await.is_err() {
                return;
            }
        }
    }

    async fn adopt(&self, directory: &Directory) -> Result<(), StartError> {
        self.replicas.keep_directory(directory).await?;
        self.node.adopt_slots(directory.slots.clone());
        let this = self.replicas.placement().this;
        if !directory.nodes.contains_key(&this) {
            // It was taken out. What it has is of no use to anybody, and it is told so when it announces itself.
            return Ok(());
        }
        self.replicas.adopt(Placement::of(directory, this)).await?;
        Ok(())
    }

    /// Says that this node is there, until the directory knows it.
    async fn announce(&self) -> Result<(), StartError> {
        let command = Command::Announce(self.announcement.clone());
        loop {
            match self.access.submit(&command).await {
                Ok(Ok(done)) if done.node == Some(self.replicas.placement().this) => {
                    // The rest of the work goes on.
                    return std::future::pending().await;
                }
                Ok(Ok(_)) => return Err(StartError::GivenUp),
                Ok(Err(Rejection::NotFounded)) => {}
                Ok(Err(rejection)) => return Err(StartError::Refused(rejection)),
                Err(error) => tracing::debug!(%error, "this node could not announce itself yet"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// The directory as the node in this process knows it.
pub struct LocalDirectory(pub Arc<dyn DirectoryHandler>);

#[async_trait]
impl DirectoryNode for LocalDirectory {
    async fn describe(&self) -> Result<Described, StoreError> {
        Ok(self.0.describe())
    }

    async fn submit(&self, command: Bytes) -> Result<Bytes, StoreError> {
        self.0.submit(command).await
    }

    async fn watch(&self, epoch: u64) -> Result<BoxStream<Result<Bytes, StoreError>>, StoreError> {
        Ok(self.0.watch(epoch).map(Ok).boxed())
    }
}

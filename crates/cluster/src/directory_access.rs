//! The way to the directory: who can be asked for it, and who changes it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use directory::{Command, Directory, Done, Rejection, codec};
use futures::StreamExt;
use mailstore::StoreError;
use mailstore::ports::BoxStream;
use rpc::{Described, DirectoryClient};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long one node is followed before another is asked, so that one that is cut off does not keep a process in the
/// past.
const SOURCE_TIME_MAX: Duration = Duration::from_secs(60);
/// The pause when nobody could be reached.
const PAUSE: Duration = Duration::from_millis(500);
/// How long a node may take to answer.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(5);
/// How often hints are followed in one round.
const HINTS_MAX: usize = 3;

/// One storage node, as far as the directory is concerned.
#[async_trait]
pub trait DirectoryNode: Send + Sync {
    /// Says who the node is and what it knows.
    async fn describe(&self) -> Result<Described, StoreError>;

    /// Changes the directory where this node leads its group.
    async fn submit(&self, command: Bytes) -> Result<Bytes, StoreError>;

    /// Gives directories that are newer than an epoch.
    async fn watch(&self, epoch: u64) -> Result<BoxStream<Result<Bytes, StoreError>>, StoreError>;
}

#[async_trait]
impl DirectoryNode for DirectoryClient {
    async fn describe(&self) -> Result<Described, StoreError> {
        Self::describe(self).await
    }

    async fn submit(&self, command: Bytes) -> Result<Bytes, StoreError> {
        Self::submit(self, command).await
    }

    async fn watch(&self, epoch: u64) -> Result<BoxStream<Result<Bytes, StoreError>>, StoreError> {
        Self::watch(self, epoch).await
    }
}

/// Makes the way to storage nodes.
pub trait DirectoryDoors: Send + Sync + 'static {
    /// Returns the nodes that can be asked before anything is known, or when all that is known is of no use.
    fn seeds(&self) -> Vec<Arc<dyn DirectoryNode>>;

    /// Returns a node that the directory names, `None` when there is no way to it.
    fn node(&self, name: &str, address: &str) -> Option<Arc<dyn DirectoryNode>>;
}

/// Asks for the directory and follows it, at whichever node answers. Cheap to clone.
#[derive(Clone)]
pub struct DirectoryAccess {
    doors: Arc<dyn DirectoryDoors>,
    known: Arc<watch::Sender<Option<Arc<Directory>>>>,
}

impl DirectoryAccess {
    /// Returns the access of a process that knows this directory, or none.
    #[must_use]
    pub fn new(doors: Arc<dyn DirectoryDoors>, known: Option<Arc<Directory>>) -> Self {
        Self {
            doors,
            known: Arc::new(watch::Sender::new(known)),
        }
    }

    /// Returns the newest directory that is known, and follows it.
    #[must_use]
    pub fn known(&self) -> watch::Receiver<Option<Arc<Directory>>> {
        self.known.subscribe()
    }

    /// Takes a directory if it is newer than what is known.
    pub fn learn(&self, directory: Directory) {
        self.known.send_if_modified(|known| {
            let newer = known.as_ref().is_none_or(|known| known.epoch < directory.epoch);
            if newer {
                *known = Some(Arc::new(directory));
            }
            newer
        });
    }

    /// Changes the directory at whichever node leads its group. A command may be repeated, so one whose answer was lost
    /// is.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no leader was found in one round of all nodes that are known.
    pub async fn submit(&self, command: &Command) -> Result<Result<Done, Rejection>, StoreError> {
        let encoded = codec::encode_command(command);
        let mut candidates = self.candidates();
        let mut hints_left = HINTS_MAX;
        while let Some(node) = candidates.pop_front() {
            let answer = tokio::time::timeout(ANSWER_TIME_MAX, node.submit(encoded.clone()));
            match answer.await.unwrap_or(Err(StoreError::OutcomeUnknown)) {
                Ok(reply) => {
                    let reply = codec::decode_reply(reply);
                    return reply.map_err(|error| StoreError::Internal(error.to_string()));
                }
                Err(StoreError::NotLeader { hint: Some(name) }) if hints_left > 0 => {
                    hints_left -= 1;
                    self.named(&name)
                        .into_iter()
                        .for_each(|node| candidates.push_front(node));
                }
                Err(error) => tracing::debug!(%error, "the directory was not changed there"),
            }
        }
        Err(StoreError::Unavailable("no leader of the directory answers"))
    }

    /// Keeps what is known fresh until `stop`.
    pub async fn follow(&self, stop: CancellationToken) {
        let follow = async {
            loop {
                for node in self.candidates() {
                    // One source after the other, each for a time; a stream that ends or fails only ends its turn.
                    if let Err(error) = self.follow_one(&*node).await {
                        tracing::debug!(%error, "the directory cannot be followed there");
                    }
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        // What was learnt stays learnt wherever it is cut off.
        let _ = stop.run_until_cancelled(follow).await;
    }

    async fn follow_one(&self, node: &dyn DirectoryNode) -> Result<(), StoreError> {
        let epoch = self.known.borrow().as_ref().map_or(0, |known| known.epoch.0);
        let opened = tokio::time::timeout(ANSWER_TIME_MAX, node.watch(epoch)).await;
        let mut directories = opened.unwrap_or(Err(StoreError::OutcomeUnknown))?;
        let follow = async {
            while let Some(given) = directories.next().await {
                let decoded = codec::decode_directory(given?);
                self.learn(decoded.map_err(|error| StoreError::Internal(error.to_string()))?);
            }
            Ok(())
        };
        let outcome = tokio::time::timeout(SOURCE_TIME_MAX, follow).await;
        outcome.unwrap_or(Ok(()))
    }

    /// Returns whom to ask, the likeliest to know first: nodes with a replica of the directory, other nodes, seeds.
    fn candidates(&self) -> VecDeque<Arc<dyn DirectoryNode>> {
        let known = self.known.borrow().clone();
        let mut candidates = VecDeque::new();
        if let Some(known) = known {
            let group = known.groups.get(&mailstore::GroupId(0));
            let mut nodes: Vec<_> = known.nodes.iter().collect();
            nodes.sort_by_key(|(id, _)| group.is_none_or(|group| group.on(**id).is_none()));
            let doors = nodes
                .iter()
                .filter_map(|(_, node)| self.doors.node(&node.name, &node.address));
            candidates.extend(doors);
        }
        candidates.extend(self.doors.seeds());
        candidates
    }

    fn named(&self, name: &str) -> Option<Arc<dyn DirectoryNode>> {
        let known = self.known.borrow().clone()?;
        let (_, node) = known.node_named(name)?;
        self.doors.node(&node.name, &node.address)
    }
}

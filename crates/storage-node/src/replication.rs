//! What a node asks of the consensus layer: its replicas, as seen from above.

use async_trait::async_trait;
use mailstore::command::{Entry, Subject};
use mailstore::ports::GroupStatus;
use mailstore::rows::ReadRows;
use mailstore::{AccountId, GroupId, Reply, StoreError};

use crate::content::NamedBlobs;

/// A question to rows. It keeps its own answer.
pub type Question = Box<dyn FnOnce(&dyn ReadRows) + Send>;

/// The replicas of one node.
#[async_trait]
pub trait Replication: Send + Sync + 'static {
    /// Lists the groups of which this node has a replica.
    fn groups(&self) -> Vec<GroupId>;

    /// Tells whether this node leads the group, as far as it knows.
    fn leads(&self, group: GroupId) -> bool;

    /// Commits an entry and returns what `apply` replied. Durable on a majority when it returns.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`], [`StoreError::Rejected`], or [`StoreError::OutcomeUnknown`].
    async fn propose(&self, group: GroupId, entry: Entry) -> Result<Reply, StoreError>;

    /// Returns once this node is known to lead the group and has applied everything that was committed
    /// before the call: what is read from its rows afterwards is linearizable.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`] or [`StoreError::Unavailable`].
    async fn read_barrier(&self, group: GroupId) -> Result<(), StoreError>;

    /// Asks a question of the rows of one subject, on a thread for work that blocks.
    ///
    /// # Errors
    /// When the tables cannot be read.
    async fn ask(&self, group: GroupId, subject: &Subject, question: Question) -> Result<(), StoreError>;

    /// Lists accounts of the group, ascending, behind `after`, at most `limit`.
    ///
    /// # Errors
    /// When the tables cannot be read.
    async fn accounts(
        &self,
        group: GroupId,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>, StoreError>;

    /// Returns all content that the group's rows name, each account's as of one moment at or behind
    /// everything that this replica knows to be committed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] while the rows may lack something, and when they cannot be read.
    async fn named_blobs(&self, group: GroupId) -> Result<NamedBlobs, StoreError>;

    /// Returns the state of every replica.
    fn status(&self) -> Vec<GroupStatus>;
}

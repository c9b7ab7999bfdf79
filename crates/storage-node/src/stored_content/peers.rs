//! The other replicas of a group, as far as content is concerned.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use mailstore::ports::BoxStream;
use mailstore::{BlobId, GroupId, StoreError};

/// One other node that holds a replica.
#[async_trait]
pub trait ContentPeer: Send + Sync + 'static {
    /// Starts to store content there.
    fn push(&self, group: GroupId, size: u64) -> Box<dyn ContentPush>;

    /// Gets content from there.
    ///
    /// # Errors
    /// When it is not there, or the node cannot be reached.
    async fn fetch(
        &self,
        group: GroupId,
        blob: BlobId,
    ) -> Result<BoxStream<Result<Bytes, StoreError>>, StoreError>;
}

/// Content on its way to one other node.
#[async_trait]
pub trait ContentPush: Send {
    /// Adds octets.
    ///
    /// # Errors
    /// When the node gave up.
    async fn push(&mut self, octets: Bytes) -> Result<(), StoreError>;

    /// Ends the content, which has this name, and returns once it is durable there.
    ///
    /// # Errors
    /// When it is not.
    async fn finish(self: Box<Self>, blob: BlobId) -> Result<(), StoreError>;
}

/// The replicas of a group that this node leads.
#[derive(Clone)]
pub struct Placement {
    /// The other voters.
    pub followers: Vec<Arc<dyn ContentPeer>>,
}

impl Placement {
    /// Returns how many followers must have content durably, so that with the leader it is a majority.
    pub(super) fn followers_needed(&self) -> usize {
        self.followers.len().div_ceil(2)
    }
}

/// Says who leads and who follows.
pub trait ContentPlacement: Send + Sync + 'static {
    /// Returns the replicas of a group.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`] when this node does not lead it.
    fn placement(&self, group: GroupId) -> Result<Placement, StoreError>;

    /// Returns the other nodes that may have the group's content, whether this node leads or not.
    fn holders(&self, group: GroupId) -> Vec<Arc<dyn ContentPeer>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    #[async_trait]
    impl ContentPeer for Nobody {
        fn push(&self, _: GroupId, _: u64) -> Box<dyn ContentPush> {
            unreachable!("nothing is pushed")
        }

        async fn fetch(
            &self,
            _: GroupId,
            _: BlobId,
        ) -> Result<BoxStream<Result<Bytes, StoreError>>, StoreError> {
            Err(StoreError::ContentUnavailable)
        }
    }

    #[test]
    fn the_leader_and_the_needed_followers_are_a_majority() {
        for voters in 1..=7_usize {
            let followers = (1..voters)
                .map(|_| Arc::new(Nobody) as Arc<dyn ContentPeer>)
                .collect();
            let needed = Placement { followers }.followers_needed();
            assert!(2 * (needed + 1) > voters, "{voters} voters");
            assert!(
                2 * needed <= voters,
                "{voters} voters: no more than a majority is waited for"
            );
        }
    }
}

//! The other replicas of a group, as far as content is concerned.

use std::collections::BTreeSet;
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

/// The other replicas of a group that this node leads, and how many of them must have content durably.
#[derive(Clone, Default)]
pub struct Followers {
    pub(super) peers: Vec<Arc<dyn ContentPeer>>,
    pub(super) needs: Needs,
}

/// How many followers of each set of voters are needed. A follower goes by its place in the list of them.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(super) struct Needs(Vec<(BTreeSet<usize>, usize)>);

impl Followers {
    /// Adds a follower, which is sent all content. Its place is the number of those that were added before.
    pub fn add(&mut self, peer: Arc<dyn ContentPeer>) {
        self.peers.push(peer);
    }

    /// Asks that content be durable at `count` of the followers at these places before it counts as stored.
    /// Each call asks for more.
    pub fn require(&mut self, places: BTreeSet<usize>, count: usize) {
        self.needs.0.push((places, count));
    }
}

impl Needs {
    /// Returns whether it is enough when these followers have content.
    pub(super) fn are_met_by(&self, having: &BTreeSet<usize>) -> bool {
        self.0
            .iter()
            .all(|(places, count)| places.intersection(having).count() >= *count)
    }
}

/// Says who leads and who follows.
pub trait ContentPlacement: Send + Sync + 'static {
    /// Returns the followers of a group.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`] when this node does not lead it.
    fn followers(&self, group: GroupId) -> Result<Followers, StoreError>;

    /// Returns the other nodes that may have the group's content, whether this node leads or not.
    fn holders(&self, group: GroupId) -> Vec<Arc<dyn ContentPeer>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(sets: &[(&[usize], usize)]) -> Needs {
        let sets = sets.iter();
        Needs(
            sets.map(|(places, count)| (places.iter().copied().collect(), *count))
                .collect(),
        )
    }

    fn check(needs: &Needs, having: &[usize], met: bool) {
        let having: BTreeSet<_> = having.iter().copied().collect();
        assert_eq!(needs.are_met_by(&having), met, "{needs:?} by {having:?}");
    }

    #[test]
    fn every_set_of_voters_needs_its_majority() {
        check(&needs(&[]), &[], true);
        let one_set = needs(&[(&[0, 1], 1)]);
        check(&one_set, &[], false);
        check(&one_set, &[1], true);
        // A follower that does not vote counts for nothing.
        check(&one_set, &[2], false);
        let two_sets = needs(&[(&[0, 1], 1), (&[1, 2], 2)]);
        check(&two_sets, &[1], false);
        check(&two_sets, &[0, 2], false);
        check(&two_sets, &[1, 2], true);
    }
}

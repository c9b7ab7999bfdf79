//! What is asked of the replicas here by whoever places them.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use consensus::{DirectoryMachine, Group, GroupStatus, NodeId, ReplicaId, Role};
use mailstore::{GroupId, StoreError};
use rpc::{GroupControl, GroupView, MemberView, ReplicaProgress};

use super::Replicas;
use super::any_group::AnyGroup;

/// How long a replica may take to apply what is known to be committed before it says how far it is.
const APPLY_TIME_MAX: Duration = Duration::from_secs(2);
/// How long it may fetch content before it says what is still missing.
const FETCH_TIME_MAX: Duration = Duration::from_secs(5);

impl Replicas {
    /// Returns a group that is led from here, with its status.
    fn led(&self, id: GroupId) -> Result<(AnyGroup, GroupStatus), StoreError> {
        let group = self.any_group(id)?;
        let status = group.status();
        if status.role == Role::Leader {
            return Ok((group, status));
        }
        let hint = status.leader;
        Err(self.store_error(&consensus::Error::NotLeader { hint }))
    }

    /// Returns the error for a change of members that failed. Another change that is under way ends, and what
    /// asks for the impossible is told apart by looking at the group.
    fn change_error(&self, group: GroupId, error: &consensus::Error) -> StoreError {
        match error {
            consensus::Error::Membership { detail } => {
                tracing::info!(group = group.0, detail, "members cannot be changed now");
                StoreError::Unavailable("the members cannot be changed now")
            }
            error => self.store_error(error),
        }
    }

    fn missing_blobs(&self, group: GroupId, replica: ReplicaId) -> Option<u64> {
        let lacking = self.inner.fills.lacking(group, replica)?;
        u64::try_from(lacking).ok()
    }

    /// Refuses a voter that lacks what was committed up to `upto`, or content that it names.
    async fn check_complete(
        &self,
        id: GroupId,
        (replica, node): (ReplicaId, NodeId),
        upto: u64,
    ) -> Result<(), StoreError> {
        let unreachable = StoreError::Unavailable("the node of a new voter cannot be reached");
        let link = self.inner.peers.link(node).ok_or(unreachable)?;
        let progress = link.control.replica_progress(id, upto).await?;
        if progress.replica == replica.0 && progress.is_complete(upto) {
            return Ok(());
        }
        tracing::info!(
            group = id.0,
            replica = replica.0,
            upto,
            ?progress,
            "replica may not vote yet"
        );
        Err(StoreError::Unavailable("a new voter is not complete yet"))
    }
}

#[async_trait]
impl GroupControl for Replicas {
    async fn group_status(&self, id: GroupId) -> Result<GroupView, StoreError> {
        let group = self.any_group(id)?;
        let status = group.status();
        let members = status.members.iter().map(|(replica, node)| MemberView {
            replica: replica.0,
            node: node.0,
            votes: status.voters.contains(replica),
            matched_index: group.replicated_to(*replica).map(|matched| matched.index),
        });
        Ok(GroupView {
            replica: group.replica().0,
            leads: status.role == Role::Leader,
            term: status.term,
            leader: status.leader.map(|leader| leader.replica.0),
            members: members.collect(),
            changing: status.quorums.len() > 1,
            last_index: status.last_index,
            committed_index: status.committed.map(|committed| committed.index),
            applied_index: status.applied.map(|applied| applied.index),
            missing_blobs: self.missing_blobs(id, group.replica()),
            content_bytes: Some(self.inner.content.size_of_group(id)),
        })
    }

    async fn replica_progress(&self, id: GroupId, upto: u64) -> Result<ReplicaProgress, StoreError> {
        let group = self.any_group(id)?;
        let mut watch = group.watch();
        let applied = watch.wait_for(|status| status.applied.is_some_and(|applied| applied.index >= upto));
        // One that takes longer says how far it is.
        drop(tokio::time::timeout(APPLY_TIME_MAX, applied).await);
        if let AnyGroup::Directory(group) = &group {
            return Ok(without_content(group));
        }
        let filled = match tokio::time::timeout(FETCH_TIME_MAX, self.fill(id)).await {
            Ok(Ok(filled)) => filled,
            Ok(Err(StoreError::Unavailable(_))) | Err(_) => self.filled(id).await?,
            Ok(Err(error)) => return Err(error),
        };
        Ok(ReplicaProgress {
            replica: group.replica().0,
            applied_index: group.status().applied.map(|applied| applied.index),
            checked_index: filled.checked,
            missing_blobs: u64::try_from(filled.missing).unwrap_or(u64::MAX),
        })
    }

    async fn add_learner(&self, id: GroupId, replica: u64, node: u64) -> Result<(), StoreError> {
        let (group, _) = self.led(id)?;
        let admitted = group.admit(ReplicaId(replica), NodeId(node)).await;
        admitted.map_err(|error| self.change_error(id, &error))
    }

    async fn change_voters(&self, id: GroupId, voters: Vec<u64>) -> Result<(), StoreError> {
        let (group, status) = self.led(id)?;
        let voters: BTreeSet<_> = voters.into_iter().map(ReplicaId).collect();
        if status.quorums == [voters.clone()] {
            return Ok(());
        }
        let upto = status.committed.map_or(0, |committed| committed.index);
        for replica in voters.iter().filter(|voter| !status.voters.contains(voter)) {
            let not_there = StoreError::Unavailable("a new voter is no member yet");
            let node = status.members.get(replica).ok_or(not_there)?;
            self.check_complete(id, (*replica, *node), upto).await?;
        }
        let changed = group.change_voters(voters).await;
        changed.map_err(|error| self.change_error(id, &error))
    }

    async fn remove_learner(&self, id: GroupId, replica: u64) -> Result<(), StoreError> {
        let (group, status) = self.led(id)?;
        let replica = ReplicaId(replica);
        if !status.learners.contains(&replica) {
            return Ok(());
        }
        let expelled = group.expel(replica).await;
        expelled.map_err(|error| self.change_error(id, &error))
    }

    async fn transfer_leader(&self, id: GroupId, replica: u64) -> Result<(), StoreError> {
        let (group, status) = self.led(id)?;
        let to = ReplicaId(replica);
        if to == group.replica() {
            return Ok(());
        }
        if !status.voters.contains(&to) {
            return Err(StoreError::Unavailable("the replica does not vote"));
        }
        let transferred = group.transfer_leader(to).await;
        transferred.map_err(|error| self.store_error(&error))
    }
}

/// Rows of the directory name no content.
fn without_content(group: &Group<DirectoryMachine>) -> ReplicaProgress {
    let applied = group.status().applied.map(|applied| applied.index);
    ReplicaProgress {
        replica: group.replica().0,
        applied_index: applied,
        checked_index: applied,
        missing_blobs: 0,
    }
}

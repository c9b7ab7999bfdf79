//! Making what runs here agree with a placement.

use std::collections::BTreeMap;
use std::sync::Arc;

use consensus::{Error, ReplicaId};
use mailstore::GroupId;

use super::kept::Kept;
use super::placement::{Placement, PlacementEpoch};
use super::{Replicas, StartError};

impl Replicas {
    /// Makes the replicas here those that the placement names: links to nodes are made and given up, replicas
    /// that are not named any more are stopped and all that they had is removed, those that are named and do not
    /// run are started, empty. A group's content goes with its last replica here. Returns whether the placement
    /// was taken: an older one than the last is not.
    ///
    /// The placement is durable before anything is removed. What a crash cuts off is completed by the next start,
    /// or by adopting the same placement again.
    ///
    /// A placement must name a replica for as long as it is a member of its group and its disk is there, and no
    /// later one may name a replica again that one has left out. Before a member that voted is left out, those that
    /// vote in its place must have been asked whether they are complete.
    ///
    /// # Errors
    /// The first error, after everything has been tried.
    pub async fn adopt(&self, placement: Placement) -> Result<bool, StartError> {
        let _one_at_a_time = self.inner.adopting.lock().await;
        let current = self.placement();
        if placement.this != current.this {
            return Err(StartError::OtherNode {
                this: current.this,
                told: placement.this,
            });
        }
        if placement.epoch < current.epoch {
            return Ok(false);
        }
        let mut leaving = self.inner.leaving.lock().clone();
        leaving.extend(no_longer_here(&current, &placement));
        self.take(Kept { placement, leaving }).await?;
        Ok(true)
    }

    /// Makes what runs here agree with what is to be kept.
    pub(super) async fn take(&self, mut kept: Kept) -> Result<(), StartError> {
        self.keep(&kept).await?;
        self.inner.leaving.lock().clone_from(&kept.leaving);
        *self.inner.placement.write() = Arc::new(kept.placement.clone());
        self.inner.peers.connect(&kept.placement);
        let mut outcome = Ok(());
        for (replica, group) in kept.leaving.clone() {
            match self.remove(group, replica).await {
                Ok(()) => drop(kept.leaving.remove(&replica)),
                Err(error) => outcome = outcome.and(Err(error)),
            }
        }
        if *self.inner.leaving.lock() != kept.leaving {
            self.keep(&kept).await?;
            self.inner.leaving.lock().clone_from(&kept.leaving);
        }
        for (group, replica) in kept.placement.here() {
            // One that could not be removed is in the way of what replaces it.
            if !kept.leaving.values().any(|left| *left == group) {
                outcome = outcome.and(self.start_replica(group, replica).await);
            }
        }
        outcome
    }

    async fn keep(&self, kept: &Kept) -> Result<(), StartError> {
        // What the settings give, they give again at the next start.
        if kept.placement.epoch == PlacementEpoch::default() {
            return Ok(());
        }
        let (disk, kept) = (Arc::clone(&self.inner.disk), kept.clone());
        let written = self.inner.blocking.run(move || kept.write(&*disk)).await;
        written.map_err(StartError::Keeping)?
    }

    async fn remove(&self, group: GroupId, replica: ReplicaId) -> Result<(), StartError> {
        tracing::info!(
            group = group.0,
            replica = replica.0,
            "replica left and is removed"
        );
        let erased = self.inner.groups.erase(replica).await;
        erased.map_err(|source| StartError::Removal { group, source })?;
        // The replica that replaces this one here has use for the content, which is named by its hash.
        if self.placement().replica_here(group).is_some() {
            return Ok(());
        }
        self.inner.fills.forget(group);
        let forgotten = self.inner.content.forget(group).await;
        forgotten.map_err(|source| StartError::Content { group, source })
    }

    async fn start_replica(&self, group: GroupId, replica: ReplicaId) -> Result<(), StartError> {
        let failed = |source: Error| StartError::Replica { group, source };
        let machine = Arc::clone(&self.inner.machine);
        let running = self.inner.groups.start(group, replica, machine).await;
        let running = running.map_err(failed)?;
        let placement = self.placement();
        let founded = placement.groups.get(&group);
        if let Some(founded) = founded.filter(|founded| founded.founder == Some(replica)) {
            running.begin(founded.replicas.clone()).await.map_err(failed)?;
        }
        running.prefer_leader(placement.preferred_leader(group));
        Ok(())
    }
}

/// Returns the replicas that the one placement has here and the other has not.
pub(super) fn no_longer_here(old: &Placement, new: &Placement) -> BTreeMap<ReplicaId, GroupId> {
    let gone = old.here().filter(|(group, replica)| {
        let replicas = new.groups.get(group);
        replicas.is_none_or(|group| group.replicas.get(replica) != Some(&new.this))
    });
    gone.map(|(group, replica)| (replica, group)).collect()
}

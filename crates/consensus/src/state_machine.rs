//! Applying committed entries to the tables, as openraft's state machine.

mod apply;

use std::io;
use std::sync::Arc;

use futures::{FutureExt, Stream, StreamExt};
use openraft::storage::{ApplyResponder, EntryResponder, RaftSnapshotBuilder, RaftStateMachine};
use openraft::{EntryPayload, OptionalSend};

use crate::Blocking;
use crate::hold::Hold;
use crate::machine::Machine;
use crate::snapshot::{self, SnapshotBuild, SnapshotHandle, SnapshotStore, StoredSnapshot};
use crate::types::{Entry, LogId, SnapshotMeta, StoredMembership, TypeConfig};
pub(crate) use apply::Applier;

/// The most entries that are applied in one batch.
const BATCH_ENTRIES_MAX: usize = 512;

/// A batch is closed when its entries hold about this many bytes.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;

pub(crate) type Snapshot = openraft::alias::SnapshotOf<TypeConfig, SnapshotHandle>;

/// The state machine of one group.
pub(crate) struct StateMachine<M: Machine> {
    pub(crate) applier: Arc<Applier<M>>,
    pub(crate) snapshots: Arc<SnapshotStore>,
    pub(crate) blocking: Blocking,
    /// There in what openraft has, not in what the group keeps for itself.
    pub(crate) hold: Option<Hold>,
}

impl<M: Machine> Clone for StateMachine<M> {
    fn clone(&self) -> Self {
        Self {
            applier: Arc::clone(&self.applier),
            snapshots: Arc::clone(&self.snapshots),
            blocking: self.blocking.clone(),
            hold: self.hold.clone(),
        }
    }
}

impl<M: Machine> StateMachine<M> {
    /// Returns the same state machine for openraft, which is waited for when the replica stops.
    pub(crate) fn held(&self, hold: Hold) -> Self {
        Self {
            hold: Some(hold),
            ..self.clone()
        }
    }

    /// Returns a published snapshot of this replica for openraft.
    fn published(&self, stored: Arc<StoredSnapshot>) -> Snapshot {
        with_meta(SnapshotHandle::published(Arc::clone(&self.snapshots), stored))
    }

    /// Applies entries as one batch and then answers whoever proposed them.
    async fn apply_batch(&self, batch: Vec<EntryResponder<TypeConfig>>) -> io::Result<()> {
        let (entries, responders): (Vec<Entry>, Vec<Option<ApplyResponder<TypeConfig>>>) =
            batch.into_iter().unzip();
        let applier = Arc::clone(&self.applier);
        let applied = self.blocking.run(move || applier.apply(&entries)).await;
        let outcomes = applied
            .and_then(|applied| applied)
            .map_err(|error| self.applier.fail(error))?;
        for (responder, outcome) in responders.into_iter().zip(outcomes) {
            if let Some(responder) = responder {
                responder.send(outcome);
            }
        }
        Ok(())
    }
}

impl<M: Machine> RaftStateMachine<TypeConfig> for StateMachine<M> {
    type SnapshotData = SnapshotHandle;
    type SnapshotBuilder = Self;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        let state = self.applier.state();
        Ok((state.last, state.membership))
    }

    async fn apply<S>(&mut self, mut entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<TypeConfig>>> + Unpin + OptionalSend,
    {
        while let Some(batch) = next_batch(&mut entries).await? {
            self.apply_batch(batch).await?;
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Self {
        self.clone()
    }

    async fn install_snapshot(&mut self, _: &SnapshotMeta, data: SnapshotHandle) -> io::Result<()> {
        // The snapshot becomes the current one first. A crash at any point from there on finds it, and tables
        // that say that nothing is applied.
        let (applier, snapshots) = (Arc::clone(&self.applier), Arc::clone(&self.snapshots));
        let load = move || {
            let manifest = &data.adopt(&snapshots)?.manifest;
            snapshot::load(&snapshots, manifest, applier.tables())?;
            applier.replaced(manifest.state.clone());
            Ok(())
        };
        let loaded = self.blocking.run(load).await;
        loaded
            .and_then(|loaded| loaded)
            .map_err(|error| self.applier.fail(error))
    }

    async fn get_current_snapshot(&mut self) -> io::Result<Option<Snapshot>> {
        Ok(self.snapshots.current().map(|stored| self.published(stored)))
    }
}

impl<M: Machine> RaftSnapshotBuilder<TypeConfig> for StateMachine<M> {
    type SnapshotData = SnapshotHandle;

    async fn build_snapshot(&mut self) -> io::Result<Snapshot> {
        let (store, tables) = (Arc::clone(&self.snapshots), self.applier.share_tables());
        self.applier.snapshot_begins();
        let begun = self
            .blocking
            .run(move || SnapshotBuild::begin(store, tables))
            .await;
        let mut build = begun.map_err(io::Error::other)?.map_err(io::Error::other)?;
        loop {
            // A snapshot that nobody waits for any more must not keep the replica from stopping.
            let ended = self.hold.as_ref().map_or(Ok(()), Hold::check);
            ended.map_err(io::Error::other)?;
            let step = move || {
                let outcome = build.step();
                (build, outcome)
            };
            let (rest, outcome) = self.blocking.run(step).await.map_err(io::Error::other)?;
            if let Some(stored) = outcome.map_err(io::Error::other)? {
                self.applier.snapshot_wrote(rest.written_bytes());
                return Ok(self.published(stored));
            }
            build = rest;
            // Applying goes first: a snapshot has time.
            tokio::task::yield_now().await;
        }
    }
}

/// Adds what openraft wants to know about a snapshot.
pub(crate) fn with_meta(snapshot: SnapshotHandle) -> Snapshot {
    let state = &snapshot.stored.manifest.state;
    let meta = SnapshotMeta {
        last_log_id: state.last,
        last_membership: state.membership.clone(),
    };
    Snapshot { meta, snapshot }
}

/// Waits for an entry and takes along those that are there already.
async fn next_batch<S>(entries: &mut S) -> io::Result<Option<Vec<EntryResponder<TypeConfig>>>>
where
    S: Stream<Item = io::Result<EntryResponder<TypeConfig>>> + Unpin,
{
    let Some(first) = entries.next().await.transpose()? else {
        return Ok(None);
    };
    let mut bytes = size(&first.0);
    let mut batch = vec![first];
    while batch.len() < BATCH_ENTRIES_MAX && bytes < BATCH_BYTES_MAX {
        let Some(Some(next)) = entries.next().now_or_never() else {
            break;
        };
        let next = next?;
        bytes += size(&next.0);
        batch.push(next);
    }
    Ok(Some(batch))
}

fn size(entry: &Entry) -> usize {
    match &entry.payload {
        EntryPayload::Normal(command) => command.bytes.len(),
        EntryPayload::Blank | EntryPayload::Membership(_) => 0,
    }
}

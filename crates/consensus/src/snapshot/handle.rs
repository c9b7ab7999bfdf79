//! A snapshot as openraft passes it around.

use std::sync::Arc;

use super::store::{SnapshotStore, StoredSnapshot};
use super::{Incoming, SnapshotError};

/// A snapshot that can be read.
#[derive(Clone)]
pub(crate) struct SnapshotHandle {
    pub(crate) store: Arc<SnapshotStore>,
    pub(crate) stored: Arc<StoredSnapshot>,
    // Present while the snapshot has been received but is not yet the current one.
    staged: Option<Arc<StagedPack>>,
}

/// Keeps the pack of a received snapshot from being collected.
struct StagedPack {
    store: Arc<SnapshotStore>,
    id: u64,
}

impl Drop for StagedPack {
    fn drop(&mut self) {
        self.store.abandon_pack(self.id);
    }
}

impl SnapshotHandle {
    /// Returns a handle on a snapshot that the store has published.
    pub(crate) fn published(store: Arc<SnapshotStore>, stored: Arc<StoredSnapshot>) -> Self {
        Self {
            store,
            stored,
            staged: None,
        }
    }

    /// Returns a handle on a snapshot whose pack is complete but which no manifest names yet.
    pub(super) fn staged(store: Arc<SnapshotStore>, stored: StoredSnapshot, pack: u64) -> Self {
        let staged = StagedPack {
            store: Arc::clone(&store),
            id: pack,
        };
        Self {
            store,
            stored: Arc::new(stored),
            staged: Some(Arc::new(staged)),
        }
    }

    /// Makes the snapshot the current one of `store`, durably.
    ///
    /// This happens only when openraft installs it. Were it done on arrival, a crash before conflicting
    /// entries have been truncated would leave a log that contradicts the snapshot.
    pub(crate) fn adopt(&self, store: &Arc<SnapshotStore>) -> Result<Arc<StoredSnapshot>, SnapshotError> {
        if !Arc::ptr_eq(&self.store, store) {
            let mut incoming = Incoming::begin(Arc::clone(store), self.stored.manifest.clone())?;
            for part in self.stored.manifest.parts() {
                incoming.add(&self.store.read_part(part)?)?;
            }
            return incoming.finish()?.adopt(store);
        }
        match &self.staged {
            Some(staged) => store.publish(self.stored.manifest.clone(), staged.id),
            None => Ok(Arc::clone(&self.stored)),
        }
    }
}

//! A snapshot that arrives from another replica.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::manifest::{Manifest, Part};
use super::pack::PackWriter;
use super::store::{SnapshotStore, StoredSnapshot};
use super::{SnapshotError, SnapshotHandle};

/// Takes the parts of a sender's manifest, in its order, into a pack of our own.
pub(crate) struct Incoming {
    store: Arc<SnapshotStore>,
    manifest: Manifest,
    missing: VecDeque<Part>,
    written: Vec<Part>,
    pack: Option<PackWriter>,
}

impl Incoming {
    /// Begins to receive the snapshot that the manifest describes.
    pub(crate) fn begin(store: Arc<SnapshotStore>, manifest: Manifest) -> Result<Self, SnapshotError> {
        let missing = manifest.parts().copied().collect();
        let pack = store.create_pack()?;
        Ok(Self {
            store,
            manifest,
            missing,
            written: Vec::new(),
            pack: Some(pack),
        })
    }

    /// Takes the next part and checks that it is the one that was announced.
    pub(crate) fn add(&mut self, bytes: &Bytes) -> Result<(), SnapshotError> {
        let incomplete = |detail: &str| SnapshotError::Incomplete {
            detail: detail.to_owned(),
        };
        let expected = self
            .missing
            .pop_front()
            .ok_or_else(|| incomplete("more parts than announced"))?;
        let pack = self.pack.as_mut().ok_or_else(|| incomplete("it has ended"))?;
        let part = pack.add(bytes)?;
        if (part.length, part.crc) != (expected.length, expected.crc) {
            return Err(incomplete("a part differs from what was announced"));
        }
        self.written.push(part);
        Ok(())
    }

    /// Makes the parts durable and returns a snapshot that can be adopted.
    pub(crate) fn finish(mut self) -> Result<SnapshotHandle, SnapshotError> {
        if !self.missing.is_empty() {
            let detail = format!("{} parts are missing", self.missing.len());
            return Err(SnapshotError::Incomplete { detail });
        }
        let mut manifest = std::mem::take(&mut self.manifest);
        let mut written = self.written.iter();
        for part in manifest
            .sections
            .values_mut()
            .flat_map(|section| section.parts.iter_mut())
        {
            *part = *written
                .next()
                .expect("invariant: a part was written for each that was announced");
        }
        let pack = self
            .pack
            .take()
            .expect("invariant: the pack is there until the end");
        let id = pack.id();
        let handle = SnapshotHandle::staged(Arc::clone(&self.store), StoredSnapshot { manifest }, id);
        pack.finish()?;
        Ok(handle)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // What was given up half way leaves a pack that the next collection removes.
        if let Some(pack) = &self.pack {
            self.store.abandon_pack(pack.id());
        }
    }
}

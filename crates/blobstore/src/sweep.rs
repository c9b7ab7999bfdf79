//! Looking after all blobs: collecting those that nobody needs, and reading everything to find bad bytes.

use std::sync::Arc;

use crate::engine::{Change, Outcome};
use crate::index::Key;
use crate::store::Shared;
use crate::{BlobId, BlobReader, BlobStore, Error, GroupId, Result, UnixSeconds};

/// How many blobs are looked at under one lock of the index.
const PAGE_BLOBS: usize = 256;

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SweepReport {
    /// Blobs that were removed.
    pub removed: u64,
    /// Their bytes before compression.
    pub removed_bytes: u64,
    /// Blobs that were kept.
    pub kept: u64,
}

impl BlobStore {
    /// Removes the group's blobs that were last touched before `older_than` and for which `live` is false.
    ///
    /// `live` must be true for every blob that metadata names at the applied index. It is asked right before
    /// each removal, and the time of touch is compared again when the removal takes its place in the order of
    /// changes: an upload of the same bytes that comes first saves the blob, and one that comes later stores
    /// it anew. A reference that needs no upload can only be copied from another reference, which `live`
    /// sees.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn sweep(
        &self,
        group: GroupId,
        live: &dyn Fn(&BlobId) -> bool,
        older_than: UnixSeconds,
    ) -> Result<SweepReport> {
        let mut report = SweepReport::default();
        let mut after = None;
        loop {
            let page = self.list(group, after, PAGE_BLOBS);
            let Some(last) = page.last() else {
                return Ok(report);
            };
            after = Some(last.blob);
            for info in page {
                let removable = info.touched < older_than && !live(&info.blob);
                let change = Change::Delete {
                    key: (group, info.blob),
                    unless_touched_since: older_than,
                };
                if removable && self.shared.submit_and_wait(change)? == Outcome::Done {
                    report.removed += 1;
                    report.removed_bytes += info.len;
                } else {
                    report.kept += 1;
                }
            }
        }
    }

    /// Returns an iterator that reads and verifies every blob in order of name, beginning behind `after`.
    /// It costs nothing until it is advanced; how fast is the caller's choice.
    #[must_use]
    pub fn scrub(&self, after: Option<(GroupId, BlobId)>) -> Scrub {
        Scrub {
            shared: Arc::clone(&self.shared),
            after,
        }
    }
}

/// Reads and verifies one blob a step. A bad one is given as [`Error::Corrupt`] with its name, counts as
/// absent from then on, and the scrub goes on behind it.
#[derive(Debug)]
pub struct Scrub {
    shared: Arc<Shared>,
    after: Option<Key>,
}

impl Iterator for Scrub {
    type Item = ((GroupId, BlobId), Result<()>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self
            .shared
            .index
            .read()
            .after(self.after.as_ref())
            .next()
            .map(|(key, _)| *key)?;
        self.after = Some(key);
        match verify(&self.shared, key) {
            // Removed since it was found: nothing to say about it.
            Err(Error::NotFound { .. }) => self.next(),
            verified => Some((key, verified)),
        }
    }
}

/// Reads a blob whole and compares it with its name.
fn verify(shared: &Arc<Shared>, key: Key) -> Result<()> {
    let place = shared.index.read().get(&key).map(|blob| blob.place);
    let mut hasher = blake3::Hasher::new();
    for chunk in BlobReader::open(Arc::clone(shared), key, 0..u64::MAX)? {
        hasher.update(&chunk?);
    }
    match place {
        Some(place) if hasher.finalize().as_bytes() != &key.1.0 => {
            shared.index.write().mark_corrupt(&key, place);
            Err(Error::Corrupt {
                group: key.0,
                blob: key.1,
                segment: place.segment,
            })
        }
        Some(_) | None => Ok(()),
    }
}

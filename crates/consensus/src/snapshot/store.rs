//! The directory of one replica's snapshots: the current manifest, its packs, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use disk::{Disk, DiskPath};
use parking_lot::Mutex;

use super::SnapshotError;
use super::manifest::{Manifest, Part};
use super::pack::{self, PackWriter};

const MANIFEST: &str = "manifest";
const MANIFEST_NEW: &str = "manifest.new";

/// Keeps the snapshot of one replica.
pub(crate) struct SnapshotStore {
    disk: Arc<dyn Disk>,
    directory: DiskPath,
    next_pack: AtomicU64,
    inner: Mutex<Inner>,
    // Held while a manifest replaces another one.
    publishing: Mutex<()>,
}

#[derive(Default)]
struct Inner {
    current: Option<Arc<StoredSnapshot>>,
    // Snapshots that were replaced but may still be read, and whose packs must therefore stay.
    replaced: Vec<std::sync::Weak<StoredSnapshot>>,
    writing: BTreeSet<u64>,
}

/// A snapshot on the disk. Its packs are kept for as long as somebody holds it.
#[derive(Debug)]
pub(crate) struct StoredSnapshot {
    pub(crate) manifest: Manifest,
}

impl StoredSnapshot {
    fn packs(&self) -> impl Iterator<Item = u64> {
        self.manifest
            .sections
            .values()
            .flat_map(|section| section.parts.iter().map(|part| part.pack))
    }
}

impl SnapshotStore {
    /// Opens the directory, creating it when absent, and reads the current manifest.
    pub(crate) fn open(disk: Arc<dyn Disk>, directory: DiskPath) -> Result<Self, SnapshotError> {
        disk.create_dir_all(&directory)?;
        let names = disk.list(&directory)?;
        let current =
            read_manifest(&*disk, &directory)?.map(|manifest| Arc::new(StoredSnapshot { manifest }));
        let newest = names.iter().filter_map(|name| pack::parse_pack_name(name)).max();
        let store = Self {
            disk,
            directory,
            next_pack: AtomicU64::new(newest.map_or(1, |id| id.saturating_add(1))),
            inner: Mutex::new(Inner {
                current,
                ..Inner::default()
            }),
            publishing: Mutex::default(),
        };
        store.collect()?;
        Ok(store)
    }

    /// Removes every file of a directory that nobody has open. The manifest goes first, so that what is left
    /// after a crash is no snapshot.
    pub(crate) fn erase(disk: &dyn Disk, directory: &DiskPath) -> Result<(), SnapshotError> {
        let names = match disk.list(directory) {
            Ok(names) => names,
            Err(disk::Error::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        if names.iter().any(|name| name == MANIFEST) {
            remove_if_there(disk, &directory.join(MANIFEST)?)?;
            disk.sync_dir(directory)?;
        }
        for name in names.iter().filter(|name| *name != MANIFEST) {
            remove_if_there(disk, &directory.join(name)?)?;
        }
        Ok(disk.sync_dir(directory)?)
    }

    pub(crate) fn current(&self) -> Option<Arc<StoredSnapshot>> {
        self.inner.lock().current.clone()
    }

    /// Begins a pack. It is kept while it is written, and afterwards only if a published manifest names it.
    pub(super) fn create_pack(&self) -> Result<PackWriter, SnapshotError> {
        let id = self.next_pack.fetch_add(1, Ordering::Relaxed);
        self.inner.lock().writing.insert(id);
        PackWriter::create(&*self.disk, &self.directory, id)
    }

    pub(super) fn abandon_pack(&self, id: u64) {
        self.inner.lock().writing.remove(&id);
    }

    pub(crate) fn read_part(&self, part: &Part) -> Result<Bytes, SnapshotError> {
        pack::read_part(&*self.disk, &self.directory, part)
    }

    pub(super) fn damaged(&self, part: &Part, detail: String) -> SnapshotError {
        match pack::pack_path(&self.directory, part.pack) {
            Ok(path) => SnapshotError::damaged(&path, detail),
            Err(error) => error,
        }
    }

    /// Makes `manifest` the current snapshot, durably, and returns the current one. The pack must have been
    /// finished. A manifest that has been overtaken, by one received meanwhile, changes nothing.
    pub(super) fn publish(
        &self,
        manifest: Manifest,
        pack: u64,
    ) -> Result<Arc<StoredSnapshot>, SnapshotError> {
        let _one_at_a_time = self.publishing.lock();
        if let Some(newer) = self
            .current()
            .filter(|current| current.manifest.state.last > manifest.state.last)
        {
            self.abandon_pack(pack);
            return Ok(newer);
        }
        let staged = self.directory.join(MANIFEST_NEW)?;
        remove_if_there(&*self.disk, &staged)?;
        let file = self.disk.create_new(&staged)?;
        file.write_all_at(&manifest.encode_file(), 0)?;
        file.sync_data()?;
        // The packs' names must be durable before the manifest that names them.
        self.disk.sync_dir(&self.directory)?;
        self.disk.rename(&staged, &self.directory.join(MANIFEST)?)?;
        self.disk.sync_dir(&self.directory)?;
        let published = Arc::new(StoredSnapshot { manifest });
        {
            let mut inner = self.inner.lock();
            if let Some(old) = inner.current.replace(Arc::clone(&published)) {
                inner.replaced.push(Arc::downgrade(&old));
            }
            inner.writing.remove(&pack);
        }
        self.collect()?;
        Ok(published)
    }

    /// Returns how many bytes of each pack the manifest uses.
    pub(super) fn live_bytes(manifest: &Manifest) -> BTreeMap<u64, u64> {
        let mut live = BTreeMap::new();
        for part in manifest.sections.values().flat_map(|section| &section.parts) {
            *live.entry(part.pack).or_default() += u64::from(part.length);
        }
        live
    }

    pub(super) fn pack_bytes(&self, id: u64) -> Result<u64, SnapshotError> {
        Ok(self.disk.open(&pack::pack_path(&self.directory, id)?)?.len()?)
    }

    /// Removes every file that no snapshot in use names.
    fn collect(&self) -> Result<(), SnapshotError> {
        // The lock is held throughout, so that no pack begins between the decision and the removal.
        let mut inner = self.inner.lock();
        inner.replaced.retain(|snapshot| snapshot.strong_count() > 0);
        let mut kept = inner.writing.clone();
        let replaced = inner.replaced.iter().filter_map(std::sync::Weak::upgrade);
        for snapshot in inner.current.iter().cloned().chain(replaced) {
            kept.extend(snapshot.packs());
        }
        for name in self.disk.list(&self.directory)? {
            let stale = match pack::parse_pack_name(&name) {
                Some(id) => !kept.contains(&id),
                None => name == MANIFEST_NEW,
            };
            if stale {
                remove_if_there(&*self.disk, &self.directory.join(&name)?)?;
            }
        }
        Ok(())
    }
}

fn read_manifest(disk: &dyn Disk, directory: &DiskPath) -> Result<Option<Manifest>, SnapshotError> {
    let path = directory.join(MANIFEST)?;
    let file = match disk.open(&path) {
        Ok(file) => file,
        Err(disk::Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let length = usize::try_from(file.len()?).map_err(|_| SnapshotError::damaged(&path, "too long"))?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    Manifest::decode_file(&path, &bytes.into()).map(Some)
}

fn remove_if_there(disk: &dyn Disk, path: &DiskPath) -> Result<(), SnapshotError> {
    match disk.remove(path) {
        Ok(()) | Err(disk::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

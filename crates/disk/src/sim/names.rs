//! Directory entries, as seen now and as the medium would show them after a loss of power.

use std::collections::{BTreeMap, BTreeSet};

use super::random::Random;
use crate::DiskPath;

#[derive(Debug, Default)]
pub(super) struct Names {
    current: BTreeMap<DiskPath, u64>,
    durable: BTreeMap<DiskPath, u64>,
    unsynced: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Insert {
        path: DiskPath,
        inode: u64,
    },
    /// One journal transaction in every file system we support: never half of it.
    Rename {
        from: DiskPath,
        to: DiskPath,
        inode: u64,
    },
    Remove {
        path: DiskPath,
    },
}

impl Change {
    fn touches(&self, dir: &DiskPath) -> bool {
        match self {
            Self::Insert { path, .. } | Self::Remove { path } => path.parent() == *dir,
            Self::Rename { from, to, .. } => from.parent() == *dir || to.parent() == *dir,
        }
    }

    fn apply(self, names: &mut BTreeMap<DiskPath, u64>) {
        match self {
            Self::Insert { path, inode } => {
                names.insert(path, inode);
            }
            Self::Rename { from, to, inode } => {
                names.remove(&from);
                names.insert(to, inode);
            }
            Self::Remove { path } => {
                names.remove(&path);
            }
        }
    }
}

impl Names {
    pub(super) fn get(&self, path: &DiskPath) -> Option<u64> {
        self.current.get(path).copied()
    }

    pub(super) fn insert(&mut self, path: &DiskPath, inode: u64) {
        self.current.insert(path.clone(), inode);
        self.unsynced.push(Change::Insert {
            path: path.clone(),
            inode,
        });
    }

    pub(super) fn rename(&mut self, from: &DiskPath, to: &DiskPath, inode: u64) {
        self.current.remove(from);
        self.current.insert(to.clone(), inode);
        self.unsynced.push(Change::Rename {
            from: from.clone(),
            to: to.clone(),
            inode,
        });
    }

    pub(super) fn remove(&mut self, path: &DiskPath) {
        self.current.remove(path);
        self.unsynced.push(Change::Remove { path: path.clone() });
    }

    pub(super) fn list(&self, dir: &DiskPath) -> Vec<String> {
        let inside = self.current.keys().filter(|path| path.parent() == *dir);
        inside.map(|path| path.file_name().to_owned()).collect()
    }

    pub(super) fn sync(&mut self, dir: &DiskPath) {
        for change in self.unsynced.extract_if(.., |change| change.touches(dir)) {
            change.apply(&mut self.durable);
        }
    }

    /// Keeps the synced entries and any subset of the unsynced changes.
    pub(super) fn crash(&mut self, random: &mut Random) {
        for change in std::mem::take(&mut self.unsynced) {
            if random.coin() {
                change.apply(&mut self.durable);
            }
        }
        self.current = self.durable.clone();
    }

    /// Returns every inode that some name leads to, now or after a crash.
    pub(super) fn inodes(&self) -> BTreeSet<u64> {
        self.current
            .values()
            .chain(self.durable.values())
            .copied()
            .collect()
    }
}

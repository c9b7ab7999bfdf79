//! A disk in memory that loses power as a real one does.

mod contents;
mod names;
mod random;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};

use crate::{Disk, DiskFile, DiskPath, Error, Operation, Result};
use contents::Contents;
use names::Names;
use random::Random;

/// What reaches the medium whole or not at all.
pub const SECTOR_BYTES: usize = 512;

/// A deterministic [`Disk`] in memory. Clones share the same medium.
///
/// It tracks which bytes and names have been synced. [`SimDisk::crash`] keeps those and, of everything else,
/// some part chosen by the seed: all, nothing, a prefix with a torn end, or any subset of sectors and names.
/// [`SimDisk::restart`] ends the process alone: everything that it had written is still there, and what it had
/// not synced can still be lost by a later crash. Faults are injected by number, so that one seed gives one
/// history.
#[derive(Debug, Clone)]
pub struct SimDisk {
    medium: Arc<Mutex<Medium>>,
    /// The life that this handle belongs to; `None` outlives them all.
    life: Option<u64>,
}

#[derive(Debug)]
struct Medium {
    inodes: BTreeMap<u64, Contents>,
    names: Names,
    directories: BTreeSet<DiskPath>,
    random: Random,
    /// Rises with every crash; handles of an earlier life fail.
    generation: u64,
    next_inode: u64,
    capacity_bytes: u64,
    syncs_until_failure: Option<u64>,
    steps_until_end: Option<(u64, End)>,
    /// How the process of this life has ended, if it has.
    ended: Option<End>,
    counts: Counts,
}

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// With the machine: what has not been synced may be lost.
    PowerCut,
    /// Alone: whatever the operating system had taken over stays.
    Killed,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    syncs: u64,
    steps: u64,
}

impl SimDisk {
    /// Creates an empty disk without a capacity limit; all later choices follow from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let medium = Medium {
            inodes: BTreeMap::new(),
            names: Names::default(),
            directories: BTreeSet::from([DiskPath::root()]),
            random: Random::new(seed),
            generation: 0,
            next_inode: 0,
            capacity_bytes: u64::MAX / 2,
            syncs_until_failure: None,
            steps_until_end: None,
            ended: None,
            counts: Counts::default(),
        };
        Self {
            medium: Arc::new(Mutex::new(medium)),
            life: None,
        }
    }

    /// Returns the disk as one run of a process sees it: after the next [`SimDisk::crash`] or
    /// [`SimDisk::restart`] every operation through the returned handle fails, so that what is left of the old process cannot write into the new
    /// one's disk.
    #[must_use]
    pub fn mount(&self) -> Self {
        let life = Some(self.medium.lock().generation);
        Self {
            medium: Arc::clone(&self.medium),
            life,
        }
    }

    fn lock(&self, operation: Operation, path: &DiskPath) -> Result<MutexGuard<'_, Medium>> {
        let medium = self.medium.lock();
        medium.require_life(operation, path)?;
        if self.life.is_some_and(|life| life != medium.generation) {
            return Err(fault(operation, path, "handle of an earlier life"));
        }
        Ok(medium)
    }

    /// Loses power and starts again: synced bytes and names remain, of the unsynced ones some part. Open
    /// handles fail from now on; pending faults are cleared.
    pub fn crash(&self) {
        self.medium.lock().crash();
    }

    /// Starts a new process on what an old one left behind when it was killed: everything written is there,
    /// synced or not. Open handles fail from now on; pending faults are cleared.
    pub fn restart(&self) {
        self.medium.lock().begin_life();
    }

    /// Cuts the power in the middle of the `steps`-th changing operation from now (1 is the next one): that
    /// operation and all later ones fail until [`SimDisk::crash`].
    pub fn cut_power_after(&self, steps: u64) {
        self.medium.lock().steps_until_end = Some((steps, End::PowerCut));
    }

    /// Kills the process in the middle of the `steps`-th changing operation from now (1 is the next one): of a
    /// write some prefix has happened, of another operation all or nothing. That operation and all later ones
    /// fail until [`SimDisk::restart`].
    pub fn kill_after(&self, steps: u64) {
        self.medium.lock().steps_until_end = Some((steps, End::Killed));
    }

    /// Makes the `nth` sync from now (1 is the next one) fail with an input/output error. As on Linux, the
    /// unsynced bytes of that file are then lost to the medium although reads still show them.
    pub fn fail_sync_after(&self, nth: u64) {
        self.medium.lock().syncs_until_failure = Some(nth);
    }

    /// Limits the total length of all files; writes that pass it fail with [`Error::NoSpace`].
    pub fn set_capacity_bytes(&self, capacity_bytes: u64) {
        self.medium.lock().capacity_bytes = capacity_bytes;
    }

    /// Inverts the bits of `mask` in one byte of a file, on the medium and in the cache. Returns whether the
    /// byte exists.
    #[must_use]
    pub fn flip_bits(&self, path: &DiskPath, offset: u64, mask: u8) -> bool {
        let mut medium = self.medium.lock();
        let Some(inode) = medium.names.get(path) else {
            return false;
        };
        medium
            .inodes
            .get_mut(&inode)
            .is_some_and(|contents| contents.flip_bits(offset, mask))
    }

    /// Returns how many syncs of files and directories have been asked for so far.
    #[must_use]
    pub fn sync_count(&self) -> u64 {
        self.medium.lock().counts.syncs
    }

    /// Returns how many changing operations have been asked for so far; a dry run with this count tells a
    /// test which crash points exist.
    #[must_use]
    pub fn step_count(&self) -> u64 {
        self.medium.lock().counts.steps
    }
}

impl Medium {
    fn crash(&mut self) {
        self.names.crash(&mut self.random);
        let named = self.names.inodes();
        self.inodes.retain(|inode, _| named.contains(inode));
        for contents in self.inodes.values_mut() {
            contents.crash(&mut self.random);
        }
        self.begin_life();
    }

    fn begin_life(&mut self) {
        self.generation += 1;
        self.ended = None;
        self.steps_until_end = None;
        self.syncs_until_failure = None;
    }

    fn require_life(&self, operation: Operation, path: &DiskPath) -> Result<()> {
        match self.ended {
            None => Ok(()),
            Some(end) => Err(end.fault(operation, path)),
        }
    }

    /// Counts a changing operation. Returns how the process ends while it is under way, if it does.
    fn step(&mut self, operation: Operation, path: &DiskPath) -> Result<Option<End>> {
        self.require_life(operation, path)?;
        self.counts.steps += 1;
        if let Some((left, end)) = self.steps_until_end.as_mut() {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.ended = Some(*end);
            }
        }
        Ok(self.ended)
    }

    /// Returns whether a change of one piece still happens when the process ends in it. Whether a loss of power
    /// undoes it is decided when the disk comes back.
    fn happens(&mut self, end: Option<End>) -> bool {
        end != Some(End::Killed) || self.random.coin()
    }

    /// Counts a sync. Returns an error if it is the one that fails.
    fn step_sync(&mut self, path: &DiskPath) -> Result<()> {
        let end = self.step(Operation::Sync, path)?;
        self.counts.syncs += 1;
        if let Some(end) = end {
            return Err(end.fault(Operation::Sync, path));
        }
        if let Some(left) = self.syncs_until_failure.as_mut() {
            *left = left.saturating_sub(1);
            if *left == 0 {
                self.syncs_until_failure = None;
                return Err(fault(Operation::Sync, path, "injected sync failure"));
            }
        }
        Ok(())
    }

    fn used_bytes(&self) -> u64 {
        let named = self.names.inodes();
        named
            .iter()
            .filter_map(|inode| self.inodes.get(inode))
            .map(Contents::len)
            .sum()
    }

    fn free_bytes(&self) -> u64 {
        self.capacity_bytes.saturating_sub(self.used_bytes())
    }
}

impl SimDisk {
    fn handle(&self, generation: u64, inode: u64, path: &DiskPath) -> Arc<dyn DiskFile> {
        Arc::new(SimFile {
            medium: Arc::clone(&self.medium),
            generation,
            inode,
            path: path.clone(),
        })
    }

    fn change_name(
        &self,
        operation: Operation,
        path: &DiskPath,
        change: impl FnOnce(&mut Medium) -> Result<()>,
    ) -> Result<()> {
        let mut medium = self.lock(operation, path)?;
        let end = medium.step(operation, path)?;
        if medium.happens(end) {
            change(&mut medium)?;
        }
        end.map_or(Ok(()), |end| Err(end.fault(operation, path)))
    }
}

impl End {
    fn fault(self, operation: Operation, path: &DiskPath) -> Error {
        let what = match self {
            Self::PowerCut => "no power",
            Self::Killed => "the process has been killed",
        };
        fault(operation, path, what)
    }
}

impl Disk for SimDisk {
    fn create_new(&self, path: &DiskPath) -> Result<Arc<dyn DiskFile>> {
        self.change_name(Operation::Create, path, |medium| {
            if medium.names.get(path).is_some() {
                return Err(Error::AlreadyExists { path: path.clone() });
            }
            if !medium.directories.contains(&path.parent()) {
                return Err(Error::NotFound { path: path.parent() });
            }
            let inode = medium.next_inode;
            medium.next_inode += 1;
            medium.inodes.insert(inode, Contents::default());
            medium.names.insert(path, inode);
            Ok(())
        })?;
        self.open(path)
    }

    fn open(&self, path: &DiskPath) -> Result<Arc<dyn DiskFile>> {
        let medium = self.lock(Operation::Open, path)?;
        let inode = medium
            .names
            .get(path)
            .ok_or_else(|| Error::NotFound { path: path.clone() })?;
        Ok(self.handle(medium.generation, inode, path))
    }

    fn rename(&self, from: &DiskPath, to: &DiskPath) -> Result<()> {
        self.change_name(Operation::Rename, from, |medium| {
            let inode = medium
                .names
                .get(from)
                .ok_or_else(|| Error::NotFound { path: from.clone() })?;
            medium.names.rename(from, to, inode);
            Ok(())
        })
    }

    fn remove(&self, path: &DiskPath) -> Result<()> {
        self.change_name(Operation::Remove, path, |medium| {
            medium
                .names
                .get(path)
                .ok_or_else(|| Error::NotFound { path: path.clone() })?;
            medium.names.remove(path);
            Ok(())
        })
    }

    fn list(&self, dir: &DiskPath) -> Result<Vec<String>> {
        let medium = self.lock(Operation::Directory, dir)?;
        if !medium.directories.contains(dir) {
            return Err(Error::NotFound { path: dir.clone() });
        }
        Ok(medium.names.list(dir))
    }

    fn create_dir_all(&self, dir: &DiskPath) -> Result<()> {
        self.change_name(Operation::Directory, dir, |medium| {
            let mut dir = dir.clone();
            while medium.directories.insert(dir.clone()) {
                dir = dir.parent();
            }
            Ok(())
        })
    }

    fn sync_dir(&self, dir: &DiskPath) -> Result<()> {
        let mut medium = self.lock(Operation::Sync, dir)?;
        medium.step_sync(dir)?;
        medium.names.sync(dir);
        Ok(())
    }

    fn free_bytes(&self) -> Result<u64> {
        let medium = self.lock(Operation::FreeSpace, &DiskPath::root())?;
        Ok(medium.free_bytes())
    }
}

#[derive(Debug)]
struct SimFile {
    medium: Arc<Mutex<Medium>>,
    generation: u64,
    inode: u64,
    path: DiskPath,
}

impl SimFile {
    fn with<T>(
        &self,
        operation: Operation,
        use_contents: impl FnOnce(&mut Medium, u64) -> Result<T>,
    ) -> Result<T> {
        let mut medium = self.medium.lock();
        medium.require_life(operation, &self.path)?;
        if medium.generation != self.generation {
            return Err(fault(operation, &self.path, "handle of an earlier life"));
        }
        use_contents(&mut medium, self.inode)
    }

    fn contents<'m>(&self, medium: &'m mut Medium) -> Result<&'m mut Contents> {
        medium.inodes.get_mut(&self.inode).ok_or_else(|| Error::NotFound {
            path: self.path.clone(),
        })
    }
}

impl DiskFile for SimFile {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        let len = buf.len();
        self.with(Operation::Read, |medium, _| {
            let whole = self.contents(medium)?.read_exact_at(buf, offset);
            whole.ok_or_else(|| Error::PastEnd {
                path: self.path.clone(),
                offset,
                len,
            })
        })
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> Result<()> {
        self.with(Operation::Write, |medium, _| {
            let end = medium.step(Operation::Write, &self.path)?;
            let free = medium.free_bytes();
            let asked = match end {
                Some(End::Killed) => medium.random.below(buf.len() + 1),
                Some(End::PowerCut) | None => buf.len(),
            };
            let contents = self.contents(medium)?;
            // Like pwrite, fill what is left before reporting that the rest did not fit.
            let room = free.saturating_add(contents.len()).saturating_sub(offset);
            let fits = usize::try_from(room).unwrap_or(usize::MAX).min(asked);
            let (written, refused) = buf.split_at(fits);
            contents.write(written, offset);
            match end {
                Some(end) => Err(end.fault(Operation::Write, &self.path)),
                None if refused.is_empty() => Ok(()),
                None => Err(no_space(Operation::Write, &self.path)),
            }
        })
    }

    fn sync_data(&self) -> Result<()> {
        self.with(Operation::Sync, |medium, _| {
            let outcome = medium.step_sync(&self.path);
            let ended = medium.ended;
            let reached = ended == Some(End::Killed) && medium.random.coin();
            let contents = self.contents(medium)?;
            match (&outcome, ended) {
                (Ok(()), _) => contents.sync(),
                (Err(_), None) => contents.forget_unsynced(),
                (Err(_), Some(_)) if reached => contents.sync(),
                (Err(_), Some(_)) => (),
            }
            outcome
        })
    }

    fn len(&self) -> Result<u64> {
        self.with(Operation::Length, |medium, _| Ok(self.contents(medium)?.len()))
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.with(Operation::Length, |medium, _| {
            let end = medium.step(Operation::Length, &self.path)?;
            let (free, happens) = (medium.free_bytes(), medium.happens(end));
            let contents = self.contents(medium)?;
            if len > contents.len().saturating_add(free) {
                return Err(no_space(Operation::Length, &self.path));
            }
            if happens {
                contents.set_len(len);
            }
            end.map_or(Ok(()), |end| Err(end.fault(Operation::Length, &self.path)))
        })
    }
}

fn fault(operation: Operation, path: &DiskPath, what: &'static str) -> Error {
    Error::Io {
        operation,
        path: path.clone(),
        source: io::Error::other(what),
    }
}

fn no_space(operation: Operation, path: &DiskPath) -> Error {
    Error::NoSpace {
        operation,
        path: path.clone(),
    }
}

#[cfg(test)]
mod tests;

//! A process's way to the disk, which ends when the process does.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use disk::{Disk, DiskFile, DiskPath, Error, Operation, Result};

/// Connects a process with a disk until it is pulled. What is left of the process then cannot write any
/// more, as nothing is left of a process that was killed.
#[derive(Clone, Debug, Default)]
pub struct Plug {
    pulled: Arc<AtomicBool>,
}

impl Plug {
    /// Ends the connection.
    pub fn pull(&self) {
        self.pulled.store(true, Ordering::Relaxed);
    }

    pub(crate) fn connect(&self, disk: Arc<dyn Disk>) -> Arc<dyn Disk> {
        Arc::new(PluggedDisk {
            plug: self.clone(),
            disk,
        })
    }

    fn check(&self, operation: Operation, path: &DiskPath) -> Result<()> {
        if !self.pulled.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(Error::Io {
            operation,
            path: path.clone(),
            source: io::Error::other("the process is gone"),
        })
    }
}

#[derive(Debug)]
struct PluggedDisk {
    plug: Plug,
    disk: Arc<dyn Disk>,
}

impl PluggedDisk {
    fn file(&self, path: &DiskPath, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(PluggedFile {
            plug: self.plug.clone(),
            path: path.clone(),
            file,
        })
    }
}

impl Disk for PluggedDisk {
    fn create_new(&self, path: &DiskPath) -> Result<Arc<dyn DiskFile>> {
        self.plug.check(Operation::Create, path)?;
        self.disk.create_new(path).map(|file| self.file(path, file))
    }

    fn open(&self, path: &DiskPath) -> Result<Arc<dyn DiskFile>> {
        self.plug.check(Operation::Open, path)?;
        self.disk.open(path).map(|file| self.file(path, file))
    }

    fn rename(&self, from: &DiskPath, to: &DiskPath) -> Result<()> {
        self.plug.check(Operation::Rename, from)?;
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &DiskPath) -> Result<()> {
        self.plug.check(Operation::Remove, path)?;
        self.disk.remove(path)
    }

    fn list(&self, dir: &DiskPath) -> Result<Vec<String>> {
        self.plug.check(Operation::Directory, dir)?;
        self.disk.list(dir)
    }

    fn create_dir_all(&self, dir: &DiskPath) -> Result<()> {
        self.plug.check(Operation::Directory, dir)?;
        self.disk.create_dir_all(dir)
    }

    fn sync_dir(&self, dir: &DiskPath) -> Result<()> {
        self.plug.check(Operation::Sync, dir)?;
        self.disk.sync_dir(dir)
    }

    fn free_bytes(&self) -> Result<u64> {
        self.plug.check(Operation::FreeSpace, &DiskPath::root())?;
        self.disk.free_bytes()
    }
}

#[derive(Debug)]
struct PluggedFile {
    plug: Plug,
    path: DiskPath,
    file: Arc<dyn DiskFile>,
}

impl DiskFile for PluggedFile {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        self.plug.check(Operation::Read, &self.path)?;
        self.file.read_exact_at(buf, offset)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> Result<()> {
        self.plug.check(Operation::Write, &self.path)?;
        self.file.write_all_at(buf, offset)
    }

    fn sync_data(&self) -> Result<()> {
        self.plug.check(Operation::Sync, &self.path)?;
        self.file.sync_data()
    }

    fn len(&self) -> Result<u64> {
        self.plug.check(Operation::Length, &self.path)?;
        self.file.len()
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.plug.check(Operation::Length, &self.path)?;
        self.file.set_len(len)
    }
}

//! Disks that do not sync.

use std::sync::Arc;

use disk::{Disk, DiskFile, DiskPath};

/// A disk that does not sync the files of one directory.
#[derive(Debug)]
pub(super) struct LazyDisk {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) lazy: &'static str,
}

impl LazyDisk {
    fn wrap(&self, path: &DiskPath, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        if path.as_str().starts_with(self.lazy) {
            Arc::new(LazyFile(file))
        } else {
            file
        }
    }
}

impl Disk for LazyDisk {
    fn create_new(&self, path: &DiskPath) -> disk::Result<Arc<dyn DiskFile>> {
        self.disk.create_new(path).map(|file| self.wrap(path, file))
    }

    fn open(&self, path: &DiskPath) -> disk::Result<Arc<dyn DiskFile>> {
        self.disk.open(path).map(|file| self.wrap(path, file))
    }

    fn rename(&self, from: &DiskPath, to: &DiskPath) -> disk::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &DiskPath) -> disk::Result<()> {
        self.disk.remove(path)
    }

    fn list(&self, dir: &DiskPath) -> disk::Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn create_dir_all(&self, dir: &DiskPath) -> disk::Result<()> {
        self.disk.create_dir_all(dir)
    }

    fn sync_dir(&self, dir: &DiskPath) -> disk::Result<()> {
        self.disk.sync_dir(dir)
    }

    fn free_bytes(&self) -> disk::Result<u64> {
        self.disk.free_bytes()
    }
}

#[derive(Debug)]
struct LazyFile(Arc<dyn DiskFile>);

impl DiskFile for LazyFile {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> disk::Result<()> {
        self.0.read_exact_at(buf, offset)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> disk::Result<()> {
        self.0.write_all_at(buf, offset)
    }

    fn sync_data(&self) -> disk::Result<()> {
        Ok(())
    }

    fn len(&self) -> disk::Result<u64> {
        self.0.len()
    }

    fn set_len(&self, len: u64) -> disk::Result<()> {
        self.0.set_len(len)
    }
}

//! A directory of the operating system.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{Disk, DiskFile, DiskPath, Error, Operation, Result};

const LOCK_FILE_NAME: &str = "LOCK";
/// Mail is private: only the owner of the process may look at what it stores.
const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// A [`Disk`] rooted at a directory, held exclusively by this process until it is dropped.
#[derive(Debug)]
pub struct RealDisk {
    root: PathBuf,
    /// Dropping the file releases the lock, also when the process is killed.
    _lock: File,
}

impl RealDisk {
    /// Opens `root`, creating it if missing, and locks it.
    ///
    /// # Errors
    /// [`Error::Locked`] if another process, or another `RealDisk` of this one, holds it.
    pub fn open(root: &Path) -> Result<Self> {
        let at = DiskPath::root();
        let fail = |operation| move |source| Error::from_io(operation, &DiskPath::root(), source);
        create_dir_durably(root).map_err(fail(Operation::Directory))?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(FILE_MODE)
            .open(root.join(LOCK_FILE_NAME))
            .map_err(fail(Operation::Lock))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                root: root.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(Error::Locked),
            Err(TryLockError::Error(source)) => Err(Error::from_io(Operation::Lock, &at, source)),
        }
    }

    fn resolve(&self, path: &DiskPath) -> PathBuf {
        self.root.join(path.as_str())
    }

    fn open_with(
        &self,
        path: &DiskPath,
        options: &mut OpenOptions,
        operation: Operation,
    ) -> Result<Arc<dyn DiskFile>> {
        let file = options
            .read(true)
            .write(true)
            .mode(FILE_MODE)
            .open(self.resolve(path))
            .map_err(|source| Error::from_io(operation, path, source))?;
        Ok(Arc::new(RealFile {
            path: path.clone(),
            file,
        }))
    }
}

impl Disk for RealDisk {
    fn create_new(&self, path: &DiskPath) -> Result<Arc<dyn DiskFile>> {
        self.open_with(path, OpenOptions::new().create_new(true), Operation::Create)
    }

    fn open(&self, path: &DiskPath) -> Result<Arc<dyn DiskFile>> {
        self.open_with(path, &mut OpenOptions::new(), Operation::Open)
    }

    fn rename(&self, from: &DiskPath, to: &DiskPath) -> Result<()> {
        std::fs::rename(self.resolve(from), self.resolve(to))
            .map_err(|source| Error::from_io(Operation::Rename, from, source))
    }

    fn remove(&self, path: &DiskPath) -> Result<()> {
        std::fs::remove_file(self.resolve(path))
            .map_err(|source| Error::from_io(Operation::Remove, path, source))
    }

    fn list(&self, dir: &DiskPath) -> Result<Vec<String>> {
        list_files(&self.resolve(dir)).map_err(|source| Error::from_io(Operation::Directory, dir, source))
    }

    fn create_dir_all(&self, dir: &DiskPath) -> Result<()> {
        create_dir_durably(&self.resolve(dir))
            .map_err(|source| Error::from_io(Operation::Directory, dir, source))
    }

    fn sync_dir(&self, dir: &DiskPath) -> Result<()> {
        sync_directory(&self.resolve(dir)).map_err(|source| Error::from_io(Operation::Directory, dir, source))
    }

    fn free_bytes(&self) -> Result<u64> {
        let stat = rustix::fs::statvfs(&self.root)
            .map_err(|errno| Error::from_io(Operation::FreeSpace, &DiskPath::root(), errno.into()))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

#[derive(Debug)]
struct RealFile {
    path: DiskPath,
    file: File,
}

impl RealFile {
    fn fail(&self, operation: Operation) -> impl FnOnce(io::Error) -> Error {
        move |source| Error::from_io(operation, &self.path, source)
    }
}

impl DiskFile for RealFile {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        let len = buf.len();
        self.file
            .read_exact_at(buf, offset)
            .map_err(|source| match source.kind() {
                io::ErrorKind::UnexpectedEof => Error::PastEnd {
                    path: self.path.clone(),
                    offset,
                    len,
                },
                _ => Error::from_io(Operation::Read, &self.path, source),
            })
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> Result<()> {
        self.file
            .write_all_at(buf, offset)
            .map_err(self.fail(Operation::Write))
    }

    fn sync_data(&self) -> Result<()> {
        self.file.sync_data().map_err(self.fail(Operation::Sync))
    }

    fn len(&self) -> Result<u64> {
        self.file
            .metadata()
            .map(|metadata| metadata.len())
            .map_err(self.fail(Operation::Length))
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.file.set_len(len).map_err(self.fail(Operation::Length))
    }
}

fn list_files(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        // A name that is not UTF-8 was not made by us; nothing of ours can refer to it.
        if entry.file_type()?.is_file()
            && let Ok(name) = entry.file_name().into_string()
            && name != LOCK_FILE_NAME
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Creates `dir` and its missing parents, syncing each parent, so that the new names survive power loss.
fn create_dir_durably(dir: &Path) -> io::Result<()> {
    if dir.as_os_str().is_empty() || dir.is_dir() {
        return Ok(());
    }
    let parent = match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    create_dir_durably(parent)?;
    match DirBuilder::new().mode(DIRECTORY_MODE).create(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_directory(parent),
    }
}

fn sync_directory(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_admits_one_holder() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("a/b");
        let first = RealDisk::open(&root).unwrap();
        assert!(matches!(RealDisk::open(&root), Err(Error::Locked)));
        drop(first);
        RealDisk::open(&root).unwrap();
    }

    #[test]
    fn files_are_private_and_errors_are_typed() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let disk = RealDisk::open(dir.path()).unwrap();
        let path = DiskPath::new("f").unwrap();
        let file = disk.create_new(&path).unwrap();
        file.write_all_at(b"abc", 1).unwrap();
        let mode = std::fs::metadata(dir.path().join("f"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(matches!(disk.create_new(&path), Err(Error::AlreadyExists { .. })));
        let mut buf = [9; 4];
        file.read_exact_at(&mut buf, 0).unwrap();
        assert_eq!(&buf, b"\0abc");
        assert!(matches!(
            file.read_exact_at(&mut buf, 1),
            Err(Error::PastEnd { .. })
        ));
        assert!(matches!(
            disk.open(&DiskPath::new("g").unwrap()),
            Err(Error::NotFound { .. })
        ));
        assert!(disk.free_bytes().unwrap() > 0);
        assert_eq!(disk.list(&DiskPath::root()).unwrap(), ["f"]);
    }
}

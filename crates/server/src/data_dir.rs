//! The data directory: what lies where, and the lock that makes it one process's own.
//!
//! | Path | What |
//! |---|---|
//! | `LOCK` | held while a process runs |
//! | `log/` | the write-ahead log, the truth with `snapshots/` |
//! | `snapshots/` | snapshots of the groups |
//! | `blobs/` | message bodies |
//! | `tables/` | tables that can be rebuilt from log and snapshots |
//! | `spool/` | messages on their way in |
//! | `tls/` | certificate authority and certificates, the secret of the cluster |
//! | `admin.sock` | administration |

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use disk::{Disk, DiskPath, RealDisk};
use settings::Settings;

use crate::exit::{Exit, Failure, OrExit, chain};

/// The file in every data directory that is locked while a process has it.
pub const LOCK_FILE: &str = "LOCK";

/// The data directory, held by this process until dropped.
#[derive(Clone)]
pub struct DataDir {
    path: PathBuf,
    disk: Arc<RealDisk>,
}

impl DataDir {
    /// Opens the directory, making it when it is missing, and locks it.
    ///
    /// # Errors
    /// When another process holds it or it cannot be made.
    pub fn open(settings: &Settings) -> Result<Self, Failure> {
        let named = &settings.server.data_dir;
        let path = std::path::absolute(named).or_exit(Exit::CannotCreate, named.display())?;
        let disk = RealDisk::open(&path).map_err(|error| refused(&path, &error))?;
        Ok(Self {
            path,
            disk: Arc::new(disk),
        })
    }

    /// Returns the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the directory as the engines see it.
    pub fn disk(&self) -> Arc<dyn Disk> {
        Arc::<RealDisk>::clone(&self.disk)
    }

    /// Returns a path below the directory, or the path itself when it is absolute.
    pub fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.path.join(path)
    }

    /// Returns a directory below this one, made for the owner's eyes only when it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn private(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.join(name);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&path);
        made.or_exit(Exit::CannotCreate, path.display())?;
        Ok(path)
    }
}

/// Returns the name of a directory on the disk of the engines.
pub fn place(name: &str) -> DiskPath {
    DiskPath::new(name).expect("invariant: names of directories are written in this program")
}

fn refused(path: &Path, error: &disk::Error) -> Failure {
    match error {
        disk::Error::Locked => Failure::new(
            Exit::TemporaryFailure,
            format!(
                "{}: the data directory is in use by another process",
                path.display()
            ),
        )
        .advise("stop that process, or name another directory with --data-dir"),
        _ => Failure::new(
            Exit::CannotCreate,
            format!("data directory {}: {}", path.display(), chain(error)),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings_in(directory: &Path) -> Settings {
        let mut settings = Settings::default();
        settings.server.data_dir = directory.join("data");
        settings
    }

    #[test]
    fn a_directory_belongs_to_one_process_at_a_time() {
        let directory = tempfile::tempdir().expect("a directory");
        let settings = settings_in(directory.path());
        let first = DataDir::open(&settings).expect("made and locked");
        let second = DataDir::open(&settings).err().expect("refused");
        assert_eq!(second.exit(), Exit::TemporaryFailure);
        assert!(second.lines()[0].ends_with("data: the data directory is in use by another process"));
        drop(first);
        assert!(DataDir::open(&settings).is_ok());
    }

    #[test]
    fn relative_paths_lie_below_and_absolute_ones_where_they_say() {
        let directory = tempfile::tempdir().expect("a directory");
        let data = DataDir::open(&settings_in(directory.path())).expect("opened");
        assert_eq!(data.join("admin.sock"), directory.path().join("data/admin.sock"));
        assert_eq!(data.join("/run/admin.sock"), Path::new("/run/admin.sock"));
    }
}

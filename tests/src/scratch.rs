//! Directories of tests.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A directory that goes with the value, and stays when the test failed or `FACTEUR_KEEP` is set.
#[derive(Debug)]
pub struct Scratch {
    folder: Option<tempfile::TempDir>,
}

impl Scratch {
    /// Makes a directory.
    ///
    /// # Panics
    /// When there is no place for it.
    #[must_use]
    pub fn new() -> Self {
        // Servers that give up their rights must be able to walk through it.
        let permissions = std::fs::Permissions::from_mode(0o755);
        let folder = tempfile::Builder::new()
            .prefix("facteur-")
            .permissions(permissions)
            .tempdir();
        Self {
            folder: Some(folder.expect("a temporary directory")),
        }
    }

    /// Returns its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder
            .as_ref()
            .expect("invariant: taken by drop only")
            .path()
    }

    /// Returns the path of something in it.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Makes a directory in it and returns its path.
    ///
    /// # Panics
    /// When there is no place for it.
    #[must_use]
    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.join(name);
        std::fs::create_dir_all(&path).expect("a directory in the temporary directory");
        path
    }

    /// Writes a file in it and returns its path.
    ///
    /// # Panics
    /// When there is no place for it.
    #[must_use]
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.join(name);
        std::fs::write(&path, content).expect("a file in the temporary directory");
        path
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::thread::panicking() || std::env::var_os("FACTEUR_KEEP").is_some() {
            let kept = self.folder.take().map(tempfile::TempDir::keep);
            crate::log::note(&format!("kept: {}", kept.unwrap_or_default().display()));
        }
    }
}

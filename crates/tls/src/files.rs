//! Reading and writing certificate files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::TlsError;

/// Who may read a file that we write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visibility {
    /// Only the server's own user: private keys.
    Owner,
    /// Everybody: certificates.
    World,
}

/// Returns the whole file, erased from memory when dropped.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    fs::read(path)
        .map(Zeroizing::new)
        .map_err(|source| TlsError::ReadFile {
            path: path.to_owned(),
            source,
        })
}

/// Returns the whole file, or `None` when there is none.
pub(crate) fn read_if_present(path: &Path) -> Result<Option<Vec<u8>>, TlsError> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(TlsError::ReadFile {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Replaces `path` durably and in one step: a reader, or a start after power loss, sees the old
/// content or the new, never a part.
pub(crate) fn replace(path: &Path, content: &[u8], visibility: Visibility) -> Result<(), TlsError> {
    write_and_rename(path, content, visibility).map_err(|source| TlsError::WriteFile {
        path: path.to_owned(),
        source,
    })
}

fn write_and_rename(path: &Path, content: &[u8], visibility: Visibility) -> io::Result<()> {
    let temporary = temporary_beside(path);
    // A leftover of a crash may have other permissions; `mode` applies to new files only.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mode = match visibility {
        Visibility::Owner => 0o600,
        Visibility::World => 0o644,
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    let directory = match directory.as_os_str().is_empty() {
        true => Path::new("."),
        false => directory,
    };
    File::open(directory)?.sync_all()
}

fn temporary_beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

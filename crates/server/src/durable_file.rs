//! Small files that the process writes once and must find whole at every later start, also after a loss of power.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::surroundings::Machine;

/// What these files hold is the owner's alone.
const FILE_MODE: u32 = 0o600;

/// Writes a file for its owner's eyes, replacing one that is there. Whoever looks, now or after a loss of power, finds
/// the old content or the new, never a part; on return it is the new.
///
/// # Errors
/// Those of the disk.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let draft = with_suffix(path, ".new");
    // One process at a time writes here. So a draft is what an interrupted start left behind; it may have another
    // mode, which only a new file is given.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    write_draft(&draft, content)?;
    fs::rename(&draft, path)?;
    sync_directory_of(path)
}

/// Writes a file as [`replace`] does, unless there is one. Several processes may try at the same time; one of them
/// writes it and all find that one.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] when there is one, and those of the disk.
pub fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    let name = u64::from_le_bytes(Machine::random());
    let draft = with_suffix(path, &format!(".new-{name:016x}"));
    write_draft(&draft, content)?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    // Also where another process was first: whoever reads the file relies on it from now on.
    sync_directory_of(path)?;
    linked
}

fn write_draft(draft: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(FILE_MODE).open(draft)?;
    file.write_all(content)?;
    file.sync_all()
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

fn sync_directory_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => File::open(directory)?.sync_all(),
        _ => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("a list");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_is_replaced_whole_and_its_owners_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("kept");
        replace(&path, b"first, and longer").expect("written");
        replace(&path, b"second").expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"second");
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(names(directory.path()), ["kept"]);
    }

    #[test]
    fn what_an_interrupted_write_left_behind_is_in_nobodys_way() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("kept");
        let draft = directory.path().join("kept.new");
        fs::write(&draft, "").expect("written");
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o444)).expect("set");
        replace(&path, b"whole").expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"whole");
        assert_eq!(names(directory.path()), ["kept"]);
    }

    #[test]
    fn a_file_that_is_there_is_not_created_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("kept");
        fs::write(directory.path().join("kept.new-0000000000000001"), "").expect("written");
        create(&path, b"first").expect("created");
        let error = create(&path, b"second").expect_err("there is one");
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).expect("read"), b"first");
        assert_eq!(names(directory.path()), ["kept", "kept.new-0000000000000001"]);
    }
}

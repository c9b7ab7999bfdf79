//! The files of one generation as a whole: their size, their durability and their fingerprint.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

/// Makes every file and directory below `root` durable and returns a hash over their names and contents.
///
/// sled's own flush does not fsync, and its own checksums do not notice every damage: a scribbled file may
/// open as an older or emptier state. The hash notices.
pub(super) fn seal(root: &Path) -> io::Result<u128> {
    walk(root, true)
}

/// Returns the same hash without making anything durable.
pub(super) fn fingerprint(root: &Path) -> io::Result<u128> {
    walk(root, false)
}

/// Returns the bytes of all files below `path`. Files that vanish meanwhile count as nothing.
pub(super) fn bytes_below(path: &Path) -> u64 {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let bytes = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.map(bytes).sum()
}

fn walk(root: &Path, sync: bool) -> io::Result<u128> {
    let mut hash = Xxh3::new();
    let mut buffer = vec![0; 1 << 20];
    let mut pending = vec![root.to_owned()];
    while let Some(directory) = pending.pop() {
        for path in sorted_entries(&directory)? {
            if path.is_dir() {
                pending.push(path);
                continue;
            }
            let name = path
                .strip_prefix(root)
                .unwrap_or(&path)
                .as_os_str()
                .as_encoded_bytes();
            hash.update(&name.len().to_le_bytes());
            hash.update(name);
            let file = File::open(&path)?;
            hash_file(&file, &mut hash, &mut buffer)?;
            if sync {
                file.sync_all()?;
            }
        }
        if sync {
            File::open(&directory)?.sync_all()?;
        }
    }
    Ok(hash.digest128())
}

fn hash_file(mut file: &File, hash: &mut Xxh3, buffer: &mut [u8]) -> io::Result<()> {
    hash.update(&file.metadata()?.len().to_le_bytes());
    loop {
        let count = file.read(buffer)?;
        if count == 0 {
            return Ok(());
        }
        hash.update(buffer.get(..count).unwrap_or_default());
    }
}

fn sorted_entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_changes_the_fingerprint() {
        let root = tempfile::TempDir::new().expect("a temporary directory");
        let write = |name: &str, content: &[u8]| fs::write(root.path().join(name), content).expect("a write");
        fs::create_dir(root.path().join("blobs")).expect("a directory");
        write("db", b"rows");
        write("blobs/1", b"large");
        let before = seal(root.path()).expect("seal");
        assert_eq!(fingerprint(root.path()).expect("read"), before);
        assert_eq!(bytes_below(root.path()), 9);
        for (name, content) in [("db", &b"rowz"[..]), ("blobs/1", b"larg"), ("blobs/2", b"")] {
            write(name, content);
            assert_ne!(fingerprint(root.path()).expect("read"), before, "{name}");
            write("db", b"rows");
            write("blobs/1", b"large");
        }
        fs::remove_file(root.path().join("blobs/2")).expect("a removal");
        assert_eq!(fingerprint(root.path()).expect("read"), before);
    }
}

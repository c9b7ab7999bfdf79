//! Damage to files of a server that is stopped.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// What a disk writes as one.
const SECTOR_BYTES: u64 = 512;

/// Returns the files below a directory, sorted by path.
#[must_use]
pub fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Returns the place behind the last byte of a file that is not zero: files may be made longer ahead of their use.
///
/// # Panics
/// When the file cannot be read.
#[must_use]
pub fn content_end(file: &Path) -> u64 {
    let bytes = fs::read(file).expect("a file to look into");
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
    u64::try_from(end).expect("invariant: a length")
}

/// Returns the first place behind the content of a file that a later write would begin at: no sector that holds
/// durable bytes is written again.
///
/// # Panics
/// When the file cannot be read.
#[must_use]
pub fn next_sector(file: &Path) -> u64 {
    content_end(file).next_multiple_of(SECTOR_BYTES)
}

/// Writes bytes over a place of a file, or behind its end.
///
/// # Panics
/// When the file cannot be written.
pub fn scribble(file: &Path, at: u64, bytes: &[u8]) {
    let file = File::options().write(true).open(file).expect("a file to damage");
    file.write_all_at(bytes, at).expect("damage to be written");
}

/// Turns one bit around in the middle of a file's content, in a byte that is in use: padding is zeros, and damage to
/// it damages nothing.
///
/// # Panics
/// When there is no such place.
pub fn flip(file: &Path) {
    let bytes = fs::read(file).expect("a file to look into");
    let end = bytes.iter().rposition(|byte| *byte != 0).expect("content");
    let used = bytes
        .iter()
        .enumerate()
        .skip(end / 2)
        .find(|(_, byte)| **byte != 0);
    let at = used.map(|(at, _)| at).unwrap_or(end);
    let at = u64::try_from(at).expect("invariant: a place in a file");
    let handle = File::options()
        .read(true)
        .write(true)
        .open(file)
        .expect("a file to damage");
    let mut byte = [0];
    handle.read_exact_at(&mut byte, at).expect("a byte to turn");
    handle
        .write_all_at(&[byte[0] ^ 0x10], at)
        .expect("damage to be written");
}

/// Cuts a file.
///
/// # Panics
/// When it cannot be cut.
pub fn cut(file: &Path, length: u64) {
    let handle = File::options().write(true).open(file).expect("a file to damage");
    handle.set_len(length).expect("a file to be cut");
}

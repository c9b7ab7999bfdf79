//! A long blob passes through little memory. Alone in its binary, because it looks at the whole process.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::sync::Arc;

use blobstore::{BlobStore, BlobStoreOptions, Engine, GroupId, UnixSeconds};
use disk::RealDisk;
use support::noise;

const BLOB_BYTES: usize = 48 * 1024 * 1024;
const MEMORY_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Returns the most memory that the process has had so far.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn streaming_in_and_out_takes_less_than_eight_mebibytes() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(RealDisk::open(dir.path()).unwrap());
    let options = BlobStoreOptions {
        reserve_bytes: 0,
        ..BlobStoreOptions::default()
    };
    let (engine, _) = Engine::open(disk, support::dir(), options).unwrap();
    let store = BlobStore::spawn(engine).unwrap();
    let piece = noise(64 * 1024);
    let before = peak_bytes();
    let mut upload = store.begin(GroupId(1));
    for _ in 0..BLOB_BYTES / piece.len() {
        upload.push(&piece).unwrap();
    }
    let blob = upload.finish(UnixSeconds(1)).unwrap();
    let reader = store.reader(GroupId(1), &blob, 0..u64::MAX).unwrap();
    let read: usize = reader.map(|chunk| chunk.unwrap().len()).sum();
    assert_eq!(read, BLOB_BYTES);
    let grown = peak_bytes() - before;
    assert!(grown < MEMORY_BYTES_MAX, "{grown} bytes");
}

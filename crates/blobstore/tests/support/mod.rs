//! Builders shared by the tests of the store.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::sync::Arc;

use blobstore::{BlobStore, BlobStoreOptions, Engine, OpenReport};
use disk::{DiskPath, SimDisk};

pub fn dir() -> DiskPath {
    DiskPath::new("blobs").unwrap()
}

/// Limits so small that segments roll within a few blobs.
pub fn options() -> BlobStoreOptions {
    BlobStoreOptions {
        segment_bytes: 256 * 1024,
        grow_bytes: 32 * 1024,
        upload_buffer_bytes_max: 100 * 1024,
        blob_bytes_max: 4 * 1024 * 1024,
        queue_changes_max: 8,
        queue_bytes_max: 128 * 1024,
        reserve_bytes: 64 * 1024,
        compact_below_percent: 60,
        checkpoint_bytes: 512 * 1024,
        salt: 42,
    }
}

pub fn open_with_report(disk: &SimDisk, options: BlobStoreOptions) -> (BlobStore, OpenReport) {
    let (engine, report) = Engine::open(Arc::new(disk.mount()), dir(), options).unwrap();
    (BlobStore::inline(engine), report)
}

pub fn open(disk: &SimDisk) -> BlobStore {
    open_with_report(disk, options()).0
}

pub fn reopen(disk: &SimDisk) -> BlobStore {
    let (store, report) = open_with_report(disk, options());
    assert_eq!(report.damaged, []);
    store
}

pub fn text(len: usize) -> Vec<u8> {
    b"Received: from somewhere by elsewhere; "
        .iter()
        .copied()
        .cycle()
        .take(len)
        .collect()
}

pub fn noise(len: usize) -> Vec<u8> {
    let mut state = len as u64 + 1;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// Seeded choices of a test.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

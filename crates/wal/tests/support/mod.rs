//! Builders shared by the tests of the log.
#![allow(dead_code, reason = "each test binary uses its own part")]

use bytes::Bytes;
use disk::DiskPath;
use wal::{Callback, Entry, LogIndex, LogPosition, Term, Vote, WalOptions};

pub fn wal_dir() -> DiskPath {
    DiskPath::new("wal").unwrap()
}

/// Limits so small that segments roll and caches overflow within a few records.
pub fn options() -> WalOptions {
    WalOptions {
        segment_bytes: 8 * 1024,
        grow_bytes: 2 * 1024,
        batch_bytes_max: 4 * 1024,
        record_bytes_max: 64 * 1024,
        queue_operations_max: 64,
        queue_bytes_max: 256 * 1024,
        cache_bytes_per_group: 600,
        reserve_bytes: 10 * 1024,
        compaction_step_bytes: 1024,
    }
}

pub fn position(term: u64, index: u64) -> LogPosition {
    LogPosition {
        term: Term(term),
        index: LogIndex(index),
        id: Bytes::from(format!("{term}.{index}")),
    }
}

pub fn entry(term: u64, index: u64) -> Entry {
    let payload = format!("payload {term} {index} ").repeat(usize::try_from(index % 7).unwrap());
    Entry {
        position: position(term, index),
        payload: Bytes::from(payload),
    }
}

pub fn vote(term: u64, bytes: &'static str) -> Vote {
    Vote {
        term: Term(term),
        bytes: Bytes::from_static(bytes.as_bytes()),
    }
}

pub fn ignore() -> Callback {
    Box::new(|_| ())
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

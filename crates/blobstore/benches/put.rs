//! Blobs of 8 KiB that do not compress, each waited for, from several writers at once, on the disk of the
//! temporary directory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use blobstore::{BlobStore, BlobStoreOptions, Engine, GroupId, UnixSeconds};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use disk::{DiskPath, RealDisk};

fn run(store: &BlobStore, writers: u64, count: u64, unique: &AtomicU64) -> Duration {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..writers {
            scope.spawn(|| {
                let mut state = unique
                    .fetch_add(1, Ordering::Relaxed)
                    .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                    | 1;
                let mut body = vec![0; 8192];
                for _ in 0..count {
                    for bytes in body.chunks_exact_mut(8) {
                        state ^= state << 13;
                        state ^= state >> 7;
                        state ^= state << 17;
                        bytes.copy_from_slice(&state.to_le_bytes());
                    }
                    store.put(GroupId(1), &body, UnixSeconds(1)).expect("stored");
                }
            });
        }
    });
    start.elapsed()
}

fn put(criterion: &mut Criterion) {
    let unique = AtomicU64::new(1);
    let mut group = criterion.benchmark_group("put 8 KiB");
    for grow_bytes in [0, 4 << 20] {
        let dir = tempfile::tempdir().expect("temporary directory");
        let disk = Arc::new(RealDisk::open(dir.path()).expect("disk"));
        let path = DiskPath::new("blobs").expect("path");
        let options = BlobStoreOptions {
            reserve_bytes: 0,
            grow_bytes,
            ..BlobStoreOptions::default()
        };
        let (engine, _) = Engine::open(disk, path, options).expect("store");
        let store = BlobStore::spawn(engine).expect("thread");
        for writers in [1, 32] {
            group.throughput(Throughput::Elements(1));
            group.bench_function(format!("{writers} writers, {grow_bytes} B prepared"), |bencher| {
                bencher.iter_custom(|count| run(&store, writers, count.div_ceil(writers), &unique));
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(4));
    targets = put
}
criterion_main!(benches);

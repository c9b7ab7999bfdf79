//! Records of 300 bytes, each waited for, from several writers at once, on the disk of the temporary
//! directory. The figure is the time for one durable record of one writer divided by the writers.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use disk::{DiskPath, RealDisk};
use wal::{Entry, GroupId, Log, LogIndex, LogPosition, Term, Wal, WalOptions};

fn entry(index: u64) -> Entry {
    let id = Bytes::from_static(b"12345678");
    let position = LogPosition {
        term: Term(1),
        index: LogIndex(index),
        id,
    };
    Entry {
        position,
        payload: Bytes::from(vec![7; 300]),
    }
}

/// Each writer appends `count` entries to its own group and waits for each.
fn run(log: &Log, first_group: u64, writers: u64, count: u64) -> Duration {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let group = log.group(GroupId(first_group + writer));
            scope.spawn(move || {
                let (sender, receiver) = sync_channel(1);
                for index in 1..=count {
                    let sender = sender.clone();
                    let done = Box::new(move |result: wal::Result<()>| {
                        let _ = sender.send(result);
                    });
                    group.append([entry(index)], done).expect("appended");
                    receiver.recv().expect("called back").expect("durable");
                }
            });
        }
    });
    start.elapsed()
}

fn append(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("temporary directory");
    let disk = Arc::new(RealDisk::open(dir.path()).expect("disk"));
    let path = DiskPath::new("wal").expect("path");
    let options = WalOptions {
        reserve_bytes: 0,
        ..WalOptions::default()
    };
    let log = Log::spawn(Wal::open(disk, path, options).expect("log")).expect("thread");
    let mut group = criterion.benchmark_group("append 300 B");
    let mut next_group = 0;
    for writers in [1, 8, 32] {
        group.throughput(Throughput::Elements(1));
        group.bench_function(format!("{writers} writers"), |bencher| {
            bencher.iter_custom(|count| {
                next_group += writers;
                run(&log, next_group, writers, count.div_ceil(writers))
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(4));
    targets = append
}
criterion_main!(benches);

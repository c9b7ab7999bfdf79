//! Loss of power, lost tables and damaged files on one node: what was acknowledged is there, or the damage is
//! named.

use std::collections::BTreeMap;
use std::sync::Arc;

use disk::{Disk, SimDisk};
use kv::{Effect, Fault, Operation};
use wal::Wal;

use crate::testing::{Cluster, Registers, path, wal_options};
use crate::{Error, GroupOptions, Remedy, SnapshotError};

fn options() -> GroupOptions {
    // Small enough that every test writes several snapshots.
    GroupOptions {
        snapshot_log_bytes: 4096,
        kept_entries: 5,
        ..GroupOptions::default()
    }
}

/// Writes registers and keeps book of what was acknowledged.
async fn fill(cluster: &Cluster, book: &mut BTreeMap<String, String>, round: u32) {
    for at in 0..40_u32 {
        let (subject, value) = (format!("s{}", at % 7), format!("{round}.{at}"));
        let key = format!("k{}", at % 11);
        if cluster.node(1).set(&subject, &key, &value).await.is_ok() {
            book.insert(format!("{subject} {key}"), value);
        }
    }
}

async fn check(cluster: &Cluster, book: &BTreeMap<String, String>) {
    for (name, value) in book {
        let (subject, key) = name.split_once(' ').expect("two words");
        let found = cluster.node(1).get(subject, key).await.expect("read");
        assert_eq!(found.as_ref(), Some(value), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_acknowledged_is_lost_when_power_and_tables_are() {
    let mut cluster = Cluster::started(1, options()).await;
    let mut book = BTreeMap::new();
    for round in 0..5 {
        fill(&cluster, &mut book, round).await;
        cluster.crash(1).await;
        cluster.node(1).start().await.expect("started");
        check(&cluster, &book).await;
    }
    assert!(
        cluster.group(1).status().snapshot.is_some(),
        "no snapshot was written"
    );
}

/// Cuts the power at each of many points, also in the middle of snapshots and purges.
#[tokio::test(start_paused = true)]
async fn power_may_be_cut_at_any_step() {
    for step in (1..400_u64).step_by(19) {
        let mut cluster = Cluster::started(1, options()).await;
        let mut book = BTreeMap::new();
        fill(&cluster, &mut book, 0).await;
        cluster.node(1).disk.cut_power_after(step);
        let mut tried = BTreeMap::new();
        for round in 1..4 {
            for at in 0..40_u32 {
                let (subject, key) = (format!("s{}", at % 7), format!("k{}", at % 11));
                let value = format!("{round}.{at}");
                let set = cluster.node(1).set(&subject, &key, &value).await;
                let name = format!("{subject} {key}");
                match set {
                    Ok(_) => drop(book.insert(name, value)),
                    Err(_) => drop(tried.entry(name).or_insert(value)),
                }
                if !tried.is_empty() {
                    break;
                }
            }
        }
        cluster.crash(1).await;
        cluster
            .node(1)
            .start()
            .await
            .unwrap_or_else(|error| panic!("cut at {step}: {error}"));
        for (name, value) in &book {
            let (subject, key) = name.split_once(' ').expect("two words");
            let found = cluster.node(1).get(subject, key).await.expect("read");
            // The one write that was under way may have been kept.
            let kept = found.as_ref() == Some(value) || found.as_ref() == tried.get(name);
            assert!(kept, "cut at {step}: {name} is {found:?} and not {value}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_shelf_lost_while_running_is_rebuilt_from_snapshot_and_log() {
    for effect in [Effect::Panic, Effect::LoseBefore, Effect::LoseAfter] {
        let cluster = Cluster::started(1, options()).await;
        let mut book = BTreeMap::new();
        fill(&cluster, &mut book, 0).await;
        let operation = Some(Operation::ApplyBatch);
        cluster.node(1).tables.faults.push(Fault {
            skip: 3,
            operation,
            shelf: None,
            effect,
        });
        fill(&cluster, &mut book, 1).await;
        let failure = cluster.node(1).groups.next_failure().await;
        let Remedy::RebuildShelf(shelf) = failure.remedy() else {
            panic!("the failure must name the shelf: {failure:?}");
        };
        cluster
            .node(1)
            .groups
            .rebuild_shelf(shelf)
            .await
            .expect("rebuilt");
        // Writes that failed may or may not have been kept, so they are made again.
        fill(&cluster, &mut book, 2).await;
        check(&cluster, &book).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_refuses_writes_and_recovers_without_a_restart() {
    let cluster = Cluster::started(1, GroupOptions::default()).await;
    let node = cluster.node(1);
    node.set("a", "k", "1").await.expect("committed");
    let disk = &node.disk;
    disk.set_capacity_bytes(1);
    let group = cluster.group(1);
    let refused = group.propose(Registers::set("a", "k", "2")).await;
    assert!(
        matches!(&refused, Err(error) if error.is_retryable()),
        "{refused:?}"
    );
    assert_eq!(
        node.get("a", "k").await.expect("reads go on"),
        Some("1".to_owned())
    );
    disk.set_capacity_bytes(u64::MAX);
    assert_eq!(
        node.set("a", "k", "3").await.expect("committed"),
        Some("1".to_owned())
    );
}

/// A failed fsync leaves nobody knowing what is durable: the replica stops and acknowledges nothing more.
#[tokio::test(start_paused = true)]
async fn a_failed_sync_stops_the_replica_and_loses_nothing_acknowledged() {
    for nth in 1..4 {
        let mut cluster = Cluster::started(1, GroupOptions::default()).await;
        let mut book = BTreeMap::new();
        fill(&cluster, &mut book, 0).await;
        cluster.node(1).disk.fail_sync_after(nth);
        fill(&cluster, &mut book, 1).await;
        let failure = cluster.node(1).groups.next_failure().await;
        assert_eq!(failure.remedy(), Remedy::StopProcess, "{failure:?}");
        assert!(cluster.node(1).set("a", "k", "after").await.is_err());
        cluster.crash(1).await;
        cluster.node(1).start().await.expect("started");
        check(&cluster, &book).await;
    }
}

/// A read may be the first to meet a lost shelf, when nothing is being written.
#[tokio::test(start_paused = true)]
async fn a_shelf_lost_by_a_read_is_reported_too() {
    let cluster = Cluster::started(1, options()).await;
    let node = cluster.node(1);
    node.set("a", "k", "1").await.expect("committed");
    let operation = Some(Operation::Get);
    node.tables.faults.push(Fault {
        skip: 0,
        operation,
        shelf: None,
        effect: Effect::Panic,
    });
    assert!(matches!(node.peek("a", "k").await, Err(Error::Tables(_))));
    let Remedy::RebuildShelf(shelf) = node.groups.next_failure().await.remedy() else {
        panic!("the shelf must be named");
    };
    node.groups.rebuild_shelf(shelf).await.expect("rebuilt");
    // Told twice, it is rebuilt once.
    node.groups.rebuild_shelf(shelf).await.expect("nothing to do");
    assert_eq!(node.get("a", "k").await.expect("read"), Some("1".to_owned()));
}

/// A shelf that fails while a replica starts is rebuilt by the start itself.
#[tokio::test(start_paused = true)]
async fn tables_that_fail_at_the_start_are_rebuilt() {
    let mut cluster = Cluster::started(1, options()).await;
    let mut book = BTreeMap::new();
    fill(&cluster, &mut book, 0).await;
    for skip in 0..6 {
        cluster.restart(1).await;
        let faults = &cluster.node(1).tables.faults;
        faults.push(Fault {
            skip,
            operation: None,
            shelf: None,
            effect: Effect::LoseBefore,
        });
        cluster.node(1).start().await.expect("started");
        if cluster.node(1).tables.faults.remaining() == 0 {
            check(&cluster, &book).await;
        } else {
            break;
        }
    }
}

async fn filled() -> (Cluster, BTreeMap<String, String>) {
    let cluster = Cluster::started(1, options()).await;
    let mut book = BTreeMap::new();
    for round in 0..4 {
        fill(&cluster, &mut book, round).await;
    }
    (cluster, book)
}

fn files(disk: &SimDisk, directory: &str) -> Vec<(disk::DiskPath, u64)> {
    let directory = path(directory);
    let names = disk.list(&directory).expect("a directory");
    let path = |name: &String| directory.join(name).expect("a plain name");
    let length = |path: &disk::DiskPath| disk.open(path).and_then(|file| file.len()).expect("a length");
    names
        .iter()
        .map(path)
        .map(|path| (path.clone(), length(&path)))
        .collect()
}

/// The segments of the log, oldest first.
fn segments(disk: &SimDisk) -> impl Iterator<Item = (disk::DiskPath, u64)> {
    files(disk, "wal")
        .into_iter()
        .filter(|(file, _)| file.file_name().ends_with(".wal"))
}

/// Every byte of manifest and packs is covered by a checksum, and the damage is named before anything is
/// served from it.
#[tokio::test(start_paused = true)]
async fn a_damaged_snapshot_is_named_and_never_served() {
    let (cluster, _) = filled().await;
    let disk = cluster.node(1).disk.clone();
    let snapshot_files = files(&disk, "snapshots/replica-1");
    assert!(snapshot_files.len() >= 2, "a manifest and a pack");
    let mut cluster = cluster;
    for (file, length) in snapshot_files {
        for offset in (0..length).step_by(97) {
            assert!(disk.flip_bits(&file, offset, 0x10));
            cluster.crash(1).await;
            match cluster.node(1).start().await {
                Err(Error::Snapshot(SnapshotError::Damaged { file: named, .. })) => {
                    assert_eq!(named, file.to_string());
                }
                Err(Error::Snapshot(SnapshotError::UnknownVersion { .. })) => {
                    assert!(file.file_name() == "manifest" && (8..12).contains(&offset));
                }
                // A byte of a pack that no section refers to any more.
                Ok(_) => assert!(file.file_name().starts_with("pack-"), "{file} at {offset}"),
                Err(other) => panic!("{file} at {offset}: {other}"),
            }
            let _ = cluster.node(1).groups.shutdown().await;
            assert!(
                !disk
                    .open(&file)
                    .is_ok_and(|_| !disk.flip_bits(&file, offset, 0x10))
            );
        }
    }
}

fn content(disk: &SimDisk, file: &disk::DiskPath, length: u64) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(length).expect("a small file")];
    disk.open(file)
        .and_then(|file| file.read_exact_at(&mut bytes, 0))
        .expect("readable");
    bytes
}

/// Bits flipped in what the log had synced are damage. They are found when the log is opened, and the log is
/// left as it is.
#[tokio::test(start_paused = true)]
async fn a_damaged_log_is_named_and_not_cut() {
    let (cluster, _) = filled().await;
    let disk = cluster.node(1).disk.clone();
    drop(cluster);
    disk.crash();
    let (segment, length) = segments(&disk).next().expect("a segment");
    let written = content(&disk, &segment, length);
    // Zeros may be padding, which nothing depends on.
    let offsets = (0_u64..)
        .zip(&written)
        .filter(|(_, byte)| **byte != 0)
        .map(|(offset, _)| offset);
    for offset in offsets.step_by(401) {
        assert!(disk.flip_bits(&segment, offset, 0x01));
        let opened = Wal::open(Arc::new(disk.clone()), path("wal"), wal_options());
        assert!(
            matches!(opened, Err(wal::Error::Damaged(_))),
            "at {offset}: {:?}",
            opened.map(|_| ())
        );
        assert!(disk.flip_bits(&segment, offset, 0x01));
        assert!(content(&disk, &segment, length) == written, "the log was changed");
    }
}

/// Whatever is written behind the last synced byte is a torn write, not damage.
#[tokio::test(start_paused = true)]
async fn garbage_behind_the_last_synced_byte_costs_nothing() {
    for garbage in [vec![0xff; 3000], vec![0x00; 10], b"FCTRWAL".repeat(400)] {
        let (mut cluster, book) = filled().await;
        let disk = cluster.node(1).disk.clone();
        cluster.crash(1).await;
        cluster.node(1).start().await.expect("started");
        let newest = segments(&disk).last();
        let (segment, length) = newest.expect("a segment");
        let bytes = content(&disk, &segment, length);
        let end = bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |at| at as u64 + 64);
        cluster.crash(1).await;
        disk.open(&segment)
            .expect("opens")
            .write_all_at(&garbage, end)
            .expect("scribbled");
        cluster.node(1).start().await.expect("started");
        check(&cluster, &book).await;
    }
}

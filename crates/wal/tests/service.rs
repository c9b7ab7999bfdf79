//! The log as consensus uses it.
#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use bytes::Bytes;
use disk::{Disk, RealDisk, SimDisk};
use support::{entry, ignore, options, position, vote, wal_dir};
use wal::{Error, GroupId, Log, LogIndex, Wal};

fn indexes(entries: &[wal::Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.position.index.0).collect()
}

fn open_inline(disk: &SimDisk) -> Log {
    Log::inline(Wal::open(Arc::new(disk.mount()), wal_dir(), options()).unwrap())
}

#[test]
fn everything_is_found_again() {
    let disk = SimDisk::new(1);
    let (one, two) = (GroupId(1), GroupId(2));
    {
        let log = open_inline(&disk);
        let group = log.group(one);
        group.save_vote(vote(3, "v3"), ignore()).unwrap();
        group
            .append((1..=10).map(|index| entry(3, index)), ignore())
            .unwrap();
        group.truncate_after(Some(LogIndex(8)), ignore()).unwrap();
        group.append([entry(4, 9)], ignore()).unwrap();
        group.save_committed(Bytes::from_static(b"7")).unwrap();
        group.purge_upto(position(3, 2), ignore()).unwrap();
        log.group(two).append([entry(1, 1)], ignore()).unwrap();
    }
    disk.crash();
    let log = open_inline(&disk);
    assert_eq!(log.groups(), [one, two]);
    let group = log.group(one);
    let state = group.state().unwrap();
    assert_eq!(state.vote, Some(vote(3, "v3")));
    assert_eq!(state.committed, "7");
    assert_eq!(state.purged, Some(position(3, 2)));
    assert_eq!(state.last, Some(position(4, 9)));
    let entries = group.read(LogIndex(3)..LogIndex(100), usize::MAX).unwrap();
    assert_eq!(indexes(&entries), [3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(entries.last(), Some(&entry(4, 9)));
    assert!(matches!(
        group.read(LogIndex(2)..LogIndex(4), 1),
        Err(Error::NotInLog { .. })
    ));
    assert_eq!(indexes(&group.read(LogIndex(3)..LogIndex(9), 1).unwrap()), [3]);
    assert_eq!(log.group(two).state().unwrap().last, Some(position(1, 1)));
    assert_eq!(log.group(GroupId(3)).state().unwrap(), wal::LogState::default());
}

#[test]
fn entries_must_follow_one_another() {
    let log = open_inline(&SimDisk::new(1));
    let group = log.group(GroupId(1));
    group.append([entry(1, 5)], ignore()).unwrap();
    for wrong in [4, 5, 7] {
        assert!(matches!(
            group.append([entry(1, wrong)], ignore()),
            Err(Error::NotContiguous { .. })
        ));
    }
    group.purge_upto(position(2, 20), ignore()).unwrap();
    assert!(matches!(
        group.append([entry(2, 6)], ignore()),
        Err(Error::NotContiguous { .. })
    ));
    group.append([entry(2, 21)], ignore()).unwrap();
    group.truncate_after(None, ignore()).unwrap();
    assert_eq!(group.state().unwrap().last, Some(position(2, 20)));
    group.append([entry(2, 21)], ignore()).unwrap();
    group.remove(ignore()).unwrap();
    assert_eq!(group.state().unwrap(), wal::LogState::default());
    group.append([entry(9, 1)], ignore()).unwrap();
}

#[test]
fn a_thread_serves_many_callers_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        Wal::open(
            Arc::new(RealDisk::open(dir.path()).unwrap()),
            wal_dir(),
            options(),
        )
        .unwrap()
    };
    let log = Log::spawn(open()).unwrap();
    std::thread::scope(|scope| {
        for group in 1..=4 {
            let group = log.group(GroupId(group));
            scope.spawn(move || {
                let (sender, receiver) = sync_channel(200);
                for index in 1..=200_u64 {
                    let sender = sender.clone();
                    let done = Box::new(move |result: wal::Result<()>| {
                        sender.send(result.map(|()| index)).unwrap();
                    });
                    group.append([entry(1, index)], done).unwrap();
                    let last = group.state().unwrap().last.unwrap();
                    assert_eq!(last.index.0, index, "an accepted entry can be read at once");
                }
                let order: Vec<u64> = (0..200).map(|_| receiver.recv().unwrap().unwrap()).collect();
                assert!(order.is_sorted(), "{order:?}");
            });
        }
    });
    drop(log);
    let log = Log::spawn(open()).unwrap();
    for group in 1..=4 {
        let entries = log
            .group(GroupId(group))
            .read(LogIndex(1)..LogIndex(201), usize::MAX)
            .unwrap();
        assert_eq!(entries.len(), 200);
    }
}

#[test]
fn a_failed_sync_poisons_the_log_for_good() {
    let disk = SimDisk::new(1);
    let log = open_inline(&disk);
    let group = log.group(GroupId(1));
    group.append([entry(1, 1)], ignore()).unwrap();
    disk.fail_sync_after(1);
    let (sender, receiver) = sync_channel(1);
    let done = Box::new(move |result| sender.send(result).unwrap());
    group.append([entry(1, 2)], done).unwrap();
    assert!(matches!(receiver.recv().unwrap(), Err(Error::Poisoned { .. })));
    assert!(matches!(
        group.append([entry(1, 3)], ignore()),
        Err(Error::Poisoned { .. })
    ));
    assert!(matches!(
        group.save_vote(vote(9, "x"), ignore()),
        Err(Error::Poisoned { .. })
    ));
    drop(log);
    disk.crash();
    let last = open_inline(&disk)
        .group(GroupId(1))
        .state()
        .unwrap()
        .last
        .unwrap();
    assert_eq!(last, position(1, 1), "what was never acknowledged is not there");
}

#[test]
fn a_full_disk_refuses_entries_keeps_votes_and_recovers() {
    let disk = SimDisk::new(1);
    let log = open_inline(&disk);
    let group = log.group(GroupId(1));
    group.append([entry(1, 1)], ignore()).unwrap();
    disk.set_capacity_bytes(options().reserve_bytes);
    assert!(log.is_below_reserve().unwrap());
    assert!(matches!(
        group.append([entry(1, 2)], ignore()),
        Err(Error::NoSpace)
    ));
    group.save_vote(vote(2, "v"), ignore()).unwrap();
    assert_eq!(group.state().unwrap().vote, Some(vote(2, "v")));
    disk.set_capacity_bytes(u64::MAX / 2);
    group.append([entry(2, 2)], ignore()).unwrap();
}

#[test]
fn a_lagging_group_pins_no_segment() {
    let disk = SimDisk::new(1);
    let log = open_inline(&disk);
    let (lagging, busy) = (log.group(GroupId(1)), log.group(GroupId(2)));
    lagging.save_vote(vote(5, "old"), ignore()).unwrap();
    lagging
        .append((1..=5).map(|index| entry(1, index)), ignore())
        .unwrap();
    for index in 1..=3000 {
        busy.append([entry(1, index)], ignore()).unwrap();
        if index % 10 == 0 {
            busy.purge_upto(position(1, index - 5), ignore()).unwrap();
        }
    }
    let files = disk.list(&wal_dir()).unwrap();
    assert!(files.len() < 8, "{files:?}");
    drop(log);
    disk.crash();
    let log = open_inline(&disk);
    let lagging = log.group(GroupId(1));
    assert_eq!(lagging.state().unwrap().vote, Some(vote(5, "old")));
    let entries = lagging.read(LogIndex(1)..LogIndex(9), usize::MAX).unwrap();
    assert_eq!(entries, (1..=5).map(|index| entry(1, index)).collect::<Vec<_>>());
    assert_eq!(
        log.group(GroupId(2)).state().unwrap().purged,
        Some(position(1, 2995))
    );
}

#[test]
fn many_segments_and_many_starts() {
    let disk = SimDisk::new(1);
    for start in 0..20_u64 {
        let log = open_inline(&disk);
        for group in 1..=5 {
            let group = log.group(GroupId(group));
            let entries = group.read(LogIndex(1)..LogIndex(u64::MAX), usize::MAX).unwrap();
            assert_eq!(indexes(&entries), (1..=start * 30).collect::<Vec<_>>());
            group
                .append(
                    (start * 30 + 1..=start * 30 + 30).map(|index| entry(1, index)),
                    ignore(),
                )
                .unwrap();
        }
    }
    assert!(disk.list(&wal_dir()).unwrap().len() > 20);
}

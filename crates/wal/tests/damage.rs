//! Damaged logs: always noticed, never served, never silently cut.
#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use std::sync::Arc;

use disk::{Disk, DiskPath, SimDisk};
use support::{entry, ignore, options, position, vote, wal_dir};
use wal::{
    Certainty, DamageReason, Entry, Error, GroupId, Log, LogIndex, LogState, RepairPlan, RepairPolicy, Wal,
};

const GROUPS: [GroupId; 3] = [GroupId(1), GroupId(2), GroupId(3)];

type Contents = Vec<(LogState, Vec<Entry>)>;

fn open(disk: &SimDisk) -> wal::Result<Log> {
    Wal::open(Arc::new(disk.mount()), wal_dir(), options()).map(Log::inline)
}

fn contents(log: &Log) -> Contents {
    let read = |group: GroupId| {
        let group = log.group(group);
        let state = group.state().unwrap();
        let first = state.purged.as_ref().map_or(1, |purged| purged.index.0 + 1);
        let entries = group
            .read(LogIndex(first)..LogIndex(u64::MAX), usize::MAX)
            .unwrap();
        (state, entries)
    };
    GROUPS.map(read).into()
}

/// A log of a few segments whose process was killed: nothing unsynced, not closed.
fn sample(batches: u64) -> (SimDisk, Contents) {
    let disk = SimDisk::new(batches);
    let log = open(&disk).unwrap();
    for batch in 0..batches {
        let group = log.group(GROUPS[usize::try_from(batch % 3).unwrap()]);
        let next = group.state().unwrap().last.map_or(1, |last| last.index.0 + 1);
        match batch % 7 {
            3 => group.save_vote(vote(batch, "voted"), ignore()).unwrap(),
            5 if next > 3 => group.truncate_after(Some(LogIndex(next - 2)), ignore()).unwrap(),
            _ => group
                .append((next..next + 3).map(|index| entry(1, index)), ignore())
                .unwrap(),
        }
    }
    let expected = contents(&log);
    std::mem::forget(log);
    (disk, expected)
}

fn files(disk: &SimDisk, suffix: &str) -> Vec<DiskPath> {
    let names = disk.list(&wal_dir()).unwrap();
    names
        .iter()
        .filter(|name| name.ends_with(suffix))
        .map(|name| wal_dir().join(name).unwrap())
        .collect()
}

fn len(disk: &SimDisk, path: &DiskPath) -> u64 {
    disk.open(path).unwrap().len().unwrap()
}

#[test]
fn every_flipped_bit_is_harmless_or_noticed() {
    let (disk, expected) = sample(14);
    let (mut noticed, mut harmless) = (0, 0);
    for path in files(&disk, ".wal") {
        for offset in 0..len(&disk, &path) {
            let mask = 1 << (offset % 8);
            assert!(disk.flip_bits(&path, offset, mask));
            // A survey changes nothing, so that the next flip finds the same log.
            match RepairPlan::survey(Arc::new(disk.mount()), wal_dir(), options()) {
                Ok(Some(_)) | Err(Error::UnknownVersion { .. }) => noticed += 1,
                Ok(None) => harmless += 1,
                Err(error) => panic!("{path} {offset}: {error}"),
            }
            assert!(disk.flip_bits(&path, offset, mask));
        }
    }
    assert!(
        noticed > 2000 && harmless > 2000,
        "noticed {noticed}, harmless {harmless}"
    );
    assert_eq!(contents(&open(&disk).unwrap()), expected);
}

#[test]
fn a_flip_that_is_not_noticed_changes_nothing() {
    let (pristine, _) = sample(14);
    let lengths: Vec<_> = files(&pristine, ".wal")
        .iter()
        .map(|path| len(&pristine, path))
        .collect();
    for (file, len) in lengths.into_iter().enumerate() {
        for offset in (0..len).step_by(7) {
            let (disk, expected) = sample(14);
            let path = files(&disk, ".wal").swap_remove(file);
            assert!(disk.flip_bits(&path, offset, 0x10));
            match open(&disk) {
                Ok(log) => assert_eq!(contents(&log), expected, "{path} {offset}"),
                Err(Error::Damaged(report)) => assert!(!report.damages.is_empty()),
                Err(error) => panic!("{path} {offset}: {error}"),
            }
        }
    }
}

#[test]
fn a_log_cut_or_scribbled_over_before_its_synced_end_does_not_open() {
    let mut refused = 0;
    for step in 0..40 {
        for scribble in [false, true] {
            let (disk, expected) = sample(30);
            let path = files(&disk, ".wal").pop().unwrap();
            let end = len(&disk, &path);
            let at = end * step / 40;
            let file = disk.open(&path).unwrap();
            if scribble {
                file.write_all_at(&vec![0x5a; usize::try_from(end - at).unwrap()], at)
                    .unwrap();
            } else {
                file.set_len(at).unwrap();
            }
            match open(&disk) {
                // Only what had been prepared behind the last record was hit.
                Ok(log) => assert_eq!(contents(&log), expected, "step {step}"),
                Err(Error::Damaged(_)) => {
                    refused += 1;
                    assert!(matches!(open(&disk), Err(Error::Damaged(_))), "it stays damaged");
                }
                Err(error) => panic!("step {step}: {error}"),
            }
        }
    }
    assert!(refused > 20, "{refused}");
}

#[test]
fn without_the_watermark_only_the_last_batch_is_in_doubt() {
    let (disk, expected) = sample(14);
    disk.remove(&wal_dir().join("synced").unwrap()).unwrap();
    let path = files(&disk, ".wal").pop().unwrap();
    let mut cut = 0;
    for offset in (0..len(&disk, &path)).step_by(3) {
        assert!(disk.flip_bits(&path, offset, 1));
        match RepairPlan::survey(Arc::new(disk.mount()), wal_dir(), options()) {
            Ok(Some(plan)) => assert_ne!(plan.report().damages, []),
            Ok(None) => cut += 1,
            Err(Error::UnknownVersion { .. }) => (),
            Err(error) => panic!("{offset}: {error}"),
        }
        assert!(disk.flip_bits(&path, offset, 1));
    }
    assert!(cut > 0);
    assert_eq!(contents(&open(&disk).unwrap()), expected);
}

#[test]
fn a_missing_segment_is_noticed() {
    let (pristine, _) = sample(120);
    let count = files(&pristine, ".wal").len();
    assert!(count > 3, "{count}");
    for missing in 0..count {
        let (disk, _) = sample(120);
        let path = files(&disk, ".wal").swap_remove(missing);
        disk.remove(&path).unwrap();
        assert!(matches!(open(&disk), Err(Error::Damaged(_))), "{path}");
    }
}

/// A log in which one group's entries 4 to 6 are damaged and another group is untouched.
fn damaged() -> SimDisk {
    let disk = SimDisk::new(9);
    let log = open(&disk).unwrap();
    let (hit, spared) = (log.group(GROUPS[0]), log.group(GROUPS[1]));
    hit.save_vote(vote(1, "first"), ignore()).unwrap();
    hit.append((1..=3).map(|index| entry(1, index)), ignore())
        .unwrap();
    let before = disk_end(&disk);
    hit.append((4..=6).map(|index| entry(1, index)), ignore())
        .unwrap();
    spared.append([entry(1, 1)], ignore()).unwrap();
    hit.append([entry(1, 7)], ignore()).unwrap();
    hit.save_vote(vote(8, "later"), ignore()).unwrap();
    drop(log);
    let path = files(&disk, ".wal").pop().unwrap();
    assert!(disk.flip_bits(&path, before + 1, 0xff));
    disk
}

/// Returns where the last batch of the newest segment ends.
fn disk_end(disk: &SimDisk) -> u64 {
    let path = files(disk, ".wal").pop().unwrap();
    let file = disk.open(&path).unwrap();
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1;
    used.next_multiple_of(512)
}

#[test]
fn the_report_names_the_place_and_the_groups() {
    let disk = damaged();
    let Err(Error::Damaged(report)) = open(&disk) else {
        panic!("the damage was not noticed")
    };
    let damage = report.damages.first().unwrap();
    assert_eq!(
        (report.damages.len(), damage.reason),
        (1, DamageReason::BeforeValidData)
    );
    let group = report.groups.first().unwrap();
    assert_eq!((report.groups.len(), group.group), (1, GROUPS[0]));
    assert_eq!(group.certainty, Certainty::Certain);
    assert_eq!(
        (group.last_before, group.highest_behind),
        (Some(LogIndex(3)), Some(LogIndex(7)))
    );
}

#[test]
fn a_repair_says_what_it_keeps_and_keeps_it() {
    for policy in [RepairPolicy::KeepPrefix, RepairPolicy::DropAffected] {
        let disk = damaged();
        let plan = RepairPlan::survey(Arc::new(disk.mount()), wal_dir(), options())
            .unwrap()
            .unwrap();
        let outcome = plan.outcome(policy);
        plan.apply(policy).unwrap();
        disk.crash();
        let log = open(&disk).unwrap();
        let kept: Vec<_> = log
            .groups()
            .into_iter()
            .map(|group| {
                (
                    group,
                    log.group(group).state().unwrap().last.map(|last| last.index),
                )
            })
            .collect();
        assert_eq!(kept, outcome);
        let state = log.group(GROUPS[0]).state().unwrap();
        match policy {
            RepairPolicy::KeepPrefix => {
                assert_eq!(state.last, Some(position(1, 3)));
                assert_eq!(
                    state.vote,
                    Some(vote(8, "later")),
                    "a vote behind the damage still binds"
                );
            }
            RepairPolicy::DropAffected => assert_eq!(state, LogState::default()),
        }
        log.group(GROUPS[1]).append([entry(1, 2)], ignore()).unwrap();
        drop(log);
        open(&disk).unwrap();
    }
}

#[test]
fn a_repair_may_lose_power_at_any_step() {
    let repair = |disk: &SimDisk| -> wal::Result<()> {
        match RepairPlan::survey(Arc::new(disk.mount()), wal_dir(), options())? {
            Some(plan) => plan.apply(RepairPolicy::KeepPrefix),
            None => Ok(()),
        }
    };
    let dry = damaged();
    let before = dry.step_count();
    repair(&dry).unwrap();
    for step in 1..=dry.step_count() - before {
        let disk = damaged();
        disk.cut_power_after(step);
        assert!(repair(&disk).is_err());
        disk.crash();
        repair(&disk).unwrap();
        let log = open(&disk).unwrap();
        assert_eq!(
            log.group(GROUPS[0]).state().unwrap().last,
            Some(position(1, 3)),
            "step {step}"
        );
        assert_eq!(
            log.group(GROUPS[1]).state().unwrap().last,
            Some(position(1, 1)),
            "step {step}"
        );
    }
}

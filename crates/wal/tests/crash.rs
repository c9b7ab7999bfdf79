//! Random operations with crashes at random points, against a model that knows only what was acknowledged.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed step is a failed test")]

mod support;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use disk::SimDisk;
use parking_lot::Mutex;
use support::{Random, entry, options, position, vote, wal_dir};
use wal::{Callback, Entry, Error, GroupId, Log, LogIndex, LogPosition, Term, Vote, Wal};

const SEEDS: u64 = 150;
const LIVES: usize = 4;
const STEPS_PER_LIFE: usize = 60;

/// One group as a naive log.
#[derive(Debug, Clone, Default, PartialEq)]
struct Model {
    vote: Option<Vote>,
    purged: Option<LogPosition>,
    entries: VecDeque<Entry>,
}

impl Model {
    fn next(&self) -> u64 {
        let after = |position: &LogPosition| position.index.0 + 1;
        let last = self
            .entries
            .back()
            .map(|entry| &entry.position)
            .or(self.purged.as_ref());
        last.map_or(1, after)
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Vote(vote) => self.vote = Some(vote.clone()),
            Change::Append(entries) => self.entries.extend(entries.iter().cloned()),
            Change::TruncateAfter(keep) => self.entries.retain(|entry| entry.position.index <= *keep),
            Change::Purge(upto) => {
                self.entries.retain(|entry| entry.position.index > upto.index);
                self.purged = Some(upto.clone());
            }
            Change::Remove => *self = Self::default(),
        }
    }
}

#[derive(Debug, Clone)]
enum Change {
    Vote(Vote),
    Append(Vec<Entry>),
    TruncateAfter(LogIndex),
    Purge(LogPosition),
    Remove,
}

fn choose(random: &mut Random, model: &Model, term: u64) -> Change {
    let next = model.next();
    let last = next - 1;
    match random.below(20) {
        0..=1 => Change::Vote(vote_of(term)),
        2..=12 => Change::Append(
            (next..=next + random.below(6))
                .map(|index| entry(term, index))
                .collect(),
        ),
        13..=14 => {
            let floor = model.purged.as_ref().map_or(0, |purged| purged.index.0);
            Change::TruncateAfter(LogIndex(floor.max(last.saturating_sub(random.below(5)))))
        }
        15..=17 if last > 0 => {
            let floor = model.purged.as_ref().map_or(0, |purged| purged.index.0) + 1;
            let upto = floor + random.below(last.saturating_sub(floor) + 2);
            Change::Purge(position(term, upto))
        }
        18 if random.below(10) == 0 => Change::Remove,
        _ => Change::Vote(vote_of(term + 1)),
    }
}

fn vote_of(term: u64) -> Vote {
    Vote {
        term: Term(term),
        bytes: Bytes::from(format!("vote {term}")),
    }
}

fn submit(log: &Log, group: GroupId, change: &Change, done: Callback) -> wal::Result<()> {
    let group = log.group(group);
    match change.clone() {
        Change::Vote(vote) => group.save_vote(vote, done),
        Change::Append(entries) => group.append(entries, done),
        Change::TruncateAfter(keep) => group.truncate_after(Some(keep), done),
        Change::Purge(upto) => group.purge_upto(upto, done),
        Change::Remove => group.remove(done),
    }
}

fn read_model(log: &Log, group: GroupId) -> Model {
    let group = log.group(group);
    let state = group.state().unwrap();
    let first = state.purged.as_ref().map_or(1, |purged| purged.index.0 + 1);
    let range = LogIndex(first)..LogIndex(u64::MAX);
    let entries = group.read(range, usize::MAX).unwrap();
    Model {
        vote: state.vote,
        purged: state.purged,
        entries: entries.into(),
    }
}

/// How a life ends, at a random operation of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The process is killed; what it wrote stays.
    Killed,
    /// The power goes; of what was not synced, in this life or an earlier one, any part stays.
    PowerCut,
}

impl End {
    fn arm(self, disk: &SimDisk, steps: u64) {
        match self {
            Self::Killed => disk.kill_after(steps),
            Self::PowerCut => disk.cut_power_after(steps),
        }
    }

    fn come_back(self, disk: &SimDisk) {
        match self {
            Self::Killed => disk.restart(),
            Self::PowerCut => disk.crash(),
        }
    }
}

/// Runs several lives of one log, ended as `ends` says.
fn run(seed: u64, ends: fn(&mut Random) -> End) {
    let random = &mut Random::new(seed);
    let disk = SimDisk::new(seed);
    let mut acknowledged: BTreeMap<GroupId, Model> = BTreeMap::new();
    for life in 0..LIVES {
        let end = ends(random);
        if random.below(6) == 0 {
            // Already while it is being opened.
            end.arm(&disk, 1 + random.below(9));
            drop(Wal::open(Arc::new(disk.mount()), wal_dir(), options()));
            end.come_back(&disk);
        }
        let wal = match Wal::open(Arc::new(disk.mount()), wal_dir(), options()) {
            Ok(wal) => wal,
            Err(error) => panic!("seed {seed} life {life}: {error}"),
        };
        let log = Log::inline(wal);
        for (group, model) in &acknowledged {
            assert_eq!(
                read_model(&log, *group),
                *model,
                "seed {seed} life {life} {group}"
            );
        }
        end.arm(&disk, 1 + random.below(STEPS_PER_LIFE as u64 * 3));
        let mut undecided = None;
        for _ in 0..STEPS_PER_LIFE {
            let group = GroupId(random.below(4));
            let model = acknowledged.entry(group).or_default();
            let change = choose(random, model, life as u64 + 1);
            let result = Arc::new(Mutex::new(None));
            let slot = Arc::clone(&result);
            let accepted = submit(
                &log,
                group,
                &change,
                Box::new(move |done| *slot.lock() = Some(done)),
            );
            let outcome = accepted.and_then(|()| result.lock().take().unwrap());
            match outcome {
                Ok(()) => model.apply(&change),
                Err(Error::Poisoned { .. } | Error::Disk { .. }) => {
                    undecided = Some((group, change));
                    break;
                }
                Err(error) => panic!("seed {seed} life {life}: {error}"),
            }
        }
        end.come_back(&disk);
        drop(log);
        // What was never acknowledged survives whole or not at all; find out which and go on from there.
        if let Some((group, change)) = undecided {
            let log = match Wal::open(Arc::new(disk.mount()), wal_dir(), options()) {
                Ok(wal) => Log::inline(wal),
                Err(error) => panic!("seed {seed} life {life}: {error}"),
            };
            let model = acknowledged.get_mut(&group).unwrap();
            let found = read_model(&log, group);
            if found != *model {
                model.apply(&change);
                assert_eq!(
                    found, *model,
                    "seed {seed} life {life} {group}: neither before nor after"
                );
            }
            // Whoever has read it relies on it.
            let end = ends(random);
            end.come_back(&disk);
            drop(log);
        }
    }
}

#[test]
fn acknowledged_records_survive_every_crash() {
    (0..SEEDS).for_each(|seed| run(seed, |_| End::PowerCut));
}

#[test]
fn acknowledged_records_survive_every_killed_process() {
    (0..SEEDS).for_each(|seed| run(seed, |_| End::Killed));
}

/// What a killed process wrote and did not sync is read by the next one, which must not rely on it before it is
/// durable.
#[test]
fn records_that_were_read_after_a_kill_survive_a_crash() {
    let ends = |random: &mut Random| match random.below(2) {
        0 => End::Killed,
        _ => End::PowerCut,
    };
    (0..2 * SEEDS).for_each(|seed| run(seed, ends));
}

/// After a sync that failed, the system counts what it could not write as written (found by simulation, seed 1019).
#[test]
fn records_that_were_read_after_a_failed_sync_survive_a_crash() {
    let group = GroupId(1);
    let append = |log: &Log, indexes: std::ops::RangeInclusive<u64>| {
        for index in indexes {
            if log
                .group(group)
                .append([entry(1, index)], support::ignore())
                .is_err()
            {
                break;
            }
        }
    };
    let open = |disk: &SimDisk| Wal::open(Arc::new(disk.mount()), wal_dir(), options()).map(Log::inline);
    for nth in 1..=20 {
        let disk = SimDisk::new(nth);
        disk.fail_sync_after(nth);
        if let Ok(log) = open(&disk) {
            append(&log, 1..=20);
        }
        let read = open(&disk).unwrap().group(group).state().unwrap();
        disk.crash();
        let log = open(&disk).unwrap_or_else(|error| panic!("sync {nth}: {error}"));
        assert_eq!(log.group(group).state().unwrap(), read, "sync {nth}");
    }
}

#[test]
fn the_power_may_go_at_every_single_step() {
    let script = |disk: &SimDisk| -> usize {
        let Ok(wal) = Wal::open(Arc::new(disk.mount()), wal_dir(), options()) else {
            return 0;
        };
        let log = Log::inline(wal);
        let group = log.group(GroupId(1));
        let acknowledged = Arc::new(Mutex::new(0));
        for index in 1..=40 {
            let counter = Arc::clone(&acknowledged);
            let done = Box::new(move |result: wal::Result<()>| {
                if result.is_ok() {
                    *counter.lock() += 1;
                }
            });
            if group.append([entry(1, index)], done).is_err() {
                break;
            }
            if index % 9 == 0 {
                let _ = group.purge_upto(position(1, index - 4), support::ignore());
            }
        }
        *acknowledged.lock()
    };
    let dry = SimDisk::new(0);
    script(&dry);
    for step in 1..=dry.step_count() {
        let disk = SimDisk::new(step);
        disk.cut_power_after(step);
        let acknowledged = script(&disk);
        disk.crash();
        let log = Log::inline(Wal::open(Arc::new(disk.mount()), wal_dir(), options()).unwrap());
        let last = log
            .group(GroupId(1))
            .state()
            .unwrap()
            .last
            .map_or(0, |last| last.index.0);
        let found = usize::try_from(last).unwrap();
        assert!(
            (acknowledged..=acknowledged + 1).contains(&found),
            "step {step}: {found} of {acknowledged}"
        );
    }
}

#[test]
fn one_seed_gives_one_history() {
    let bytes = |seed: u64| {
        let disk = SimDisk::new(seed);
        let log = Log::inline(Wal::open(Arc::new(disk.mount()), wal_dir(), options()).unwrap());
        let group = log.group(GroupId(1));
        group
            .append((1..50).map(|index| entry(1, index)), support::ignore())
            .unwrap();
        group.save_vote(vote(2, "v"), support::ignore()).unwrap();
        drop(log);
        disk.crash();
        let file = disk::Disk::open(&disk, &wal_dir().join("0000000000000001.wal").unwrap()).unwrap();
        let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
        file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    };
    assert!(bytes(5) == bytes(5));
}

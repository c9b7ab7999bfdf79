//! Many lives of one store: each ends in the middle of some write, killed or without power, and whatever was
//! acknowledged in any of them must be there in all later ones, byte for byte.

use std::collections::BTreeMap;
use std::sync::Arc;

use disk::{Disk, DiskPath, SimDisk};

use super::{Body, Change, Outcome};
use crate::index::Key;
use crate::{
    BlobId, BlobStore, BlobStoreOptions, CompactionStep, Engine, Error, GroupId, Result, SummaryVersion,
    UnixSeconds, checkpoint,
};

const LIVES: u64 = 8;
const STEPS_PER_LIFE: u64 = 14;
const CAPACITY_BYTES: u64 = u64::MAX / 2;

/// How a life ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// Every process is killed; the machine goes on.
    Killed,
    /// Every life ends with the power.
    PowerCut,
    /// Now this, now that: what one life wrote and did not sync may be lost after a later one has relied on it.
    Mixed,
}

#[test]
fn every_acknowledged_blob_outlives_killed_processes() {
    (0..200).for_each(|seed| Lives::run(seed, Ends::Killed));
}

#[test]
fn every_acknowledged_blob_outlives_lost_power() {
    (1000..1200).for_each(|seed| Lives::run(seed, Ends::PowerCut));
}

#[test]
fn every_acknowledged_blob_outlives_killed_processes_and_lost_power() {
    (2000..2200).for_each(|seed| Lives::run(seed, Ends::Mixed));
}

/// A store, and what it has acknowledged.
struct Lives {
    disk: SimDisk,
    random: Random,
    options: BlobStoreOptions,
    /// Acknowledged blobs with their bytes and the newest acknowledged time of touch.
    acknowledged: BTreeMap<Key, (Vec<u8>, UnixSeconds)>,
    now: u64,
    bodies: u64,
    what: String,
}

impl Lives {
    fn run(seed: u64, ends: Ends) {
        let options = BlobStoreOptions {
            segment_bytes: 48 * 1024,
            grow_bytes: (seed % 3) * 4 * 1024,
            upload_buffer_bytes_max: 1024,
            reserve_bytes: 0,
            salt: 42,
            ..BlobStoreOptions::default()
        };
        let mut lives = Self {
            disk: SimDisk::new(seed),
            random: Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            options,
            acknowledged: BTreeMap::new(),
            now: 1000,
            bodies: seed << 32,
            what: String::new(),
        };
        for life in 0..LIVES {
            lives.what = format!("seed {seed} life {life}");
            lives.live(ends);
        }
        lives.what = format!("seed {seed} in the end");
        lives.open();
    }

    /// Opens the store and checks that everything is there.
    fn open(&self) -> BlobStore {
        let opened = Engine::open(Arc::new(self.disk.mount()), dir(), self.options.clone());
        let (engine, report) = opened.unwrap_or_else(|error| panic!("{}: {error:?}", self.what));
        let store = BlobStore::inline(engine);
        for ((group, blob), (bytes, touched)) in &self.acknowledged {
            let found = store.read(*group, blob, 0..u64::MAX);
            let found = found.unwrap_or_else(|error| panic!("{}: {error}, {report:?}", self.what));
            assert!(found == *bytes, "{}: {blob} is something else", self.what);
            let index = store.shared.index.read();
            assert!(
                index.get(&(*group, *blob)).unwrap().touched >= *touched,
                "{}",
                self.what
            );
        }
        // Nothing is damaged here but writes that nobody was told of, and those are no blobs.
        assert_eq!(report.damaged, [], "{}", self.what);
        let scrubbed = store.scrub(None).step(u64::MAX).unwrap();
        assert_eq!(scrubbed.corrupt, [], "{}", self.what);
        store
    }

    fn live(&mut self, ends: Ends) {
        let killed = match ends {
            Ends::Killed => true,
            Ends::PowerCut => false,
            Ends::Mixed => self.random.below(2) == 0,
        };
        let end = 1 + self.random.below(STEPS_PER_LIFE * 3);
        // One life in eight already ends while the store is being opened.
        let early = self.random.below(8) == 0;
        if early {
            self.arm(killed, 1 + self.random.clone().below(6));
            drop(Engine::open(
                Arc::new(self.disk.mount()),
                dir(),
                self.options.clone(),
            ));
        } else {
            let store = self.open();
            self.arm(killed, end);
            while self.step(&store).is_ok() {}
            std::mem::forget(store);
        }
        if killed {
            self.disk.restart();
        } else {
            self.disk.crash();
        }
        self.disk.set_capacity_bytes(CAPACITY_BYTES);
    }

    fn arm(&self, killed: bool, steps: u64) {
        if killed {
            self.disk.kill_after(steps);
        } else {
            self.disk.cut_power_after(steps);
        }
    }

    /// Does something to the store; an error is the end of this life.
    fn step(&mut self, store: &BlobStore) -> Result<()> {
        self.now += self.random.below(3);
        match self.random.below(20) {
            0..=11 => self.batch(store),
            12..=13 => self.batch_on_a_full_disk(store),
            14..=15 => self.upload(store),
            16..=17 => self.sweep(store),
            18 => self.checkpoint(store),
            _ => {
                while store.compaction_step()? != CompactionStep::Idle {}
                Ok(())
            }
        }
    }

    /// Commits what several callers have queued meanwhile.
    fn batch(&mut self, store: &BlobStore) -> Result<()> {
        let mut changes = Vec::new();
        let mut told = Vec::new();
        for _ in 0..1 + self.random.below(5) {
            self.add_change(&mut changes, &mut told);
        }
        // Whether a deletion that nobody was told of has happened is not known until the next one.
        let deleted: Vec<_> = changes.iter().filter_map(deletion).collect();
        let before: Vec<_> = deleted
            .iter()
            .map(|key| (*key, self.acknowledged.remove(key)))
            .collect();
        let outcome = store.shared.engine.lock().commit(&changes);
        match outcome {
            Ok(outcomes) => {
                assert!(!outcomes.contains(&Outcome::Absent), "{}", self.what);
                self.acknowledged.extend(told);
                Ok(())
            }
            Err(Error::NoSpace) => {
                let kept = before.into_iter().filter_map(|(key, was)| Some((key, was?)));
                self.acknowledged.extend(kept);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn add_change(&mut self, changes: &mut Vec<Change>, told: &mut Vec<(Key, (Vec<u8>, UnixSeconds))>) {
        let time = UnixSeconds(self.now);
        let known = self.known();
        match (self.random.below(8), known) {
            (0, Some((key, bytes))) => {
                changes.push(put(key, time, &bytes));
                told.push((key, (bytes, time)));
            }
            // To touch what the same batch deletes would rightly find nothing.
            (1, Some((key, bytes))) if changes.iter().all(|change| deletion(change) != Some(key)) => {
                changes.push(Change::Touch { key, time });
                told.push((key, (bytes, time)));
            }
            (2, Some((key, _))) if !told.iter().any(|(told, _)| *told == key) => {
                let unless_touched_since = UnixSeconds(u64::MAX);
                changes.push(Change::Delete {
                    key,
                    unless_touched_since,
                });
            }
            _ => {
                let bytes = self.body();
                let key = (GroupId(self.random.below(2)), BlobId::of(&bytes));
                changes.push(put(key, time, &bytes));
                if self.random.below(2) == 0 {
                    let content = self.body();
                    changes.push(Change::Summary {
                        key,
                        version: SummaryVersion(1),
                        content,
                    });
                }
                told.push((key, (bytes, time)));
            }
        }
    }

    fn batch_on_a_full_disk(&mut self, store: &BlobStore) -> Result<()> {
        let free = self.disk.mount().free_bytes()?;
        let used = CAPACITY_BYTES - free;
        self.disk.set_capacity_bytes(used + self.random.below(3000));
        let done = self.batch(store);
        self.disk.set_capacity_bytes(CAPACITY_BYTES);
        done
    }

    fn upload(&mut self, store: &BlobStore) -> Result<()> {
        let mut bytes = self.body();
        if self.random.below(4) == 0 {
            // More than a chunk.
            let len = 70_000 + bytes.len();
            bytes = bytes.into_iter().cycle().take(len).collect();
        }
        let mut upload = store.begin(GroupId(0));
        bytes.chunks(10_000).try_for_each(|piece| upload.push(piece))?;
        if self.random.below(4) > 0 {
            let blob = upload.finish(UnixSeconds(self.now))?;
            self.acknowledged
                .insert((GroupId(0), blob), (bytes, UnixSeconds(self.now)));
        }
        Ok(())
    }

    /// Notes the index, perhaps while changes go on: as slowly as can be, so that all of it is newer than the
    /// place that it claims to cover.
    fn checkpoint(&mut self, store: &BlobStore) -> Result<()> {
        if self.random.below(2) == 0 {
            return store.checkpoint();
        }
        let header = store.shared.engine.lock().begin_checkpoint()?;
        for _ in 0..self.random.below(4) {
            self.batch(store)?;
            self.sweep(store)?;
            store.compaction_step()?;
        }
        let shared = &store.shared;
        checkpoint::write(&*shared.disk, &dir(), header, &shared.index)?;
        Ok(())
    }

    /// Removes what is old, as a collection of garbage does.
    fn sweep(&mut self, store: &BlobStore) -> Result<()> {
        let older_than = UnixSeconds(self.now.saturating_sub(20));
        self.acknowledged
            .retain(|(group, _), (_, touched)| group.0 != 1 || *touched >= older_than);
        store.sweep(GroupId(1), &|_| false, older_than).map(|_| ())
    }

    fn known(&mut self) -> Option<(Key, Vec<u8>)> {
        let place = self.random.below(self.acknowledged.len() as u64 + 1);
        let known = self.acknowledged.iter().nth(usize::try_from(place).unwrap());
        known.map(|(key, (bytes, _))| (*key, bytes.clone()))
    }

    /// Makes bytes that were not there before and do not compress.
    fn body(&mut self) -> Vec<u8> {
        self.bodies += 1;
        let len = match self.random.below(10) {
            0 => 0,
            1..=5 => self.random.below(500),
            6..=8 => self.random.below(3000),
            _ => self.random.below(20_000),
        };
        let mut out = vec![0; usize::try_from(len).unwrap() + 8];
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.bodies.to_le_bytes());
        hasher.finalize_xof().fill(&mut out);
        out
    }
}

fn dir() -> DiskPath {
    DiskPath::new("blobs").unwrap()
}

fn put(key: Key, time: UnixSeconds, bytes: &[u8]) -> Change {
    let body = Body::of(bytes);
    Change::Put { key, time, body }
}

fn deletion(change: &Change) -> Option<Key> {
    match change {
        Change::Delete { key, .. } => Some(*key),
        _ => None,
    }
}

/// Seeded choices of a test.
#[derive(Clone)]
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound.max(1)
    }
}

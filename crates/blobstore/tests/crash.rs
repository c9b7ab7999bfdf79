//! Random changes with crashes at random points, against a model that knows only what was acknowledged.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed step is a failed test")]

mod support;

use std::collections::BTreeMap;

use blobstore::{
    BlobId, BlobStore, BlobStoreOptions, CompactionStep, Error, GroupId, Summary, SummaryVersion, UnixSeconds,
};
use disk::{Disk, SimDisk};
use support::{Random, dir, noise, open_with_report, options, text};

const SEEDS: u64 = 40;
const LIVES: u64 = 4;
const STEPS_PER_LIFE: u64 = 25;

/// What must be there: the newest acknowledged time of touch of each blob.
type Model = BTreeMap<(GroupId, BlobId), UnixSeconds>;

/// Makes one random change. `Err` means that the power has gone.
fn step(store: &BlobStore, model: &mut Model, random: &mut Random, now: UnixSeconds) -> Result<(), Error> {
    let group = GroupId(random.below(2));
    let len = usize::try_from(random.below(40) * random.below(100) * random.below(100)).unwrap();
    let bytes = if random.below(2) == 0 {
        text(len)
    } else {
        noise(len)
    };
    match random.below(12) {
        0..=4 => {
            let blob = store.put(group, &bytes, now)?;
            model.insert((group, blob), now);
        }
        5..=7 => {
            let mut upload = store.begin(group);
            for piece in bytes.chunks(50_000) {
                upload.push(piece)?;
            }
            if random.below(4) > 0 {
                let blob = upload.finish(now)?;
                model.insert((group, blob), now);
            }
        }
        8 => {
            let known = usize::try_from(random.below(model.len() as u64 + 1)).unwrap();
            if let Some(((group, blob), touched)) = model.iter_mut().nth(known) {
                assert!(store.touch(*group, blob, now)?);
                *touched = now;
            }
        }
        9 => {
            let older_than = UnixSeconds(now.0.saturating_sub(10));
            // A sweep that loses power has removed some of them; which is not known.
            let doomed: Vec<_> = model
                .iter()
                .filter(|((of, _), touched)| *of == group && **touched < older_than)
                .collect();
            let doomed: Vec<_> = doomed.into_iter().map(|(key, _)| *key).collect();
            doomed.iter().for_each(|key| {
                model.remove(key);
            });
            store.sweep(group, &|_| false, older_than)?;
            // What is left was touched later by a change that nobody heard of before the power went.
            let left = store.list(group, None, usize::MAX);
            assert!(left.iter().all(|info| info.touched >= older_than));
        }
        10 => store.checkpoint()?,
        _ => while store.compaction_step()? != CompactionStep::Idle {},
    }
    Ok(())
}

fn check(store: &BlobStore, model: &Model, what: &str) {
    for ((group, blob), touched) in model {
        let info = store
            .list(*group, None, usize::MAX)
            .into_iter()
            .find(|info| info.blob == *blob);
        let info = info.unwrap_or_else(|| panic!("{what}: {blob} is gone"));
        assert!(info.touched >= *touched, "{what}: {blob} forgot its touch");
    }
    // A torn write may have left a record, but never one that counts as a blob.
    for group in [GroupId(0), GroupId(1)] {
        for info in store
            .list(group, None, usize::MAX)
            .iter()
            .filter(|info| !info.corrupt)
        {
            let bytes = store.read(group, &info.blob, 0..u64::MAX);
            assert_eq!(
                bytes.map(|bytes| BlobId::of(&bytes)).unwrap(),
                info.blob,
                "{what}"
            );
        }
        assert!(
            model.keys().all(|(group, blob)| store.contains(*group, blob)),
            "{what}: a blob is bad"
        );
    }
}

fn run(seed: u64) {
    let random = &mut Random::new(seed);
    let disk = SimDisk::new(seed);
    let options = || BlobStoreOptions {
        grow_bytes: (seed % 2) * 32 * 1024,
        ..options()
    };
    let mut model = Model::new();
    let mut now = UnixSeconds(100);
    for life in 0..LIVES {
        let (store, _) = open_with_report(&disk, options());
        check(&store, &model, &format!("seed {seed} life {life}"));
        disk.cut_power_after(1 + random.below(STEPS_PER_LIFE * 6));
        for _ in 0..STEPS_PER_LIFE {
            now.0 += random.below(3);
            match step(&store, &mut model, random, now) {
                Ok(()) => (),
                Err(Error::Poisoned { .. } | Error::Disk { .. }) => break,
                Err(error) => panic!("seed {seed} life {life}: {error}"),
            }
        }
        disk.crash();
        drop(store);
    }
    let (store, _) = open_with_report(&disk, options());
    check(&store, &model, &format!("seed {seed} in the end"));
}

#[test]
fn acknowledged_blobs_survive_every_crash() {
    (0..SEEDS).for_each(run);
}

#[test]
fn a_crash_in_the_middle_of_an_upload_leaves_no_half_blob() {
    let bytes = noise(400_000);
    let upload = |disk: &SimDisk| -> Result<(), Error> {
        let (engine, _) = blobstore::Engine::open(std::sync::Arc::new(disk.mount()), dir(), options())?;
        let store = BlobStore::inline(engine);
        let mut upload = store.begin(GroupId(1));
        bytes.chunks(64 * 1024).try_for_each(|piece| upload.push(piece))?;
        upload.finish(UnixSeconds(1)).map(|_| ())
    };
    let dry = SimDisk::new(0);
    upload(&dry).unwrap();
    let attempts = (1..=dry.step_count()).flat_map(|step| (0..6).map(move |seed| (step, seed)));
    for (step, seed) in attempts {
        let disk = SimDisk::new(seed);
        disk.cut_power_after(step);
        let acknowledged = upload(&disk).is_ok();
        disk.crash();
        let (store, _) = open_with_report(&disk, options());
        let blob = BlobId::of(&bytes);
        let there = store.contains(GroupId(1), &blob);
        assert!(there || !acknowledged, "step {step}");
        if there {
            assert!(
                store.read(GroupId(1), &blob, 0..u64::MAX).unwrap() == bytes,
                "step {step}"
            );
        }
        // Whatever was left behind does not stand in the way of the next attempt.
        let again = store.put(GroupId(1), &bytes[..50_000], UnixSeconds(2)).unwrap();
        assert!(store.read(GroupId(1), &again, 0..u64::MAX).unwrap() == bytes[..50_000]);
    }
}

/// A message and its summary are written at once. Killed in the middle of the summary, the store keeps the
/// message; the head of the summary must not claim the space of what is stored next.
#[test]
fn the_torn_head_of_a_killed_write_hides_no_later_blob() {
    let summary = Summary {
        version: SummaryVersion(1),
        bytes: noise(900).into(),
    };
    for seed in 0..300 {
        let disk = SimDisk::new(seed);
        let (store, _) = open_with_report(&disk, options());
        disk.kill_after(1);
        assert!(
            store
                .put_with_summary(GroupId(1), &noise(200), &summary, UnixSeconds(1))
                .is_err()
        );
        disk.restart();
        let (store, _) = open_with_report(&disk, options());
        let blobs: Vec<_> = (0..6)
            .map(|n| store.put(GroupId(1), &noise(300 + n), UnixSeconds(2)).unwrap())
            .collect();
        disk.restart();
        drop(store);
        let (store, report) = open_with_report(&disk, options());
        assert_eq!(report.damaged, [], "seed {seed}");
        assert!(
            blobs.iter().all(|blob| store.contains(GroupId(1), blob)),
            "seed {seed}"
        );
    }
}

/// What lies before the last write was durable: bytes that cannot be read there are damage and not a torn end.
#[test]
fn damage_before_the_last_write_is_named_and_costs_nothing_else() {
    for (flipped, in_header) in [(8, true), (300, false)] {
        let disk = SimDisk::new(1);
        let (store, _) = open_with_report(&disk, options());
        let put = |n| store.put(GroupId(1), &noise(n), UnixSeconds(1)).unwrap();
        let (first, bad, last) = (put(1000), put(1001), put(1002));
        // The first record takes 1152 bytes behind the header of the segment, rounded up to a sector.
        let path = dir().join("0000000000000001.blobs").unwrap();
        assert!(disk.flip_bits(&path, 512 + 1536 + flipped, 1));
        disk.restart();
        drop(store);
        for life in 0..3 {
            let (store, report) = open_with_report(&disk, options());
            assert_eq!(report.damaged.len(), usize::from(in_header), "{report:?}");
            let corrupt = if in_header {
                vec![]
            } else {
                vec![(GroupId(1), bad)]
            };
            assert_eq!(report.corrupt, corrupt, "life {life}");
            assert!(store.contains(GroupId(1), &first) && store.contains(GroupId(1), &last));
            assert!(!store.contains(GroupId(1), &bad));
            store
                .put(GroupId(1), &noise(2000 + life), UnixSeconds(1))
                .unwrap();
            disk.restart();
        }
        let (store, _) = open_with_report(&disk, options());
        store.put(GroupId(1), &noise(1001), UnixSeconds(1)).unwrap();
        assert!(store.read(GroupId(1), &bad, 0..u64::MAX).unwrap() == noise(1001));
        disk.restart();
        drop(store);
        assert_eq!(open_with_report(&disk, options()).1.corrupt, []);
    }
}

#[test]
fn flipped_bits_are_never_served() {
    let build = || {
        let disk = SimDisk::new(3);
        let (store, _) = open_with_report(&disk, options());
        let bodies = [text(3000), noise(5000), noise(150_000), text(70_000), vec![]];
        for body in &bodies {
            let mut upload = store.begin(GroupId(1));
            upload.push(body).unwrap();
            upload.finish(UnixSeconds(1)).unwrap();
        }
        (disk, store, bodies)
    };
    let (disk, store, bodies) = build();
    let path = dir().join("0000000000000001.blobs").unwrap();
    let len = disk.open(&path).unwrap().len().unwrap();
    std::mem::forget(store);
    let mut detected = 0;
    for offset in (0..len).step_by(1511) {
        assert!(disk.flip_bits(&path, offset, 0x04));
        // No crash and no closing: the index is rebuilt from the damaged segment.
        let other = SimDisk::new(1);
        copy(&disk, &other);
        let (store, report) = open_with_report(&other, options());
        for body in &bodies {
            let blob = BlobId::of(body);
            match store.read(GroupId(1), &blob, 0..u64::MAX) {
                Ok(bytes) => assert!(bytes == *body, "{offset}"),
                Err(Error::Corrupt { blob: named, .. } | Error::NotFound { blob: named, .. }) => {
                    assert_eq!(named, blob);
                    detected += 1;
                    // The next upload of the same bytes makes it good.
                    store.put(GroupId(1), body, UnixSeconds(9)).unwrap();
                    assert!(store.read(GroupId(1), &blob, 0..u64::MAX).unwrap() == *body);
                }
                Err(error) => panic!("{offset}: {error}"),
            }
        }
        assert!(report.damaged.len() < 5);
        assert!(disk.flip_bits(&path, offset, 0x04));
    }
    assert!(detected > 60, "{detected}");
}

/// A store whose segments are mostly garbage, and what of it must stay.
fn worth_compacting(disk: &SimDisk) -> (BlobStore, Vec<(BlobId, Vec<u8>)>) {
    let options = BlobStoreOptions {
        segment_bytes: 24 * 1024,
        upload_buffer_bytes_max: 1024,
        ..options()
    };
    let (store, _) = open_with_report(disk, options);
    let summary = Summary {
        version: SummaryVersion(1),
        bytes: noise(300).into(),
    };
    let mut kept = Vec::new();
    for n in 0..24 {
        let bytes = noise(2000 + n);
        let blob = store
            .put_with_summary(GroupId(1), &bytes, &summary, UnixSeconds(1))
            .unwrap();
        if n % 4 == 0 {
            kept.push((blob, bytes));
        }
        if n == 9 {
            let bytes = noise(70_000);
            let mut upload = store.begin(GroupId(1));
            upload.push(&bytes).unwrap();
            kept.push((upload.finish(UnixSeconds(1)).unwrap(), bytes));
        }
    }
    let live = |blob: &BlobId| kept.iter().any(|(kept, _)| kept == blob);
    store.sweep(GroupId(1), &live, UnixSeconds(9)).unwrap();
    (store, kept)
}

fn compact(store: &BlobStore) -> Result<u64, Error> {
    let mut removed = 0;
    loop {
        match store.compaction_step()? {
            CompactionStep::Removed(_) => removed += 1,
            CompactionStep::Copied(_) => (),
            CompactionStep::Idle => return Ok(removed),
        }
    }
}

#[test]
fn a_checkpoint_serves_although_its_segment_was_compacted_away() {
    let disk = SimDisk::new(1);
    let (store, kept) = worth_compacting(&disk);
    store.checkpoint().unwrap();
    // What the newest segment holds becomes garbage too, and others follow.
    let live = |blob: &BlobId| kept.iter().take(2).any(|(kept, _)| kept == blob);
    store.sweep(GroupId(1), &live, UnixSeconds(9)).unwrap();
    for n in 0..20 {
        store.put(GroupId(2), &noise(3000 + n), UnixSeconds(9)).unwrap();
    }
    assert!(compact(&store).unwrap() >= 3);
    disk.restart();
    drop(store);
    let (store, report) = open_with_report(&disk, options());
    assert!(report.from_checkpoint);
    assert!(store.list(GroupId(2), None, 99).len() == 20);
    for (blob, bytes) in kept.iter().take(2) {
        assert!(store.read(GroupId(1), blob, 0..u64::MAX).unwrap() == *bytes);
    }
}

#[test]
fn a_compaction_may_end_at_every_single_step() {
    let dry = SimDisk::new(0);
    let (store, _) = worth_compacting(&dry);
    let before = dry.step_count();
    assert!(compact(&store).unwrap() >= 3);
    let steps = dry.step_count() - before;
    for (step, killed) in (1..=steps).flat_map(|step| [(step, true), (step, false)]) {
        let disk = SimDisk::new(step);
        let (store, kept) = worth_compacting(&disk);
        if killed {
            disk.kill_after(step);
        } else {
            disk.cut_power_after(step);
        }
        assert!(compact(&store).is_err(), "step {step}");
        std::mem::forget(store);
        if killed {
            disk.restart();
        } else {
            disk.crash();
        }
        let (store, report) = open_with_report(&disk, options());
        assert_eq!(report.damaged, [], "step {step}");
        let check = || {
            for (blob, bytes) in &kept {
                let found = store.read(GroupId(1), blob, 0..u64::MAX);
                assert!(found.unwrap() == *bytes, "step {step}");
            }
        };
        check();
        compact(&store).unwrap();
        check();
    }
}

#[test]
fn a_scrub_finds_what_went_bad_under_a_running_store() {
    let disk = SimDisk::new(3);
    let (store, _) = open_with_report(&disk, options());
    let blobs: Vec<_> = (1..20)
        .map(|n| store.put(GroupId(1), &noise(n * 1000), UnixSeconds(1)).unwrap())
        .collect();
    let whole = store.scrub(None).step(u64::MAX).unwrap();
    assert_eq!((whole.sound, whole.corrupt, whole.done), (19, vec![], true));
    assert!(disk.flip_bits(&dir().join("0000000000000001.blobs").unwrap(), 20_000, 1));
    let found = store.scrub(None).step(u64::MAX).unwrap();
    assert_eq!(found.sound, 18);
    let [(group, bad)] = *found.corrupt else {
        panic!("{found:?}");
    };
    assert!(blobs.contains(&bad));
    assert!(
        !store.contains(group, &bad),
        "a blob known to be bad counts as absent"
    );
    assert!(matches!(
        store.read(GroupId(1), &bad, 0..1),
        Err(Error::Corrupt { .. })
    ));
    // Somebody else had the bytes.
    let bytes = (1..20)
        .map(|n| noise(n * 1000))
        .find(|bytes| BlobId::of(bytes) == bad)
        .unwrap();
    store.put(group, &bytes, UnixSeconds(2)).unwrap();
    assert_eq!(store.scrub(None).step(u64::MAX).unwrap().corrupt, []);
}

#[test]
fn a_damaged_checkpoint_is_not_believed() {
    let disk = SimDisk::new(3);
    let (store, _) = open_with_report(&disk, options());
    let blob = store.put(GroupId(1), &text(900), UnixSeconds(1)).unwrap();
    drop(store);
    let path = dir().join("index").unwrap();
    for offset in 0..disk.open(&path).unwrap().len().unwrap() {
        assert!(disk.flip_bits(&path, offset, 0x40));
        let other = SimDisk::new(1);
        copy(&disk, &other);
        let (store, report) = open_with_report(&other, options());
        assert!(!report.from_checkpoint, "{offset}");
        assert!(store.contains(GroupId(1), &blob));
        assert!(disk.flip_bits(&path, offset, 0x40));
    }
}

/// Copies the store's files to another disk.
fn copy(from: &SimDisk, to: &SimDisk) {
    to.create_dir_all(&dir()).unwrap();
    for name in from.list(&dir()).unwrap() {
        let path = dir().join(&name).unwrap();
        let source = from.open(&path).unwrap();
        let mut bytes = vec![0; usize::try_from(source.len().unwrap()).unwrap()];
        source.read_exact_at(&mut bytes, 0).unwrap();
        let target = to.create_new(&path).unwrap();
        target.write_all_at(&bytes, 0).unwrap();
        target.sync_data().unwrap();
    }
    to.sync_dir(&dir()).unwrap();
}

//! The store as a storage node uses it.
#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

mod support;

use blobstore::{
    BlobId, BlobStoreOptions, CompactionStep, Error, GroupId, Summary, SummaryVersion, UnixSeconds,
};
use bytes::Bytes;
use disk::{Disk, SimDisk};
use support::{noise, open, options, reopen, text};

const ONE: GroupId = GroupId(1);
const TWO: GroupId = GroupId(2);
const NOW: UnixSeconds = UnixSeconds(1000);

#[test]
fn blobs_come_back_whole_and_in_part() {
    let disk = SimDisk::new(1);
    let store = open(&disk);
    for bytes in [
        vec![],
        b"x".to_vec(),
        text(1000),
        noise(70_000),
        text(200_000),
        noise(1_000_000),
    ] {
        let blob = store.put(ONE, &bytes, NOW).unwrap();
        assert_eq!(blob, BlobId::of(&bytes));
        assert_eq!(store.len(ONE, &blob), Some(bytes.len() as u64));
        assert!(store.read(ONE, &blob, 0..u64::MAX).unwrap() == bytes);
        for (from, to) in [
            (0, 1),
            (65_535, 65_537),
            (1, 2_000_000),
            (500, 500),
            (130_000, 131_073),
        ] {
            let clip = |at: u64| usize::try_from(at).unwrap().min(bytes.len());
            assert!(store.read(ONE, &blob, from..to).unwrap() == bytes[clip(from)..clip(to)]);
        }
    }
}

#[test]
fn uploads_stream_and_agree_with_puts() {
    let disk = SimDisk::new(1);
    let store = open(&disk);
    for len in [0, 10, 64 * 1024, 64 * 1024 + 1, 300_000, 700_001] {
        let bytes = if len % 2 == 0 { text(len) } else { noise(len) };
        for piece in [1000, 65_536, 200_000] {
            let mut upload = store.begin(ONE);
            bytes.chunks(piece).for_each(|piece| upload.push(piece).unwrap());
            let blob = upload.finish(NOW).unwrap();
            assert_eq!(blob, BlobId::of(&bytes));
            assert!(store.read(ONE, &blob, 0..u64::MAX).unwrap() == bytes);
        }
    }
    drop(store.begin(ONE));
    let mut aborted = store.begin(ONE);
    aborted.push(&noise(500_000)).unwrap();
    drop(aborted);
    let listed = store.list(ONE, None, 100).len();
    drop(store);
    assert_eq!(reopen(&disk).list(ONE, None, 100).len(), listed);
    assert_eq!(listed, 6);
}

#[test]
fn groups_do_not_see_each_other() {
    let store = open(&SimDisk::new(1));
    let blob = store.put(ONE, b"mine", NOW).unwrap();
    assert!(!store.contains(TWO, &blob));
    assert!(matches!(
        store.read(TWO, &blob, 0..9),
        Err(Error::NotFound { .. })
    ));
    store.put(TWO, b"mine", NOW).unwrap();
    store.put(TWO, b"mine", NOW).unwrap();
    store.forget_group(ONE).unwrap();
    assert_eq!((store.group_len(ONE), store.group_len(TWO)), (0, 4));
    assert!(!store.contains(ONE, &blob));
    assert!(store.contains(TWO, &blob));
}

#[test]
fn everything_is_found_again_with_and_without_checkpoint() {
    for clean in [true, false] {
        let disk = SimDisk::new(7);
        let store = open(&disk);
        let small = store.put(ONE, &text(9000), NOW).unwrap();
        let mut upload = store.begin(TWO);
        upload.push(&noise(900_000)).unwrap();
        let large = upload.finish(NOW).unwrap();
        let gone = store.put(ONE, b"gone", UnixSeconds(1)).unwrap();
        assert!(store.touch(ONE, &small, UnixSeconds(2000)).unwrap());
        assert!(!store.touch(TWO, &small, UnixSeconds(2000)).unwrap());
        let summary = Summary {
            version: SummaryVersion(3),
            bytes: Bytes::from_static(b"derived"),
        };
        assert!(store.put_summary(TWO, &large, &summary).unwrap());
        store.sweep(ONE, &|_| false, UnixSeconds(2)).unwrap();
        if clean {
            drop(store);
        } else {
            disk.crash();
            drop(store);
        }
        let (store, report) = support::open_with_report(&disk, options());
        assert_eq!(report.from_checkpoint, clean);
        assert_eq!(report.damaged, []);
        assert!(store.read(ONE, &small, 0..u64::MAX).unwrap() == text(9000));
        assert!(store.read(TWO, &large, 0..u64::MAX).unwrap() == noise(900_000));
        assert!(!store.contains(ONE, &gone));
        assert_eq!(
            store.list(ONE, None, 9).first().unwrap().touched,
            UnixSeconds(2000)
        );
        assert_eq!(store.summary(TWO, &large).unwrap(), Some(summary));
        assert_eq!(store.summary(ONE, &small).unwrap(), None);
    }
}

#[test]
fn a_sweep_spares_the_living_and_the_recently_touched() {
    let store = open(&SimDisk::new(1));
    let live = store.put(ONE, b"live", UnixSeconds(10)).unwrap();
    let dead = store.put(ONE, b"dead", UnixSeconds(10)).unwrap();
    let young = store.put(ONE, b"young", UnixSeconds(90)).unwrap();
    let again = store.put(ONE, b"again", UnixSeconds(10)).unwrap();
    store.put(ONE, b"again", UnixSeconds(95)).unwrap();
    let report = store.sweep(ONE, &|blob| *blob == live, UnixSeconds(50)).unwrap();
    assert_eq!((report.removed, report.removed_bytes, report.kept), (1, 4, 3));
    for (blob, kept) in [(live, true), (dead, false), (young, true), (again, true)] {
        assert_eq!(store.contains(ONE, &blob), kept);
    }
}

#[test]
fn an_upload_between_the_look_and_the_removal_saves_the_blob() {
    let store = open(&SimDisk::new(1));
    let blob = store.put(ONE, b"wanted again", UnixSeconds(10)).unwrap();
    let upload_meanwhile = |_: &BlobId| {
        store.put(ONE, b"wanted again", UnixSeconds(100)).unwrap();
        false
    };
    let report = store.sweep(ONE, &upload_meanwhile, UnixSeconds(50)).unwrap();
    assert_eq!(report.removed, 0);
    assert!(store.contains(ONE, &blob));
}

#[test]
fn compaction_keeps_the_living_and_gives_space_back() {
    let disk = SimDisk::new(3);
    let store = open(&disk);
    let mut upload = store.begin(ONE);
    upload.push(&noise(600_000)).unwrap();
    let large = upload.finish(UnixSeconds(10)).unwrap();
    let blobs: Vec<BlobId> = (0..60)
        .map(|n| store.put(ONE, &noise(20_000 + n), UnixSeconds(10)).unwrap())
        .collect();
    let kept: Vec<BlobId> = blobs.iter().copied().step_by(6).collect();
    let summary = Summary {
        version: SummaryVersion(1),
        bytes: Bytes::from_static(b"s"),
    };
    store.put_summary(ONE, &kept[0], &summary).unwrap();
    store.touch(ONE, &kept[1], UnixSeconds(77)).unwrap();
    let readers: Vec<_> = kept
        .iter()
        .map(|blob| store.reader(ONE, blob, 0..u64::MAX).unwrap())
        .collect();
    store
        .sweep(
            ONE,
            &|blob| kept.contains(blob) || *blob == large,
            UnixSeconds(50),
        )
        .unwrap();
    let before = disk.list(&support::dir()).unwrap().len();
    let mut removed = 0;
    loop {
        match store.compaction_step().unwrap() {
            CompactionStep::Removed(_) => removed += 1,
            CompactionStep::Copied(_) => (),
            CompactionStep::Idle => break,
        }
    }
    assert!(removed > 3, "removed {removed} of {before}");
    for (reader, blob) in readers.into_iter().zip(&kept) {
        let bytes: Vec<u8> = reader.flat_map(|chunk| chunk.unwrap().to_vec()).collect();
        assert_eq!(BlobId::of(&bytes), *blob);
    }
    disk.crash();
    drop(store);
    let store = reopen(&disk);
    let scrubbed = store.scrub(None).step(u64::MAX).unwrap();
    assert_eq!(scrubbed.corrupt, []);
    assert!(scrubbed.sound > kept.len() as u64);
    assert!(store.contains(ONE, &large) && kept.iter().all(|blob| store.contains(ONE, blob)));
    // A deletion whose record was compacted away has come undone; the next sweep makes it good.
    store
        .sweep(
            ONE,
            &|blob| kept.contains(blob) || *blob == large,
            UnixSeconds(50),
        )
        .unwrap();
    assert_eq!(store.list(ONE, None, 99).len(), kept.len() + 1);
    assert!(kept.iter().all(|blob| store.contains(ONE, blob)));
    assert_eq!(store.summary(ONE, &kept[0]).unwrap(), Some(summary));
    let touched = store
        .list(ONE, None, 99)
        .into_iter()
        .find(|info| info.blob == kept[1])
        .unwrap()
        .touched;
    assert_eq!(touched, UnixSeconds(77));
}

#[test]
fn a_sweep_goes_page_by_page_with_one_sync_each() {
    let disk = SimDisk::new(1);
    let store = open(&disk);
    for n in 0..600_u32 {
        store.put(ONE, &n.to_le_bytes(), UnixSeconds(10)).unwrap();
    }
    store.put(TWO, b"of another group", UnixSeconds(10)).unwrap();
    assert_eq!(store.groups(), [ONE, TWO]);
    let live = |blob: &BlobId| blob.0[0] < 64;
    let syncs = disk.sync_count();
    let (mut pages, mut removed, mut kept, mut after) = (0, 0, 0, None);
    loop {
        let page = store.sweep_page(ONE, after, &live, UnixSeconds(50)).unwrap();
        removed += page.report.removed;
        kept += page.report.kept;
        after = page.next;
        if after.is_none() {
            break;
        }
        pages += 1;
    }
    assert_eq!(pages, 3);
    assert!(removed > 300 && removed + kept == 600);
    assert!(
        disk.sync_count() - syncs <= 3 + 2,
        "one for a page, and for a new segment"
    );
    let left = store.list(ONE, None, 1000);
    assert!(left.len() as u64 == kept && left.iter().all(|info| live(&info.blob)));
    store.sweep(ONE, &|_| false, UnixSeconds(50)).unwrap();
    assert_eq!(store.groups(), [TWO]);
}

#[test]
fn a_scrub_reads_no_faster_than_it_is_told() {
    let store = open(&SimDisk::new(1));
    let long = noise(1_000_000);
    let mut upload = store.begin(ONE);
    upload.push(&long).unwrap();
    upload.finish(NOW).unwrap();
    for n in 0..10 {
        store.put(TWO, &noise(5000 + n), NOW).unwrap();
    }
    let (mut scrub, mut steps, mut sound, mut bytes) = (store.scrub(None), 0, 0, 0);
    let mut middle = None;
    loop {
        let step = scrub.step(100_000).unwrap();
        assert!(step.bytes <= 100_000 + 64 * 1024);
        steps += 1;
        sound += step.sound;
        bytes += step.bytes;
        if step.done {
            break;
        }
        middle = middle.or(scrub.position());
    }
    assert!(steps >= 7, "the long blob takes several steps");
    assert_eq!(sound, 11);
    assert!((1_050_000..1_060_000).contains(&bytes), "{bytes}");
    // A walk goes on where another one was left.
    let rest = store.scrub(middle).step(u64::MAX).unwrap();
    assert!(rest.done && rest.sound < 11);
    assert_eq!(store.scrub(scrub.position()).step(1).unwrap().sound, 0);
}

#[test]
fn what_is_used_and_what_is_needed_are_told_apart() {
    let store = open(&SimDisk::new(1));
    for n in 0..40 {
        store.put(ONE, &noise(20_000 + n), UnixSeconds(1)).unwrap();
    }
    let full = store.usage();
    assert!(full.segments >= 3 && full.live_bytes >= 800_000 && full.bytes >= full.live_bytes);
    store.sweep(ONE, &|_| false, UnixSeconds(9)).unwrap();
    let swept = store.usage();
    assert!(swept.live_bytes == 0 && swept.bytes >= full.bytes);
    while store.compaction_step().unwrap() != CompactionStep::Idle {}
    let compacted = store.usage();
    assert_eq!(compacted.segments, 1);
    assert!(compacted.bytes < options().segment_bytes + 1);
}

#[test]
fn below_the_reserve_only_what_gives_space_back_goes_on() {
    let disk = SimDisk::new(1);
    let store = open(&disk);
    let blobs: Vec<BlobId> = (0..30)
        .map(|n| store.put(ONE, &noise(20_000 + n), UnixSeconds(1)).unwrap())
        .collect();
    let used = u64::MAX / 2 - disk.free_bytes().unwrap();
    // A message is refused that would fit the disk and not the space above the reserve.
    disk.set_capacity_bytes(used + options().reserve_bytes + 10_000);
    store.put(ONE, &noise(2000), UnixSeconds(5)).unwrap();
    assert!(matches!(store.put(ONE, &noise(30_000), NOW), Err(Error::NoSpace)));
    disk.set_capacity_bytes(used + options().reserve_bytes);
    assert!(matches!(store.put(ONE, b"x", NOW), Err(Error::NoSpace)));
    assert_eq!(store.read(ONE, &blobs[7], 0..u64::MAX).unwrap(), noise(20_007));
    assert!(store.touch(ONE, &blobs[0], UnixSeconds(90)).unwrap());
    store.checkpoint().unwrap();
    let kept = |blob: &BlobId| *blob == blobs[7];
    assert_eq!(store.sweep(ONE, &kept, UnixSeconds(50)).unwrap().kept, 2);
    while store.compaction_step().unwrap() != CompactionStep::Idle {}
    assert!(!store.is_below_reserve().unwrap());
    store.put(ONE, &noise(30_000), NOW).unwrap();
    assert_eq!(store.read(ONE, &blobs[7], 0..u64::MAX).unwrap(), noise(20_007));
}

#[test]
fn a_full_disk_refuses_uploads_and_recovers() {
    let disk = SimDisk::new(1);
    let store = open(&disk);
    let first = store.put(ONE, &noise(5000), UnixSeconds(1)).unwrap();
    disk.set_capacity_bytes(options().reserve_bytes);
    assert!(matches!(store.put(ONE, &noise(6000), NOW), Err(Error::NoSpace)));
    let mut upload = store.begin(ONE);
    upload.push(b"short").unwrap();
    assert!(matches!(upload.finish(NOW), Err(Error::NoSpace)));
    assert!(store.touch(ONE, &first, UnixSeconds(2)).unwrap());
    store.sweep(ONE, &|_| false, UnixSeconds(9)).unwrap();
    disk.set_capacity_bytes(u64::MAX / 2);
    let second = store.put(ONE, &noise(6000), NOW).unwrap();
    disk.crash();
    drop(store);
    let store = reopen(&disk);
    assert!(store.contains(ONE, &second));
    assert!(!store.contains(ONE, &first));
}

#[test]
fn a_failed_sync_poisons_the_store() {
    let disk = SimDisk::new(1);
    let store = open(&disk);
    disk.fail_sync_after(1);
    assert!(matches!(store.put(ONE, b"a", NOW), Err(Error::Poisoned { .. })));
    assert!(matches!(store.put(ONE, b"b", NOW), Err(Error::Poisoned { .. })));
    assert!(!store.contains(ONE, &BlobId::of(b"a")));
}

/// After a sync that failed, the system counts what it could not write as written (found by simulation, seed 1092).
#[test]
fn blobs_that_were_found_after_a_failed_sync_survive_a_crash() {
    for nth in 1..=12 {
        let disk = SimDisk::new(nth);
        let store = open(&disk);
        disk.fail_sync_after(nth);
        let stored: Vec<BlobId> = (0..12)
            .map_while(|n| store.put(ONE, &noise(5000 + n), NOW).ok())
            .collect();
        assert!(stored.len() < 12, "sync {nth} did not fail");
        // The checkpoint of a store in order is no help after this.
        std::mem::forget(store);
        let store = reopen(&disk);
        let found: Vec<BlobId> = store
            .list(ONE, None, 100)
            .into_iter()
            .map(|info| info.blob)
            .collect();
        assert!(stored.iter().all(|blob| found.contains(blob)), "sync {nth}");
        std::mem::forget(store);
        disk.crash();
        let store = reopen(&disk);
        for blob in found {
            assert!(
                store.read(ONE, &blob, 0..u64::MAX).is_ok(),
                "sync {nth}: {blob:?}"
            );
        }
    }
}

#[test]
fn a_blob_and_its_summary_are_stored_together() {
    let disk = SimDisk::new(7);
    let store = open(&disk);
    let summary = Summary {
        version: SummaryVersion(3),
        bytes: Bytes::from_static(b"about it"),
    };
    let blob = store.put_with_summary(ONE, b"a message", &summary, NOW).unwrap();
    assert_eq!(store.summary(ONE, &blob).unwrap(), Some(summary));
    assert_eq!(store.read(ONE, &blob, 0..100).unwrap(), &b"a message"[..]);
    assert!(store.live_bytes() > 0);
}

#[test]
fn a_touch_outlives_the_segment_that_recorded_it() {
    let disk = SimDisk::new(1);
    let store = open(&disk);
    let first: Vec<BlobId> = (0..12)
        .map(|n| store.put(ONE, &noise(20_000 + n), UnixSeconds(60)).unwrap())
        .collect();
    // The second segment: a touch of a blob in the first one, and nothing else that stays.
    store.put(ONE, &noise(22_000), UnixSeconds(10)).unwrap();
    store.touch(ONE, &first[0], UnixSeconds(99)).unwrap();
    for n in 0..14 {
        store.put(ONE, &noise(21_000 + n), UnixSeconds(10)).unwrap();
    }
    store.sweep(ONE, &|_| false, UnixSeconds(50)).unwrap();
    let mut removed = 0;
    loop {
        match store.compaction_step().unwrap() {
            CompactionStep::Removed(_) => removed += 1,
            CompactionStep::Copied(_) => (),
            CompactionStep::Idle => break,
        }
    }
    assert!(removed > 0);
    disk.crash();
    drop(store);
    let store = reopen(&disk);
    let info = store
        .list(ONE, None, 99)
        .into_iter()
        .find(|info| info.blob == first[0])
        .unwrap();
    assert_eq!(info.touched, UnixSeconds(99));
}

/// Records of touch alone keep a segment alive; copying them would only make the next such segment.
#[test]
fn touches_are_not_copied_for_ever() {
    let disk = SimDisk::new(1);
    let options = BlobStoreOptions {
        segment_bytes: 8 * 1024,
        ..options()
    };
    let (store, _) = support::open_with_report(&disk, options);
    let blobs: Vec<BlobId> = (0..200)
        .map(|n| store.put(ONE, &noise(200 + n), UnixSeconds(10)).unwrap())
        .collect();
    for round in 0..3 {
        for blob in &blobs {
            assert!(store.touch(ONE, blob, UnixSeconds(20 + round)).unwrap());
        }
    }
    let compact = || (0..1000).find(|_| store.compaction_step().unwrap() == CompactionStep::Idle);
    let steps = compact().expect("compaction comes to an end");
    assert!(steps > 0, "the touches before the last ones are garbage");
    assert_eq!(compact(), Some(0));
    let usage = store.usage();
    assert!(usage.live_bytes * 100 >= usage.bytes * 55, "{usage:?}");
}

#[test]
fn many_threads_read_write_and_compact_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        let disk = std::sync::Arc::new(disk::RealDisk::open(dir.path()).unwrap());
        let (engine, _) = blobstore::Engine::open(disk, support::dir(), options()).unwrap();
        blobstore::BlobStore::spawn(engine).unwrap()
    };
    let store = open();
    let stable: Vec<BlobId> = (0..30)
        .map(|n| store.put(ONE, &noise(9000 + n), UnixSeconds(100)).unwrap())
        .collect();
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let store = &store;
            scope.spawn(move || {
                for n in 0..30 {
                    store
                        .put(ONE, &noise(20_000 + thread * 1000 + n), UnixSeconds(10))
                        .unwrap();
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..10 {
                store
                    .sweep(ONE, &|blob| stable.contains(blob), UnixSeconds(50))
                    .unwrap();
                while store.compaction_step().unwrap() != CompactionStep::Idle {}
            }
        });
        scope.spawn(|| {
            for blob in stable.iter().cycle().take(300) {
                let bytes = store.read(ONE, blob, 0..u64::MAX).unwrap();
                assert_eq!(BlobId::of(&bytes), *blob);
            }
        });
    });
    drop(store);
    let store = open();
    assert!(stable.iter().all(|blob| store.contains(ONE, blob)));
}

#[test]
fn the_index_is_noted_once_enough_has_been_written() {
    let disk = SimDisk::new(1);
    let store = open(&disk);
    let mut notes = 0;
    for n in 0..60 {
        store.put(ONE, &noise(20_000 + n), NOW).unwrap();
        notes += u64::from(store.checkpoint_if_due().unwrap());
    }
    // 1.2 MB of records, noted after each 512 KiB.
    assert_eq!(notes, 2);
    assert!(!store.checkpoint_if_due().unwrap());
    disk.restart();
    drop(store);
    let (store, report) = support::open_with_report(&disk, options());
    assert!(report.from_checkpoint);
    assert_eq!(report.blobs, 60);
    let bytes = store.read(ONE, &BlobId::of(&noise(20_059)), 0..u64::MAX).unwrap();
    assert!(bytes == noise(20_059));
}

#[test]
fn a_bad_segment_header_does_not_cost_the_salt() {
    let disk = SimDisk::new(1);
    let store = open(&disk);
    let blob = store.put(ONE, &text(5000), NOW).unwrap();
    drop(store);
    let path = support::dir().join("0000000000000001.blobs").unwrap();
    assert!(disk.flip_bits(&path, 3, 1));
    // Each start comes with a salt of its own, for the case that there is no store yet.
    let next_start = BlobStoreOptions {
        salt: 99,
        ..options()
    };
    let (store, report) = support::open_with_report(&disk, next_start);
    assert_eq!(report.damaged.len(), 1);
    assert!(store.read(ONE, &blob, 0..u64::MAX).unwrap() == text(5000));
}

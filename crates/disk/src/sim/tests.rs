use super::*;

fn path(text: &str) -> DiskPath {
    DiskPath::new(text).unwrap()
}

fn contents(disk: &SimDisk, name: &str) -> Option<Vec<u8>> {
    let file = disk.open(&path(name)).ok()?;
    let mut bytes = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    Some(bytes)
}

#[test]
fn synced_bytes_and_names_survive_every_crash() {
    for seed in 0..200 {
        let disk = SimDisk::new(seed);
        let file = disk.create_new(&path("a")).unwrap();
        file.write_all_at(&[1; 2000], 0).unwrap();
        file.sync_data().unwrap();
        disk.sync_dir(&DiskPath::root()).unwrap();
        file.write_all_at(&[2; 2000], 2000).unwrap();
        disk.create_new(&path("b")).unwrap();
        disk.crash();
        let kept = contents(&disk, "a").unwrap();
        assert!(kept.starts_with(&[1; 2000]));
        assert!(kept.iter().skip(2000).all(|byte| matches!(byte, 0 | 2)));
        assert!(file.len().is_err(), "a handle does not outlive the crash");
    }
}

#[test]
fn crashes_tear_reorder_and_forget() {
    let (mut torn, mut lost, mut whole, mut nameless) = (0, 0, 0, 0);
    for seed in 0..400 {
        let disk = SimDisk::new(seed);
        let file = disk.create_new(&path("a")).unwrap();
        file.write_all_at(&[7; 4 * SECTOR_BYTES], 0).unwrap();
        disk.crash();
        match contents(&disk, "a") {
            None => nameless += 1,
            Some(bytes) if bytes.is_empty() => lost += 1,
            Some(bytes) if bytes == [7; 4 * SECTOR_BYTES] => whole += 1,
            Some(_) => torn += 1,
        }
    }
    for count in [torn, lost, whole, nameless] {
        assert!(
            count > 20,
            "torn {torn}, lost {lost}, whole {whole}, nameless {nameless}"
        );
    }
}

#[test]
fn a_rename_is_never_half_done() {
    for seed in 0..100 {
        let disk = SimDisk::new(seed);
        let file = disk.create_new(&path("new")).unwrap();
        file.write_all_at(b"x", 0).unwrap();
        file.sync_data().unwrap();
        disk.sync_dir(&DiskPath::root()).unwrap();
        disk.rename(&path("new"), &path("old")).unwrap();
        disk.crash();
        let names = disk.list(&DiskPath::root()).unwrap();
        assert_eq!(names.len(), 1, "{names:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_medium() {
    let run = |seed| {
        let disk = SimDisk::new(seed);
        for name in ["a", "b", "c"] {
            disk.create_new(&path(name))
                .unwrap()
                .write_all_at(&[3; 5000], 100)
                .unwrap();
        }
        disk.crash();
        ["a", "b", "c"].map(|name| contents(&disk, name))
    };
    assert_eq!(run(11), run(11));
    assert!((0..10).any(|seed| run(seed) != run(seed + 1)));
}

#[test]
fn a_failed_sync_loses_the_bytes_although_the_next_one_succeeds() {
    let disk = SimDisk::new(1);
    let file = disk.create_new(&path("a")).unwrap();
    disk.sync_dir(&DiskPath::root()).unwrap();
    file.write_all_at(b"gone", 0).unwrap();
    disk.fail_sync_after(1);
    assert!(file.sync_data().is_err());
    file.sync_data().unwrap();
    assert_eq!(contents(&disk, "a").unwrap(), b"gone");
    disk.crash();
    assert_eq!(contents(&disk, "a").unwrap(), b"");
}

#[test]
fn a_full_disk_says_so_and_recovers() {
    let disk = SimDisk::new(1);
    disk.set_capacity_bytes(1000);
    let file = disk.create_new(&path("a")).unwrap();
    assert!(matches!(
        file.write_all_at(&[1; 1001], 0),
        Err(Error::NoSpace { .. })
    ));
    assert_eq!(disk.free_bytes().unwrap(), 0);
    disk.set_capacity_bytes(2000);
    file.write_all_at(&[1; 1001], 0).unwrap();
    assert_eq!(disk.free_bytes().unwrap(), 999);
}

#[test]
fn power_goes_in_the_middle_of_the_chosen_step() {
    let disk = SimDisk::new(1);
    let file = disk.create_new(&path("a")).unwrap();
    disk.cut_power_after(2);
    file.write_all_at(b"one", 0).unwrap();
    assert!(file.write_all_at(b"two", 3).is_err());
    assert!(file.sync_data().is_err());
    assert!(disk.list(&DiskPath::root()).is_err());
    disk.crash();
    disk.list(&DiskPath::root()).unwrap();
}

#[test]
fn flipped_bits_are_seen_now_and_after_a_crash() {
    let disk = SimDisk::new(1);
    let file = disk.create_new(&path("a")).unwrap();
    file.write_all_at(&[0; 4], 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_dir(&DiskPath::root()).unwrap();
    assert!(disk.flip_bits(&path("a"), 2, 0x80));
    assert!(!disk.flip_bits(&path("a"), 4, 0x80));
    disk.crash();
    assert_eq!(contents(&disk, "a").unwrap(), [0, 0, 0x80, 0]);
}

#[test]
fn a_mounted_disk_does_not_outlive_the_crash() {
    let disk = SimDisk::new(1);
    let mounted = disk.mount();
    mounted.create_new(&path("a")).unwrap();
    disk.crash();
    assert!(mounted.create_new(&path("b")).is_err());
    assert!(mounted.list(&DiskPath::root()).is_err());
    disk.mount().create_new(&path("b")).unwrap();
}

#[test]
fn a_killed_process_leaves_a_prefix_of_its_last_write_and_all_earlier_ones() {
    let (mut nothing, mut part, mut whole) = (0, 0, 0);
    for seed in 0..200 {
        let disk = SimDisk::new(seed);
        let file = disk.create_new(&path("a")).unwrap();
        file.write_all_at(&[1; 700], 0).unwrap();
        disk.kill_after(1);
        assert!(file.write_all_at(&[2; 700], 700).is_err());
        assert!(file.sync_data().is_err());
        assert!(disk.list(&DiskPath::root()).is_err());
        disk.restart();
        assert!(file.len().is_err(), "a handle does not outlive its process");
        let kept = contents(&disk, "a").unwrap();
        assert_eq!(kept.get(..700).unwrap(), [1; 700]);
        assert!(kept.iter().skip(700).all(|byte| *byte == 2));
        match kept.len() {
            700 => nothing += 1,
            1400 => whole += 1,
            _ => part += 1,
        }
    }
    assert!(
        part > 150 && nothing + part + whole == 200,
        "{nothing} {part} {whole}"
    );
}

#[test]
fn what_a_killed_process_had_not_synced_can_still_be_lost() {
    let survives = |seed, sync: bool| {
        let disk = SimDisk::new(seed);
        let file = disk.create_new(&path("a")).unwrap();
        file.write_all_at(b"x", 0).unwrap();
        disk.restart();
        assert_eq!(contents(&disk, "a").unwrap(), b"x");
        if sync {
            disk.open(&path("a")).unwrap().sync_data().unwrap();
            disk.sync_dir(&DiskPath::root()).unwrap();
        }
        disk.crash();
        contents(&disk, "a").is_some_and(|bytes| bytes == b"x")
    };
    assert!((0..50).all(|seed| survives(seed, true)));
    assert!((0..50).any(|seed| !survives(seed, false)));
}

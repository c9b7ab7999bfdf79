//! When a shelf of sled is believed, and what happens when it is not.

use std::fs;
use std::path::{Path, PathBuf};

use kv::{
    Batch, BootId, Direction, Engine, KeyRange, KvError, LossCause, RebuildReason, ShelfCount, ShelfState,
    SledEngine, SledOptions, TableId,
};
use tempfile::TempDir;

const TABLE: TableId = TableId::new(1);

fn options(directory: &TempDir, shelves: u16, boot: &str) -> SledOptions {
    SledOptions {
        directory: directory.path().to_owned(),
        shelves: ShelfCount::new(shelves).expect("an allowed count"),
        cache_bytes_per_shelf: 1 << 20,
        flush_interval: None,
        boot_id: BootId::new(boot),
    }
}

fn open(directory: &TempDir, boot: &str) -> SledEngine {
    SledEngine::open(options(directory, 2, boot)).expect("the engine opens")
}

fn fill(engine: &SledEngine, rows: usize) {
    let table = engine.table(TABLE);
    for chunk in 0..rows.div_ceil(100) {
        let mut batch = Batch::new();
        (0..100).for_each(|at| batch.put(format!("{:06}", chunk * 100 + at), vec![7; 500]));
        table.apply_batch(&batch).expect("the batch is applied");
    }
}

fn count(engine: &SledEngine) -> usize {
    let table = engine.table(TABLE);
    let rows = table
        .range(&KeyRange::all(), Direction::Forward)
        .expect("the range opens");
    rows.filter(Result::is_ok).count()
}

fn state(engine: &SledEngine) -> ShelfState {
    engine
        .report(engine.table(TABLE).shelf())
        .expect("a report")
        .state
}

/// Copies the files of a running engine: what a killed process leaves behind.
fn kill(engine: &SledEngine, directory: &TempDir) -> TempDir {
    engine.table(TABLE).checkpoint().expect("checkpoint");
    let left = TempDir::new().expect("a temporary directory");
    copy_tree(directory.path(), left.path());
    left
}

fn copy_tree(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            fs::create_dir(&target).expect("a new directory");
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

fn sled_file(directory: &TempDir) -> PathBuf {
    directory.path().join("shelf-01/generation-1/db")
}

#[test]
fn a_clean_end_is_believed_under_any_boot() {
    let directory = TempDir::new().expect("a temporary directory");
    let engine = open(&directory, "first");
    assert_eq!(state(&engine), ShelfState::Rebuild(RebuildReason::New));
    fill(&engine, 1000);
    engine.close().expect("close");
    assert!(matches!(engine.table(TABLE).get(b"x"), Err(KvError::Closed)));
    let engine = open(&directory, "second");
    assert_eq!(state(&engine), ShelfState::Believed);
    assert_eq!(count(&engine), 1000);
}

#[test]
fn a_killed_process_is_believed_under_the_same_boot() {
    let directory = TempDir::new().expect("a temporary directory");
    let engine = open(&directory, "boot");
    fill(&engine, 1000);
    let left = kill(&engine, &directory);
    let engine = open(&left, "boot");
    assert_eq!(state(&engine), ShelfState::Believed);
    assert_eq!(count(&engine), 1000);
}

#[test]
fn a_killed_process_is_not_believed_under_another_or_unknown_boot() {
    for (first, second) in [("boot", "other"), ("", "")] {
        let directory = TempDir::new().expect("a temporary directory");
        let engine = open(&directory, first);
        fill(&engine, 100);
        let engine = open(&kill(&engine, &directory), second);
        assert_eq!(
            state(&engine),
            ShelfState::Rebuild(RebuildReason::UncleanShutdown)
        );
        assert_eq!(count(&engine), 0);
    }
}

#[test]
fn a_clean_mark_does_not_outlive_the_next_start() {
    let directory = TempDir::new().expect("a temporary directory");
    open(&directory, "first").close().expect("close");
    let engine = open(&directory, "second");
    let engine = open(&kill(&engine, &directory), "third");
    assert_eq!(
        state(&engine),
        ShelfState::Rebuild(RebuildReason::UncleanShutdown)
    );
}

#[test]
fn another_number_of_shelves_rebuilds_all() {
    let directory = TempDir::new().expect("a temporary directory");
    let engine = open(&directory, "boot");
    fill(&engine, 100);
    engine.close().expect("close");
    let engine = SledEngine::open(options(&directory, 3, "boot")).expect("opens");
    assert_eq!(
        state(&engine),
        ShelfState::Rebuild(RebuildReason::ShelfCountChanged)
    );
    assert_eq!(count(&engine), 0);
}

#[test]
fn a_missing_or_damaged_marker_rebuilds() {
    for damage in [&b""[..], b"facteur-shelf-2 clean 1 2", b"\0\0\0\0"] {
        let directory = TempDir::new().expect("a temporary directory");
        let engine = open(&directory, "boot");
        fill(&engine, 100);
        engine.close().expect("close");
        fs::write(directory.path().join("shelf-01/marker"), damage).expect("damage");
        let engine = open(&directory, "boot");
        assert_eq!(state(&engine), ShelfState::Rebuild(RebuildReason::MarkerDamaged));
        assert_eq!(count(&engine), 0);
    }
}

#[test]
fn deleted_files_rebuild() {
    let directory = TempDir::new().expect("a temporary directory");
    let engine = open(&directory, "boot");
    fill(&engine, 100);
    engine.close().expect("close");
    fs::remove_dir_all(directory.path().join("shelf-01/generation-1")).expect("delete");
    let engine = open(&directory, "boot");
    assert_eq!(state(&engine), ShelfState::Rebuild(RebuildReason::FilesDamaged));
    assert_eq!(count(&engine), 0);
}

fn scribble(directory: &TempDir, start: usize) {
    let mut bytes = fs::read(sled_file(directory)).expect("the file of sled");
    let third = bytes.len() / 3;
    bytes
        .iter_mut()
        .skip(start * third)
        .take(third)
        .for_each(|byte| *byte ^= 0x5a);
    fs::write(sled_file(directory), bytes).expect("damage");
}

#[test]
fn files_scribbled_after_a_clean_end_rebuild() {
    for start in 0..3 {
        let directory = TempDir::new().expect("a temporary directory");
        let engine = open(&directory, "boot");
        fill(&engine, 3000);
        engine.close().expect("close");
        scribble(&directory, start);
        let engine = open(&directory, "boot");
        assert_eq!(state(&engine), ShelfState::Rebuild(RebuildReason::FilesDamaged));
        assert_usable_after_wiping(&engine);
    }
}

/// After a kill there is no fingerprint. Whatever sled makes of the damage, the table is then in a state that
/// it was in after some batch, or the shelf is lost at the first read that meets the damage.
#[test]
fn files_scribbled_after_a_kill_give_an_earlier_state_or_none() {
    for start in 0..3 {
        let directory = TempDir::new().expect("a temporary directory");
        let engine = open(&directory, "boot");
        fill(&engine, 3000);
        let left = kill(&engine, &directory);
        scribble(&left, start);
        let engine = open(&left, "boot");
        let table = engine.table(TABLE);
        let rows = table.range(&KeyRange::all(), Direction::Forward);
        let rows: Result<Vec<_>, KvError> = rows.and_then(Iterator::collect);
        match rows {
            Ok(rows) => {
                // Batches were of a hundred rows.
                assert_eq!(rows.len() % 100, 0, "half a batch");
                let keys = rows.iter().map(|row| row.key.to_vec());
                assert!(
                    keys.eq((0..rows.len()).map(|at| format!("{at:06}").into_bytes())),
                    "not a state it had"
                );
                assert!(rows.iter().all(|row| row.value == vec![7; 500]));
            }
            Err(error) => assert_eq!(error.lost_shelf(), Some(table.shelf())),
        }
        assert_usable_after_wiping(&engine);
    }
}

fn assert_usable_after_wiping(engine: &SledEngine) {
    engine.wipe_shelf(engine.table(TABLE).shelf()).expect("wipe");
    assert_eq!(count(engine), 0);
    fill(engine, 100);
    assert_eq!(count(engine), 100);
    engine.close().expect("close");
}

#[test]
fn files_that_sled_cannot_open_cost_the_rows_and_not_the_start() {
    let directory = TempDir::new().expect("a temporary directory");
    let engine = open(&directory, "boot");
    fill(&engine, 100);
    let left = kill(&engine, &directory);
    fs::write(
        left.path().join("shelf-01/generation-1/conf"),
        b"segment_size: many\n",
    )
    .expect("damage");
    let engine = open(&left, "boot");
    let state = state(&engine);
    assert!(matches!(
        state,
        ShelfState::Rebuild(RebuildReason::OpenFailed(
            LossCause::Failed(_) | LossCause::Panicked(_)
        ))
    ));
    assert_usable_after_wiping(&engine);
}

#[test]
fn a_held_reader_forbids_the_clean_mark() {
    let directory = TempDir::new().expect("a temporary directory");
    let engine = open(&directory, "boot");
    fill(&engine, 100);
    let table = engine.table(TABLE);
    let rows = table
        .range(&KeyRange::all(), Direction::Forward)
        .expect("the range opens");
    assert!(matches!(engine.close(), Err(KvError::InUse { .. })));
    drop(rows);
    let engine = open(&directory, "other");
    assert_eq!(
        state(&engine),
        ShelfState::Rebuild(RebuildReason::UncleanShutdown)
    );
}

#[test]
fn the_size_on_disk_grows_and_falls_when_wiped() {
    let directory = TempDir::new().expect("a temporary directory");
    let engine = open(&directory, "boot");
    let size = |engine: &SledEngine| {
        engine
            .report(engine.table(TABLE).shelf())
            .expect("a report")
            .bytes_on_disk
    };
    fill(&engine, 10_000);
    engine.table(TABLE).checkpoint().expect("checkpoint");
    let full = size(&engine);
    assert!(full >= 5_000_000, "{full}");
    engine.wipe_shelf(engine.table(TABLE).shelf()).expect("wipe");
    assert!(size(&engine) < full / 2, "{}", size(&engine));
}

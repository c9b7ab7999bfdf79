//! Loss of power: what was not flushed is gone.

use cluster_tests::disk::{Disk, FileSystem};
use cluster_tests::history::History;
use cluster_tests::{Server, ServerOptions};

/// Cuts the power of a server's disk under load, several times, and checks after each restart.
fn cut_power_repeatedly(kind: FileSystem) {
    let disk = Disk::make(kind, 400);
    let options = ServerOptions::default()
        .data(&disk.path().join("data"))
        .set("storage", "snapshot_log_bytes", "\"256KiB\"")
        .set("storage", "wal_segment_bytes", "\"4MiB\"")
        .set("storage", "blob_segment_bytes", "\"8MiB\"");
    let mut server = Server::start_with(options);
    let mut history = History::begin(server.access(), 4);
    for _ in 0..3 {
        let changes = history.choose(5..150);
        let access = server.access().clone();
        history.load(&access, changes, || {
            disk.cut_power();
            server.kill();
        });
        disk.power_up();
        server.restart();
        history.check(server.access());
    }
}

/// The fault itself must happen, or the tests below prove nothing.
#[test]
fn a_power_cut_takes_what_was_not_flushed_and_nothing_else() {
    for kind in [FileSystem::Ext4, FileSystem::Xfs] {
        let disk = Disk::make(kind, 400);
        let (flushed, lost) = (disk.path().join("flushed"), disk.path().join("lost"));
        std::fs::write(&flushed, "kept").expect("a file");
        for path in [&flushed, &disk.path().to_owned()] {
            let handle = std::fs::File::open(path).expect("a handle");
            handle.sync_all().expect("a flush");
        }
        std::fs::write(&lost, "gone").expect("a file");
        disk.cut_power();
        assert!(
            std::fs::write(&lost, "late").is_err(),
            "{kind:?} takes writes without power"
        );
        disk.power_up();
        assert_eq!(
            std::fs::read(&flushed).ok().as_deref(),
            Some(&b"kept"[..]),
            "{kind:?}"
        );
        let left = std::fs::read(&lost).unwrap_or_default();
        assert!(left.is_empty(), "{kind:?} kept what was not flushed");
    }
}

#[test]
fn nothing_acknowledged_is_lost_on_ext4() {
    cut_power_repeatedly(FileSystem::Ext4);
}

#[test]
fn nothing_acknowledged_is_lost_on_xfs() {
    cut_power_repeatedly(FileSystem::Xfs);
}

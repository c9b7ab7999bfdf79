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

#[test]
fn nothing_acknowledged_is_lost_on_ext4() {
    cut_power_repeatedly(FileSystem::Ext4);
}

#[test]
fn nothing_acknowledged_is_lost_on_xfs() {
    cut_power_repeatedly(FileSystem::Xfs);
}

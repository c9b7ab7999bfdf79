//! Damage to files while the server is down: repaired where nothing is lost, named and refused where something is.

use std::path::PathBuf;

use cluster_tests::damage::{content_end, cut, files, flip, next_sector, scribble};
use cluster_tests::history::History;
use cluster_tests::{Imap, Server, ServerOptions, bulk, mail};

/// A server that was killed under load, and all that it acknowledged.
fn loaded(options: ServerOptions) -> (Server, History) {
    let mut server = Server::start_with(options);
    let mut history = History::begin(server.access(), 4);
    let access = server.access().clone();
    history.load(&access, 150, || server.kill());
    (server, history)
}

/// A server with so small files that snapshots are written and the log is cut soon.
fn small_files() -> ServerOptions {
    ServerOptions::default()
        .set("storage", "snapshot_log_bytes", "\"64KiB\"")
        .set("storage", "wal_segment_bytes", "\"1MiB\"")
        .set("storage", "blob_segment_bytes", "\"1MiB\"")
}

fn tables(server: &Server) -> PathBuf {
    server.data().join("tables")
}

/// Returns the segments of the log that have content, the oldest first.
fn segments(server: &Server) -> Vec<PathBuf> {
    let mut segments = files(&server.data().join("log"));
    segments.retain(|file| file.extension().is_some_and(|end| end == "wal") && content_end(file) > 0);
    segments
}

/// Returns the segment of the log that was written last.
fn last_of_log(server: &Server) -> PathBuf {
    segments(server).pop().expect("a segment of the log")
}

/// Bytes that no format begins with and that differ from place to place.
fn noise(length: u32) -> Vec<u8> {
    (1..=length)
        .map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()[3])
        .collect()
}

fn comes_back(mut server: Server, mut history: History) {
    server.restart();
    history.check(server.access());
    // It also works on.
    let access = server.access().clone();
    history.load(&access, 20, || server.kill());
    server.restart();
    history.check(server.access());
}

#[test]
fn deleted_tables_are_rebuilt() {
    let (server, history) = loaded(ServerOptions::default());
    std::fs::remove_dir_all(tables(&server)).expect("tables to delete");
    comes_back(server, history);
}

#[test]
fn deleted_tables_are_rebuilt_from_snapshots() {
    let mut server = Server::start_with(small_files());
    let mut history = History::begin(server.access(), 4);
    let access = server.access().clone();
    history.load(&access, 100, || {
        bulk::fill_log(&access, 40);
        server.kill();
    });
    let snapshots = files(&server.data().join("snapshots"));
    assert!(!snapshots.is_empty(), "no snapshot was written");
    std::fs::remove_dir_all(tables(&server)).expect("tables to delete");
    comes_back(server, history);
}

#[test]
fn scribbled_tables_are_rebuilt() {
    let (server, history) = loaded(ServerOptions::default());
    let files = files(&tables(&server));
    assert!(!files.is_empty(), "no tables to damage");
    for file in files {
        let end = content_end(&file);
        for at in (0..end).step_by(3_001) {
            scribble(&file, at, &noise(300));
        }
    }
    comes_back(server, history);
}

#[test]
fn noise_behind_the_end_of_the_log_is_cut_off() {
    let (server, history) = loaded(ServerOptions::default());
    let segment = last_of_log(&server);
    scribble(&segment, next_sector(&segment), &noise(5_000));
    comes_back(server, history);
}

#[test]
fn a_record_that_was_written_by_half_is_cut_off() {
    let (server, history) = loaded(ServerOptions::default());
    let segment = last_of_log(&server);
    let bytes = std::fs::read(&segment).expect("a segment");
    // What a disk may show after a loss of power: sectors that were valid once, elsewhere.
    let half = bytes.get(512..2_048).unwrap_or_default();
    scribble(&segment, next_sector(&segment), half);
    comes_back(server, history);
}

#[test]
fn a_log_that_lost_its_unused_end_is_read() {
    let (server, history) = loaded(ServerOptions::default());
    let segment = last_of_log(&server);
    cut(&segment, next_sector(&segment));
    comes_back(server, history);
}

#[test]
fn damage_within_the_log_is_named_and_refused() {
    let (mut server, _history) = loaded(ServerOptions::default());
    let segment = last_of_log(&server);
    flip(&segment);
    let refused = server.try_restart().expect_err("damage must not be served");
    assert!(refused.contains("the log is damaged: segment "), "{refused}");
    assert!(refused.contains(" at byte "), "no place is named:\n{refused}");
    assert!(refused.contains("repair"), "no way on is shown:\n{refused}");
    let survey = server.administer(&["repair"], "");
    assert_eq!(survey.status.code(), Some(65), "{survey}");
    assert!(survey.text().contains("damage: "), "{survey}");
    // Looking changes nothing.
    server.try_restart().expect_err("damage must not be served");
}

#[test]
fn a_log_that_lost_an_acknowledged_segment_is_refused() {
    let options = ServerOptions::default().set("storage", "wal_segment_bytes", "\"1MiB\"");
    let mut server = Server::start_with(options);
    bulk::fill_log(server.access(), 400);
    server.kill();
    let segments = segments(&server);
    let middle = segments.get(segments.len() / 2).filter(|_| segments.len() >= 3);
    let middle = middle.expect("a log of several segments");
    std::fs::remove_file(middle).expect("a segment to lose");
    server.try_restart().expect_err("a hole must not be served");
}

#[test]
fn a_damaged_message_is_never_served() {
    let mut server = Server::start();
    let message = mail::incompressible_message("Damaged", 200_000);
    let mut client = Imap::login(server.access());
    let uid = client.deposit(&message);
    server.kill();
    let blobs = files(&server.data().join("blobs"));
    let largest = blobs
        .iter()
        .max_by_key(|file| content_end(file))
        .expect("a segment with the message");
    flip(largest);
    if server.try_restart().is_err() {
        return;
    }
    let mut client = Imap::login(server.access());
    client.ok("SELECT INBOX");
    // The connection may also end.
    if let Ok(answer) = client.run(format!("UID FETCH {uid} (BODY.PEEK[])")) {
        let served = answer.fetched();
        assert!(
            served.iter().all(|fetched| fetched.body.is_empty()),
            "damaged bytes were served"
        );
        assert_ne!(answer.status, cluster_tests::imap::Status::Ok, "{}", answer.text);
    }
}

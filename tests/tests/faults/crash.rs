//! kill -9 at any moment.

use std::time::{Duration, Instant};

use cluster_tests::history::History;
use cluster_tests::{Imap, Server, ServerOptions, bulk};

/// Crashes even on a machine that is too slow for the time.
const CRASHES_MIN: u32 = 3;

/// Time that crashes under load may take; `FACTEUR_CRASH_SECONDS` sets another, for long runs.
fn budget() -> Duration {
    let seconds = std::env::var("FACTEUR_CRASH_SECONDS").ok();
    let seconds = seconds.and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(20))
}

/// Crashes a server under load again and again, and checks after each restart.
///
/// `bulk` entries of the log besides, right before each crash, make snapshots due.
fn crash_repeatedly(mut server: Server, bulk: u64) {
    let started = Instant::now();
    let mut history = History::begin(server.access(), 4);
    let mut crashes = 0;
    while crashes < CRASHES_MIN || started.elapsed() < budget() {
        let changes = history.choose(5..200);
        let access = server.access().clone();
        let bulk = history.choose(0..bulk.max(1));
        history.load(&access, changes, || {
            bulk::fill_log(&access, bulk);
            server.kill();
        });
        server.restart();
        history.check(server.access());
        crashes += 1;
    }
    assert!(
        history.acknowledged() >= u64::from(crashes),
        "hardly anything was acknowledged"
    );
}

#[test]
fn nothing_acknowledged_is_lost_by_kill_9() {
    crash_repeatedly(Server::start(), 0);
}

#[test]
fn nothing_acknowledged_is_lost_while_snapshots_are_written_and_the_log_is_cut() {
    let options = ServerOptions::default()
        .set("storage", "snapshot_log_bytes", "\"64KiB\"")
        .set("storage", "wal_segment_bytes", "\"1MiB\"")
        .set("storage", "blob_segment_bytes", "\"1MiB\"");
    crash_repeatedly(Server::start_with(options), 40);
}

#[test]
fn a_server_that_is_asked_to_end_finishes_what_it_acknowledged() {
    let mut server = Server::start();
    let mut history = History::begin(server.access(), 4);
    let access = server.access().clone();
    let mut status = None;
    history.load(&access, 50, || status = server.stop());
    assert!(status.is_some_and(|status| status.success()), "{status:?}");
    server.restart();
    history.check(server.access());
}

#[test]
fn uids_stay_behind_those_of_messages_that_are_gone() {
    let mut server = Server::start();
    let mut client = Imap::login(server.access());
    let message = cluster_tests::mail::message("Gone", "soon");
    let last = (0..3)
        .map(|_| client.deposit(&message))
        .last()
        .unwrap_or_default();
    let validity = client.ok("SELECT INBOX").code_numbers("UIDVALIDITY");
    client.ok("STORE 1:* +FLAGS.SILENT (\\Deleted)");
    client.ok("EXPUNGE");
    server.kill();
    server.restart();
    let mut client = Imap::login(server.access());
    let select = client.ok("SELECT INBOX");
    assert_eq!(select.code_numbers("UIDVALIDITY"), validity);
    assert_eq!(select.code_numbers("UIDNEXT"), [last + 1]);
    assert_eq!(client.deposit(&message), last + 1);
}

//! A clock that is wrong (fault 12). Only the time of the day jumps: the monotonic clock, which leases rest on, is
//! another one.

use std::path::PathBuf;
use std::time::Duration;

use cluster_tests::network::Party;
use cluster_tests::{Imap, Scratch, mail};

use super::Trial;

/// Returns the library that answers with another time.
fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let libraries = folders.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    let found = libraries.into_iter().find(|path| path.exists());
    found.expect("libfaketime; `bash .ci/install` brings it")
}

#[test]
fn a_clock_that_jumps_changes_nothing() {
    let scratch = Scratch::new();
    let clocks = [0, 1, 2].map(|index| scratch.file(&format!("clock-{index}"), "+0"));
    let library = library();
    let mut trial = Trial::begin_with(
        "the leader's clock jumps an hour on, and back",
        |party, options| {
            let Party::Node(index) = party else {
                return options;
            };
            options
                .variable("LD_PRELOAD", &library)
                .variable("FAKETIME_TIMESTAMP_FILE", &clocks[index])
                .variable("FAKETIME_NO_CACHE", "1")
                .variable("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        },
    );
    // Was let in before, and does nothing meanwhile.
    let mut witness = Imap::login(trial.cluster.access());
    witness.ok("CREATE Aside");
    let leader = trial.cluster.leader();
    for jump in ["+1h", "-1h", "+0"] {
        trial.suffer(|_, probe| {
            std::fs::write(&clocks[leader], jump).expect("another time");
            probe.wait_for_writes(10);
        });
        witness.ok("NOOP");
        witness.deposit_all("Aside", &[mail::message(jump, "at what time?")]);
    }
    assert!(
        trial.cluster.leader() == leader,
        "another node leads, so that nothing was tried"
    );
    trial.conclude(Duration::from_secs(20));
}

//! Three storage nodes and two proxies under load and faults, every command checked. The long run is
//! `cargo xtask chaos`.

use std::time::Duration;

use cluster_tests::Scratch;
use cluster_tests::chaos::{Chaos, Options};
use history::Bounds;

/// `FACTEUR_SEED` repeats the mix of another run.
fn seed() -> u64 {
    let seed = std::env::var("FACTEUR_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    seed.unwrap_or_else(|| rand::random_range(0..1_000_000))
}

#[test]
fn every_promise_is_kept_while_processes_die() {
    let scratch = Scratch::new();
    let options = Options {
        patient: true,
        // How long things take is measured on a machine that has nothing else to do.
        bounds: Bounds {
            push: 20_000_000,
            push_after_heal: 20_000_000,
            stall: 30_000_000,
            // A proxy that dies takes a command of each of its sessions with it, and a short run has few commands.
            unknown_percent_max: 20,
            ..Bounds::default()
        },
        directory: scratch.folder("history"),
        ..Options::of_seed(seed())
    };
    let operations_min = 500;
    let summary = Chaos::start(Options {
        duration: Duration::from_secs(50),
        ..options
    })
    .run();
    assert!(summary.is_clean(), "{summary}");
    assert!(
        summary.report.operations >= operations_min,
        "hardly anything was done: {summary}"
    );
    assert!(!summary.report.faults.is_empty(), "nothing went wrong: {summary}");
}

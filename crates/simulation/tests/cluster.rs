//! Seeds of three machines that are run with every change.

mod support;

use simulation::{ClusterOptions, run_cluster};
use support::{assert_same, assert_sound};

fn check(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let outcome = run_cluster(&ClusterOptions::of_seed(seed));
        assert_sound(&outcome, &format!("--cluster --seeds 1 --from {seed}"));
        let counts = outcome.counts;
        // Faults one at a time leave a majority, which serves on: most of what is asked is answered.
        assert!(
            counts.accepted > 150 && counts.contents > 20 && counts.unknown * 10 < counts.operations,
            "seed {seed}: {counts:?}"
        );
    }
}

#[test]
fn seeds_0_to_9() {
    check(0..10);
}

#[test]
fn seeds_10_to_19() {
    check(10..20);
}

/// Two runs of one seed do not differ in a single line.
#[test]
fn a_seed_gives_the_same_run_each_time() {
    let options = ClusterOptions::of_seed(5);
    assert_same(&run_cluster(&options), &run_cluster(&options), options.seed);
}

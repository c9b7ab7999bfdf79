//! A checker that cannot fail proves nothing: each of these defects must be found.

use simulation::{Mutation, RunOptions, run};

/// How many seeds a defect may survive.
const SEEDS_MAX: u64 = 12;

fn check(mutation: Mutation) {
    let mut seeds = 0..SEEDS_MAX;
    let found = seeds.any(|seed| {
        let options = RunOptions {
            mutation: Some(mutation),
            ..RunOptions::of_seed(seed)
        };
        !run(&options).violations.is_empty()
    });
    // That the same seeds pass without the defect is tested with all the others.
    assert!(found, "{mutation:?} survived {SEEDS_MAX} seeds");
}

#[test]
fn a_log_that_is_not_synced_is_found() {
    check(Mutation::SkipLogSync);
}

#[test]
fn an_acknowledgement_before_the_commit_is_found() {
    check(Mutation::AcknowledgeEarly);
}

#[test]
fn lost_content_is_found() {
    check(Mutation::LoseBlob);
}

#[test]
fn a_uid_that_is_used_twice_is_found() {
    check(Mutation::ReuseUid);
}

#[test]
fn a_retry_that_is_not_recognised_is_found() {
    check(Mutation::RetryBlindly);
}

#[test]
fn content_that_is_not_synced_is_found() {
    check(Mutation::SkipContentSync);
}

#[test]
fn content_that_is_collected_though_it_is_needed_is_found() {
    check(Mutation::SweepBlindly);
}

//! Random sequences of commands, compared with a naive model that packs nothing and forgets nothing;
//! and the invariants of a log: replayed, repeated and cut short it gives the same state.

#[path = "model/check.rs"]
mod check;
#[path = "model/naive.rs"]
mod naive;
#[path = "model/steps.rs"]
mod steps;

use mailstore::rows::MemoryRows;
use mailstore::{Entry, apply, read};
use proptest::prelude::*;

use check::Checker;
use steps::{Step, steps};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_agree_with_a_naive_model(steps in steps(60)) {
        let mut checker = Checker::new();
        for step in &steps {
            checker.run(step);
        }
        checker.finish();
    }

    #[test]
    fn a_replayed_log_gives_the_same_state(steps in steps(60), cut in 0_usize..60) {
        let log = log_of(&steps);
        let whole = applied(MemoryRows::new(), &log, 0);
        // A replica that was at `cut` when it stopped, and is then given the whole log again.
        let cut = cut.min(log.len());
        let partial = applied(MemoryRows::new(), &log[..cut], 0);
        let again = applied(partial, &log, 0);
        prop_assert_eq!(read::state_hash(&again), read::state_hash(&whole));
        // And one whose rows are further on than the log that it is given.
        let behind = applied(whole.clone(), &log[..cut], 0);
        prop_assert_eq!(behind, whole);
    }

    #[test]
    fn repeated_requests_change_nothing(steps in steps(40)) {
        let log = log_of(&steps);
        let mut rows = MemoryRows::new();
        for (index, entry) in log.iter().enumerate() {
            let index = 2 * index as u64 + 1;
            let first = apply(&mut rows, index, entry).expect("sound rows");
            let before = check::visible(&rows);
            let second = apply(&mut rows, index + 1, entry).expect("sound rows");
            if entry.request.is_some() {
                prop_assert_eq!(&second.reply, &first.reply);
                prop_assert!(second.events.is_empty());
            }
            prop_assert_eq!(check::visible(&rows), before);
        }
    }
}

/// Returns the entries that these steps commit.
fn log_of(steps: &[Step]) -> Vec<Entry> {
    let mut checker = Checker::new();
    steps.iter().for_each(|step| checker.run(step));
    checker.log
}

fn applied(mut rows: MemoryRows, log: &[Entry], start: u64) -> MemoryRows {
    for (index, entry) in log.iter().enumerate() {
        apply(&mut rows, start + index as u64 + 1, entry).expect("sound rows");
    }
    rows
}

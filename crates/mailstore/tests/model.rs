//! Random sequences of commands, compared with a naive model that packs nothing and forgets nothing;
//! and the invariants of a log: replayed, repeated and cut short it gives the same state.

#[path = "model/check.rs"]
mod check;
#[path = "model/moves.rs"]
mod moves;
#[path = "model/naive.rs"]
mod naive;
#[path = "model/steps.rs"]
mod steps;

use mailstore::rows::MemoryRows;
use mailstore::{Entry, apply, read};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use check::Checker;
use moves::Pair;
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_account_that_moves_is_as_one_that_stays(
        steps in steps(60),
        chances in prop::collection::vec(any::<u8>(), 300),
    ) {
        let log = log_of(&steps);
        let mut staying = MemoryRows::new();
        let mut moving = Pair::new(log[0].subject.clone());
        let mut chances = chances.into_iter();
        for (index, entry) in log.iter().enumerate() {
            let expected = apply(&mut staying, index as u64 + 1, entry).expect("sound rows").reply;
            prop_assert_eq!(moving.commit(entry), expected);
            prop_assert_eq!(check::visible(&moving.owner().rows), check::visible(&staying));
            chances.by_ref().take(4).for_each(|chance| moving.turn(chance));
        }
    }

    /// A snapshot holds the header as of its position, and an account as of that or a later entry.
    #[test]
    fn a_snapshot_and_the_log_behind_it_give_the_same_state(
        steps in steps(40),
        chances in prop::collection::vec(any::<u8>(), 160),
        (cut, ahead) in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let log = log_of(&steps);
        let mut moving = Pair::new(log[0].subject.clone());
        let mut chances = chances.into_iter();
        for entry in &log {
            let _ = moving.commit(entry);
            chances.by_ref().take(4).for_each(|chance| moving.turn(chance));
        }
        for group in &moving.groups {
            let Some((last_header, last_rows)) = group.states.last() else { continue };
            let at = |choice: prop::sample::Index, from: usize| from + choice.index(group.states.len() - from);
            let cut = at(cut, 0);
            let ahead = at(ahead, cut);
            let (mut header, mut rows) = (group.states[cut].0.clone(), group.states[ahead].1.clone());
            for (index, entry) in group.log.iter().enumerate().skip(cut + 1) {
                // A replica passes over entries of a subject that is further on.
                if entry.subject != mailstore::command::Subject::Header && index <= ahead {
                    continue;
                }
                let _ = moves::applied((&mut header, &mut rows), index as u64 + 1, entry);
            }
            let rows_of = |rows: &MemoryRows| read::state_hash(rows);
            prop_assert_eq!(rows_of(&header), rows_of(last_header));
            prop_assert_eq!(rows_of(&rows), rows_of(last_rows));
        }
    }
}

#[test]
fn accounts_do_move_in_these_tests() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut moved = 0;
    for _ in 0..16 {
        let tree = (steps(60), prop::collection::vec(any::<u8>(), 300)).new_tree(&mut runner);
        let (steps, chances) = tree.expect("a case").current();
        let log = log_of(&steps);
        let mut pair = Pair::new(log[0].subject.clone());
        let mut chances = chances.into_iter();
        for entry in &log {
            let _ = pair.commit(entry);
            chances.by_ref().take(4).for_each(|chance| pair.turn(chance));
        }
        moved += pair.moved;
    }
    assert!(moved > 16, "{moved} moves");
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

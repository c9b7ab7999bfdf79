//! A checker that cannot fail proves nothing: each defect must be found, by one of the invariants that it breaks, and
//! the same scene without the defect must pass.

use std::fmt::Write;

use cluster_tests::chaos::{Distortion, Trial};

#[test]
fn each_defect_is_found_and_nothing_without_it() {
    let mut trial = Trial::start();
    let (mut table, mut survived) = (String::new(), Vec::new());
    for defect in Distortion::FOUND {
        let sound = trial.play(defect, false);
        assert!(sound.violations.is_empty(), "{defect:?}: {:#?}", sound.violations);
        let report = trial.play(defect, true);
        let mut found: Vec<u8> = report
            .violations
            .iter()
            .map(|violation| violation.invariant)
            .collect();
        found.dedup();
        writeln!(table, "{defect:?} breaks {:?}, found {found:?}", defect.breaks()).expect("a string");
        if !found.iter().any(|invariant| defect.breaks().contains(invariant)) {
            survived.push(defect);
        }
    }
    assert!(survived.is_empty(), "{survived:?} survived\n{table}");
}

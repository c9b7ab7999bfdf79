//! What tests of seeds share.

use simulation::Outcome;

/// Asserts that nothing happened that must not. `again` is what shows the run once more.
pub(crate) fn assert_sound(outcome: &Outcome, again: &str) {
    let Outcome {
        trace, violations, ..
    } = outcome;
    let tail = trace[trace.len().saturating_sub(40)..].join("\n");
    assert!(
        violations.is_empty(),
        "{tail}\n{violations:#?}\nagain: cargo run -p simulation -- {again} --trace"
    );
}

/// Asserts that two runs of one seed do not differ in a single line.
pub(crate) fn assert_same(one: &Outcome, other: &Outcome, seed: u64) {
    for (line, (one, other)) in one.trace.iter().zip(&other.trace).enumerate() {
        assert_eq!(one, other, "line {line} of seed {seed}");
    }
    assert_eq!(one, other, "seed {seed}");
}

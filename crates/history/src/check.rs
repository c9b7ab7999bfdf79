//! The way of a round of records through the rules.

use crate::carry::Carry;
use crate::facts::Facts;
use crate::invariants;
use crate::record::Record;
use crate::replay::Replay;
use crate::report::{Bounds, Findings, Report};

/// Checks a history round by round.
///
/// A round ends when no command is under way, all faults are over, and everything has been read once more by the
/// client [`DUMP`](crate::record::DUMP). What is known then is all that is kept, so that a history of any length is
/// checked in the memory of one round.
#[derive(Debug, Default)]
pub struct Checker {
    bounds: Bounds,
    carry: Carry,
    replay: Replay,
}

/// What the rules look at.
pub struct Round<'a> {
    pub records: &'a [Record],
    pub facts: &'a Facts,
    /// What was known before.
    pub carry: &'a Carry,
    pub bounds: &'a Bounds,
}

impl Checker {
    /// Returns a checker that knows nothing of the server yet.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            ..Self::default()
        }
    }

    /// Checks a round. The records may come in any order.
    pub fn round(&mut self, records: &[Record]) -> Report {
        let mut report = Report::count(records);
        let mut findings = Findings::default();
        let mut order: Vec<usize> = (0..records.len()).collect();
        order.sort_by_key(|at| records.get(*at).map(|record| (record.t_invoke, record.session)));
        let sorted: Vec<Record> = order.iter().filter_map(|at| records.get(*at).cloned()).collect();
        let facts = self.replay.round(&sorted, &self.carry, &mut findings);
        let round = Round {
            records: &sorted,
            facts: &facts,
            carry: &self.carry,
            bounds: &self.bounds,
        };
        let next = invariants::check(&round, &mut self.replay.accounts, &mut findings, &mut report);
        self.carry = next;
        report.undecided = findings.undecided;
        for violation in &mut findings.violations {
            for at in &mut violation.records {
                *at = order.get(*at).copied().unwrap_or_default();
            }
        }
        findings.violations.sort_by_key(|violation| violation.invariant);
        report.violations = findings.violations;
        report
    }
}

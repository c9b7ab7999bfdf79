//! What a run says at its end.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use history::{Outcome, Report, Violation};

/// The result of a run.
#[derive(Debug)]
pub struct Summary {
    /// What repeats the mix.
    pub seed: u64,
    /// How long it took.
    pub duration: Duration,
    /// Rounds that were checked.
    pub rounds: u64,
    /// All that was counted and found.
    pub report: Report,
    /// Where the records and logs lie, when something was found.
    pub kept: Option<PathBuf>,
}

impl Summary {
    /// Says whether every promise was kept.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.report.violations.is_empty()
    }

    /// Returns what was found of some invariants.
    pub fn of<'a>(&'a self, invariants: &'a [u8]) -> impl Iterator<Item = &'a Violation> + 'a {
        let found = self.report.violations.iter();
        found.filter(|violation| invariants.contains(&violation.invariant))
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = &self.report;
        let seconds = self.duration.as_secs().max(1);
        let unknown = report.ended(Outcome::Unknown);
        writeln!(formatter, "seed: {}", self.seed)?;
        writeln!(
            formatter,
            "operations: {} in {seconds} s and {} rounds ({} a second)",
            report.operations,
            self.rounds,
            report.operations / seconds
        )?;
        writeln!(
            formatter,
            "outcomes: {} ok, {} no, {} bad, {unknown} unknown ({:.2} %)",
            report.ended(Outcome::Ok),
            report.ended(Outcome::No),
            report.ended(Outcome::Bad),
            percent(unknown, report.operations),
        )?;
        let faults: Vec<String> = report
            .faults
            .iter()
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        writeln!(
            formatter,
            "faults: {} ({})",
            report.faults.values().sum::<u64>(),
            faults.join(", ")
        )?;
        let least = report
            .fault_commands_min
            .map_or("none".to_owned(), |least| least.to_string());
        writeln!(formatter, "least commands carried out within a fault: {least}")?;
        let median = milliseconds(report.fault_writes_percentile(50));
        let p99 = milliseconds(report.fault_writes_percentile(99));
        writeln!(
            formatter,
            "longest stall of a write: {}; writes that a fault met: p50 {median}, p99 {p99}",
            milliseconds(Some(report.stall))
        )?;
        writeln!(formatter, "dropped connections: {}", report.dropped)?;
        writeln!(formatter, "registers left undecided: {}", report.undecided)?;
        writeln!(formatter, "violations: {}", report.violations.len())?;
        for violation in &report.violations {
            writeln!(formatter, "  [{}] {}", violation.invariant, violation.why)?;
        }
        if let Some(kept) = &self.kept {
            writeln!(formatter, "kept: {}", kept.display())?;
        }
        Ok(())
    }
}

fn milliseconds(time: Option<u64>) -> String {
    time.map_or("none".to_owned(), |time| format!("{} ms", time / 1_000))
}

#[expect(clippy::cast_precision_loss, reason = "a share for people to read")]
fn percent(part: u64, whole: u64) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

//! What a check finds and how much it has looked at.

use std::collections::BTreeMap;

use crate::record::{Command, Outcome, Record};

/// A promise that was broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The number of the invariant.
    pub invariant: u8,
    /// What was promised and what was seen.
    pub why: String,
    /// Where it shows: places in the round.
    pub records: Vec<usize>,
}

/// Violations as they are found.
#[derive(Debug, Default)]
pub struct Findings {
    pub violations: Vec<Violation>,
    /// Registers with too many unanswered changes to say anything.
    pub undecided: u64,
}

/// Violations of one invariant that are kept; a defect shows in thousands of records.
const KEPT_MAX: usize = 20;

impl Findings {
    pub fn add(&mut self, invariant: u8, why: impl Into<String>, records: impl IntoIterator<Item = usize>) {
        let same = self
            .violations
            .iter()
            .filter(|other| other.invariant == invariant);
        if same.count() < KEPT_MAX {
            self.violations.push(Violation {
                invariant,
                why: why.into(),
                records: records.into_iter().collect(),
            });
        }
    }
}

/// Times that a run is held to, in microseconds, and what keeps it from passing without having looked.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Between a change and the news of it in IDLE.
    pub push: u64,
    /// The same after the end of a fault.
    pub push_after_heal: u64,
    /// That a write waits at most while a fault is on.
    pub stall: u64,
    /// Unanswered commands of a hundred.
    pub unknown_percent_max: u64,
    /// Acknowledged commands that must fall into each fault.
    pub fault_commands_min: u64,
}

impl Default for Bounds {
    /// What is promised for a machine that has nothing else to do.
    fn default() -> Self {
        Self {
            push: 2_000_000,
            push_after_heal: 5_000_000,
            stall: 5_000_000,
            unknown_percent_max: 5,
            fault_commands_min: 1,
        }
    }
}

/// How much was looked at, and what was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Commands, all of them.
    pub operations: u64,
    /// Commands by verb and outcome.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Faults by kind.
    pub faults: BTreeMap<String, u64>,
    /// Acknowledged commands within the fault that saw the fewest.
    pub fault_commands_min: Option<u64>,
    /// The longest time that an acknowledged write took, in microseconds.
    pub stall: u64,
    /// How long acknowledged writes took that a fault met, in microseconds; at most so many are kept.
    pub fault_writes: Vec<u64>,
    /// Connections that were lost though their proxy lived.
    pub dropped: u64,
    /// Registers that were left undecided.
    pub undecided: u64,
    /// What was found.
    pub violations: Vec<Violation>,
}

/// Latencies that are kept for a percentile.
const WRITES_MAX: usize = 200_000;

impl PartialOrd for Outcome {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Outcome {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (*self as u8).cmp(&(*other as u8))
    }
}

impl Report {
    /// Counts a round.
    #[must_use]
    pub fn count(records: &[Record]) -> Self {
        let mut report = Self::default();
        let faults: Vec<&Record> = records
            .iter()
            .filter(|record| matches!(record.command, Command::Fault { .. }))
            .collect();
        let mut within = vec![0; faults.len()];
        for record in records {
            match &record.command {
                Command::Fault { kind, target } => {
                    // Targets are numbered; the kind of process is what counts.
                    let process =
                        target.trim_end_matches(|digit: char| digit.is_ascii_digit() || digit == '-');
                    let name = format!("{kind:?} {process}").to_lowercase();
                    *report.faults.entry(name).or_default() += 1;
                    continue;
                }
                Command::Heal | Command::Silence => continue,
                _ => {}
            }
            report.operations += 1;
            *report.outcomes.entry(record.outcome).or_default() += 1;
            if record.outcome != Outcome::Ok {
                continue;
            }
            let took = record.t_complete.saturating_sub(record.t_invoke);
            let mut met = false;
            for (fault, count) in faults.iter().zip(&mut within) {
                let inside = (fault.t_invoke..=fault.t_complete).contains(&record.t_complete);
                *count += u64::from(inside);
                met |= record.t_invoke <= fault.t_complete && record.t_complete >= fault.t_invoke;
            }
            if record.command.is_write() {
                report.stall = report.stall.max(took);
                if met && report.fault_writes.len() < WRITES_MAX {
                    report.fault_writes.push(took);
                }
            }
        }
        report.fault_commands_min = within.into_iter().min();
        report
    }

    /// Adds what another round has counted and found.
    pub fn add(&mut self, other: Self) {
        self.operations += other.operations;
        for (outcome, count) in other.outcomes {
            *self.outcomes.entry(outcome).or_default() += count;
        }
        for (fault, count) in other.faults {
            *self.faults.entry(fault).or_default() += count;
        }
        self.fault_commands_min = match (self.fault_commands_min, other.fault_commands_min) {
            (Some(own), Some(other)) => Some(own.min(other)),
            (own, other) => own.or(other),
        };
        self.stall = self.stall.max(other.stall);
        let room = WRITES_MAX.saturating_sub(self.fault_writes.len());
        self.fault_writes
            .extend(other.fault_writes.into_iter().take(room));
        self.dropped += other.dropped;
        self.undecided += other.undecided;
        self.violations.extend(other.violations);
    }

    /// Returns how many commands ended so.
    #[must_use]
    pub fn ended(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&outcome).copied().unwrap_or_default()
    }

    /// Returns the time in which so many of a hundred of the writes that a fault met were acknowledged.
    #[must_use]
    pub fn fault_writes_percentile(&self, percent: usize) -> Option<u64> {
        let mut sorted = self.fault_writes.clone();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        sorted.get(last * percent / 100).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::FaultKind;
    use crate::samples::Sample;

    #[test]
    fn a_round_is_counted() {
        let mut sample = Sample::default();
        sample.append("INBOX", "a-1", 1, 1);
        sample.fault(FaultKind::Kill, "storage-1", 100);
        sample.run(Command::Noop);
        sample.run(Command::Noop).outcome = Outcome::Unknown;
        let report = Report::count(&sample.records);
        assert_eq!((report.operations, report.ended(Outcome::Ok)), (3, 2));
        assert_eq!(report.faults.get("kill storage"), Some(&1));
        assert_eq!(report.fault_commands_min, Some(1));
        let mut sum = report.clone();
        sum.add(report);
        assert_eq!(sum.operations, 6);
    }
}

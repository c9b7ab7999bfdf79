//! Invariants 30 and 36: news comes in time, writes wait for a bounded time, and a session through a proxy that lives
//! stays. The number 0 stands for a run that says nothing: too much went unanswered, or too little happened.

use std::collections::BTreeMap;

use crate::check::Round;
use crate::facts::{Span, Watch};
use crate::record::{Command, FaultKind, Outcome, Record};
use crate::report::{Findings, Report};

fn faults<'a>(round: &'a Round<'_>) -> impl Iterator<Item = (&'a Record, FaultKind, &'a str)> + 'a {
    round.records.iter().filter_map(|record| match &record.command {
        Command::Fault { kind, target } => Some((record, *kind, target.as_str())),
        _ => None,
    })
}

/// Invariant 36: a connection is lost only with its proxy.
pub fn dropped(round: &Round<'_>, findings: &mut Findings, report: &mut Report) {
    let mut before: BTreeMap<(&str, u32), u64> = BTreeMap::new();
    for (at, record) in round.records.iter().enumerate() {
        let session = (record.process.as_str(), record.session);
        let since = before
            .insert(session, record.t_complete)
            .unwrap_or(record.t_invoke);
        if record.outcome != Outcome::Unknown {
            continue;
        }
        let died = faults(round).any(|(fault, kind, target)| {
            let kills = !matches!(kind, FaultKind::Stop);
            let met = fault.t_invoke <= record.t_complete && fault.t_complete >= since;
            kills && target == record.via_proxy && met
        });
        if !died {
            report.dropped += 1;
            let why = format!("a connection to {} was lost, which lived", record.via_proxy);
            findings.add(36, why, [at]);
        }
    }
}

/// Invariant 30: IDLE tells of every new message in time.
pub fn news(round: &Round<'_>, findings: &mut Findings) {
    for watch in &round.facts.watches {
        for creation in &round.facts.creations {
            let span = creation.span;
            let inside = creation.key.mailbox == watch.mailbox && span.invoked >= watch.span.invoked;
            let own = round
                .records
                .get(span.record)
                .is_some_and(|record| record.process == watch.process);
            if !inside || own || span.completed > watch.span.completed {
                continue;
            }
            let deadline = deadline(round, watch, span);
            // One that is removed meanwhile need not be told.
            let removed = round.facts.removable(round.carry, creation.key, deadline);
            let told = watch.told.iter().any(|at| (span.invoked..=deadline).contains(at));
            if deadline <= watch.span.completed && !removed && !told {
                let why = format!("IDLE does not tell of {} in time", creation.key);
                findings.add(30, why, [span.record, watch.span.record]);
            }
        }
    }
}

/// Returns when news must have come.
fn deadline(round: &Round<'_>, watch: &Watch, span: Span) -> u64 {
    let bounds = round.bounds;
    let plain = span.completed.saturating_add(bounds.push);
    let met = faults(round).map(|(fault, ..)| fault);
    let met = met
        .filter(|fault| fault.t_invoke <= plain && fault.t_complete >= watch.span.invoked.max(span.invoked));
    let healed = met
        .map(|fault| fault.t_complete.saturating_add(bounds.push_after_heal))
        .max();
    plain.max(healed.unwrap_or_default())
}

/// Invariant 36: writes wait for a bounded time; and the run has looked at enough to say so.
pub fn writable(round: &Round<'_>, report: &Report, findings: &mut Findings) {
    for (at, record) in round.records.iter().enumerate() {
        let took = record.t_complete.saturating_sub(record.t_invoke);
        let over = record.command.is_write() && record.outcome == Outcome::Ok && took > round.bounds.stall;
        // A proxy that stands still, or is not there, answers when it is back.
        let excused = faults(round).any(|(fault, _, target)| {
            target == record.via_proxy
                && fault.t_invoke <= record.t_complete
                && fault.t_complete >= record.t_invoke
        });
        if over && !excused {
            findings.add(36, format!("a write took {} ms", took / 1000), [at]);
        }
    }
    let unknown = report.ended(Outcome::Unknown);
    if unknown * 100 > report.operations * round.bounds.unknown_percent_max {
        let why = format!("{unknown} of {} commands were not answered", report.operations);
        findings.add(0, why, []);
    }
    let least = report.fault_commands_min;
    if least.is_some_and(|least| least < round.bounds.fault_commands_min) {
        let why = format!("during one fault only {least:?} commands were carried out");
        findings.add(0, why, []);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Told;
    use crate::samples::{NONE, Sample};

    #[test]
    fn a_connection_is_lost_only_with_its_proxy() {
        let lost = |target: &str| {
            let mut sample = Sample::default();
            sample.fault(FaultKind::Kill, target, 100);
            sample.run(Command::Noop).outcome = Outcome::Unknown;
            sample.verdict()
        };
        assert_eq!(lost("proxy-1"), NONE);
        assert_eq!(lost("proxy-2"), [36]);
        assert_eq!(lost("storage-1"), [36]);
    }

    #[test]
    fn idle_tells_in_time() {
        let told = |at: Option<u64>| {
            let mut sample = Sample::default();
            sample.client("w2").select("INBOX", 1, 0);
            sample.run(Command::Idle).t_complete = 1_000;
            let told = at.map(|at| Told {
                at,
                line: "1 EXISTS".to_owned(),
            });
            sample.records.last_mut().unwrap().untagged.extend(told);
            sample.client("w1").append("INBOX", "a-1", 1, 1);
            sample.verdict()
        };
        assert_eq!(told(Some(60)), NONE);
        assert_eq!(told(Some(900)), [30]);
        assert_eq!(told(None), [30]);
    }

    #[test]
    fn writes_wait_for_a_bounded_time() {
        let mut sample = Sample::default();
        sample.append("INBOX", "a-1", 1, 1).t_complete = 900;
        assert_eq!(sample.verdict(), NONE);
        sample.append("INBOX", "a-2", 1, 2).t_complete = 9_000;
        assert_eq!(sample.verdict(), [36]);
        sample.fault(FaultKind::Stop, "proxy-1", 100);
        assert_eq!(sample.verdict(), NONE);
    }

    #[test]
    fn a_run_that_says_nothing_does_not_pass() {
        let mut sample = Sample::default();
        sample.fault(FaultKind::Kill, "storage-1", 10);
        let mut checker = crate::Checker::default();
        let found = checker.round(&sample.records).violations;
        assert!(
            found.iter().any(|violation| violation.invariant == 0),
            "{found:?}"
        );
    }
}

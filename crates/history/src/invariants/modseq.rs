//! Invariants 17, 18 and 20: mod-sequences (RFC 7162 §3.1).

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Round;
use crate::facts::Timeline;
use crate::names::{Key, Mailbox};
use crate::report::Findings;

/// Invariant 17: one mod-sequence means one state, and that of a message never falls.
pub fn states(round: &Round<'_>, findings: &mut Findings) {
    let mut states: BTreeMap<(Key, u64), (&BTreeSet<String>, usize)> = BTreeMap::new();
    let mut last: BTreeMap<Key, Timeline> = BTreeMap::new();
    for (key, live) in &round.carry.live {
        states.insert((*key, live.modseq), (&live.flags, usize::MAX));
    }
    for seen in &round.facts.seen {
        let Some(modseq) = seen.modseq else { continue };
        last.entry(seen.key)
            .or_default()
            .add(seen.span.completed, modseq, seen.span.record);
        let Some(flags) = &seen.flags else { continue };
        let known = *states
            .entry((seen.key, modseq))
            .or_insert((flags, seen.span.record));
        if known.0 != flags {
            let why = format!("{} has {:?} and {flags:?} at MODSEQ {modseq}", seen.key, known.0);
            let first = Some(known.1).filter(|record| *record != usize::MAX);
            findings.add(17, why, first.into_iter().chain([seen.span.record]));
        }
    }
    last.values_mut().for_each(Timeline::settle);
    for seen in round.facts.seen.iter().filter(|seen| seen.asked) {
        let Some(modseq) = seen.modseq else { continue };
        let known = last
            .get(&seen.key)
            .and_then(|timeline| timeline.before(seen.span.invoked));
        if let Some((before, record)) = known.filter(|(before, _)| *before > modseq) {
            let why = format!("MODSEQ of {} falls from {before} to {modseq}", seen.key);
            findings.add(17, why, [record, seen.span.record]);
        }
    }
}

/// Invariant 18: HIGHESTMODSEQ never falls and is not below what a message has.
pub fn highest(round: &Round<'_>, findings: &mut Findings) {
    let mut timelines: BTreeMap<Mailbox, Timeline> = BTreeMap::new();
    for seen in &round.facts.seen {
        if let Some(modseq) = seen.modseq {
            let timeline = timelines.entry(seen.key.mailbox).or_default();
            timeline.add(seen.span.completed, modseq, seen.span.record);
        }
    }
    for counters in &round.facts.counters {
        if let Some(highest) = counters.highest {
            let timeline = timelines.entry(counters.mailbox).or_default();
            timeline.add(counters.span.completed, highest, counters.span.record);
        }
    }
    timelines.values_mut().for_each(Timeline::settle);
    let mut at_rest: BTreeMap<Mailbox, (u64, usize)> = BTreeMap::new();
    for counters in &round.facts.counters {
        let Some(highest) = counters.highest else { continue };
        let record = counters.span.record;
        let known = timelines
            .get(&counters.mailbox)
            .and_then(|timeline| timeline.before(counters.span.invoked));
        let carried = round
            .carry
            .marks
            .get(&counters.mailbox)
            .map(|marks| (marks.highest, record));
        let known = known.max(carried);
        if let Some((before, first)) = known.filter(|(before, _)| *before > highest) {
            findings.add(
                18,
                format!("HIGHESTMODSEQ falls from {before} to {highest}"),
                [first, record],
            );
        }
        if counters.dump {
            let (first, other) = *at_rest.entry(counters.mailbox).or_insert((highest, record));
            if first != highest {
                let why = format!("HIGHESTMODSEQ is {first} and {highest}, though nothing changes");
                findings.add(18, why, [other, record]);
            }
        }
    }
}

/// Invariant 20: everything that changed since is returned.
pub fn changed_since(round: &Round<'_>, findings: &mut Findings) {
    let mut last: BTreeMap<Key, Timeline> = BTreeMap::new();
    for seen in &round.facts.seen {
        if let Some(modseq) = seen.modseq {
            last.entry(seen.key)
                .or_default()
                .add(seen.span.completed, modseq, seen.span.record);
        }
    }
    last.values_mut().for_each(Timeline::settle);
    for since in &round.facts.since {
        for uid in since.view.iter().filter(|uid| !since.found.contains(uid)) {
            let key = since.mailbox.key(*uid);
            let known = last
                .get(&key)
                .and_then(|timeline| timeline.before(since.span.invoked));
            let Some((modseq, record)) = known.filter(|(modseq, _)| *modseq > since.above) else {
                continue;
            };
            if !round.facts.removable(round.carry, key, since.span.completed) {
                let why = format!("{key} has MODSEQ {modseq} and is not found above {}", since.above);
                findings.add(20, why, [record, since.span.record]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::record::{Command, Messages};
    use crate::samples::{NONE, Sample};

    fn all(since: Option<u64>) -> Command {
        Command::Fetch {
            messages: Messages::All,
            changed_since: since,
        }
    }

    fn sample() -> Sample {
        let mut sample = Sample::default();
        sample.select("INBOX", 1, 1);
        sample.lines(all(None), &["1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (7))"]);
        sample
    }

    #[test]
    fn one_mod_sequence_means_one_state() {
        let mut sample = sample();
        sample.lines(all(None), &["1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (7))"]);
        assert_eq!(sample.verdict(), NONE);
        sample.lines(Command::Noop, &["1 FETCH (UID 1 FLAGS () MODSEQ (7))"]);
        assert_eq!(sample.verdict(), [17]);
    }

    #[test]
    fn mod_sequences_never_fall() {
        let mut sample = sample();
        sample.lines(all(None), &["1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (6))"]);
        assert_eq!(sample.verdict(), [17]);
    }

    #[test]
    fn the_highest_is_the_highest_and_never_falls() {
        let mut sample = sample();
        let status = |highest: u64| format!("STATUS INBOX (UIDVALIDITY 1 HIGHESTMODSEQ {highest})");
        let ask = || Command::Status {
            name: "INBOX".to_owned(),
        };
        sample.lines(ask(), &[&status(9)]);
        assert_eq!(sample.verdict(), NONE);
        sample.lines(ask(), &[&status(8)]);
        assert_eq!(sample.verdict(), [18]);
        let mut below = self::sample();
        below.lines(ask(), &[&status(6)]);
        assert_eq!(below.verdict(), [18]);
    }

    #[test]
    fn what_changed_is_found() {
        for (line, expected) in [("SEARCH 1 (MODSEQ 7)", vec![]), ("SEARCH", vec![20])] {
            let mut sample = sample();
            sample.lines(Command::Changed { modseq: 7 }, &[line]);
            assert_eq!(sample.verdict(), expected);
        }
        let mut sample = sample();
        sample.lines(all(Some(7)), &[]);
        assert_eq!(sample.verdict(), NONE);
        sample.lines(all(Some(6)), &[]);
        assert_eq!(sample.verdict(), [20]);
    }
}

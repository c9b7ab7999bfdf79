//! Invariants 16, 19, 27 and 28: each flag of each message is a linearizable register, and a STORE with UNCHANGEDSINCE
//! is a compare-and-set.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Round;
use crate::facts::{Creation, Searched, Seen, Span, Store};
use crate::linear::{Operation, Stuck, explain};
use crate::names::Key;
use crate::record::FlagChange;
use crate::report::Findings;

/// What is known of one message.
#[derive(Default)]
struct Message<'a> {
    stores: &'a [Store],
    seen: Vec<&'a Seen>,
    searched: Vec<&'a Searched>,
    /// The flags that it begins with, where that is known.
    initial: Option<&'a BTreeSet<String>>,
}

/// Invariants 16, 27 and 28: some order of the STOREs explains every FETCH and SEARCH.
pub fn registers(round: &Round<'_>, findings: &mut Findings) {
    let mut messages: BTreeMap<Key, Message<'_>> = BTreeMap::new();
    for seen in round
        .facts
        .seen
        .iter()
        .filter(|seen| seen.asked && seen.flags.is_some())
    {
        messages.entry(seen.key).or_default().seen.push(seen);
    }
    for searched in &round.facts.searched {
        // A message that may be gone need not be found.
        if searched.found
            || !round
                .facts
                .removable(round.carry, searched.key, searched.span.completed)
        {
            messages.entry(searched.key).or_default().searched.push(searched);
        }
    }
    let made: BTreeMap<Key, &Creation> = round
        .facts
        .creations
        .iter()
        .map(|creation| (creation.key, creation))
        .collect();
    for (key, message) in &mut messages {
        message.stores = round.facts.stores.get(key).map_or(&[], Vec::as_slice);
        let carried = round.carry.live.get(key).map(|live| &live.flags);
        message.initial = carried.or_else(|| made.get(key)?.flags.as_ref());
        for flag in message.flags() {
            check(round, *key, message, &flag, findings);
        }
    }
}

impl Message<'_> {
    /// Returns every flag that was ever there, looked for or changed.
    fn flags(&self) -> BTreeSet<String> {
        let stored = self.stores.iter().flat_map(|store| &store.flags);
        let seen = self.seen.iter().filter_map(|seen| seen.flags.as_ref()).flatten();
        let searched = self.searched.iter().map(|searched| &searched.flag);
        let initial = self.initial.into_iter().flatten();
        stored
            .chain(seen)
            .chain(searched)
            .chain(initial)
            .cloned()
            .collect()
    }
}

enum Effect {
    Set(bool),
    See(bool),
}

fn check(round: &Round<'_>, key: Key, message: &Message<'_>, flag: &str, findings: &mut Findings) {
    let mut operations = Vec::new();
    let mut by_record: BTreeMap<usize, usize> = BTreeMap::new();
    for store in message.stores.iter().filter(|store| store.may_apply()) {
        let Some(set) = outcome(store, flag) else { continue };
        let gone = round.facts.removable(round.carry, key, store.span.completed);
        by_record.insert(store.span.record, operations.len());
        operations.push(Operation {
            required: store.certain && !gone,
            looks: false,
            after: store.after,
            ..operation(store.span, Effect::Set(set))
        });
    }
    let seen = message.seen.iter().map(|seen| {
        let there = seen.flags.as_ref().is_some_and(|flags| flags.contains(flag));
        (seen.span, there, seen.after)
    });
    let searched = message.searched.iter().filter(|searched| searched.flag == flag);
    let searched = searched.map(|searched| (searched.span, searched.found, None));
    for (span, there, after) in seen.chain(searched) {
        by_record.entry(span.record).or_insert(operations.len());
        operations.push(Operation {
            after,
            ..operation(span, Effect::See(there))
        });
    }
    // The order of a session is known by records; here it is an order of operations.
    for operation in &mut operations {
        operation.after = operation.after.and_then(|record| by_record.get(&record).copied());
    }
    let initial = message.initial.map(|flags| flags.contains(flag));
    let initial = initial.map_or_else(|| [false, true].into(), |there| [there].into());
    let apply = |there: &bool, effect: &Effect| match effect {
        Effect::Set(set) => Some(*set),
        Effect::See(seen) => (there == seen).then_some(*there),
    };
    match explain(initial, &operations, apply) {
        Ok(_) => {}
        Err(Stuck::Undecided) => findings.undecided += 1,
        Err(Stuck::At(at)) => {
            let operation = operations.get(at);
            let seen = operation.map(|operation| matches!(operation.effect, Effect::See(true)));
            let pipelined = operation.is_some_and(|operation| operation.after.is_some());
            let why = format!("{key}: {flag} is seen as {seen:?}, which no order of the changes explains");
            let changes = operations
                .iter()
                .filter(|operation| !operation.looks)
                .map(|operation| operation.record);
            let records = operation
                .map(|operation| operation.record)
                .into_iter()
                .chain(changes);
            findings.add(if pipelined { 28 } else { 16 }, why, records.take(12));
        }
    }
}

fn operation(span: Span, effect: Effect) -> Operation<Effect> {
    Operation {
        invoked: span.invoked,
        completed: span.completed,
        required: true,
        looks: true,
        effect,
        record: span.record,
        after: None,
    }
}

/// Returns what a STORE makes of a flag, nothing when it leaves it alone.
fn outcome(store: &Store, flag: &str) -> Option<bool> {
    let named = store.flags.contains(flag);
    match store.change {
        FlagChange::Add => named.then_some(true),
        FlagChange::Remove => named.then_some(false),
        FlagChange::Replace => Some(named),
    }
}

/// Invariant 19: of several STOREs with one UNCHANGEDSINCE one wins, and MODIFIED is told for a reason.
///
/// Clients only send ones that would change something.
pub fn compare_and_set(round: &Round<'_>, findings: &mut Findings) {
    let mut modseqs: BTreeMap<Key, Vec<(u64, u64)>> = BTreeMap::new();
    for seen in &round.facts.seen {
        if let Some(modseq) = seen.modseq {
            modseqs
                .entry(seen.key)
                .or_default()
                .push((modseq, seen.span.completed));
        }
    }
    for (key, stores) in &round.facts.stores {
        let mut winners: BTreeMap<u64, usize> = BTreeMap::new();
        let known = modseqs.get(key).map_or(&[][..], Vec::as_slice);
        for store in stores {
            let Some(since) = store.since else { continue };
            let record = store.span.record;
            let later = |time: u64| known.iter().any(|(modseq, at)| *modseq > since && *at < time);
            if store.modified {
                let changed = stores.iter().any(|other| {
                    other.may_apply()
                        && other.span.record != record
                        && other.span.invoked < store.span.completed
                });
                if !changed && !later(u64::MAX) {
                    findings.add(
                        19,
                        format!("{key} is MODIFIED, though nobody changed it"),
                        [record],
                    );
                }
                continue;
            }
            let gone = round.facts.removable(round.carry, *key, store.span.completed);
            if !store.certain || gone {
                continue;
            }
            if let Some(other) = winners.insert(since, record) {
                let why = format!("two STOREs of {key} with UNCHANGEDSINCE {since} have won");
                findings.add(19, why, [other, record]);
            } else if later(store.span.invoked) {
                let why = format!("{key} had changed after {since}, and a STORE with UNCHANGEDSINCE has won");
                findings.add(19, why, [record]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Command, Messages, Outcome};
    use crate::samples::{NONE, Sample, flags};

    fn sample() -> Sample {
        let mut sample = Sample::default();
        sample.append("INBOX", "a-1", 1, 1);
        sample.select("INBOX", 1, 1);
        sample.look(&[(1, "")]);
        sample
    }

    #[test]
    fn an_acknowledged_flag_is_seen_by_all() {
        let seen = |by_other: &str| {
            let mut sample = sample();
            sample.store(1, FlagChange::Add, "\\Seen");
            sample.client("w2").select("INBOX", 1, 1);
            sample.look(&[(1, by_other)]);
            sample.verdict()
        };
        assert_eq!(seen("\\Seen"), NONE);
        assert_eq!(seen(""), [16]);
    }

    #[test]
    fn flags_of_several_sessions_do_not_lose_each_other() {
        let both = |after: &str| {
            let mut sample = sample();
            sample.store(1, FlagChange::Add, "\\Seen");
            let end = sample.records.last().unwrap().t_complete + 20;
            sample.records.last_mut().unwrap().t_complete = end;
            sample.client("w2").select("INBOX", 1, 1);
            sample.look(&[(1, "")]);
            sample.store(1, FlagChange::Add, "$Work");
            sample.look(&[(1, after)]);
            sample.verdict()
        };
        assert_eq!(both("\\Seen $Work"), NONE);
        assert_eq!(both("$Work"), [16]);
        assert_eq!(both("\\Seen"), [16]);
    }

    #[test]
    fn a_refused_store_changes_nothing_and_an_unanswered_one_may() {
        for (outcome, expected) in [(Outcome::No, vec![16]), (Outcome::Unknown, vec![])] {
            let mut sample = sample();
            sample.store(1, FlagChange::Add, "\\Seen").outcome = outcome;
            sample.client("w2").select("INBOX", 1, 1);
            sample.look(&[(1, "\\Seen")]);
            let verdict = sample.verdict().into_iter().filter(|number| *number != 36);
            assert_eq!(verdict.collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn pipelined_commands_follow_each_other() {
        let pipelined = |seen: &str| {
            let mut sample = sample();
            sample.store(1, FlagChange::Add, "\\Seen");
            sample.store(1, FlagChange::Remove, "\\Seen");
            sample.look(&[(1, seen)]);
            let first = sample.records.len() - 3;
            for record in sample.records.iter_mut().skip(first) {
                (record.t_invoke, record.t_complete) = (200, 300);
                record.untagged.iter_mut().for_each(|told| told.at = 290);
            }
            sample.verdict()
        };
        assert_eq!(pipelined(""), NONE);
        assert_eq!(pipelined("\\Seen"), [28]);
    }

    #[test]
    fn one_compare_and_set_wins() {
        let two = |second_is_modified: bool| {
            let mut sample = sample();
            for client in ["w1", "w2"] {
                sample.client(client).select("INBOX", 1, 1);
                sample.look(&[(1, "")]);
            }
            for (client, flag) in [("w1", "$A"), ("w2", "$B")] {
                let record = sample.client(client).run(Command::Store {
                    messages: Messages::Uids(vec![1]),
                    change: FlagChange::Add,
                    flags: flags(flag),
                    unchanged_since: Some(4),
                });
                if client == "w2" && second_is_modified {
                    record.resp_code = Some("MODIFIED 1".to_owned());
                }
            }
            sample.verdict()
        };
        assert_eq!(two(true), NONE);
        assert_eq!(two(false), [19]);
    }

    #[test]
    fn modified_has_a_reason() {
        let mut sample = sample();
        let record = sample.run(Command::Store {
            messages: Messages::Uids(vec![1]),
            change: FlagChange::Add,
            flags: flags("$A"),
            unchanged_since: Some(4),
        });
        record.resp_code = Some("MODIFIED 1".to_owned());
        assert_eq!(sample.verdict(), [19]);
    }

    #[test]
    fn search_sees_what_fetch_sees() {
        let found = |line: &str| {
            let mut sample = sample();
            sample.store(1, FlagChange::Add, "\\Flagged");
            let flag = "\\Flagged".to_owned();
            sample.lines(Command::Search { flag }, &[line]);
            sample.verdict()
        };
        assert_eq!(found("SEARCH 1"), NONE);
        assert_eq!(found("SEARCH"), [16]);
    }
}

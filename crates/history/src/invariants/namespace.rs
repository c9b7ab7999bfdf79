//! Invariants 15 and 32: the names that LIST and LSUB show are linearizable sets, and RENAME of a tree is one step.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Round;
use crate::facts::Span;
use crate::linear::{Operation, Stuck, explain};
use crate::names::{Account, Accounts};
use crate::record::{Command, Outcome, Record};
use crate::report::Findings;
use crate::response::Response;

type Names = BTreeSet<String>;
type Sets = BTreeMap<Account, Names>;

enum Effect {
    Create(String),
    Delete(String),
    Rename(String, String),
    Insert(String),
    Remove(String),
    /// The command was refused, and should have been.
    Refused(Box<Effect>),
    See(Names),
}

/// Explains all LIST and LSUB answers, and returns what they show at the end.
pub fn check(round: &Round<'_>, accounts: &mut Accounts, findings: &mut Findings) -> (Sets, Sets) {
    let mut listed: BTreeMap<Account, Vec<Operation<Effect>>> = BTreeMap::new();
    let mut subscribed: BTreeMap<Account, Vec<Operation<Effect>>> = BTreeMap::new();
    for (at, record) in round.records.iter().enumerate() {
        let Some((effect, names)) = effect(record) else {
            continue;
        };
        let looks = matches!(effect, Effect::See(_) | Effect::Refused(_));
        let span = Span {
            invoked: record.t_invoke,
            completed: record.effect_end(),
            record: at,
        };
        let operation = Operation {
            invoked: span.invoked,
            completed: span.completed,
            required: !record.is_open(),
            looks,
            effect,
            record: at,
            after: None,
        };
        let sets = if names { &mut listed } else { &mut subscribed };
        sets.entry(accounts.of(&record.account))
            .or_default()
            .push(operation);
    }
    let listed = explain_all(listed, &round.carry.listed, findings);
    let subscribed = explain_all(subscribed, &round.carry.subscribed, findings);
    (listed, subscribed)
}

fn explain_all(
    operations: BTreeMap<Account, Vec<Operation<Effect>>>,
    before: &Sets,
    findings: &mut Findings,
) -> Sets {
    let mut after = before.clone();
    for (account, operations) in operations {
        let Some(initial) = before.get(&account).or_else(|| first_seen(&operations)) else {
            continue;
        };
        match explain([initial.clone()].into(), &operations, apply) {
            Ok(states) => {
                let only = states.into_iter().next();
                after.extend(only.map(|names| (account, names)));
            }
            Err(Stuck::Undecided) => findings.undecided += 1,
            Err(Stuck::At(at)) => report(&operations, at, findings),
        }
        let last = operations.iter().rev().find_map(seen);
        after.extend(last.map(|names| (account, names.clone())));
    }
    after
}

fn seen(operation: &Operation<Effect>) -> Option<&Names> {
    match &operation.effect {
        Effect::See(names) => Some(names),
        _ => None,
    }
}

/// Returns what is seen before anything changes.
fn first_seen(operations: &[Operation<Effect>]) -> Option<&Names> {
    let first = operations.iter().find(|operation| seen(operation).is_some())?;
    let undisturbed = operations
        .iter()
        .all(|operation| operation.looks || operation.invoked > first.completed);
    seen(first).filter(|_| undisturbed)
}

fn report(operations: &[Operation<Effect>], at: usize, findings: &mut Findings) {
    let Some(operation) = operations.get(at) else {
        return;
    };
    let renames = operations.iter().filter(|other| {
        matches!(other.effect, Effect::Rename(..))
            && other.invoked < operation.completed
            && other.completed > operation.invoked
    });
    // While a RENAME is under way, what does not fit is most likely half of it.
    let invariant = if renames.count() > 0 { 15 } else { 32 };
    let why = match &operation.effect {
        Effect::See(names) => format!("no order of the changes explains these names: {names:?}"),
        Effect::Refused(_) => "a command was refused that should have been carried out".to_owned(),
        _ => "a command was carried out that should have been refused".to_owned(),
    };
    findings.add(invariant, why, [operation.record]);
}

/// Returns what a record does, and whether to the names rather than to the subscriptions.
fn effect(record: &Record) -> Option<(Effect, bool)> {
    let shown = |names: fn(Response) -> Option<String>| {
        let lines = record.untagged.iter().map(|told| Response::parse(&told.line));
        lines.filter_map(names).collect()
    };
    let answered = record.outcome == Outcome::Ok;
    let (effect, names) = match &record.command {
        Command::Create { name } => (Effect::Create(name.clone()), true),
        Command::Delete { name } => (Effect::Delete(name.clone()), true),
        Command::Rename { from, to } => (Effect::Rename(from.clone(), to.clone()), true),
        Command::Subscribe {
            name,
            subscribed: true,
        } => (Effect::Insert(name.clone()), false),
        Command::Subscribe {
            name,
            subscribed: false,
        } => (Effect::Remove(name.clone()), false),
        Command::List if answered => {
            let names = shown(|line| match line {
                Response::List(name) => Some(name),
                _ => None,
            });
            return Some((Effect::See(names), true));
        }
        Command::Lsub if answered => {
            let names = shown(|line| match line {
                Response::Lsub(name) => Some(name),
                _ => None,
            });
            return Some((Effect::See(names), false));
        }
        _ => return None,
    };
    match record.may_have_effect() {
        true => Some((effect, names)),
        false if record.outcome == Outcome::No && names => Some((Effect::Refused(Box::new(effect)), names)),
        false => None,
    }
}

fn apply(names: &Names, effect: &Effect) -> Option<Names> {
    let mut after = names.clone();
    match effect {
        Effect::See(seen) => return (names == seen).then_some(after),
        Effect::Refused(effect) => return apply(names, effect).is_none().then_some(after),
        Effect::Insert(name) => {
            after.insert(name.clone());
        }
        Effect::Remove(name) => {
            after.remove(name);
        }
        Effect::Create(name) => {
            if !after.insert(name.clone()) {
                return None;
            }
            insert_parents(&mut after, name);
        }
        Effect::Delete(name) => {
            if !after.remove(name) {
                return None;
            }
        }
        Effect::Rename(from, to) => {
            let below = format!("{from}/");
            let moved: Vec<String> = names
                .iter()
                .filter(|name| *name == from || name.starts_with(&below))
                .cloned()
                .collect();
            if moved.is_empty() || names.contains(to) {
                return None;
            }
            for name in moved {
                after.remove(&name);
                after.insert(format!("{to}{}", name.get(from.len()..).unwrap_or_default()));
            }
            insert_parents(&mut after, to);
        }
    }
    Some(after)
}

/// Parents are made with a mailbox (RFC 9051 §6.3.4).
fn insert_parents(names: &mut Names, name: &str) {
    let mut parent = name;
    while let Some((above, _)) = parent.rsplit_once('/') {
        names.insert(above.to_owned());
        parent = above;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{NONE, Sample};

    fn list(sample: &mut Sample, names: &[&str]) {
        let lines: Vec<String> = names.iter().map(|name| format!("LIST () \"/\" {name}")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        sample.lines(Command::List, &lines);
    }

    fn create(sample: &mut Sample, name: &str) {
        sample.run(Command::Create {
            name: name.to_owned(),
        });
    }

    #[test]
    fn names_are_those_that_were_made() {
        let mut sample = Sample::default();
        list(&mut sample, &["INBOX"]);
        create(&mut sample, "a/b");
        list(&mut sample, &["INBOX", "a", "a/b"]);
        assert_eq!(sample.verdict(), NONE);
        list(&mut sample, &["INBOX", "a"]);
        assert_eq!(sample.verdict(), [32]);
    }

    #[test]
    fn a_name_is_there_once() {
        let mut sample = Sample::default();
        list(&mut sample, &["INBOX"]);
        create(&mut sample, "a");
        create(&mut sample, "a");
        assert_eq!(sample.verdict(), [32]);
        sample.records.last_mut().unwrap().outcome = Outcome::No;
        assert_eq!(sample.verdict(), NONE);
    }

    #[test]
    fn a_tree_is_renamed_as_one() {
        let during = |names: &[&str]| {
            let mut sample = Sample::default();
            list(&mut sample, &["a", "a/b"]);
            sample.run(Command::Rename {
                from: "a".to_owned(),
                to: "c".to_owned(),
            });
            sample.records.last_mut().unwrap().t_complete = 500;
            list(sample.client("w2"), names);
            sample.verdict()
        };
        assert_eq!(during(&["a", "a/b"]), NONE);
        assert_eq!(during(&["c", "c/b"]), NONE);
        assert_eq!(during(&["a/b", "c"]), [15]);
    }

    #[test]
    fn subscriptions_are_a_set() {
        let mut sample = Sample::default();
        sample.run(Command::Lsub);
        sample.run(Command::Subscribe {
            name: "a".to_owned(),
            subscribed: true,
        });
        sample.lines(Command::Lsub, &["LSUB () \"/\" a"]);
        assert_eq!(sample.verdict(), NONE);
        sample.run(Command::Lsub);
        assert_eq!(sample.verdict(), [32]);
    }
}

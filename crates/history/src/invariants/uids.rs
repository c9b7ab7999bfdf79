//! Invariants 1 to 6: UIDs and UIDVALIDITY.

use std::collections::{BTreeMap, BTreeSet};

use super::Tokens;
use crate::carry::Marks;
use crate::check::Round;
use crate::facts::{Origin, Timeline};
use crate::names::{Account, Accounts, Key, Mailbox};
use crate::record::{Command, Outcome};
use crate::report::Findings;
use crate::response::Response;

/// Invariants 2, 3 and 6: a UID names one message for ever. Returns the token behind each UID.
pub fn identities(round: &Round<'_>, findings: &mut Findings) -> Tokens {
    let mut tokens: Tokens = round
        .carry
        .live
        .iter()
        .map(|(key, live)| (*key, live.token.clone()))
        .collect();
    let mut named: BTreeMap<Key, usize> = BTreeMap::new();
    let mut creations: Vec<_> = round.facts.creations.iter().collect();
    creations.sort_by_key(|creation| creation.span.completed);
    for creation in &creations {
        let record = creation.span.record;
        let marks = round.carry.marks.get(&creation.key.mailbox);
        let used = marks.is_some_and(|marks| u64::from(creation.key.uid) < marks.uid_next);
        if let Some(before) = named.insert(creation.key, record) {
            findings.add(3, format!("{} is given twice", creation.key), [before, record]);
        } else if used {
            findings.add(3, format!("{} is given again", creation.key), [record]);
        }
        if let Some(token) = &creation.token {
            tokens.insert(creation.key, token.clone());
        }
    }
    // What was seen of a source may be recorded later than its copy.
    let mut seen = Tokens::new();
    for one in &round.facts.seen {
        let body = one
            .body
            .as_ref()
            .map(|body| &body.token)
            .filter(|token| !token.is_empty());
        let Some(token) = body.or(one.token.as_ref()) else {
            continue;
        };
        match seen.insert(one.key, token.clone()) {
            Some(other) if other != *token => {
                findings.add(
                    2,
                    format!("{} is {other} and {token}", one.key),
                    [one.span.record],
                );
            }
            _ => {}
        }
    }
    for creation in &creations {
        let promised = match creation.origin {
            Origin::Append => creation.token.clone(),
            Origin::Copy(source) | Origin::Move(source) => tokens.get(&source).or(seen.get(&source)).cloned(),
        };
        let Some(promised) = promised else { continue };
        if let Some(other) = seen.get(&creation.key).filter(|other| **other != promised) {
            let why = format!("{} should be {promised} and is {other}", creation.key);
            findings.add(6, why, [creation.span.record]);
        }
        tokens.insert(creation.key, promised);
    }
    for (key, token) in seen {
        if let Some(known) = round.carry.live.get(&key).filter(|known| known.token != token) {
            findings.add(2, format!("{key} was {} and is {token}", known.token), []);
        }
        tokens.entry(key).or_insert(token);
    }
    tokens
}

/// Invariant 1: UIDs ascend in the order of commits.
pub fn order(round: &Round<'_>, findings: &mut Findings) {
    let mut timelines: BTreeMap<Mailbox, Timeline> = BTreeMap::new();
    for creation in &round.facts.creations {
        let timeline = timelines.entry(creation.key.mailbox).or_default();
        let span = creation.span;
        timeline.add(span.completed, u64::from(creation.key.uid), span.record);
    }
    timelines.values_mut().for_each(Timeline::settle);
    for creation in &round.facts.creations {
        let timeline = timelines.get(&creation.key.mailbox);
        let known = timeline.and_then(|timeline| timeline.before(creation.span.invoked));
        if let Some((uid, record)) = known.filter(|(uid, _)| *uid >= u64::from(creation.key.uid)) {
            let why = format!("{} is given after UID {uid}", creation.key);
            findings.add(1, why, [record, creation.span.record]);
        }
    }
}

/// Invariant 4: UIDNEXT lies above all UIDs, never falls, and does not rise without a message.
pub fn next(round: &Round<'_>, findings: &mut Findings) {
    let mut above: BTreeMap<Mailbox, Timeline> = BTreeMap::new();
    let facts = round.facts;
    let given = facts
        .creations
        .iter()
        .map(|creation| (creation.key, creation.span));
    let seen = facts.seen.iter().map(|seen| (seen.key, seen.span));
    for (key, span) in given.chain(seen) {
        let next = u64::from(key.uid) + 1;
        above
            .entry(key.mailbox)
            .or_default()
            .add(span.completed, next, span.record);
    }
    for counters in &facts.counters {
        if let Some(next) = counters.uid_next {
            let timeline = above.entry(counters.mailbox).or_default();
            timeline.add(counters.span.completed, next, counters.span.record);
        }
    }
    above.values_mut().for_each(Timeline::settle);
    for counters in &facts.counters {
        let Some(next) = counters.uid_next else { continue };
        let before = above
            .get(&counters.mailbox)
            .and_then(|timeline| timeline.before(counters.span.invoked));
        if let Some((known, record)) = before.filter(|(known, _)| *known > next) {
            let why = format!("UIDNEXT is {next}, but {known} was known to be the least");
            findings.add(4, why, [record, counters.span.record]);
        }
        let carried = round
            .carry
            .marks
            .get(&counters.mailbox)
            .map_or(0, |marks| marks.uid_next);
        if next < carried {
            let why = format!("UIDNEXT was {carried} and is {next}");
            findings.add(4, why, [counters.span.record]);
        }
        if counters.dump {
            bounded(round, counters.mailbox, (next, counters.span.record), findings);
        }
    }
}

/// Judges whether so many messages can have come.
fn bounded(round: &Round<'_>, mailbox: Mailbox, (next, record): (u64, usize), findings: &mut Findings) {
    let facts = round.facts;
    let begin = round.carry.marks.get(&mailbox).map_or(1, |marks| marks.uid_next);
    let given: BTreeSet<Key> = facts
        .creations
        .iter()
        .map(|creation| creation.key)
        .filter(|key| key.mailbox == mailbox)
        .collect();
    let unnamed = facts
        .attempts
        .iter()
        .filter(|((account, _), _)| *account == mailbox.account);
    let unnamed: usize = unnamed.map(|(_, attempts)| attempts.len()).sum();
    let open = facts.open_transfers.iter().filter(|open| {
        open.sources
            .iter()
            .any(|source| source.mailbox.account == mailbox.account)
    });
    let open: usize = open.map(|open| open.sources.len()).sum();
    let most = begin + u64::try_from(given.len() + unnamed + open).unwrap_or(u64::MAX);
    if next > most {
        findings.add(
            4,
            format!("UIDNEXT is {next}, though it was {begin} and can be {most} at most"),
            [record],
        );
    }
}

/// Returns the counters that the last look at everything showed.
pub fn marks(round: &Round<'_>) -> BTreeMap<Mailbox, Marks> {
    let mut marks: BTreeMap<Mailbox, Marks> = BTreeMap::new();
    for counters in round.facts.counters.iter().filter(|counters| counters.dump) {
        let marks = marks.entry(counters.mailbox).or_default();
        marks.uid_next = marks.uid_next.max(counters.uid_next.unwrap_or_default());
        marks.highest = marks.highest.max(counters.highest.unwrap_or_default());
    }
    marks
}

type Known = BTreeMap<(String, Account, String), u32>;
type Ever = BTreeMap<(Account, String), BTreeSet<u32>>;

/// Invariants 3, 5 and 15: UIDVALIDITY stays with a mailbox, also over RENAME, and never comes back under a name.
pub fn validities(round: &Round<'_>, accounts: &mut Accounts, findings: &mut Findings) -> (Known, Ever) {
    let mut known = round.carry.known_names.clone();
    let mut ever = round.carry.validities.clone();
    let mut new: BTreeSet<(String, Account, String)> = BTreeSet::new();
    for (at, record) in round
        .records
        .iter()
        .enumerate()
        .filter(|(_, record)| !record.is_dump())
    {
        let account = accounts.of(&record.account);
        let place = |name: &str| (record.process.clone(), account, name.to_owned());
        match &record.command {
            Command::Create { name } if record.may_have_effect() => {
                if record.outcome == Outcome::Ok {
                    new.insert(place(name));
                }
                known.remove(&place(name));
            }
            Command::Delete { name } if record.may_have_effect() => {
                known.remove(&place(name));
            }
            Command::Rename { from, to } if record.may_have_effect() => {
                let below = |(process, owner, name): &(String, Account, String)| {
                    *process == record.process && *owner == account && is_in(name, from)
                };
                let moved: Vec<_> = known.keys().filter(|key| below(key)).cloned().collect();
                for key in moved {
                    let validity = known.remove(&key).unwrap_or_default();
                    let name = format!("{to}{}", key.2.get(from.len()..).unwrap_or_default());
                    if record.outcome == Outcome::Ok {
                        known.insert(place(&name), validity);
                    }
                }
            }
            Command::Select { name, .. } | Command::Status { name } => {
                let Some(validity) = told(record) else { continue };
                let place = place(name);
                let past = ever.entry((account, name.clone())).or_default();
                match known.get(&place) {
                    Some(before) if *before != validity => {
                        let why = format!("UIDVALIDITY of {name} was {before} and is {validity}");
                        findings.add(5, why, [at]);
                    }
                    None if new.remove(&place) && past.contains(&validity) => {
                        let why = format!("{name} was made anew and has its old UIDVALIDITY {validity}");
                        findings.add(3, why, [at]);
                    }
                    _ => {}
                }
                past.insert(validity);
                known.insert(place, validity);
            }
            _ => {}
        }
    }
    (known, ever)
}

fn is_in(name: &str, tree: &str) -> bool {
    let rest = name.strip_prefix(tree);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Returns the UIDVALIDITY that an answer tells.
fn told(record: &crate::Record) -> Option<u32> {
    if record.outcome != Outcome::Ok {
        return None;
    }
    let lines = record
        .untagged
        .iter()
        .rev()
        .map(|told| Response::parse(&told.line));
    let mut words = lines.filter_map(|line| match line {
        Response::Code(name, words) if name == "UIDVALIDITY" => words.parse().ok(),
        Response::Status { items, .. } => items
            .get("UIDVALIDITY")
            .and_then(|value| u32::try_from(*value).ok()),
        _ => None,
    });
    words.next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{NONE, Sample};

    fn create(sample: &mut Sample, name: &str) {
        sample.run(Command::Create {
            name: name.to_owned(),
        });
    }

    fn status(sample: &mut Sample, name: &str, items: &str) {
        let line = format!("STATUS {name} ({items})");
        sample.lines(
            Command::Status {
                name: name.to_owned(),
            },
            &[&line],
        );
    }

    #[test]
    fn uids_ascend() {
        let mut sample = Sample::default();
        sample.append("INBOX", "a-1", 1, 4);
        sample.append("INBOX", "a-2", 1, 5);
        assert_eq!(sample.verdict(), NONE);
        sample.append("INBOX", "a-3", 1, 3);
        assert_eq!(sample.verdict(), [1]);
    }

    #[test]
    fn a_uid_names_one_message() {
        let mut sample = Sample::default();
        sample.append("INBOX", "a-1", 1, 4);
        sample.dump("INBOX", 1, &[(4, "", "a-1")]);
        assert_eq!(sample.verdict(), NONE);
        let mut sample = Sample::default();
        sample.append("INBOX", "a-1", 1, 1);
        sample.append("INBOX", "a-2", 1, 2);
        sample.dump("INBOX", 1, &[(1, "", "a-2"), (2, "", "a-1")]);
        assert_eq!(sample.verdict(), [6]);
        let mut sample = Sample::default();
        sample.append("INBOX", "a-1", 1, 1);
        sample.append("INBOX", "a-2", 1, 1);
        assert!(sample.verdict().contains(&3));
    }

    #[test]
    fn a_uid_is_not_another_message_later() {
        let mut sample = Sample::default();
        sample.append("INBOX", "a-1", 1, 4);
        sample.select("INBOX", 1, 1);
        let fetch = |token: &str| format!("1 FETCH (UID 4 BODY[HEADER.FIELDS (X-CHK)] \"#{token}/9/h\")");
        let all = || Command::Fetch {
            messages: crate::Messages::All,
            changed_since: None,
        };
        sample.lines(all(), &[&fetch("a-1")]);
        assert_eq!(sample.verdict(), NONE);
        sample.lines(all(), &[&fetch("a-2")]);
        assert!(sample.verdict().contains(&2));
    }

    #[test]
    fn uidnext_lies_above_and_never_falls() {
        let mut sample = Sample::default();
        sample.append("INBOX", "a-1", 1, 4);
        status(&mut sample, "INBOX", "UIDVALIDITY 1 UIDNEXT 5");
        assert_eq!(sample.verdict(), NONE);
        status(&mut sample, "INBOX", "UIDVALIDITY 1 UIDNEXT 4");
        assert_eq!(sample.verdict(), [4]);
    }

    #[test]
    fn uidnext_does_not_rise_without_messages() {
        let mut sample = Sample::default();
        sample.client(crate::record::DUMP);
        status(&mut sample, "INBOX", "UIDVALIDITY 1 UIDNEXT 1");
        assert_eq!(sample.verdict(), NONE);
        status(&mut sample, "INBOX", "UIDVALIDITY 1 UIDNEXT 2");
        assert_eq!(sample.verdict(), [4]);
    }

    #[test]
    fn uidvalidity_stays() {
        let mut sample = Sample::default();
        status(&mut sample, "Box", "UIDVALIDITY 1");
        sample.run(Command::Rename {
            from: "Box".to_owned(),
            to: "Other".to_owned(),
        });
        status(&mut sample, "Other", "UIDVALIDITY 1");
        assert_eq!(sample.verdict(), NONE);
        status(&mut sample, "Other", "UIDVALIDITY 2");
        assert_eq!(sample.verdict(), [5]);
    }

    #[test]
    fn a_new_mailbox_has_a_new_uidvalidity() {
        let anew = |validity: u32| {
            let mut sample = Sample::default();
            create(&mut sample, "Box");
            status(&mut sample, "Box", "UIDVALIDITY 7");
            sample.run(Command::Delete {
                name: "Box".to_owned(),
            });
            create(&mut sample, "Box");
            status(&mut sample, "Box", &format!("UIDVALIDITY {validity}"));
            sample.verdict()
        };
        assert_eq!(anew(8), NONE);
        assert_eq!(anew(7), [3]);
    }
}

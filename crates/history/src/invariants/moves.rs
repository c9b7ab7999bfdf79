//! Invariants 12 and 14: a moved message is in one place, and copies and moves keep what belongs to a message.
//! (Invariant 13, the order within the answer, is judged while the answer is replayed; invariant 15 with the names.)

use std::collections::{BTreeMap, BTreeSet};

use super::Tokens;
use crate::check::Round;
use crate::facts::{Creation, Origin, Seen, Transfer};
use crate::linear::{Operation, Stuck, explain};
use crate::names::{Key, Mailbox};
use crate::report::Findings;

/// Invariant 14: flags, INTERNALDATE and EMAILID come along.
pub fn kept(round: &Round<'_>, tokens: &Tokens, findings: &mut Findings) {
    let mut by_key: BTreeMap<Key, Vec<&Seen>> = BTreeMap::new();
    for seen in &round.facts.seen {
        by_key.entry(seen.key).or_default().push(seen);
    }
    for creation in &round.facts.creations {
        let (Origin::Copy(source) | Origin::Move(source)) = creation.origin else {
            continue;
        };
        let (Some(before), Some(after)) = (by_key.get(&source), by_key.get(&creation.key)) else {
            continue;
        };
        let token = tokens.get(&source).map_or("a message", String::as_str);
        let record = creation.span.record;
        if differs(before, after, |seen| seen.date.as_ref()) {
            findings.add(
                14,
                format!("{token} changes its INTERNALDATE by COPY or MOVE"),
                [record],
            );
        }
        if differs(before, after, |seen| seen.email_id.as_ref()) {
            findings.add(
                14,
                format!("{token} changes its EMAILID by COPY or MOVE"),
                [record],
            );
        }
        if let Some((old, new)) = flags_changed(round, creation, (source, before, after)) {
            let why = format!("{token} had the flags {old:?} and has {new:?} after COPY or MOVE");
            findings.add(14, why, [record]);
        }
    }
}

fn differs<'a, T: PartialEq + 'a>(
    before: &[&'a Seen],
    after: &[&'a Seen],
    of: impl Fn(&'a Seen) -> Option<&'a T>,
) -> bool {
    let before = before.iter().find_map(|seen| of(seen));
    let after = after.iter().find_map(|seen| of(seen));
    before.zip(after).is_some_and(|(before, after)| before != after)
}

type Flags = BTreeSet<String>;

/// Compares the last flags of the source with the first of the copy, when no STORE can have come between.
fn flags_changed<'a>(
    round: &Round<'_>,
    creation: &Creation,
    (source, before, after): (Key, &[&'a Seen], &[&'a Seen]),
) -> Option<(&'a Flags, &'a Flags)> {
    let last = before.iter().filter(|seen| seen.asked && seen.flags.is_some());
    let last = last
        .filter(|seen| seen.span.completed < creation.span.invoked)
        .max_by_key(|seen| seen.span.completed)?;
    let first = after.iter().filter(|seen| seen.asked && seen.flags.is_some());
    let first = first.min_by_key(|seen| seen.span.completed)?;
    let stores = |key: Key| round.facts.stores.get(&key).into_iter().flatten();
    let disturbed = stores(source).any(|store| {
        store.span.invoked < creation.span.completed && store.span.completed > last.span.invoked
    }) || stores(creation.key).any(|store| store.span.invoked < first.span.completed);
    let (old, new) = (last.flags.as_ref()?, first.flags.as_ref()?);
    (!disturbed && old != new).then_some((old, new))
}

/// What happens to the place of a message.
enum Effect {
    Move(Mailbox, Mailbox),
    See(Mailbox, bool),
}

/// Invariant 12: at every instant a moved message is in one mailbox, and after OK in the new one.
pub fn places(round: &Round<'_>, tokens: &Tokens, findings: &mut Findings) {
    let mut moved: BTreeMap<&str, Vec<&Transfer>> = BTreeMap::new();
    for transfer in &round.facts.moves {
        if let Some(token) = tokens.get(&transfer.from) {
            moved.entry(token).or_default().push(transfer);
        }
    }
    let mut keys: BTreeMap<&str, BTreeSet<Key>> = BTreeMap::new();
    for (key, token) in tokens
        .iter()
        .filter(|(_, token)| moved.contains_key(token.as_str()))
    {
        keys.entry(token).or_default().insert(*key);
    }
    for (token, transfers) in moved {
        let keys = keys.remove(token).unwrap_or_default();
        if let Some((begin, since)) = single(round, token, &keys, &transfers) {
            let operations = operations(round, (&keys, since), &transfers);
            let apply = |place: &Mailbox, effect: &Effect| match effect {
                Effect::Move(from, to) => (place == from).then_some(*to),
                Effect::See(mailbox, there) => ((place == mailbox) == *there).then_some(*place),
            };
            match explain([begin].into(), &operations, apply) {
                Ok(_) => {}
                Err(Stuck::Undecided) => findings.undecided += 1,
                Err(Stuck::At(at)) => {
                    let record = operations.get(at).map(|operation| operation.record);
                    let why =
                        format!("{token} is in both mailboxes of a MOVE, in neither, or in the old one");
                    findings.add(12, why, record);
                }
            }
        }
    }
}

/// Returns where a message begins and since when, when it is one message that only acknowledged MOVEs concern.
fn single(
    round: &Round<'_>,
    token: &str,
    keys: &BTreeSet<Key>,
    transfers: &[&Transfer],
) -> Option<(Mailbox, u64)> {
    let facts = round.facts;
    let account = keys.first()?.mailbox.account;
    let unnamed = facts.attempts.contains_key(&(account, token.to_owned()));
    let copied = keys.iter().any(|key| facts.copied.contains(key));
    let open = transfers.iter().any(|transfer| transfer.to.is_none());
    let removed = keys.iter().any(|key| {
        facts
            .removals_of(round.carry, *key)
            .any(|removal| !removal.certain)
    });
    if unnamed || copied || open || removed || keys.iter().any(|key| key.mailbox.account != account) {
        return None;
    }
    let carried = keys.iter().filter(|key| round.carry.live.contains_key(key));
    let carried = carried.map(|key| (key.mailbox, 0));
    let made = facts
        .creations
        .iter()
        .filter(|creation| keys.contains(&creation.key));
    let made = made.filter(|creation| creation.origin == Origin::Append);
    let made = made.map(|creation| (creation.key.mailbox, creation.span.completed));
    let mut begins = carried.chain(made);
    begins.next().filter(|_| begins.next().is_none())
}

fn operations(
    round: &Round<'_>,
    (keys, since): (&BTreeSet<Key>, u64),
    transfers: &[&Transfer],
) -> Vec<Operation<Effect>> {
    let moves = transfers.iter().filter_map(|transfer| {
        Some(Operation {
            invoked: transfer.span.invoked,
            completed: transfer.span.completed,
            required: true,
            looks: false,
            effect: Effect::Move(transfer.from.mailbox, transfer.to?.mailbox),
            record: transfer.span.record,
            after: None,
        })
    });
    let mailboxes: BTreeSet<Mailbox> = keys.iter().map(|key| key.mailbox).collect();
    let views = round.facts.views.iter();
    let views = views.filter(|view| view.span.invoked > since && mailboxes.contains(&view.mailbox));
    let views = views.map(|view| Operation {
        invoked: view.span.invoked,
        completed: view.span.completed,
        required: true,
        looks: true,
        effect: Effect::See(
            view.mailbox,
            view.uids.iter().any(|uid| keys.contains(&view.mailbox.key(*uid))),
        ),
        record: view.span.record,
        after: None,
    });
    moves.chain(views).collect()
}

#[cfg(test)]
mod tests {
    use crate::record::{Command, FlagChange};
    use crate::samples::{NONE, Sample};

    fn sample() -> Sample {
        let mut sample = Sample::default();
        sample.append("INBOX", "a-1", 1, 1);
        sample.select("INBOX", 1, 1);
        sample.look(&[(1, "")]);
        sample
    }

    fn moved(sample: &mut Sample, lines: &[&str]) {
        let to = "Other".to_owned();
        sample.lines(Command::Move { uids: vec![1], to }, lines);
    }

    const IN_ORDER: [&str; 2] = ["OK [COPYUID 2 1 5] moved", "1 EXPUNGE"];

    #[test]
    fn copyuid_comes_before_the_removal() {
        let mut right = sample();
        moved(&mut right, &IN_ORDER);
        assert_eq!(right.verdict(), NONE);
        let mut wrong = sample();
        moved(&mut wrong, &[IN_ORDER[1], IN_ORDER[0]]);
        assert_eq!(wrong.verdict(), [13]);
    }

    #[test]
    fn a_moved_message_is_in_one_place() {
        let places = |old: &[(u32, &str, &str)], new: &[(u32, &str, &str)]| {
            let mut sample = sample();
            moved(&mut sample, &IN_ORDER);
            sample.dump("INBOX", 1, old);
            sample.dump("Other", 2, new);
            sample.verdict()
        };
        assert_eq!(places(&[], &[(5, "", "a-1")]), NONE);
        assert!(places(&[], &[]).contains(&12));
        assert!(places(&[(1, "", "a-1")], &[(5, "", "a-1")]).contains(&12));
    }

    #[test]
    fn a_message_that_is_being_moved_is_never_in_neither() {
        let seen = |first: &[(u32, &str)], second: &[(u32, &str)]| {
            let mut sample = sample();
            moved(&mut sample, &IN_ORDER);
            let record = sample.records.last_mut().unwrap();
            record.t_complete = 500;
            record.untagged.iter_mut().for_each(|told| told.at = 499);
            sample.client("w2");
            for (name, validity, messages) in [("INBOX", 1, first), ("Other", 2, second)] {
                sample.select(name, validity, u32::try_from(messages.len()).unwrap());
                sample.look(messages);
            }
            sample.verdict()
        };
        assert_eq!(seen(&[(1, "")], &[]), NONE);
        assert_eq!(seen(&[], &[(5, "")]), NONE);
        assert_eq!(seen(&[], &[]), [12]);
    }

    #[test]
    fn flags_come_along() {
        let copied = |flags: &str| {
            let mut sample = sample();
            sample.store(1, FlagChange::Add, "\\Seen");
            sample.look(&[(1, "\\Seen")]);
            let to = "Other".to_owned();
            sample.run(Command::Copy { uids: vec![1], to }).resp_code = Some("COPYUID 2 1 5".to_owned());
            sample.select("Other", 2, 1);
            sample.look(&[(5, flags)]);
            sample.verdict()
        };
        assert_eq!(copied("\\Seen"), NONE);
        assert_eq!(copied(""), [14]);
    }
}

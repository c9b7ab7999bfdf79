//! Invariants 7 to 11 and 35: what was acknowledged is there, once, whole, and in the right account.

use std::collections::{BTreeMap, BTreeSet};

use super::Tokens;
use crate::carry::Live;
use crate::check::Round;
use crate::facts::Seen;
use crate::names::{Account, Accounts, Key};
use crate::report::Findings;

/// Returns the messages that the last look at everything showed, or nothing when there was none.
fn last_messages(round: &Round<'_>) -> Option<BTreeSet<Key>> {
    let mut views = round.facts.views.iter().filter(|view| view.dump).peekable();
    views.peek()?;
    // Each proxy was asked; the later answers stand for the mailbox.
    let by_mailbox: BTreeMap<_, _> = views.map(|view| (view.mailbox, &view.uids)).collect();
    let keys = by_mailbox
        .iter()
        .flat_map(|(mailbox, uids)| uids.iter().map(|uid| mailbox.key(*uid)));
    Some(keys.collect())
}

/// Invariants 7 to 10: nothing acknowledged is lost, and nothing is there more often than it was sent.
pub fn counts(round: &Round<'_>, tokens: &Tokens, findings: &mut Findings) {
    let Some(there) = last_messages(round) else { return };
    let facts = round.facts;
    let lost = |key: Key| !there.contains(&key) && facts.removals_of(round.carry, key).next().is_none();
    let mut accounted: BTreeSet<Key> = round.carry.live.keys().copied().collect();
    for creation in &facts.creations {
        accounted.insert(creation.key);
        if lost(creation.key) {
            let why = format!("{} was acknowledged, not removed, and is gone", creation.key);
            findings.add(7, why, [creation.span.record]);
        }
    }
    for key in round.carry.live.keys().filter(|key| lost(**key)) {
        findings.add(7, format!("{key} was there before, not removed, and is gone"), []);
    }
    let seen = facts.seen.iter().map(|seen| seen.key);
    let unnamed: BTreeSet<Key> = there.iter().copied().chain(seen).collect();
    let mut extra: BTreeMap<(Account, &str), Vec<Key>> = BTreeMap::new();
    for key in unnamed.difference(&accounted) {
        if let Some(token) = tokens.get(key) {
            extra.entry((key.mailbox.account, token)).or_default().push(*key);
        }
    }
    for ((_, token), keys) in &extra {
        for key in keys.iter().filter(|key| lost(**key)) {
            findings.add(
                7,
                format!("{token} was seen as {key}, not removed, and is gone"),
                [],
            );
        }
    }
    copies(round, tokens, &extra, findings);
}

/// Compares the copies that no answer named with the attempts that may have made them.
fn copies(
    round: &Round<'_>,
    tokens: &Tokens,
    extra: &BTreeMap<(Account, &str), Vec<Key>>,
    findings: &mut Findings,
) {
    let facts = round.facts;
    let mut transfers: BTreeMap<(Account, &str), usize> = BTreeMap::new();
    for source in facts.open_transfers.iter().flat_map(|open| &open.sources) {
        if let Some(token) = tokens.get(source) {
            *transfers.entry((source.mailbox.account, token)).or_default() += 1;
        }
    }
    for ((account, token), keys) in extra {
        let attempts = facts.attempts.get(&(*account, (*token).to_owned()));
        let possible =
            attempts.map_or(0, Vec::len) + transfers.get(&(*account, *token)).copied().unwrap_or(0);
        if keys.len() > possible {
            let refused = facts.refused.contains(*token)
                || facts
                    .refused_sources
                    .iter()
                    .any(|key| tokens.get(key).map(String::as_str) == Some(*token));
            let shown: Vec<String> = keys.iter().map(ToString::to_string).collect();
            let why = format!(
                "{token} is there {} times more than was sent: {}",
                keys.len() - possible,
                shown.join(", ")
            );
            let records = attempts.into_iter().flatten().map(|attempt| attempt.span.record);
            findings.add(if refused { 9 } else { 8 }, why, records);
        }
    }
    for ((account, token), attempts) in &facts.attempts {
        let promised = attempts.iter().filter(|attempt| attempt.certain);
        let found = extra.get(&(*account, token.as_str())).map_or(0, Vec::len);
        if found < promised.clone().count() {
            let why = format!(
                "{token} was taken {} times and is there {found} times",
                promised.clone().count()
            );
            findings.add(7, why, promised.map(|attempt| attempt.span.record));
        }
    }
}

/// Invariants 2 and 11: whoever fetches a message gets all of it, and always the same.
pub fn contents(round: &Round<'_>, findings: &mut Findings) {
    let mut dates: BTreeMap<Key, &str> = BTreeMap::new();
    for seen in &round.facts.seen {
        if let Some(date) = &seen.date {
            let known = *dates.entry(seen.key).or_insert(date);
            let carried = round
                .carry
                .live
                .get(&seen.key)
                .and_then(|live| live.date.as_deref());
            if known != date || carried.is_some_and(|carried| carried != date) {
                findings.add(
                    2,
                    format!("INTERNALDATE of {} changes", seen.key),
                    [seen.span.record],
                );
            }
        }
        if let Some(why) = wrong_body(round, seen) {
            findings.add(11, format!("{}: {why}", seen.key), [seen.span.record]);
        }
    }
}

fn wrong_body(round: &Round<'_>, seen: &Seen) -> Option<String> {
    let body = seen.body.as_ref()?;
    if body.token.is_empty() {
        return Some("the body is empty, NIL or nobody's".to_owned());
    }
    if seen.size.is_some_and(|size| size != body.size) {
        return Some(format!("RFC822.SIZE is not the {} octets of the body", body.size));
    }
    let sent = round.facts.contents.get(&body.token);
    let carried = round
        .carry
        .live
        .get(&seen.key)
        .map(|live| (live.size, live.hash.clone()));
    let (size, hash) = sent.cloned().or(carried)?;
    // A delivery is stored behind trace fields, so that whoever sent it does not know how long it is.
    let expected = (size == 0 || size == body.size) && hash == body.hash;
    (!expected).then(|| {
        format!(
            "{} octets instead of {size}, hash {} instead of {hash}",
            body.size, body.hash
        )
    })
}

/// Invariant 35: whoever fetches a message is who it was sent to.
pub fn owners(round: &Round<'_>, accounts: &mut Accounts, findings: &mut Findings) {
    let mut carried: BTreeSet<(Account, &str)> = BTreeSet::new();
    carried.extend(
        round
            .carry
            .live
            .iter()
            .map(|(key, live)| (key.mailbox.account, live.token.as_str())),
    );
    for seen in &round.facts.seen {
        let body = seen
            .body
            .as_ref()
            .map(|body| body.token.as_str())
            .filter(|token| !token.is_empty());
        let Some(token) = body.or(seen.token.as_deref()) else {
            continue;
        };
        let record = round.records.get(seen.span.record);
        let Some(account) = record.map(|record| accounts.of(&record.account)) else {
            continue;
        };
        let sent = round
            .facts
            .owners
            .get(token)
            .is_some_and(|owners| owners.contains(&account));
        if !sent && !carried.contains(&(account, token)) {
            findings.add(
                35,
                format!("{token} was not sent to whoever fetches it"),
                [seen.span.record],
            );
        }
    }
}

/// Returns what is there, for the next round.
pub fn live(round: &Round<'_>, tokens: &Tokens) -> BTreeMap<Key, Live> {
    let there = last_messages(round).unwrap_or_default();
    let mut live: BTreeMap<Key, Live> = BTreeMap::new();
    for seen in round
        .facts
        .seen
        .iter()
        .filter(|seen| seen.dump && there.contains(&seen.key))
    {
        let one = live.entry(seen.key).or_default();
        if let Some(body) = &seen.body {
            (one.size, one.hash) = (body.size, body.hash.clone());
        }
        one.token = tokens.get(&seen.key).cloned().unwrap_or_default();
        one.flags = seen.flags.clone().unwrap_or_default();
        one.modseq = seen.modseq.unwrap_or_default();
        one.date = seen.date.clone().or(one.date.take());
        one.email_id = seen.email_id.clone().or(one.email_id.take());
    }
    live
}

#[cfg(test)]
mod tests {
    use crate::record::{Command, FlagChange, Outcome};
    use crate::samples::{NONE, Sample};

    #[test]
    fn what_was_acknowledged_is_there() {
        let mut sample = Sample::default();
        sample.append("INBOX", "a-1", 1, 1);
        let mut lost = sample.records.len();
        sample.dump("INBOX", 1, &[(1, "", "a-1")]);
        assert_eq!(sample.verdict(), NONE);
        sample.records.truncate(std::mem::take(&mut lost));
        sample.dump("INBOX", 1, &[]);
        assert!(sample.verdict().contains(&7));
    }

    #[test]
    fn what_was_removed_may_be_gone() {
        let removed = |flag: &str| {
            let mut sample = Sample::default();
            sample.append("INBOX", "a-1", 1, 1);
            sample.select("INBOX", 1, 1);
            sample.look(&[(1, "")]);
            sample.store(1, FlagChange::Add, flag);
            sample.lines(Command::Expunge { uids: Some(vec![1]) }, &["1 EXPUNGE"]);
            sample.dump("INBOX", 1, &[]);
            sample.verdict()
        };
        assert_eq!(removed("\\Deleted"), NONE);
        assert!(removed("\\Seen").contains(&7), "it was not marked");
    }

    #[test]
    fn an_unanswered_append_is_there_once_or_not() {
        let copies = |messages: &[(u32, &str, &str)]| {
            let mut sample = Sample::default();
            let record = sample.append("INBOX", "a-1", 1, 1);
            (record.outcome, record.resp_code) = (Outcome::Unknown, None);
            sample.dump("INBOX", 1, messages);
            sample
                .verdict()
                .into_iter()
                .filter(|number| *number != 36)
                .collect::<Vec<_>>()
        };
        assert_eq!(copies(&[]), NONE);
        assert_eq!(copies(&[(1, "", "a-1")]), NONE);
        assert_eq!(copies(&[(1, "", "a-1"), (2, "", "a-1")]), [8]);
    }

    #[test]
    fn a_refused_append_leaves_nothing() {
        let mut sample = Sample::default();
        let record = sample.append("INBOX", "a-1", 1, 1);
        (record.outcome, record.resp_code) = (Outcome::No, Some("OVERQUOTA".to_owned()));
        sample.dump("INBOX", 1, &[]);
        assert_eq!(sample.verdict(), NONE);
        sample.dump("INBOX", 1, &[(1, "", "a-1")]);
        assert!(sample.verdict().contains(&9));
    }

    #[test]
    fn each_recipient_gets_what_was_taken_for_it() {
        let delivered = |to_b: &[(u32, &str, &str)]| {
            let mut sample = Sample::default();
            for account in ["a", "b"] {
                sample.account(account).run(Command::Deliver {
                    token: "m-1".to_owned(),
                    hash: "h".to_owned(),
                    size: 9,
                });
            }
            sample.account("a").dump("INBOX", 1, &[(1, "", "m-1")]);
            sample.account("b").dump("INBOX", 1, to_b);
            sample.verdict()
        };
        assert_eq!(delivered(&[(1, "", "m-1")]), NONE);
        assert_eq!(delivered(&[]), [7]);
        assert!(delivered(&[(1, "", "m-1"), (2, "", "m-1")]).contains(&8));
    }

    #[test]
    fn bodies_are_whole() {
        let mut sample = Sample::default();
        sample.append("INBOX", "a-1", 1, 1);
        sample.select("INBOX", 1, 1);
        let fetch = |body: &str| format!("1 FETCH (UID 1 RFC822.SIZE 9 BODY[] {body})");
        let all = || Command::Fetch {
            messages: crate::Messages::All,
            changed_since: None,
        };
        sample.lines(all(), &[&fetch("\"#a-1/9/h\"")]);
        assert_eq!(sample.verdict(), NONE);
        for body in ["NIL", "\"\"", "\"#a-1/9/x\"", "\"#a-1/8/h\""] {
            let mut broken = Sample::default();
            broken.records.clone_from(&sample.records);
            broken.wait(100).lines(all(), &[&fetch(body)]);
            assert_eq!(broken.verdict(), [11], "{body}");
        }
    }

    #[test]
    fn nobody_reads_the_mail_of_others() {
        let mut sample = Sample::default();
        sample.append("INBOX", "a-1", 1, 1);
        sample.dump("INBOX", 1, &[(1, "", "a-1")]);
        assert_eq!(sample.verdict(), NONE);
        sample.account("b").dump("INBOX", 2, &[(1, "", "a-1")]);
        assert!(sample.verdict().contains(&35));
    }
}

//! Invariants 3, 12, 25 to 27, 29 and 31: what sessions see of a mailbox when they look at it.
//! (Invariants 23 and 24, and a second announcement, are judged while the lines of a session are replayed.)

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Round;
use crate::facts::{Counters, View};
use crate::names::{Key, Mailbox};
use crate::report::Findings;

/// The life of a message as far as it is known.
#[derive(Clone, Copy)]
struct Life {
    /// When it may have come at the earliest.
    may_begin: u64,
    /// When it was there for certain.
    begun: u64,
    /// When the first command began that may have removed it.
    may_end: u64,
    /// When it was gone for certain, and where that was said.
    ended: Option<(u64, usize)>,
    /// Whether a MOVE took it.
    moved: bool,
}

type Lives = BTreeMap<Mailbox, BTreeMap<u32, Life>>;

fn lives(round: &Round<'_>) -> Lives {
    let mut lives = Lives::new();
    let carried = round.carry.live.keys().map(|key| (*key, 0, 0));
    let made = round.facts.creations.iter();
    let made = made.map(|creation| (creation.key, creation.span.invoked, creation.span.completed));
    for (key, may_begin, begun) in carried.chain(made) {
        let removals: Vec<_> = round.facts.removals_of(round.carry, key).collect();
        let certain = removals.iter().filter(|removal| removal.certain);
        let moved = certain
            .map(|removal| (removal.span.completed, removal.span.record))
            .min();
        let told = round.facts.gone.get(&key).copied();
        let life = Life {
            may_begin,
            begun,
            may_end: removals
                .iter()
                .map(|removal| removal.span.invoked)
                .min()
                .unwrap_or(u64::MAX),
            ended: [moved, told].into_iter().flatten().min(),
            moved: moved.is_some(),
        };
        lives.entry(key.mailbox).or_default().insert(key.uid, life);
    }
    lives
}

/// Invariants 25 and 27: who looks sees what was acknowledged before, and nothing that was said to be gone.
pub fn fresh(round: &Round<'_>, findings: &mut Findings) {
    let lives = lives(round);
    let empty = BTreeMap::new();
    for view in &round.facts.views {
        let lives = lives.get(&view.mailbox).unwrap_or(&empty);
        let there: BTreeSet<u32> = view.uids.iter().copied().collect();
        for (uid, life) in lives {
            let key = view.mailbox.key(*uid);
            let record = view.span.record;
            if there.contains(uid) {
                if let Some((_, said)) = life.ended.filter(|(at, _)| *at < view.span.invoked) {
                    let invariant = if life.moved { 12 } else { 25 };
                    findings.add(
                        invariant,
                        format!("{key} is there and was said to be gone"),
                        [said, record],
                    );
                }
            } else if life.begun < view.span.invoked && life.may_end > view.span.completed {
                findings.add(
                    27,
                    format!("{key} was acknowledged before and is not there"),
                    [record],
                );
            }
        }
        resurrected(round, view, lives, findings);
    }
    proxies_agree(round, findings);
}

/// Invariant 3: what was gone when everything was looked at does not come back.
fn resurrected(round: &Round<'_>, view: &View, lives: &BTreeMap<u32, Life>, findings: &mut Findings) {
    let marks = round.carry.marks.get(&view.mailbox);
    let next = marks.map_or(0, |marks| marks.uid_next);
    let mut old = view
        .uids
        .iter()
        .filter(|uid| u64::from(**uid) < next && !lives.contains_key(uid));
    if let Some(uid) = old.next() {
        let key = view.mailbox.key(*uid);
        findings.add(
            3,
            format!("{key} was gone and is there again"),
            [view.span.record],
        );
    }
}

/// Invariant 27: at rest all proxies show the same.
fn proxies_agree(round: &Round<'_>, findings: &mut Findings) {
    let mut shown: BTreeMap<Mailbox, &View> = BTreeMap::new();
    for view in round.facts.views.iter().filter(|view| view.dump) {
        let first = *shown.entry(view.mailbox).or_insert(view);
        if first.uids != view.uids {
            let why = "two proxies show a mailbox differently, though nothing changes";
            findings.add(27, why, [first.span.record, view.span.record]);
        }
    }
}

/// Invariant 26: FETCH leaves out only what is gone.
pub fn left_out(round: &Round<'_>, findings: &mut Findings) {
    for (key, span) in &round.facts.unanswered {
        if !round.facts.removable(round.carry, *key, span.completed) {
            findings.add(
                26,
                format!("{key} was asked for, is there, and is left out"),
                [span.record],
            );
        }
    }
}

/// Invariant 29: a message is recent in one session (RFC 3501 §2.3.2).
pub fn recent(round: &Round<'_>, findings: &mut Findings) {
    for (key, sessions) in recent_now(round) {
        if sessions.len() > 1 && round.facts.recent.contains_key(&key) {
            findings.add(29, format!("{key} is recent in {sessions:?}"), []);
        }
    }
}

/// Returns which sessions saw messages as recent, up to now.
pub fn recent_now(round: &Round<'_>) -> BTreeMap<Key, BTreeSet<(String, u32)>> {
    let mut all = round.carry.recent.clone();
    all.retain(|key, _| round.carry.live.contains_key(key));
    for (key, sessions) in &round.facts.recent {
        all.entry(*key).or_default().extend(sessions.iter().cloned());
    }
    all
}

/// Invariant 31: STATUS is a state that there was, and one HIGHESTMODSEQ means one state.
pub fn status(round: &Round<'_>, findings: &mut Findings) {
    let lives = lives(round);
    let empty = BTreeMap::new();
    let mut states: BTreeMap<(Mailbox, u64), &Counters> = BTreeMap::new();
    for counters in &round.facts.counters {
        let (Some(messages), Some(unseen)) = (counters.messages, counters.unseen) else {
            continue;
        };
        let record = counters.span.record;
        if unseen > messages {
            findings.add(31, format!("{unseen} unseen of {messages} messages"), [record]);
        }
        let (least, most) = bounds(round, counters, lives.get(&counters.mailbox).unwrap_or(&empty));
        if !(least..=most).contains(&messages) {
            let why = format!("STATUS counts {messages} messages; there were {least} to {most}");
            findings.add(31, why, [record]);
        }
        let Some(highest) = counters.highest else { continue };
        let first = *states.entry((counters.mailbox, highest)).or_insert(counters);
        let state = |one: &Counters| (one.messages, one.unseen, one.uid_next);
        if state(first) != state(counters) {
            let why = format!(
                "at HIGHESTMODSEQ {highest} messages, unseen and UIDNEXT are {:?} and {:?}",
                state(first),
                state(counters)
            );
            findings.add(31, why, [first.span.record, record]);
        }
    }
}

/// Returns how many messages there can have been.
fn bounds(round: &Round<'_>, counters: &Counters, lives: &BTreeMap<u32, Life>) -> (u64, u64) {
    let span = counters.span;
    // Before the first look at everything nobody knows what is there.
    if !round.carry.marks.contains_key(&counters.mailbox) {
        return (0, u64::MAX);
    }
    let certain = lives
        .values()
        .filter(|life| life.begun < span.invoked && life.may_end > span.completed);
    let ended = |life: &Life| life.ended.is_some_and(|(at, _)| at < span.invoked);
    let possible = lives
        .values()
        .filter(|life| life.may_begin < span.completed && !ended(life));
    let unnamed = round
        .facts
        .attempts
        .iter()
        .filter(|((account, _), _)| *account == counters.mailbox.account);
    let unnamed: usize = unnamed.map(|(_, attempts)| attempts.len()).sum();
    let open: usize = round
        .facts
        .open_transfers
        .iter()
        .map(|open| open.sources.len())
        .sum();
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    (count(certain.count()), count(possible.count() + unnamed + open))
}

#[cfg(test)]
mod tests {
    use crate::record::{Command, FlagChange, Messages};
    use crate::samples::{NONE, Sample};

    fn sample() -> Sample {
        let mut sample = Sample::default();
        sample.append("INBOX", "a-1", 1, 1);
        sample.append("INBOX", "a-2", 1, 2);
        sample.select("INBOX", 1, 2);
        sample.look(&[(1, ""), (2, "")]);
        sample
    }

    fn expunge(sample: &mut Sample) {
        sample.store(1, FlagChange::Add, "\\Deleted");
        sample.lines(Command::Expunge { uids: Some(vec![1]) }, &["1 EXPUNGE"]);
    }

    #[test]
    fn who_looks_sees_what_was_acknowledged() {
        let mut sample = sample();
        sample.client("w2").select("INBOX", 1, 2);
        sample.look(&[(1, ""), (2, "")]);
        assert_eq!(sample.verdict(), NONE);
        sample.client("w3").select("INBOX", 1, 1);
        sample.look(&[(1, "")]);
        assert_eq!(sample.verdict(), [27]);
    }

    #[test]
    fn what_was_said_to_be_gone_is_gone() {
        let mut sample = sample();
        expunge(&mut sample);
        sample.client("w2").select("INBOX", 1, 1);
        sample.look(&[(2, "")]);
        assert_eq!(sample.verdict(), NONE);
        sample.client("w3").select("INBOX", 1, 2);
        sample.look(&[(1, "\\Deleted"), (2, "")]);
        assert_eq!(sample.verdict(), [25]);
    }

    #[test]
    fn a_removal_is_announced_by_the_next_noop_and_once() {
        let mut told = sample();
        told.client("w2").select("INBOX", 1, 2);
        told.look(&[(1, ""), (2, "")]);
        expunge(told.client("w1"));
        let mut silent = Sample::default();
        silent.records.clone_from(&told.records);
        told.client("w2").lines(Command::Noop, &["1 EXPUNGE"]);
        assert_eq!(told.verdict(), NONE);
        told.lines(Command::Noop, &["VANISHED 1"]);
        assert_eq!(told.verdict(), [25]);
        silent.wait(500).client("w2").run(Command::Noop);
        assert_eq!(silent.verdict(), [25]);
    }

    #[test]
    fn numbers_change_by_exists_and_expunge_only() {
        let mut sample = sample();
        sample.lines(Command::Noop, &["1 EXISTS"]);
        assert!(sample.verdict().contains(&23));
        let mut sample = self::sample();
        sample.lines(Command::Noop, &["1 FETCH (UID 2 FLAGS ())"]);
        assert!(sample.verdict().contains(&23));
        let mut sample = self::sample();
        sample.lines(Command::Noop, &["3 EXPUNGE"]);
        assert!(sample.verdict().contains(&23));
    }

    #[test]
    fn no_removal_is_announced_during_fetch_by_number() {
        let fetch = |messages: Messages| Command::Fetch {
            messages,
            changed_since: None,
        };
        let told = |command: Command| {
            let mut sample = sample();
            sample.client("w2").select("INBOX", 1, 2);
            sample.look(&[(1, ""), (2, "")]);
            expunge(sample.client("w1"));
            sample
                .client("w2")
                .lines(command, &["2 FETCH (UID 2 FLAGS ())", "1 EXPUNGE"]);
            sample.verdict()
        };
        assert_eq!(told(fetch(Messages::Uids(vec![2]))), NONE);
        assert_eq!(told(fetch(Messages::Numbers(vec![2]))), [24]);
        assert_eq!(told(Command::Silence), [24]);
    }

    #[test]
    fn fetch_leaves_nothing_out() {
        let mut sample = sample();
        let messages = Messages::Numbers(vec![1, 2]);
        let fetch = Command::Fetch {
            messages,
            changed_since: None,
        };
        sample.lines(fetch, &["1 FETCH (FLAGS ())"]);
        assert_eq!(sample.verdict(), [26]);
    }

    #[test]
    fn a_message_is_recent_once() {
        let mut sample = sample();
        sample.client("w2").select("INBOX", 1, 2);
        sample.look(&[(1, "\\Recent"), (2, "")]);
        assert_eq!(sample.verdict(), NONE);
        sample.client("w3").select("INBOX", 1, 2);
        sample.look(&[(1, "\\Recent"), (2, "")]);
        assert_eq!(sample.verdict(), [29]);
    }

    #[test]
    fn status_is_one_state() {
        let status = |items: &str| {
            let mut sample = sample();
            let name = || "INBOX".to_owned();
            let line = |items: &str| format!("STATUS INBOX (UIDVALIDITY 1 {items})");
            let state = "MESSAGES 2 UNSEEN 2 UIDNEXT 3 HIGHESTMODSEQ 2";
            sample.lines(Command::Status { name: name() }, &[&line(state)]);
            sample.lines(Command::Status { name: name() }, &[&line(items)]);
            sample.verdict()
        };
        assert_eq!(status("MESSAGES 2 UNSEEN 2 UIDNEXT 3 HIGHESTMODSEQ 2"), NONE);
        assert_eq!(status("MESSAGES 2 UNSEEN 1 UIDNEXT 3 HIGHESTMODSEQ 2"), [31]);
        assert_eq!(status("MESSAGES 1 UNSEEN 2 UIDNEXT 3 HIGHESTMODSEQ 3"), [31]);
    }

    #[test]
    fn a_second_round_knows_what_was_there() {
        let mut checker = crate::Checker::default();
        let mut first = sample();
        first.dump("INBOX", 1, &[(1, "", "a-1"), (2, "", "a-2")]);
        let found = checker.round(&first.records).violations;
        assert!(found.is_empty(), "{found:?}");
        let mut second = Sample::default();
        second.wait(1_000_000).dump("INBOX", 1, &[(2, "", "a-2")]);
        let found = checker.round(&second.records).violations;
        assert!(
            found.iter().any(|violation| violation.invariant == 7),
            "{found:?}"
        );
        second.records.clear();
        second
            .wait(1_000_000)
            .dump("INBOX", 1, &[(1, "", "a-1"), (2, "", "a-2")]);
        let found = checker.round(&second.records).violations;
        assert!(
            found.iter().any(|violation| violation.invariant == 8),
            "{found:?}"
        );
    }
}

//! The untagged responses of a record.

use super::Step;
use super::changes::copied_uids;
use super::session::{Before, Client, Selected};
use crate::facts::{Facts, Searched, Seen, Span};
use crate::numbers::Numbers;
use crate::record::{Command, Messages, Told};
use crate::report::Findings;
use crate::response::{Fetched, Response};

impl Client {
    /// Takes in all lines in their order.
    pub(super) fn hear(
        &mut self,
        step: Step<'_>,
        before: &Before,
        facts: &mut Facts,
        findings: &mut Findings,
    ) {
        let select = matches!(step.record.command, Command::Select { .. });
        // What comes before CLOSED belongs to the mailbox that was left.
        let closed = |told: &Told| told.line.starts_with("OK [CLOSED]");
        let left = step.record.untagged.iter().position(closed).filter(|_| select);
        let moves = matches!(step.record.command, Command::Move { .. });
        let moved = copied_uids(step).filter(|_| moves).map(|(_, from, _)| from);
        let mut copied = false;
        for told in step.record.untagged.iter().skip(left.map_or(0, |at| at + 1)) {
            let response = Response::parse(&told.line);
            if matches!(&response, Response::Code(name, _) if name == "COPYUID") {
                copied = true;
            }
            let Some(selected) = &mut self.selected else {
                continue;
            };
            judge_time(step, &response, findings);
            if !copied && removes(selected, &response, moved.as_ref()) {
                findings.add(13, "MOVE announces a removal before COPYUID", [step.at]);
            }
            match response {
                Response::Exists(count) => exists(selected, count, step, findings),
                Response::Expunge(number) => expunge(selected, number, (step, told.at), facts, findings),
                Response::Vanished { earlier, uids } => {
                    for uid in uids.iter().take(100_000) {
                        vanish(selected, (uid, earlier), (step, told.at), facts, findings);
                    }
                }
                Response::Fetch(fetched) => {
                    if let Some(seen) = number(selected, &fetched, step, findings) {
                        note(selected, (&fetched, seen), (step, told.at), before, facts);
                    }
                }
                Response::Code(name, words) => code(selected, &name, &words),
                Response::Search(found) => searched(&found, step, before, facts),
                _ => {}
            }
            self.remember(told);
        }
    }
}

/// Judges whether a removal may be announced now (RFC 9051 §7.5.1).
fn judge_time(step: Step<'_>, response: &Response, findings: &mut Findings) {
    if !matches!(
        response,
        Response::Expunge(_) | Response::Vanished { earlier: false, .. }
    ) {
        return;
    }
    let by_number = |messages: &Messages| matches!(messages, Messages::Numbers(_));
    let forbidden = match &step.record.command {
        Command::Fetch { messages, .. } | Command::Store { messages, .. } => by_number(messages),
        Command::Silence => true,
        _ => false,
    };
    if forbidden {
        let why = "EXPUNGE or VANISHED during FETCH or STORE by number, or while no command is in progress";
        findings.add(24, why, [step.at]);
    }
}

/// Says whether a response tells that one of these messages is gone (RFC 6851 §4.3).
fn removes(selected: &Selected, response: &Response, messages: Option<&Numbers>) -> bool {
    let Some(messages) = messages else { return false };
    match response {
        Response::Expunge(number) => {
            let place = usize::try_from(*number).unwrap_or_default().wrapping_sub(1);
            let uid = selected.uids.get(place).copied().flatten();
            uid.is_some_and(|uid| messages.contains(uid))
        }
        Response::Vanished { uids, .. } => uids.iter().take(100_000).any(|uid| messages.contains(uid)),
        _ => false,
    }
}

fn exists(selected: &mut Selected, count: u32, step: Step<'_>, findings: &mut Findings) {
    let count = usize::try_from(count).unwrap_or(usize::MAX).min(1_000_000);
    if count < selected.uids.len() {
        let why = format!("EXISTS shrinks from {} to {count}", selected.uids.len());
        findings.add(23, why, [step.at]);
    }
    selected.uids.resize(count, None);
}

fn expunge(
    selected: &mut Selected,
    number: u32,
    (step, at): (Step<'_>, u64),
    facts: &mut Facts,
    findings: &mut Findings,
) {
    let place = usize::try_from(number)
        .ok()
        .and_then(|number| number.checked_sub(1));
    let Some(place) = place.filter(|place| *place < selected.uids.len()) else {
        let why = format!(
            "{number} EXPUNGE while there are {} messages",
            selected.uids.len()
        );
        findings.add(23, why, [step.at]);
        return;
    };
    if let Some(key) = selected.uids.remove(place).and_then(|uid| selected.key(uid)) {
        facts.gone_at(key, at, step.at);
    }
}

fn vanish(
    selected: &mut Selected,
    (uid, earlier): (u32, bool),
    (step, at): (Step<'_>, u64),
    facts: &mut Facts,
    findings: &mut Findings,
) {
    let place = selected.uids.iter().position(|known| *known == Some(uid));
    match place {
        Some(place) => {
            selected.uids.remove(place);
        }
        None if earlier => {}
        None => {
            if selected.uids.iter().all(Option::is_some) {
                let why = format!("UID {uid} vanishes, which the session does not have (any more)");
                findings.add(25, why, [step.at]);
            } else if let Some(unknown) = selected.uids.iter().position(Option::is_none) {
                // A message whose UID was never asked for.
                selected.uids.remove(unknown);
            }
        }
    }
    if let Some(key) = selected.key(uid).filter(|_| !earlier) {
        facts.gone_at(key, at, step.at);
    }
}

/// Finds the message of a FETCH response and judges its place.
fn number(
    selected: &mut Selected,
    fetched: &Fetched,
    step: Step<'_>,
    findings: &mut Findings,
) -> Option<u32> {
    let place = usize::try_from(fetched.number).ok()?.checked_sub(1)?;
    let Some(known) = selected.uids.get(place).copied() else {
        let why = format!(
            "FETCH of {} while there are {} messages",
            fetched.number,
            selected.uids.len()
        );
        findings.add(23, why, [step.at]);
        return None;
    };
    let Some(uid) = fetched.uid else { return known };
    if let Some(known) = known.filter(|known| *known != uid) {
        let why = format!("number {} was UID {known} and is UID {uid}", fetched.number);
        findings.add(23, why, [step.at]);
        return None;
    }
    let below = selected.uids.iter().take(place).rev().flatten().next();
    let above = selected.uids.iter().skip(place + 1).flatten().next();
    if below.is_some_and(|below| *below >= uid) || above.is_some_and(|above| *above <= uid) {
        let why = format!(
            "number {} has UID {uid}, between {below:?} and {above:?}",
            fetched.number
        );
        findings.add(1, why, [step.at]);
    }
    if let Some(slot) = selected.uids.get_mut(place) {
        *slot = Some(uid);
    }
    Some(uid)
}

/// Notes what a FETCH response says of a message.
fn note(
    selected: &Selected,
    (fetched, uid): (&Fetched, u32),
    (step, at): (Step<'_>, u64),
    before: &Before,
    facts: &mut Facts,
) {
    let Some(key) = selected.key(uid) else { return };
    let asked = match &step.record.command {
        Command::Fetch { messages, .. } => {
            matches!(messages, Messages::All) || before.keys(messages).contains(&key)
        }
        _ => false,
    };
    if fetched.recent && selected.read_write {
        let session = (step.record.process.clone(), step.record.session);
        facts.recent.entry(key).or_default().insert(session);
    }
    facts.seen.push(Seen {
        key,
        flags: fetched.flags.clone(),
        modseq: fetched.modseq,
        date: fetched.date.clone(),
        email_id: fetched.email_id.clone(),
        size: fetched.size,
        body: fetched.body.clone(),
        token: fetched.token.clone(),
        asked,
        dump: step.record.is_dump(),
        after: step.after,
        span: Span {
            completed: at,
            ..step.answered()
        },
    });
}

fn code(selected: &mut Selected, name: &str, words: &str) {
    match name {
        "UIDVALIDITY" => selected.validity = words.parse().ok(),
        "HIGHESTMODSEQ" => selected.highest = words.parse().ok(),
        _ => {}
    }
}

fn searched(found: &std::collections::BTreeSet<u32>, step: Step<'_>, before: &Before, facts: &mut Facts) {
    let Command::Search { flag } = &step.record.command else {
        return;
    };
    for key in before.keys(&Messages::All) {
        facts.searched.push(Searched {
            key,
            flag: flag.clone(),
            found: found.contains(&key.uid),
            span: step.answered(),
        });
    }
}

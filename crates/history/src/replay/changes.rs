//! What a record was meant to change, and what its tagged response says of that.

use super::Step;
use super::session::{Before, Client};
use crate::facts::{
    Attempt, Counters, Creation, Facts, OpenTransfer, Origin, Removal, Since, Span, Store, Transfer, View,
    Watch,
};
use crate::names::{Key, Mailbox};
use crate::numbers::Numbers;
use crate::record::{Command, Messages, Outcome};
use crate::report::Findings;
use crate::response::{self, Response};

impl Client {
    /// Notes what was sent, whatever became of it.
    pub(super) fn note_sent(&mut self, step: Step<'_>, facts: &mut Facts) {
        if let Command::Append {
            token, hash, size, ..
        }
        | Command::Deliver { token, hash, size } = &step.record.command
        {
            facts.contents.insert(token.clone(), (*size, hash.clone()));
            facts
                .owners
                .entry(token.clone())
                .or_default()
                .insert(step.account);
        }
    }

    /// Notes what a record has done.
    pub(super) fn finish(
        &mut self,
        step: Step<'_>,
        before: &Before,
        facts: &mut Facts,
        findings: &mut Findings,
    ) {
        if step.record.may_have_effect() {
            change(step, before, facts, findings);
        } else {
            refused(step, before, facts);
        }
        if step.record.outcome != Outcome::Ok {
            return;
        }
        self.promised(step);
        self.resynchronised(step);
        self.look(step, before, facts);
        if matches!(step.record.command, Command::Close | Command::Unselect) {
            self.selected = None;
        }
    }

    /// Notes what an answered command shows of a whole mailbox.
    fn look(&mut self, step: Step<'_>, before: &Before, facts: &mut Facts) {
        counters(
            step,
            self.selected.as_ref().and_then(super::session::Selected::mailbox),
            facts,
        );
        asked(step, before, facts);
        let Some(selected) = &mut self.selected else {
            return;
        };
        if matches!(step.record.command, Command::Noop) {
            selected.fresh_from = Some(step.record.t_invoke);
        }
        if let (Command::Idle, Some(mailbox)) = (&step.record.command, selected.mailbox()) {
            facts.watches.push(Watch {
                mailbox,
                process: step.record.process.clone(),
                // Signs of life are no news.
                told: step
                    .record
                    .untagged
                    .iter()
                    .filter(|told| !told.line.starts_with("OK "))
                    .map(|told| told.at)
                    .collect(),
                span: step.answered(),
            });
        }
        let looked = matches!(&step.record.command, Command::Noop)
            || matches!(
                &step.record.command,
                Command::Fetch {
                    messages: Messages::All,
                    ..
                }
            );
        let (Some(uids), Some(mailbox), true) = (selected.all_uids(), selected.mailbox(), looked) else {
            return;
        };
        if let Some(invoked) = selected.fresh_from.take() {
            facts.views.push(View {
                mailbox,
                uids,
                dump: step.record.is_dump(),
                span: Span {
                    invoked,
                    ..step.answered()
                },
            });
        }
        self.complete();
    }
}

fn change(step: Step<'_>, before: &Before, facts: &mut Facts, findings: &mut Findings) {
    match &step.record.command {
        Command::Append { .. } => append(step, facts, findings),
        Command::Deliver { token, .. } => {
            let attempt = Attempt {
                certain: step.record.outcome == Outcome::Ok,
                span: step.span(),
            };
            let place = (step.account, token.clone());
            facts.attempts.entry(place).or_default().push(attempt);
        }
        Command::Store { .. } => store(step, before, facts),
        Command::Copy { uids, .. } => transfer(step, (before, uids, false), facts, findings),
        Command::Move { uids, .. } => transfer(step, (before, uids, true), facts, findings),
        Command::Expunge { uids: Some(uids) } => {
            for key in before.keys(&Messages::Uids(uids.clone())) {
                facts.removals.entry(key).or_default().push(removal(step, true));
            }
        }
        Command::Expunge { uids: None } | Command::Close => {
            if let Some(mailbox) = before.mailbox {
                facts.sweeps.entry(mailbox).or_default().push(removal(step, true));
            }
        }
        Command::Delete { .. } => {
            if let Some(validity) = step.record.uid_validity_known {
                let mailbox = Mailbox {
                    account: step.account,
                    validity,
                };
                facts
                    .sweeps
                    .entry(mailbox)
                    .or_default()
                    .push(removal(step, false));
            }
        }
        _ => {}
    }
}

/// Notes what must not have happened.
fn refused(step: Step<'_>, before: &Before, facts: &mut Facts) {
    match &step.record.command {
        Command::Append { token, .. } | Command::Deliver { token, .. } => {
            facts.refused.insert(token.clone());
        }
        Command::Copy { uids, .. } | Command::Move { uids, .. } => {
            facts
                .refused_sources
                .extend(before.keys(&Messages::Uids(uids.clone())));
        }
        _ => {}
    }
}

fn removal(step: Step<'_>, marked_only: bool) -> Removal {
    Removal {
        span: step.span(),
        marked_only,
        certain: false,
    }
}

fn append(step: Step<'_>, facts: &mut Facts, findings: &mut Findings) {
    let Command::Append { token, flags, .. } = &step.record.command else {
        return;
    };
    if step.record.is_open() {
        let attempt = Attempt {
            certain: false,
            span: step.span(),
        };
        let place = (step.account, token.clone());
        facts.attempts.entry(place).or_default().push(attempt);
        return;
    }
    let named = step
        .record
        .resp_code
        .as_deref()
        .and_then(|code| code.strip_prefix("APPENDUID "));
    let key = named.and_then(|words| {
        let (validity, uid) = words.split_once(' ')?;
        let mailbox = Mailbox {
            account: step.account,
            validity: validity.parse().ok()?,
        };
        Some(mailbox.key(uid.parse().ok()?))
    });
    let Some(key) = key else {
        findings.add(6, "OK to APPEND names no UID", [step.at]);
        return;
    };
    facts.creations.push(Creation {
        key,
        origin: Origin::Append,
        token: Some(token.clone()),
        flags: Some(flags.iter().cloned().collect()),
        span: step.span(),
    });
}

fn store(step: Step<'_>, before: &Before, facts: &mut Facts) {
    let Command::Store {
        messages,
        change,
        flags,
        unchanged_since,
    } = &step.record.command
    else {
        return;
    };
    let code = step.record.resp_code.as_deref().unwrap_or_default();
    let modified = code.strip_prefix("MODIFIED ").and_then(Numbers::parse);
    let modified: Vec<Key> = match (modified, messages) {
        (Some(set), Messages::Numbers(_)) => before.keys(&Messages::Numbers(set.iter().collect())),
        (Some(set), Messages::Uids(_) | Messages::All) => before.keys(&Messages::Uids(set.iter().collect())),
        (None, _) => Vec::new(),
    };
    for key in before.keys(messages) {
        facts.stores.entry(key).or_default().push(Store {
            change: *change,
            flags: flags.iter().cloned().collect(),
            since: *unchanged_since,
            modified: modified.contains(&key),
            certain: step.record.outcome == Outcome::Ok && before.knows(key),
            after: step.after,
            span: step.span(),
        });
    }
}

fn transfer(
    step: Step<'_>,
    (before, uids, moves): (&Before, &[u32], bool),
    facts: &mut Facts,
    findings: &mut Findings,
) {
    let sources = before.keys(&Messages::Uids(uids.to_vec()));
    if !moves {
        facts.copied.extend(sources.iter().copied());
    }
    if step.record.is_open() {
        for key in sources.iter().filter(|_| moves) {
            facts.removals.entry(*key).or_default().push(removal(step, false));
            facts.moves.push(Transfer {
                from: *key,
                to: None,
                span: step.span(),
            });
        }
        facts.open_transfers.push(OpenTransfer { sources });
        return;
    }
    let Some((validity, from, to)) = copied_uids(step) else {
        return;
    };
    if from.count() != to.count() || before.mailbox.is_none() {
        findings.add(6, "COPYUID names sets of different lengths", [step.at]);
        return;
    }
    let target = Mailbox {
        account: step.account,
        validity,
    };
    for (from, to) in from.iter().zip(to.iter()) {
        let (Some(from), to) = (before.mailbox.map(|mailbox| mailbox.key(from)), target.key(to)) else {
            continue;
        };
        if !sources.contains(&from) {
            findings.add(
                6,
                format!("COPYUID names {from}, which was not asked for"),
                [step.at],
            );
        }
        facts.creations.push(Creation {
            key: to,
            origin: if moves {
                Origin::Move(from)
            } else {
                Origin::Copy(from)
            },
            token: None,
            flags: None,
            span: step.span(),
        });
        if moves {
            let gone = Removal {
                certain: true,
                ..removal(step, false)
            };
            facts.removals.entry(from).or_default().push(gone);
            facts.moves.push(Transfer {
                from,
                to: Some(to),
                span: step.span(),
            });
        }
    }
}

/// Returns UIDVALIDITY, source and destination of COPYUID, wherever it stands (RFC 4315 §3; RFC 6851 §4.3).
pub(super) fn copied_uids(step: Step<'_>) -> Option<(u32, Numbers, Numbers)> {
    let tagged = step
        .record
        .resp_code
        .as_deref()
        .and_then(|code| code.strip_prefix("COPYUID "));
    let untagged = step.record.untagged.iter().find_map(|told| {
        let (name, words) = response::code(told.line.strip_prefix("OK ")?)?;
        (name == "COPYUID").then_some(words)
    });
    let words = tagged.map(str::to_owned).or(untagged)?;
    let mut words = words.split(' ');
    Some((
        words.next()?.parse().ok()?,
        Numbers::parse(words.next()?)?,
        Numbers::parse(words.next()?)?,
    ))
}

/// Notes counters of SELECT and STATUS.
fn counters(step: Step<'_>, selected: Option<Mailbox>, facts: &mut Facts) {
    let lines = step
        .record
        .untagged
        .iter()
        .map(|told| Response::parse(&told.line));
    let mut counters = Counters {
        mailbox: Mailbox {
            account: step.account,
            validity: 0,
        },
        uid_next: None,
        highest: None,
        messages: None,
        unseen: None,
        dump: step.record.is_dump(),
        span: step.answered(),
    };
    match &step.record.command {
        Command::Select { .. } => {
            let Some(mailbox) = selected else { return };
            counters.mailbox = mailbox;
            for line in lines {
                match line {
                    Response::Code(name, words) if name == "UIDNEXT" => {
                        counters.uid_next = words.parse().ok()
                    }
                    Response::Code(name, words) if name == "HIGHESTMODSEQ" => {
                        counters.highest = words.parse().ok();
                    }
                    _ => {}
                }
            }
        }
        Command::Status { .. } => {
            let mut items = lines.filter_map(|line| match line {
                Response::Status { items, .. } => Some(items),
                _ => None,
            });
            let Some(items) = items.next_back() else { return };
            let item = |name: &str| items.get(name).copied();
            let validity = item("UIDVALIDITY").and_then(|value| u32::try_from(value).ok());
            let Some(validity) = validity else { return };
            counters.mailbox.validity = validity;
            (counters.uid_next, counters.highest) = (item("UIDNEXT"), item("HIGHESTMODSEQ"));
            (counters.messages, counters.unseen) = (item("MESSAGES"), item("UNSEEN"));
        }
        _ => return,
    }
    facts.counters.push(counters);
}

/// Notes what FETCH left out and what was found to have changed.
fn asked(step: Step<'_>, before: &Before, facts: &mut Facts) {
    let Some(mailbox) = before.mailbox else { return };
    let (above, wanted) = match &step.record.command {
        Command::Fetch {
            messages,
            changed_since,
        } => (*changed_since, Some(messages)),
        // SEARCH MODSEQ finds the value itself, too (RFC 7162 §3.1.5).
        Command::Changed { modseq } => (modseq.checked_sub(1), None),
        _ => return,
    };
    let mut found = std::collections::BTreeSet::new();
    for told in &step.record.untagged {
        match Response::parse(&told.line) {
            Response::Fetch(fetched) => {
                let place = usize::try_from(fetched.number)
                    .unwrap_or_default()
                    .wrapping_sub(1);
                found.extend(fetched.uid.or_else(|| before.uids.get(place).copied().flatten()));
            }
            Response::Search(uids) => found.extend(uids),
            _ => {}
        }
    }
    let view = wanted.map_or_else(|| before.keys(&Messages::All), |messages| before.keys(messages));
    let view: Vec<Key> = view.into_iter().filter(|key| before.knows(*key)).collect();
    match above {
        Some(above) => facts.since.push(Since {
            mailbox,
            above,
            found,
            view: view.iter().map(|key| key.uid).collect(),
            span: step.answered(),
        }),
        None => {
            let left_out = view.into_iter().filter(|key| !found.contains(&key.uid));
            facts
                .unanswered
                .extend(left_out.map(|key| (key, step.answered())));
        }
    }
}

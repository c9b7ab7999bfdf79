//! What a client remembers of a mailbox while it is away, and whether coming back makes it right (RFC 7162 §3.2.5).

use super::Step;
use super::session::{Before, Cache, Client, Compare};
use crate::facts::{Facts, Resynced};
use crate::record::{Command, Messages, Outcome, Told};
use crate::response::Response;

impl Client {
    /// Takes a line into what is remembered.
    pub(super) fn remember(&mut self, told: &Told) {
        let Some(selected) = &self.selected else { return };
        let (Some(account), Some(validity)) = (selected.account, selected.validity) else {
            return;
        };
        let place = (account, selected.name.clone());
        let cache = self.caches.entry(place).or_default();
        if cache.validity != validity {
            *cache = Cache {
                validity,
                ..Cache::default()
            };
        }
        match Response::parse(&told.line) {
            Response::Code(name, _) if name == "HIGHESTMODSEQ" => cache.highest_at = told.at,
            Response::Vanished { uids, .. } => cache.flags.retain(|uid, _| !uids.contains(*uid)),
            // The view has taken it out already; what was known and is not in it any more has gone.
            Response::Expunge(_) if selected.uids.iter().all(Option::is_some) => {
                let uids = &selected.uids;
                cache.flags.retain(|uid, _| uids.contains(&Some(*uid)));
            }
            Response::Fetch(fetched) => {
                let number = usize::try_from(fetched.number).unwrap_or_default();
                let known = selected.uids.get(number.wrapping_sub(1)).copied().flatten();
                if let (Some(uid), Some(flags)) = (fetched.uid.or(known), fetched.flags) {
                    cache.flags.insert(uid, flags);
                }
            }
            _ => {}
        }
    }

    /// Notes when a tagged response tells HIGHESTMODSEQ.
    pub(super) fn promised(&mut self, step: Step<'_>) {
        let code = step.record.resp_code.as_deref().unwrap_or_default();
        let Some(selected) = self
            .selected
            .as_ref()
            .filter(|_| code.starts_with("HIGHESTMODSEQ "))
        else {
            return;
        };
        let place = (step.account, selected.name.clone());
        if let Some(cache) = self.caches.get_mut(&place) {
            cache.highest_at = step.record.t_complete;
        }
    }

    /// Notes that a SELECT with QRESYNC has been answered.
    pub(super) fn resynchronised(&mut self, step: Step<'_>) {
        let Command::Select {
            resync: Some(resync), ..
        } = &step.record.command
        else {
            return;
        };
        let Some(selected) = &mut self.selected else {
            return;
        };
        let Some(account) = selected.account else { return };
        let cache = self.caches.get(&(account, selected.name.clone()));
        let remembered = cache.is_some_and(|cache| cache.complete && cache.validity == resync.uid_validity);
        let known = selected.validity == Some(resync.uid_validity);
        if let Some(highest) = selected.highest.filter(|_| remembered && known) {
            selected.compare = Some(Compare {
                began: step.record.t_invoke,
                claimed: selected.claimed,
                highest,
            });
        }
    }

    /// Compares what was rebuilt with what a look at everything shows. Called before its lines are heard.
    pub(super) fn compare(&mut self, step: Step<'_>, before: &Before, facts: &mut Facts) {
        let all = Messages::All;
        let looks = matches!(&step.record.command, Command::Fetch { messages, changed_since: None } if *messages == all);
        if !looks || step.record.outcome != Outcome::Ok {
            return;
        }
        let Some(selected) = &mut self.selected else {
            return;
        };
        let Some(compare) = selected.compare.take() else {
            return;
        };
        let (Some(mailbox), Some(account)) = (before.mailbox, selected.account) else {
            return;
        };
        let Some(cache) = self.caches.get(&(account, selected.name.clone())) else {
            return;
        };
        let mut missing: std::collections::BTreeSet<u32> = cache.flags.keys().copied().collect();
        let mut wrong = |uid: u32, why| {
            facts.resynced.push(Resynced {
                key: mailbox.key(uid),
                why,
                began: compare.began,
                claimed: compare.claimed,
                record: step.at,
            });
        };
        for told in &step.record.untagged {
            match Response::parse(&told.line) {
                Response::Vanished { uids, .. } => missing.retain(|uid| !uids.contains(*uid)),
                Response::Fetch(fetched) => {
                    let Some(uid) = fetched.uid else { continue };
                    missing.remove(&uid);
                    let told_before = fetched.modseq.is_some_and(|modseq| modseq <= compare.highest);
                    match (cache.flags.get(&uid), &fetched.flags) {
                        (Some(known), Some(flags)) if known != flags && told_before => {
                            wrong(uid, "resynchronisation did not tell a change of flags");
                        }
                        (None, Some(_)) if told_before => {
                            wrong(uid, "resynchronisation did not tell a message");
                        }
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        for uid in missing {
            wrong(uid, MISSING);
        }
    }

    /// Notes that everything was looked at, so that what is remembered is complete.
    pub(super) fn complete(&mut self) {
        let Some(selected) = &self.selected else { return };
        let Some(account) = selected.account else { return };
        if let Some(cache) = self.caches.get_mut(&(account, selected.name.clone())) {
            let known = |uid: &Option<u32>| uid.is_some_and(|uid| cache.flags.contains_key(&uid));
            cache.complete = cache.complete || selected.uids.iter().all(known);
        }
    }
}

/// Why a message is noted that a client still remembers.
pub const MISSING: &str = "resynchronisation did not tell that a message is gone";

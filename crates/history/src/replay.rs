//! Replays what each client heard, record by record, and sorts it into [`Facts`].
//!
//! What can be judged by one session's stream alone is judged here: numbering, what may be announced when, and the
//! state that a client rebuilds after it comes back.

mod changes;
mod lines;
mod resync;
mod session;

use std::collections::BTreeMap;

use crate::carry::Carry;
use crate::facts::{Facts, Span};
use crate::names::{Account, Accounts};
use crate::record::{Command, Outcome, Record};
use crate::report::Findings;

pub use resync::MISSING;
use session::Client;

/// What is remembered of clients from round to round.
#[derive(Debug, Default)]
pub struct Replay {
    pub accounts: Accounts,
    clients: BTreeMap<String, Client>,
}

/// A record on its way through the replay.
#[derive(Clone, Copy)]
struct Step<'a> {
    record: &'a Record,
    at: usize,
    account: Account,
    /// The record of the same session that was not yet answered when this one was sent.
    after: Option<usize>,
}

impl Step<'_> {
    fn span(&self) -> Span {
        Span {
            invoked: self.record.t_invoke,
            completed: self.record.effect_end(),
            record: self.at,
        }
    }

    /// Returns the span of what was answered.
    fn answered(&self) -> Span {
        Span {
            completed: self.record.t_complete,
            ..self.span()
        }
    }
}

impl Replay {
    /// Replays a round, whose records are in the order in which they were sent.
    pub fn round(&mut self, records: &[Record], carry: &Carry, findings: &mut Findings) -> Facts {
        let mut facts = Facts::default();
        let mut last: BTreeMap<(&str, u32), usize> = BTreeMap::new();
        for (at, record) in records.iter().enumerate() {
            if matches!(record.command, Command::Fault { .. } | Command::Heal) {
                continue;
            }
            let session = (record.process.as_str(), record.session);
            let before = last.insert(session, at);
            let pending = before.filter(|before| {
                let before = records.get(*before);
                before.is_some_and(|before| before.t_complete > record.t_invoke)
            });
            let step = Step {
                record,
                at,
                account: self.accounts.of(&record.account),
                after: pending,
            };
            let client = self.clients.entry(record.process.clone()).or_default();
            client.take(step, &mut facts, findings);
        }
        facts.pass_marks_on(carry);
        facts
    }
}

impl Client {
    /// Replays one record.
    fn take(&mut self, step: Step<'_>, facts: &mut Facts, findings: &mut Findings) {
        let record = step.record;
        if self.connection != record.session {
            self.connection = record.session;
            self.selected = None;
        }
        self.note_sent(step, facts);
        let before = self.view();
        self.begin_select(step);
        // What is remembered takes in the lines as they are heard.
        self.compare(step, &before, facts);
        self.hear(step, &before, facts, findings);
        self.finish(step, &before, facts, findings);
        if record.outcome == Outcome::Unknown {
            self.selected = None;
        }
    }
}

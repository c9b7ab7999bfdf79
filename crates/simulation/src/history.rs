//! What happened, as clients saw it: written down for people, and handed to the checkers as it comes.

use std::collections::BTreeMap;
use std::fmt::Debug;

use mailstore::command::MessageCommand;
use mailstore::{BlobId, Reply, StoreError, UidSet};
use tokio::time::Instant;

use crate::checker::{AccountModel, Client, Facts, Linearizer, Observed, Operation, OperationId};

/// Longest text of one line that says what an operation or an answer is.
const DESCRIPTION_CHARS_MAX: usize = 240;

/// Names an account of a run.
pub type AccountNumber = usize;

/// How much happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Operations begun.
    pub operations: u64,
    /// Operations that were answered with what was asked for.
    pub accepted: u64,
    /// Operations without an answer.
    pub unknown: u64,
    /// Faults.
    pub faults: u64,
    /// Messages whose content was read and compared.
    pub contents: u64,
    /// Contents that nobody needed and that were removed.
    pub collected: u64,
}

/// What happened in a run.
pub struct History {
    origin: Instant,
    trace: Vec<String>,
    violations: Vec<String>,
    accounts: BTreeMap<AccountNumber, Account>,
    counts: Counts,
    under_fault: bool,
}

struct Account {
    linearizer: Linearizer,
    facts: Facts,
    operations: BTreeMap<OperationId, Operation>,
}

/// An operation under way.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    account: AccountNumber,
    client: Client,
    id: OperationId,
}

impl History {
    /// Returns an empty history that begins now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            origin: Instant::now(),
            trace: Vec::new(),
            violations: Vec::new(),
            accounts: BTreeMap::new(),
            counts: Counts::default(),
            under_fault: false,
        }
    }

    /// Takes note of an account that is in this state and in nobody's hands.
    pub fn begin(&mut self, account: AccountNumber, model: AccountModel) {
        let begun = Account {
            linearizer: Linearizer::new(model),
            facts: Facts::default(),
            operations: BTreeMap::new(),
        };
        self.accounts.insert(account, begun);
    }

    /// Writes down something that is no operation.
    pub fn note(&mut self, what: impl AsRef<str>) {
        let line = format!("{:>8} {}", self.origin.elapsed().as_millis(), what.as_ref());
        self.trace.push(line);
    }

    /// Writes down a fault.
    pub fn fault(&mut self, fault: &impl Debug) {
        self.counts.faults += 1;
        self.note(format!("fault {fault:?}"));
    }

    /// Writes down that something must not be as it is.
    pub fn violation(&mut self, what: impl AsRef<str>) {
        let line = what.as_ref().to_owned();
        self.note(format!("VIOLATION {line}"));
        self.violations.push(line);
    }

    /// Says whether replicas may be away that hold content alone for a while: then it may not be available.
    pub fn set_under_fault(&mut self, under_fault: bool) {
        self.under_fault = under_fault;
    }

    /// Writes down that content of a message was said to be unavailable.
    pub fn content_unavailable(&mut self) {
        if self.under_fault {
            self.note("not read: content is not available");
        } else {
            self.violation("content of a message is not available");
        }
    }

    /// Writes down the outcome of a check.
    pub fn require(&mut self, outcome: Result<(), String>) {
        if let Err(what) = outcome {
            self.violation(what);
        }
    }

    /// Takes note of a call.
    pub fn call(&mut self, account: AccountNumber, client: Client, operation: &Operation) -> Call {
        self.counts.operations += 1;
        let known = self.accounts.get_mut(&account);
        let known = known.expect("invariant: clients act on accounts that were begun");
        let id = known.linearizer.call(operation.clone());
        known.operations.insert(id, operation.clone());
        let text = short(operation);
        self.note(format!(
            "account {account} client {} call {} {text}",
            client.0, id.0
        ));
        Call { account, client, id }
    }

    /// Takes note of an answer.
    pub fn answer(&mut self, call: Call, observed: &Observed) {
        self.counts.accepted += u64::from(!matches!(observed, Observed::Refused(_)));
        let text = short(observed);
        self.note(format!("account {} answer {} {text}", call.account, call.id.0));
        let Some(known) = self.accounts.get_mut(&call.account) else {
            return;
        };
        let Some(operation) = known.operations.remove(&call.id) else {
            return;
        };
        let explained = known.linearizer.answer(call.id, observed);
        let facts = known.look(call.client, &operation, observed);
        self.require(explained);
        self.require(facts);
    }

    /// Takes note that a call ended without an answer. A change that found no space was not made, and no
    /// question makes one; of other changes it is not known.
    pub fn give_up(&mut self, call: Call, why: &StoreError) {
        self.note(format!(
            "account {} unknown {} {}",
            call.account,
            call.id.0,
            short(why)
        ));
        let Some(known) = self.accounts.get_mut(&call.account) else {
            return;
        };
        match known.operations.remove(&call.id) {
            Some(Operation::Mailbox(_) | Operation::Message(_) | Operation::Deliver { .. })
                if *why != StoreError::NoSpace =>
            {
                self.counts.unknown += 1;
            }
            None => {}
            Some(Operation::Mailbox(_) | Operation::Message(_) | Operation::Deliver { .. }) => {
                known.linearizer.forget(call.id);
            }
            Some(Operation::Tree | Operation::Changes(..) | Operation::Records(_) | Operation::Quota) => {
                known.linearizer.forget(call.id);
            }
        }
    }

    /// Takes note that all processes were gone and that every account has been looked at since.
    pub fn settle(&mut self) {
        for account in self.accounts.values_mut() {
            account.operations.clear();
            account.linearizer.settle();
        }
    }

    /// Takes note of content that was read whole.
    pub fn content(&mut self, expected: BlobId, octets: &[u8]) {
        self.counts.contents += 1;
        let read = BlobId(*blake3::hash(octets).as_bytes());
        if read != expected {
            self.violation(format!("content of {expected} has the name {read}"));
        }
    }

    /// Takes note that content was removed which nobody needed.
    pub fn collected(&mut self, blobs: u64) {
        self.counts.collected += blobs;
        self.note(format!("{blobs} blobs were collected"));
    }

    /// Counts what happened.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes all that was written down, and what must not be.
    #[must_use]
    pub fn into_parts(self) -> (Vec<String>, Vec<String>) {
        (self.trace, self.violations)
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

impl Account {
    fn look(&mut self, client: Client, operation: &Operation, observed: &Observed) -> Result<(), String> {
        match (operation, observed) {
            (
                Operation::Message(MessageCommand::Append { messages, .. }),
                Observed::Reply(Reply::Appended(appended)),
            ) => {
                let blobs: Vec<_> = messages.iter().map(|message| message.blob).collect();
                self.facts.appended(appended, &blobs)
            }
            (
                Operation::Message(MessageCommand::ClaimRecent {
                    mailbox,
                    below: Some(below),
                }),
                Observed::Reply(Reply::RecentClaimed { first: Some(first) }),
            ) => {
                let last = mailstore::Uid::new(below.get() - 1);
                let claimed = last.map_or_else(UidSet::new, |last| UidSet::range(*first, last));
                self.facts.claimed(*mailbox, &claimed)
            }
            (Operation::Changes(..), Observed::Changes(changes)) => self.facts.mailbox(client, changes),
            _ => Ok(()),
        }
    }
}

fn short(what: &impl Debug) -> String {
    let mut text = format!("{what:?}");
    if let Some((end, _)) = text.char_indices().nth(DESCRIPTION_CHARS_MAX) {
        text.truncate(end);
        text.push('…');
    }
    text
}

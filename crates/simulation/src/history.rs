//! What happened, as clients saw it: written down for people, and handed to the checkers as it comes.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Debug;
use std::time::Duration;

use mailstore::command::MessageCommand;
use mailstore::{BlobId, Reply, StoreError, UidSet};
use tokio::time::Instant;

use crate::checker::{
    AccountModel, Client, Facts, Linearizer, Observed, Operation, OperationId, Unexplained,
};

/// Longest text of one line that says what an operation or an answer is.
const DESCRIPTION_CHARS_MAX: usize = 240;

/// How long after a change was given up it may still be made. The entry of a leader that was cut off is committed when
/// it hears from the others again, or never.
const LATE_EFFECT_MAX: Duration = Duration::from_secs(30);

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
    /// Commands of mail programs.
    pub commands: u64,
    /// Commands of mail programs of which it is not known whether they were carried out.
    pub commands_unknown: u64,
    /// Accounts with too many commands without an answer to look for their order to the end.
    pub undecided: u64,
}

impl Counts {
    /// Adds what happened in another run.
    pub fn add(&mut self, other: &Self) {
        self.operations += other.operations;
        self.accepted += other.accepted;
        self.unknown += other.unknown;
        self.faults += other.faults;
        self.contents += other.contents;
        self.collected += other.collected;
        self.commands += other.commands;
        self.commands_unknown += other.commands_unknown;
        self.undecided += other.undecided;
    }
}

/// What is checked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Check {
    /// Some order of the commands explains all answers.
    Order,
    /// UIDs name one message for ever, and counters do not go back.
    Facts,
    /// What changed leads from what a client knew to what is there.
    Views,
    /// Content can be read and is what was stored.
    Content,
    /// What is acknowledged is where it must be.
    Durable,
    /// Mail programs are told only what they may be told, and each command has one answer.
    Imap,
    /// The messages of mail programs are there as often as they must be.
    Mail,
    /// Nodes start, stop and notice failures.
    Node,
    /// Whoever waits is served in time once faults are over.
    Liveness,
}

/// Something that must not have happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// What found it.
    pub check: Check,
    /// What happened.
    pub what: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:?}: {}", self.check, self.what)
    }
}

/// What happened in a run.
pub struct History {
    origin: Instant,
    trace: Vec<String>,
    violations: Vec<Violation>,
    accounts: BTreeMap<AccountNumber, Account>,
    counts: Counts,
    under_fault: bool,
}

struct Account {
    linearizer: Linearizer,
    /// Whether there were too many commands without an answer to tell what the order was.
    undecided: bool,
    /// Changes without an answer, and when they were given up.
    given_up: VecDeque<(Instant, OperationId)>,
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
            undecided: false,
            given_up: VecDeque::new(),
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
    pub fn violation(&mut self, check: Check, what: impl AsRef<str>) {
        let what = what.as_ref().to_owned();
        let violation = Violation { check, what };
        self.note(format!("VIOLATION {violation}"));
        self.violations.push(violation);
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
            self.violation(Check::Content, "content of a message is not available");
        }
    }

    /// Writes down the outcome of a check.
    pub fn require(&mut self, check: Check, outcome: Result<(), String>) {
        if let Err(what) = outcome {
            self.violation(check, what);
        }
    }

    /// Takes note of a call.
    pub fn call(&mut self, account: AccountNumber, client: Client, operation: &Operation) -> Call {
        self.counts.operations += 1;
        let known = self.accounts.get_mut(&account);
        let known = known.expect("invariant: clients act on accounts that were begun");
        known.close_old();
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
        let explained = known.explain(call.id, observed);
        let facts = known.look(call.client, &operation, observed);
        if explained == Err(Unexplained::TooManyOrders) {
            self.counts.undecided += 1;
            self.note(format!("the order is not looked for any more in account {}", call.account));
        } else if let Err(Unexplained::Impossible(what)) = explained {
            self.violation(Check::Order, what);
        }
        self.require(Check::Facts, facts);
    }

    /// Takes note that a call ended without an answer. A change that found no space or no login was not made, and no
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
                if !matches!(why, StoreError::NoSpace | StoreError::Unauthorized) =>
            {
                self.counts.unknown += 1;
                known.given_up.push_back((Instant::now(), call.id));
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
            account.given_up.clear();
            account.linearizer.settle();
        }
    }

    /// Takes note of content that was read whole.
    pub fn content(&mut self, expected: BlobId, octets: &[u8]) {
        self.counts.contents += 1;
        let read = BlobId(*blake3::hash(octets).as_bytes());
        if read != expected {
            self.violation(Check::Content, format!("content of {expected} has the name {read}"));
        }
    }

    /// Counts a command of a mail program.
    pub(crate) fn imap_command(&mut self) {
        self.counts.commands += 1;
    }

    /// Counts a command of a mail program that may have been carried out.
    pub(crate) fn imap_unknown(&mut self) {
        self.counts.commands_unknown += 1;
    }

    /// Counts a message that a mail program has read whole.
    pub(crate) fn imap_content(&mut self) {
        self.counts.contents += 1;
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
    pub fn into_parts(self) -> (Vec<String>, Vec<Violation>) {
        (self.trace, self.violations)
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

impl Account {
    /// Forgets changes that were given up so long ago that they have happened or never will.
    fn close_old(&mut self) {
        while let Some((since, id)) = self.given_up.front().copied()
            && since.elapsed() > LATE_EFFECT_MAX
        {
            self.given_up.pop_front();
            self.linearizer.close(id);
        }
    }

    fn explain(&mut self, id: OperationId, observed: &Observed) -> Result<(), Unexplained> {
        if self.undecided {
            return Ok(());
        }
        let explained = self.linearizer.answer(id, observed);
        self.undecided = explained == Err(Unexplained::TooManyOrders);
        explained
    }

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

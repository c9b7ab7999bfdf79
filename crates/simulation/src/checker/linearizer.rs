//! Whether some order of the commands explains what clients saw.
//!
//! After Lowe's just-in-time linearization: every state that the account may be in is kept, with the
//! operations that are under way. A question or command that was answered must have taken effect between
//! its call and its answer; each state from which no order of the open operations gives the answer is
//! dropped.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::model::AccountModel;
use super::operation::{Observed, Operation};

/// States that are kept, and that are looked at for one answer, at most. A run that passes this has too many commands
/// without an answer.
const STATES_MAX: usize = 4096;

/// Why an answer is not explained.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unexplained {
    /// No order of the operations gives it.
    Impossible(String),
    /// There are too many orders to tell.
    TooManyOrders,
}

/// Names an operation of one account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct OperationId(pub u64);

/// A state that the account may be in.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Possible {
    model: AccountModel,
    /// Operations under way; those that have taken effect already with the answer that is to come.
    open: BTreeMap<OperationId, Option<Observed>>,
}

/// All states that one account may be in.
pub struct Linearizer {
    possible: Vec<Possible>,
    operations: BTreeMap<OperationId, Operation>,
    next: u64,
}

impl Linearizer {
    /// Returns a checker for an account that is in this state.
    #[must_use]
    pub fn new(model: AccountModel) -> Self {
        let possible = Possible {
            model,
            open: BTreeMap::new(),
        };
        Self {
            possible: vec![possible],
            operations: BTreeMap::new(),
            next: 0,
        }
    }

    /// Takes note of a call.
    pub fn call(&mut self, operation: Operation) -> OperationId {
        let id = OperationId(self.next);
        self.next += 1;
        self.operations.insert(id, operation);
        for possible in &mut self.possible {
            possible.open.insert(id, None);
        }
        id
    }

    /// Takes note of an answer.
    ///
    /// # Errors
    /// When no order of the operations explains it, or nobody can tell; says what was expected.
    pub fn answer(&mut self, id: OperationId, observed: &Observed) -> Result<(), Unexplained> {
        let Some(operation) = self.operations.get(&id).cloned() else {
            let text = format!("an answer to nothing: {observed:?}");
            return Err(Unexplained::Impossible(text));
        };
        let before = std::mem::take(&mut self.possible);
        let mut search = Search {
            operations: &self.operations,
            sought: (id, &operation, observed),
            looked_at: States::default(),
            found: States::default(),
            expected: Vec::new(),
        };
        for possible in &before {
            search.explain(possible.clone());
        }
        let Search {
            found: after,
            mut expected,
            looked_at,
            ..
        } = search;
        if looked_at.count > STATES_MAX {
            return Err(Unexplained::TooManyOrders);
        }
        if after.count == 0 {
            self.possible = before;
            self.possible.iter_mut().for_each(|possible| {
                possible.open.remove(&id);
            });
            self.operations.remove(&id);
            expected.dedup();
            expected.truncate(3);
            return Err(Unexplained::Impossible(format!(
                "{operation:?} was answered {observed:?}, expected {expected:?}"
            )));
        }
        self.operations.remove(&id);
        self.possible = after.into_list();
        Ok(())
    }

    /// Takes note that the process is gone and that everything has been looked at since: what has not
    /// taken effect by now never will.
    pub fn settle(&mut self) {
        self.operations.clear();
        self.change(|possible| {
            possible.open.clear();
            true
        });
    }

    /// Takes note that an operation has taken effect by now or never will.
    pub fn close(&mut self, id: OperationId) {
        self.operations.remove(&id);
        self.change(|possible| {
            possible.open.remove(&id);
            true
        });
    }

    /// Takes note that an operation has not taken effect and never will.
    pub fn forget(&mut self, id: OperationId) {
        self.operations.remove(&id);
        self.change(|possible| possible.open.remove(&id) == Some(None));
    }

    /// Changes every state, and keeps those for which `change` says so, each once.
    fn change(&mut self, mut change: impl FnMut(&mut Possible) -> bool) {
        let mut after = States::default();
        for mut possible in std::mem::take(&mut self.possible) {
            if change(&mut possible) {
                after.add(possible);
            }
        }
        self.possible = after.into_list();
    }

    /// Returns a state that the account may be in.
    #[must_use]
    pub fn state(&self) -> Option<&AccountModel> {
        self.possible.first().map(|possible| &possible.model)
    }

    /// Counts the states that the account may be in.
    #[must_use]
    pub fn states(&self) -> usize {
        self.possible.len()
    }
}

/// The search for states in which an operation has taken effect with its answer.
struct Search<'a> {
    operations: &'a BTreeMap<OperationId, Operation>,
    sought: (OperationId, &'a Operation, &'a Observed),
    looked_at: States,
    found: States,
    /// Answers that it would have got elsewhere.
    expected: Vec<Observed>,
}

impl Search<'_> {
    fn explain(&mut self, possible: Possible) {
        let (id, _, observed) = self.sought;
        if self.looked_at.count > STATES_MAX || !self.looked_at.add(possible.clone()) {
            return;
        }
        match possible.open.get(&id) {
            Some(Some(answer)) if matches(answer, observed) => {
                let mut done = possible;
                done.open.remove(&id);
                self.found.add(done);
                return;
            }
            Some(Some(answer)) => {
                self.expected.push(answer.clone());
                return;
            }
            Some(None) | None => {}
        }
        if let Some(done) = self.effect(&possible) {
            self.found.add(done);
        }
        let waiting = possible.open.iter();
        let waiting = waiting.filter(|(other, effect)| **other != id && effect.is_none());
        for other in waiting.map(|(other, _)| *other) {
            let mut next = possible.clone();
            let operation = self.operations.get(&other);
            let Some(answer) = operation.and_then(|operation| next.model.apply(operation)) else {
                continue;
            };
            next.open.insert(other, Some(answer));
            self.explain(next);
        }
    }

    /// Returns the state after the operation, if it may have been answered so.
    fn effect(&mut self, possible: &Possible) -> Option<Possible> {
        let (id, operation, observed) = self.sought;
        let mut next = possible.clone();
        next.open.remove(&id);
        let agrees = match next.model.apply(operation) {
            Some(answer) => {
                let agrees = matches(&answer, observed);
                self.expected.push(answer);
                agrees
            }
            None => next.model.answers(operation, observed),
        };
        agrees.then_some(next)
    }
}

/// A retry's reply has no states, and a first one's is compared through the questions that follow.
fn matches(answer: &Observed, observed: &Observed) -> bool {
    use mailstore::Reply;
    match (answer, observed) {
        (Observed::Reply(Reply::Stored(answer)), Observed::Reply(Reply::Stored(observed))) => {
            answer.modseq == observed.modseq
                && answer.changed == observed.changed
                && answer.modified == observed.modified
                && answer.missing == observed.missing
        }
        // Who takes `\Recent` is looked at by the facts.
        (Observed::Reply(Reply::RecentClaimed { .. }), Observed::Reply(Reply::RecentClaimed { .. })) => true,
        _ => answer == observed,
    }
}

/// States, each once, in the order in which they were added.
#[derive(Default)]
struct States {
    by_hash: BTreeMap<u64, Vec<(usize, Possible)>>,
    count: usize,
}

impl States {
    /// Adds a state, and returns whether it was not there.
    fn add(&mut self, state: Possible) -> bool {
        let mut hasher = DefaultHasher::new();
        state.model.hash(&mut hasher);
        state.open.len().hash(&mut hasher);
        let alike = self.by_hash.entry(hasher.finish()).or_default();
        if alike.iter().any(|(_, other)| *other == state) {
            return false;
        }
        alike.push((self.count, state));
        self.count += 1;
        true
    }

    fn into_list(self) -> Vec<Possible> {
        let mut list: Vec<_> = self.by_hash.into_values().flatten().collect();
        list.sort_by_key(|(place, _)| *place);
        list.into_iter().map(|(_, state)| state).collect()
    }
}

#[cfg(test)]
mod tests {
    use mailstore::command::MailboxCommand;
    use mailstore::name::MailboxName;
    use mailstore::query::MailboxTree;
    use mailstore::{Rejection, Reply};

    use super::*;

    fn subscribe(subscribed: bool) -> Operation {
        Operation::Mailbox(MailboxCommand::Subscribe {
            name: MailboxName::inbox(),
            subscribed,
        })
    }

    fn tree(subscribed: bool) -> Observed {
        let entry = mailstore::query::TreeEntry {
            name: MailboxName::inbox(),
            mailbox: None,
            subscribed: true,
        };
        Observed::Tree(MailboxTree {
            entries: if subscribed { vec![entry] } else { Vec::new() },
        })
    }

    #[test]
    fn a_command_without_an_answer_may_have_been_done_once_or_not() {
        for done in [true, false] {
            let mut linearizer = Linearizer::new(AccountModel::default());
            linearizer.call(subscribe(true));
            let look = linearizer.call(Operation::Tree);
            assert_eq!(linearizer.answer(look, &tree(done)), Ok(()));
            linearizer.settle();
            let look = linearizer.call(Operation::Tree);
            assert!(linearizer.answer(look, &tree(!done)).is_err());
        }
    }

    #[test]
    fn an_acknowledged_command_must_be_seen() {
        let mut linearizer = Linearizer::new(AccountModel::default());
        let id = linearizer.call(subscribe(true));
        assert_eq!(linearizer.answer(id, &Observed::Reply(Reply::Done)), Ok(()));
        let look = linearizer.call(Operation::Tree);
        assert!(linearizer.answer(look, &tree(false)).is_err());
    }

    #[test]
    fn commands_at_the_same_time_may_take_effect_in_any_order() {
        let mut linearizer = Linearizer::new(AccountModel::default());
        let (on, off) = (
            linearizer.call(subscribe(true)),
            linearizer.call(subscribe(false)),
        );
        for id in [on, off] {
            assert_eq!(linearizer.answer(id, &Observed::Reply(Reply::Done)), Ok(()));
        }
        assert_eq!(linearizer.states(), 2);
        let look = linearizer.call(Operation::Tree);
        assert_eq!(linearizer.answer(look, &tree(true)), Ok(()));
        assert_eq!(linearizer.states(), 1);
        let id = linearizer.call(subscribe(true));
        let refused = Observed::Refused(Rejection::NoSuchMailbox);
        assert!(linearizer.answer(id, &refused).is_err());
    }
}

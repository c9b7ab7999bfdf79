//! Whether some order of the commands explains what clients saw.
//!
//! After Lowe's just-in-time linearization: every state that the account may be in is kept, with the
//! operations that are under way. A question or command that was answered must have taken effect between
//! its call and its answer; each state from which no order of the open operations gives the answer is
//! dropped.

use std::collections::BTreeMap;

use super::model::AccountModel;
use super::operation::{Observed, Operation};

/// States that are kept at most. A run that passes this has too many commands without an answer.
const STATES_MAX: usize = 4096;

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
    /// When no order of the operations explains it; says what was expected.
    pub fn answer(&mut self, id: OperationId, observed: &Observed) -> Result<(), String> {
        let Some(operation) = self.operations.get(&id).cloned() else {
            return Err(format!("an answer to nothing: {observed:?}"));
        };
        let before = std::mem::take(&mut self.possible);
        let mut after: Vec<Possible> = Vec::new();
        let mut expected = Vec::new();
        for possible in &before {
            self.explain(
                possible.clone(),
                (id, &operation),
                observed,
                &mut (&mut after, &mut expected),
            );
        }
        if after.len() > STATES_MAX {
            return Err("too many commands without an answer".to_owned());
        }
        if after.is_empty() {
            self.possible = before;
            self.forget(id);
            expected.dedup();
            expected.truncate(3);
            return Err(format!(
                "{operation:?} was answered {observed:?}, expected {expected:?}"
            ));
        }
        self.operations.remove(&id);
        self.possible = after;
        Ok(())
    }

    /// Adds every state in which the operation has taken effect with this answer.
    fn explain(
        &self,
        possible: Possible,
        (id, operation): (OperationId, &Operation),
        observed: &Observed,
        found: &mut (&mut Vec<Possible>, &mut Vec<Observed>),
    ) {
        match possible.open.get(&id) {
            Some(Some(answer)) if matches(answer, observed) => {
                let mut done = possible;
                done.open.remove(&id);
                push(found.0, done);
                return;
            }
            Some(Some(answer)) => {
                found.1.push(answer.clone());
                return;
            }
            Some(None) | None => {}
        }
        if let Some(done) = effect(&possible, id, operation, observed, found.1) {
            push(found.0, done);
        }
        let waiting = possible
            .open
            .iter()
            .filter(|(other, effect)| **other != id && effect.is_none());
        let waiting: Vec<OperationId> = waiting.map(|(other, _)| *other).collect();
        for other in waiting {
            let mut next = possible.clone();
            let Some(answer) = self
                .operations
                .get(&other)
                .and_then(|other| next.model.apply(other))
            else {
                continue;
            };
            next.open.insert(other, Some(answer));
            self.explain(next, (id, operation), observed, found);
        }
    }

    /// Takes note that the process is gone and that everything has been looked at since: what has not
    /// taken effect by now never will.
    pub fn settle(&mut self) {
        self.operations.clear();
        let before = std::mem::take(&mut self.possible);
        for mut possible in before {
            possible.open.clear();
            push(&mut self.possible, possible);
        }
    }

    /// Takes note that a question gets no answer.
    pub fn forget(&mut self, id: OperationId) {
        self.operations.remove(&id);
        for possible in &mut self.possible {
            possible.open.remove(&id);
        }
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

/// Returns the state after an operation, if it may have been answered so.
fn effect(
    possible: &Possible,
    id: OperationId,
    operation: &Operation,
    observed: &Observed,
    expected: &mut Vec<Observed>,
) -> Option<Possible> {
    let mut next = possible.clone();
    next.open.remove(&id);
    let agrees = match next.model.apply(operation) {
        Some(answer) => {
            let agrees = matches(&answer, observed);
            expected.push(answer);
            agrees
        }
        None => next.model.answers(operation, observed),
    };
    agrees.then_some(next)
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

fn push(states: &mut Vec<Possible>, state: Possible) {
    if !states.contains(&state) {
        states.push(state);
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

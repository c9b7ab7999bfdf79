//! Whether some order of operations explains what clients saw: the search of Wing and Gong with the memory of Lowe.
//!
//! All states that a register may be in are kept, each with the operations under way that have taken effect in it
//! already. An operation that ends must have taken effect by then. One that only looks takes effect as soon as it can,
//! which loses no explanation, so that only changes multiply the states.

use std::collections::BTreeSet;

/// Operations under way at one time; more are not followed.
const OPEN_MAX: usize = 16;
/// States that are followed at most.
const STATES_MAX: usize = 20_000;

/// An operation on a register.
#[derive(Clone, Debug)]
pub struct Operation<E> {
    /// When it began.
    pub invoked: u64,
    /// After when it cannot take effect.
    pub completed: u64,
    /// Whether it must take effect at all.
    pub required: bool,
    /// Whether it only looks.
    pub looks: bool,
    /// What it does.
    pub effect: E,
    /// Where it was recorded.
    pub record: usize,
    /// The operation of the same session that was sent before it and not yet answered (RFC 9051 §5.5).
    pub after: Option<usize>,
}

/// Why there is no explanation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Stuck {
    /// This operation, by its place, is explained by no order.
    At(usize),
    /// There are too many operations under way to say.
    Undecided,
}

type Configuration<S> = (S, u32);

/// Looks for an order and returns the states that the register may be in at the end.
///
/// # Errors
/// When there is none.
pub fn explain<S: Clone + Ord, E>(
    initial: BTreeSet<S>,
    operations: &[Operation<E>],
    apply: impl Fn(&S, &E) -> Option<S>,
) -> Result<BTreeSet<S>, Stuck> {
    let mut search = Search {
        operations,
        apply,
        slots: Vec::new(),
        configurations: initial.into_iter().map(|state| (state, 0)).collect(),
    };
    for (_, ends, at) in events(operations) {
        match ends {
            false => search.begin(at)?,
            true => search.end(at)?,
        }
    }
    Ok(search
        .configurations
        .into_iter()
        .map(|(state, _)| state)
        .collect())
}

/// Returns begins and ends in their order; at the same instant a begin comes first, which is the lenient reading.
fn events<E>(operations: &[Operation<E>]) -> Vec<(u64, bool, usize)> {
    let mut events = Vec::with_capacity(operations.len() * 2);
    for (at, operation) in operations.iter().enumerate() {
        events.push((operation.invoked, false, at));
        if operation.completed != u64::MAX {
            events.push((operation.completed, true, at));
        }
    }
    events.sort_unstable();
    events
}

struct Search<'a, S, E, A> {
    operations: &'a [Operation<E>],
    apply: A,
    /// Operations under way, each at the place of its bit.
    slots: Vec<Option<usize>>,
    configurations: BTreeSet<Configuration<S>>,
}

impl<S: Clone + Ord, E, A: Fn(&S, &E) -> Option<S>> Search<'_, S, E, A> {
    fn begin(&mut self, at: usize) -> Result<(), Stuck> {
        let free = self.slots.iter().position(Option::is_none);
        let slot = free.unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        if slot >= OPEN_MAX {
            return Err(Stuck::Undecided);
        }
        if let Some(place) = self.slots.get_mut(slot) {
            *place = Some(at);
        }
        let before = std::mem::take(&mut self.configurations);
        self.configurations = before.into_iter().map(|one| self.look(one)).collect();
        Ok(())
    }

    fn end(&mut self, at: usize) -> Result<(), Stuck> {
        let Some(slot) = self.slots.iter().position(|open| *open == Some(at)) else {
            return Ok(());
        };
        let bit = 1 << slot;
        let required = self
            .operations
            .get(at)
            .is_some_and(|operation| operation.required);
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut stack: Vec<_> = std::mem::take(&mut self.configurations).into_iter().collect();
        while let Some(configuration) = stack.pop() {
            if !seen.insert(configuration.clone()) {
                continue;
            }
            if seen.len() > STATES_MAX {
                return Err(Stuck::Undecided);
            }
            let (state, mask) = &configuration;
            if mask & bit != 0 || !required {
                found.insert((state.clone(), mask & !bit));
            }
            if mask & bit == 0 {
                stack.extend(self.steps(&configuration));
            }
        }
        if let Some(place) = self.slots.get_mut(slot) {
            *place = None;
        }
        if found.is_empty() {
            return Err(Stuck::At(at));
        }
        self.configurations = found;
        Ok(())
    }

    /// Returns what one more change under way leads to.
    fn steps(&self, (state, mask): &Configuration<S>) -> Vec<Configuration<S>> {
        let open = self.slots.iter().enumerate();
        let open = open.filter_map(|(slot, at)| Some((slot, self.operations.get((*at)?)?)));
        let waiting = open.filter(|(slot, operation)| {
            mask & (1 << slot) == 0 && !operation.looks && self.may_follow(operation, *mask)
        });
        let after = waiting.filter_map(|(slot, operation)| {
            let state = (self.apply)(state, &operation.effect)?;
            Some(self.look((state, mask | (1 << slot))))
        });
        after.collect()
    }

    /// Lets all that look and may see this state take effect.
    fn look(&self, (state, mut mask): Configuration<S>) -> Configuration<S> {
        loop {
            let before = mask;
            for (slot, at) in self.slots.iter().enumerate() {
                let operation = at.and_then(|at| self.operations.get(at));
                let Some(operation) = operation.filter(|operation| operation.looks) else {
                    continue;
                };
                if self.may_follow(operation, mask) && (self.apply)(&state, &operation.effect).is_some() {
                    mask |= 1 << slot;
                }
            }
            if mask == before {
                return (state, mask);
            }
        }
    }

    /// Says whether what its session sent before it has taken effect or is over.
    fn may_follow(&self, operation: &Operation<E>, mask: u32) -> bool {
        let open = |before: usize| self.slots.iter().position(|open| *open == Some(before));
        let slot = operation.after.and_then(open);
        slot.is_none_or(|slot| mask & (1 << slot) != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(invoked: u64, completed: u64, value: u8) -> Operation<(bool, u8)> {
        Operation {
            invoked,
            completed,
            required: completed != u64::MAX,
            looks: false,
            effect: (false, value),
            record: 0,
            after: None,
        }
    }

    fn read(invoked: u64, completed: u64, value: u8) -> Operation<(bool, u8)> {
        Operation {
            looks: true,
            effect: (true, value),
            ..write(invoked, completed, value)
        }
    }

    fn check(operations: &[Operation<(bool, u8)>]) -> Result<BTreeSet<u8>, Stuck> {
        explain([0].into(), operations, |state, (looks, value)| match looks {
            true => (state == value).then_some(*state),
            false => Some(*value),
        })
    }

    #[test]
    fn what_was_acknowledged_is_seen() {
        assert_eq!(check(&[write(1, 2, 7), read(3, 4, 7)]), Ok([7].into()));
        assert_eq!(check(&[write(1, 2, 7), read(3, 4, 0)]), Err(Stuck::At(1)));
    }

    #[test]
    fn what_happens_at_once_may_be_seen_in_any_order_but_in_one() {
        assert_eq!(
            check(&[write(1, 9, 7), read(2, 3, 0), read(4, 5, 7)]),
            Ok([7].into())
        );
        assert_eq!(
            check(&[write(1, 9, 7), read(2, 3, 7), read(4, 5, 0)]),
            Err(Stuck::At(2))
        );
        let both = check(&[write(1, 9, 7), write(1, 9, 8)]);
        assert_eq!(both, Ok([7, 8].into()));
    }

    #[test]
    fn an_unanswered_change_may_come_late_but_once() {
        let open = write(1, u64::MAX, 7);
        let late = [open.clone(), read(2, 3, 0), read(50, 51, 7), read(60, 61, 7)];
        assert!(check(&late).is_ok());
        let undone = [open, read(2, 3, 7), read(50, 51, 0)];
        assert_eq!(check(&undone), Err(Stuck::At(2)));
    }

    #[test]
    fn a_pipelined_command_follows_the_one_before_it() {
        let second = Operation {
            after: Some(0),
            ..write(1, 9, 8)
        };
        let operations = [write(1, 9, 7), second];
        assert_eq!(check(&operations), Ok([8].into()));
    }

    #[test]
    fn too_many_at_once_are_left_undecided() {
        let many: Vec<_> = (0..40).map(|value| write(1, u64::MAX, value)).collect();
        assert_eq!(check(&many), Err(Stuck::Undecided));
    }
}

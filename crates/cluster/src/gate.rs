//! How many requests are at one storage node, and whose turn is next.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use mailstore::StoreError;
use mailstore::ids::SessionId;
use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Bounds on the requests of this process to one storage node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestLimits {
    /// Requests that are answered at one time.
    pub running_max: usize,
    /// Requests that wait behind those. One more is refused.
    pub waiting_max: usize,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            running_max: 1024,
            waiting_max: 8192,
        }
    }
}

/// Lets requests to one node pass. Sessions that wait take turns, however many requests each has.
#[derive(Clone)]
pub(crate) struct Gate {
    state: Arc<Mutex<State>>,
    limits: RequestLimits,
}

#[derive(Default)]
struct State {
    running: usize,
    waiting: usize,
    refused: u64,
    next_ticket: u64,
    queues: HashMap<Option<SessionId>, VecDeque<Waiting>>,
    /// The sessions that have a queue, in the order of their turns.
    turns: VecDeque<Option<SessionId>>,
}

struct Waiting {
    ticket: u64,
    admit: oneshot::Sender<()>,
}

/// A request that has passed, until it is answered.
pub(crate) struct Passed {
    gate: Gate,
}

impl Gate {
    pub(crate) fn new(limits: RequestLimits) -> Self {
        Self {
            state: Arc::default(),
            limits,
        }
    }

    /// Waits for the session's turn.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] when too many wait already.
    pub(crate) async fn pass(&self, session: Option<SessionId>) -> Result<Passed, StoreError> {
        let mut place = {
            let mut state = self.state.lock();
            if state.running < self.limits.running_max {
                state.running += 1;
                return Ok(self.passed());
            }
            if state.waiting >= self.limits.waiting_max {
                state.refused += 1;
                return Err(StoreError::Overloaded);
            }
            let (ticket, admitted) = state.wait(session);
            Place {
                gate: self.clone(),
                session,
                ticket,
                admitted: Some(admitted),
            }
        };
        if let Some(admitted) = &mut place.admitted {
            // The sender lives in the queue until it admits.
            let _ = admitted.await;
        }
        place.admitted = None;
        Ok(self.passed())
    }

    fn passed(&self) -> Passed {
        Passed { gate: self.clone() }
    }

    /// Returns how many requests run and wait, and how many were refused so far.
    pub(crate) fn counts(&self) -> (usize, usize, u64) {
        let state = self.state.lock();
        (state.running, state.waiting, state.refused)
    }
}

impl State {
    fn wait(&mut self, session: Option<SessionId>) -> (u64, oneshot::Receiver<()>) {
        let (admit, admitted) = oneshot::channel();
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.waiting += 1;
        let queue = self.queues.entry(session).or_default();
        if queue.is_empty() {
            self.turns.push_back(session);
        }
        queue.push_back(Waiting { ticket, admit });
        (ticket, admitted)
    }

    /// Gives the place of a request that was answered to whose turn it is.
    fn leave(&mut self) {
        while let Some(session) = self.turns.pop_front() {
            let Some(queue) = self.queues.get_mut(&session) else {
                continue;
            };
            let next = queue.pop_front();
            if queue.is_empty() {
                self.queues.remove(&session);
            } else {
                self.turns.push_back(session);
            }
            let Some(next) = next else { continue };
            self.waiting -= 1;
            if next.admit.send(()).is_ok() {
                return;
            }
        }
        self.running -= 1;
    }

    /// Takes a request out of its queue. Tells whether it was there.
    fn give_up(&mut self, session: Option<SessionId>, ticket: u64) -> bool {
        let Some(queue) = self.queues.get_mut(&session) else {
            return false;
        };
        let Some(at) = queue.iter().position(|waiting| waiting.ticket == ticket) else {
            return false;
        };
        queue.remove(at);
        if queue.is_empty() {
            self.queues.remove(&session);
            self.turns.retain(|turn| *turn != session);
        }
        self.waiting -= 1;
        true
    }
}

impl Drop for Passed {
    fn drop(&mut self) {
        self.gate.state.lock().leave();
    }
}

/// A place in a queue, given back when the request is given up.
struct Place {
    gate: Gate,
    session: Option<SessionId>,
    ticket: u64,
    admitted: Option<oneshot::Receiver<()>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.admitted.take().is_none() {
            return;
        }
        let mut state = self.gate.state.lock();
        // Whoever was admitted at the moment of giving up passes the place on.
        if !state.give_up(self.session, self.ticket) {
            state.leave();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use futures::future::BoxFuture;

    use super::*;

    const LIMITS: RequestLimits = RequestLimits {
        running_max: 1,
        waiting_max: 4,
    };

    fn session(number: u8) -> Option<SessionId> {
        Some(SessionId([number; 16]))
    }

    /// Lets a session ask; returns what becomes of it.
    fn ask(gate: &Gate, number: u8) -> BoxFuture<'static, Result<(u8, Passed), StoreError>> {
        let gate = gate.clone();
        let mut asking =
            async move { gate.pass(session(number)).await.map(|passed| (number, passed)) }.boxed();
        assert!((&mut asking).now_or_never().is_none(), "it has to wait");
        asking
    }

    #[test]
    fn sessions_take_turns() {
        let gate = Gate::new(LIMITS);
        let mut passed = gate.pass(None).now_or_never();
        let mut asking: Vec<_> = [1, 1, 1, 2].map(|number| ask(&gate, number)).into();
        let full = gate.pass(session(3)).now_or_never();
        assert!(matches!(full, Some(Err(StoreError::Overloaded))));
        assert_eq!(gate.counts(), (1, 4, 1));
        let mut order = Vec::new();
        while !asking.is_empty() {
            drop(passed.take());
            let at = asking.iter_mut().position(|asking| {
                let answered = asking.now_or_never();
                let answered = answered.map(|answered| answered.expect("there is room"));
                let came = answered.is_some();
                passed = answered.map(|(number, passed)| {
                    order.push(number);
                    Ok(passed)
                });
                came
            });
            drop(asking.remove(at.expect("one passes")));
        }
        assert_eq!(order, [1, 2, 1, 1]);
        drop(passed);
        assert_eq!(gate.counts(), (0, 0, 1));
    }

    #[test]
    fn a_request_that_is_given_up_leaves_no_trace() {
        let gate = Gate::new(LIMITS);
        let passed = gate.pass(None).now_or_never();
        let (first, second) = (ask(&gate, 1), ask(&gate, 2));
        drop(first);
        assert_eq!(gate.counts(), (1, 1, 0));
        // The second is admitted now, and given up before it has looked.
        drop(passed);
        assert_eq!(gate.counts(), (1, 0, 0));
        drop(second);
        assert_eq!(gate.counts(), (0, 0, 0));
    }
}

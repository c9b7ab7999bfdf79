//! The bounded queue between the groups and the writer. Votes and entries share it and are never reordered.

use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::Callback;
use crate::record::{Operation, Record};
use crate::view::{View, size};
use crate::{Error, GroupId, Result};

/// Whether an operation needs a sync of its own accord.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    Prompt,
    /// Waits for the next prompt operation.
    Lazy,
}

/// What one call asks for.
pub(super) struct Request {
    pub(super) group: GroupId,
    pub(super) operations: Vec<Operation>,
    pub(super) urgency: Urgency,
    pub(super) done: Callback,
}

/// Operations of one call, in the order in which they were accepted.
pub(super) struct Job {
    pub(super) group: GroupId,
    pub(super) records: Vec<Record>,
    pub(super) bytes: usize,
    pub(super) ticket: u64,
    urgency: Urgency,
    pub(super) done: Callback,
}

#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    /// Signalled when there is something to write, or the queue is closed.
    filled: Condvar,
    /// Signalled when there is room again, or no hope of it.
    drained: Condvar,
    operations_max: usize,
    bytes_max: usize,
    /// Whether a full queue makes callers wait; without a writer thread they empty it themselves.
    blocking: bool,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    operations: usize,
    bytes: usize,
    prompt: usize,
    next_ticket: u64,
    /// Somebody waits for room, so that lazy operations must be written too.
    pressed: bool,
    closed: bool,
    failed: Option<Error>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("operations", &self.operations)
            .field("bytes", &self.bytes)
            .finish()
    }
}

impl Queue {
    pub(super) fn new(operations_max: usize, bytes_max: usize, blocking: bool) -> Self {
        let state = Mutex::new(State {
            next_ticket: 1,
            ..State::default()
        });
        Self {
            state,
            filled: Condvar::new(),
            drained: Condvar::new(),
            operations_max,
            bytes_max,
            blocking,
        }
    }

    /// Waits for room, then accepts the operations into the group's view and queues them, as one step: the
    /// order of the queue is the order of the view.
    pub(super) fn push(&self, view: &Mutex<View>, request: Request) -> Result<()> {
        let Request {
            group,
            operations,
            urgency,
            done,
        } = request;
        let bytes = operations.iter().map(operation_bytes).sum();
        if bytes > self.bytes_max {
            return Err(Error::TooLarge {
                bytes,
                bytes_max: self.bytes_max,
            });
        }
        let mut state = self.state.lock();
        while self.blocking && !self.has_room(&state, operations.len(), bytes) {
            state.check_open()?;
            state.pressed = true;
            self.filled.notify_one();
            self.drained.wait(&mut state);
        }
        state.check_open()?;
        let ticket = state.next_ticket;
        {
            let mut view = view.lock();
            view.check(group, &operations)?;
            for operation in &operations {
                view.accept(group, operation, ticket);
            }
        }
        state.next_ticket += 1;
        state.operations += operations.len();
        state.bytes += bytes;
        let records = operations
            .into_iter()
            .map(|operation| Record { group, operation })
            .collect();
        state.jobs.push_back(Job {
            group,
            records,
            bytes,
            ticket,
            urgency,
            done,
        });
        if urgency == Urgency::Prompt {
            state.prompt += 1;
            self.filled.notify_one();
        }
        Ok(())
    }

    fn has_room(&self, state: &State, operations: usize, bytes: usize) -> bool {
        let fits =
            state.operations + operations <= self.operations_max && state.bytes + bytes <= self.bytes_max;
        fits || state.jobs.is_empty()
    }

    /// Waits until something prompt is queued, somebody waits for room, or the queue is closed. Returns
    /// the oldest jobs, about `bytes_max` of them but at least one; none means closed and empty.
    pub(super) fn wait(&self, bytes_max: usize) -> Vec<Job> {
        let mut state = self.state.lock();
        while state.prompt == 0 && !state.pressed && !state.closed {
            self.filled.wait(&mut state);
        }
        let jobs = state.take(bytes_max);
        self.drained.notify_all();
        jobs
    }

    /// Returns the oldest jobs without waiting.
    pub(super) fn take(&self, bytes_max: usize) -> Vec<Job> {
        let jobs = self.state.lock().take(bytes_max);
        self.drained.notify_all();
        jobs
    }

    /// Waits a little for the disk to get space. Returns false once the queue is closed.
    pub(super) fn pause(&self, pause: Duration) -> bool {
        let mut state = self.state.lock();
        if !state.closed {
            self.filled.wait_for(&mut state, pause);
        }
        !state.closed
    }

    /// Refuses everything from now on with this error, and returns what was waiting.
    pub(super) fn fail(&self, error: &Error) -> Vec<Job> {
        let mut state = self.state.lock();
        state.failed = Some(error.clone());
        self.drained.notify_all();
        state.take(usize::MAX)
    }

    /// Refuses everything from now on; what is queued is still written.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.filled.notify_all();
        self.drained.notify_all();
    }

    /// Returns whether the next operation might have to wait for room.
    pub(super) fn is_crowded(&self) -> bool {
        let state = self.state.lock();
        2 * state.operations > self.operations_max || 2 * state.bytes > self.bytes_max
    }

    /// Returns whether nothing is waiting that needs a sync.
    pub(super) fn is_idle(&self) -> bool {
        self.state.lock().prompt == 0
    }
}

impl State {
    fn check_open(&self) -> Result<()> {
        match &self.failed {
            Some(error) => Err(error.clone()),
            None if self.closed => Err(Error::Closed),
            None => Ok(()),
        }
    }

    fn take(&mut self, bytes_max: usize) -> Vec<Job> {
        self.pressed = false;
        let (mut taken, mut bytes) = (Vec::new(), 0_usize);
        while let Some(job) = self
            .jobs
            .pop_front_if(|job| bytes == 0 || bytes.saturating_add(job.bytes) <= bytes_max)
        {
            bytes += job.bytes;
            self.bytes -= job.bytes;
            self.operations -= job.records.len();
            self.prompt -= usize::from(job.urgency == Urgency::Prompt);
            taken.push(job);
        }
        taken
    }
}

fn operation_bytes(operation: &Operation) -> usize {
    size_of::<Record>()
        + match operation {
            Operation::Append(entry) => size(entry),
            Operation::Vote(vote) => vote.bytes.len(),
            Operation::Committed(note) => note.len(),
            Operation::Purge(upto) => upto.id.len(),
            Operation::TruncateFrom(_) | Operation::Remove => 0,
        }
}

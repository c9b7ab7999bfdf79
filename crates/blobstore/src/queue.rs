//! The bounded queue between callers and the writer, and group commit.

use std::collections::VecDeque;

use parking_lot::{Condvar, Mutex};

use crate::engine::{Change, Outcome};
use crate::{Engine, Error, Result};

/// Called with what became of a change, once that is durable.
pub(crate) type Done = Box<dyn FnOnce(Result<Outcome>) + Send>;

/// One change that waits for the writer.
pub(crate) struct Job {
    pub(crate) change: Change,
    pub(crate) done: Done,
}

#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    drained: Condvar,
    changes_max: usize,
    bytes_max: usize,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    bytes: usize,
    closed: bool,
    failed: Option<Error>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("jobs", &self.jobs.len())
            .field("bytes", &self.bytes)
            .finish()
    }
}

impl Queue {
    pub(crate) fn new(changes_max: usize, bytes_max: usize) -> Self {
        let (filled, drained) = (Condvar::new(), Condvar::new());
        Self {
            state: Mutex::default(),
            filled,
            drained,
            changes_max,
            bytes_max,
        }
    }

    /// Waits for room and queues changes, which go into one batch.
    pub(crate) fn push(&self, jobs: Vec<Job>) -> Result<()> {
        let bytes = content_bytes(&jobs);
        let mut state = self.state.lock();
        while !self.has_room(&state, bytes) {
            state.check_open()?;
            self.drained.wait(&mut state);
        }
        self.take(&mut state, jobs, bytes)
    }

    /// Queues changes, which go into one batch, or refuses them when there is no room.
    pub(crate) fn try_push(&self, jobs: Vec<Job>) -> Result<()> {
        let bytes = content_bytes(&jobs);
        let mut state = self.state.lock();
        if !self.has_room(&state, bytes) {
            state.check_open()?;
            return Err(Error::QueueFull);
        }
        self.take(&mut state, jobs, bytes)
    }

    /// A change that is larger than the queue waits alone.
    fn has_room(&self, state: &State, bytes: usize) -> bool {
        state.jobs.is_empty()
            || (state.jobs.len() < self.changes_max && state.bytes + bytes <= self.bytes_max)
    }

    fn take(&self, state: &mut State, jobs: Vec<Job>, bytes: usize) -> Result<()> {
        state.check_open()?;
        state.bytes += bytes;
        state.jobs.extend(jobs);
        self.filled.notify_one();
        Ok(())
    }

    /// Waits for changes and returns all of them; none means closed.
    fn wait(&self) -> Vec<Job> {
        let mut state = self.state.lock();
        while state.jobs.is_empty() && !state.closed {
            self.filled.wait(&mut state);
        }
        state.bytes = 0;
        let jobs = state.jobs.drain(..).collect();
        self.drained.notify_all();
        jobs
    }

    pub(crate) fn check_open(&self) -> Result<()> {
        self.state.lock().check_open()
    }

    /// Refuses everything from now on with this error, and returns what was waiting.
    fn fail(&self, error: &Error) -> Vec<Job> {
        let mut state = self.state.lock();
        state.failed = Some(error.clone());
        state.bytes = 0;
        self.drained.notify_all();
        state.jobs.drain(..).collect()
    }

    /// Refuses everything from now on; what is queued is still written.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.filled.notify_all();
        self.drained.notify_all();
    }
}

fn content_bytes(jobs: &[Job]) -> usize {
    jobs.iter().map(|job| job.change.content_len()).sum()
}

impl State {
    fn check_open(&self) -> Result<()> {
        match &self.failed {
            Some(error) => Err(error.clone()),
            None if self.closed => Err(Error::Closed),
            None => Ok(()),
        }
    }
}

/// Writes until the queue is closed and empty. The engine is shared with the rare callers that need it whole
/// (removing a segment, writing a checkpoint); they hold it between two batches.
pub(crate) fn run_writer(engine: &Mutex<Engine>, queue: &Queue) {
    loop {
        let jobs = queue.wait();
        if jobs.is_empty() {
            return;
        }
        commit(&mut engine.lock(), queue, jobs);
    }
}

/// Writes the jobs as one batch, then runs their callbacks in order.
pub(crate) fn commit(engine: &mut Engine, queue: &Queue, jobs: Vec<Job>) {
    let (changes, callbacks): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.change, job.done)).unzip();
    match engine.commit(&changes) {
        Ok(outcomes) => callbacks
            .into_iter()
            .zip(outcomes)
            .for_each(|(done, outcome)| done(Ok(outcome))),
        Err(error) => {
            for done in callbacks {
                done(Err(error.clone()));
            }
            if !error.is_retryable() {
                queue
                    .fail(&error)
                    .into_iter()
                    .for_each(|job| (job.done)(Err(error.clone())));
            }
        }
    }
}

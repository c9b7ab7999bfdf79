//! Group commit: one write and one sync for everything that is waiting, then the callbacks in order.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Shared;
use super::queue::Job;
use crate::record::Record;
use crate::view::View;
use crate::{CompactionStep, Error, GroupId, Wal};

/// How long the writer waits before it tries a full disk again.
const FULL_DISK_PAUSE: Duration = Duration::from_millis(100);

/// The owner of the core.
#[derive(Debug)]
pub(super) struct Writer {
    wal: Wal,
}

impl Writer {
    pub(super) fn new(wal: Wal) -> Self {
        Self { wal }
    }

    /// Writes until the queue is closed and empty.
    pub(super) fn run(&mut self, shared: &Shared) {
        loop {
            let jobs = shared.queue.wait(shared.options.batch_bytes_max);
            if jobs.is_empty() {
                break;
            }
            self.commit_patiently(shared, jobs);
            self.compact(shared);
        }
        // The note is a help for the next start; the log is complete without it.
        let _ = self.wal.sync_watermark();
    }

    /// Writes everything that is queued, for a log without a thread. On a full disk nothing of the batch has
    /// happened, for the views either.
    pub(super) fn step(&mut self, shared: &Shared) {
        let jobs = shared.queue.take(usize::MAX);
        match self.commit(shared, jobs) {
            Ok(()) => self.compact(shared),
            Err((error, jobs)) => {
                if matches!(error, Error::NoSpace) {
                    shared.forget_accepted(&jobs);
                }
                fail_all(jobs, &error);
            }
        }
    }

    /// Writes what is queued and closes the log, for a log without a thread.
    pub(super) fn drain(&mut self, shared: &Shared) {
        self.step(shared);
        let _ = self.wal.sync_watermark();
    }

    /// Writes the batch, waiting for space as long as the log is open: what has been accepted is visible to
    /// readers already and cannot be taken back.
    fn commit_patiently(&mut self, shared: &Shared, mut jobs: Vec<Job>) {
        loop {
            match self.commit(shared, jobs) {
                Ok(()) => return,
                Err((Error::NoSpace, waiting)) if shared.queue.pause(FULL_DISK_PAUSE) => jobs = waiting,
                Err((error, failed)) => return fail_all(failed, &error),
            }
        }
    }

    /// Writes the jobs as one batch and runs their callbacks. Gives the jobs back if nothing was written or
    /// it is unknown what was.
    fn commit(&mut self, shared: &Shared, mut jobs: Vec<Job>) -> std::result::Result<(), (Error, Vec<Job>)> {
        let records: Vec<Record> = jobs
            .iter_mut()
            .flat_map(|job| std::mem::take(&mut job.records))
            .collect();
        if records.is_empty() {
            jobs.into_iter().for_each(|job| (job.done)(Ok(())));
            return Ok(());
        }
        if let Err(error) = self.wal.write_batch(&records) {
            restore(&mut jobs, records);
            if !error.is_retryable() {
                jobs.extend(shared.queue.fail(&error));
            }
            return Err((error, jobs));
        }
        let newest: BTreeMap<GroupId, u64> = jobs.iter().map(|job| (job.group, job.ticket)).collect();
        for (group, ticket) in newest {
            shared
                .view(group)
                .lock()
                .settle(ticket, shared.options.cache_bytes_per_group);
        }
        jobs.into_iter().for_each(|job| (job.done)(Ok(())));
        Ok(())
    }

    /// Frees space: all that needs no copying, and one step of copying when nobody waits.
    fn compact(&mut self, shared: &Shared) {
        loop {
            match self.wal.compaction_step() {
                Ok(CompactionStep::Removed(_)) => (),
                Ok(CompactionStep::Carried(_)) if shared.queue.is_idle() => (),
                Ok(CompactionStep::Carried(_) | CompactionStep::Idle) | Err(Error::NoSpace) => return,
                Err(error) => return fail_all(shared.queue.fail(&error), &error),
            }
        }
    }
}

/// Gives the jobs their records back after a batch that was not written.
fn restore(jobs: &mut [Job], records: Vec<Record>) {
    let mut records = records.into_iter().peekable();
    for job in jobs {
        // Neighbouring jobs of one group share its records; the first of them writes them all, in order.
        while let Some(record) = records.next_if(|record| record.group == job.group) {
            job.records.push(record);
        }
    }
}

fn fail_all(jobs: Vec<Job>, error: &Error) {
    for job in jobs {
        (job.done)(Err(error.clone()));
    }
}

impl Shared {
    /// Takes back operations that were accepted but not written.
    fn forget_accepted(&self, jobs: &[Job]) {
        for job in jobs {
            let view = self.view(job.group);
            *view.lock() = View::of(self.index.read().groups.get(&job.group));
        }
    }
}

//! The log as consensus uses it: operations in, callbacks once they are durable.

mod queue;
mod writer;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use disk::{Disk, DiskFile};
use parking_lot::{Mutex, RwLock};

use crate::index::{Index, Location};
use crate::log::{check_size, locate, read_entry};
use crate::record::{Entry, LogPosition, LogState, Operation, Vote};
use crate::view::{View, size};
use crate::{Error, GroupId, LogIndex, Result, Wal, WalOptions};
use queue::{Queue, Request, Urgency};
use writer::Writer;

/// Called once when the operations that it came with are durable, or will never be known to be. It runs on
/// the writer's thread and must not block.
pub type Callback = Box<dyn FnOnce(Result<()>) + Send>;

/// The log of one disk, shared by all groups. Dropping it writes what is queued and stops the writer.
#[derive(Debug)]
pub struct Log {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// One group's share of a [`Log`]. Operations take effect in the order in which they are given, for readers
/// at once and for the disk when the callback says so. Cheap to clone.
#[derive(Debug, Clone)]
pub struct GroupLog {
    group: GroupId,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    disk: Arc<dyn Disk>,
    options: WalOptions,
    index: Arc<RwLock<Index>>,
    views: Mutex<BTreeMap<GroupId, Arc<Mutex<View>>>>,
    queue: Queue,
    /// The core itself when no thread has it.
    inline: Option<Mutex<Writer>>,
    /// Called when something waits for [`Log::step`]; without it nothing waits.
    waiting: Option<Waiting>,
}

/// Tells whoever drives a log that something waits to be written.
struct Waiting(Box<dyn Fn() + Send + Sync>);

impl std::fmt::Debug for Waiting {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Waiting")
    }
}

impl Log {
    /// Gives the log a writer thread of its own.
    ///
    /// # Errors
    /// An input/output error if the thread cannot be started.
    pub fn spawn(wal: Wal) -> std::io::Result<Self> {
        let (shared, writer) = Shared::new(wal, false, None);
        let shared = Arc::new(shared);
        let thread = {
            let shared = Arc::clone(&shared);
            let mut writer = writer.expect("invariant: a threaded log hands out its writer");
            let run = move || writer.run(&shared);
            std::thread::Builder::new()
                .name("wal-writer".to_owned())
                .spawn(run)?
        };
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Drives the log without a thread: every operation is durable, and its callback has run, when the call
    /// that gave it returns. For simulation.
    #[must_use]
    pub fn inline(wal: Wal) -> Self {
        Self {
            shared: Arc::new(Shared::new(wal, true, None).0),
            thread: None,
        }
    }

    /// Drives the log without a thread, as slowly as a disk may be: operations wait until [`step`](Self::step)
    /// is called, and `waiting` is called whenever one begins to wait. For simulation.
    #[must_use]
    pub fn stepped(wal: Wal, waiting: impl Fn() + Send + Sync + 'static) -> Self {
        let waiting = Some(Waiting(Box::new(waiting)));
        Self {
            shared: Arc::new(Shared::new(wal, true, waiting).0),
            thread: None,
        }
    }

    /// Writes all that waits as one batch, makes it durable and runs the callbacks, if no thread does so.
    pub fn step(&self) {
        if let Some(inline) = &self.shared.inline {
            inline.lock().step(&self.shared);
        }
    }

    /// Returns a group's share. A group exists once something has been written to it.
    #[must_use]
    pub fn group(&self, group: GroupId) -> GroupLog {
        GroupLog {
            group,
            shared: Arc::clone(&self.shared),
        }
    }

    /// Returns the groups that have something durable, in ascending order.
    #[must_use]
    pub fn groups(&self) -> Vec<GroupId> {
        self.shared.index.read().groups.keys().copied().collect()
    }

    /// Returns whether the disk has so little space left that appends are refused.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn is_below_reserve(&self) -> Result<bool> {
        self.shared.is_below_reserve()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(inline) = &self.shared.inline {
            inline.lock().drain(&self.shared);
        }
        if let Some(thread) = self.thread.take() {
            // A writer that panicked has nothing left to say; its queue answers `Closed`.
            let _ = thread.join();
        }
    }
}

impl GroupLog {
    /// Returns the group.
    #[must_use]
    pub fn group(&self) -> GroupId {
        self.group
    }

    /// Adds entries behind the last one. They can be read when this returns; `done` runs when they are
    /// durable. Blocks while the queue is full.
    ///
    /// # Errors
    /// [`Error::NoSpace`] below the reserve, [`Error::NotContiguous`] and [`Error::TooLarge`]: nothing has
    /// been accepted and `done` is dropped unused. Later failures go to `done`.
    pub fn append(&self, entries: impl IntoIterator<Item = Entry>, done: Callback) -> Result<()> {
        if self.shared.is_below_reserve()? {
            return Err(Error::NoSpace);
        }
        let operations: Vec<_> = entries.into_iter().map(Operation::Append).collect();
        self.submit(operations, Urgency::Prompt, done)
    }

    /// Replaces the vote; `done` runs when it is durable. Blocks while the queue is full.
    ///
    /// # Errors
    /// [`Error::Poisoned`] and [`Error::Closed`]; later failures go to `done`.
    pub fn save_vote(&self, vote: Vote, done: Callback) -> Result<()> {
        self.submit(vec![Operation::Vote(vote)], Urgency::Prompt, done)
    }

    /// Replaces the note of what is committed. It waits for the next operation that needs a sync and never
    /// causes one; a crash before that leaves an older note.
    ///
    /// # Errors
    /// [`Error::Poisoned`] and [`Error::Closed`].
    pub fn save_committed(&self, note: Bytes) -> Result<()> {
        self.submit(vec![Operation::Committed(note)], Urgency::Lazy, Box::new(|_| ()))
    }

    /// Removes every entry after `keep`; all of them if it is `None`.
    ///
    /// # Errors
    /// [`Error::Poisoned`] and [`Error::Closed`]; later failures go to `done`.
    pub fn truncate_after(&self, keep: Option<LogIndex>, done: Callback) -> Result<()> {
        let from = keep.map_or(LogIndex(0), LogIndex::next);
        self.submit(vec![Operation::TruncateFrom(from)], Urgency::Prompt, done)
    }

    /// Removes every entry up to and including `upto`, which a durable snapshot must cover. It may lie beyond
    /// the end of the log; entries then go on behind it.
    ///
    /// # Errors
    /// [`Error::Poisoned`] and [`Error::Closed`]; later failures go to `done`.
    pub fn purge_upto(&self, upto: LogPosition, done: Callback) -> Result<()> {
        self.submit(vec![Operation::Purge(upto)], Urgency::Prompt, done)
    }

    /// Forgets the group: vote, entries and all.
    ///
    /// # Errors
    /// [`Error::Poisoned`] and [`Error::Closed`]; later failures go to `done`.
    pub fn remove(&self, done: Callback) -> Result<()> {
        self.submit(vec![Operation::Remove], Urgency::Prompt, done)
    }

    /// Reads the entries of `range` in order: all of them, or as many as fit into `bytes_max`, but at least
    /// one. The part of the range behind the end of the log is left out.
    ///
    /// # Errors
    /// [`Error::NotInLog`] if the range begins before the first entry, [`Error::CorruptEntry`] if the disk
    /// holds something else than was written.
    pub fn read(&self, range: Range<LogIndex>, bytes_max: usize) -> Result<Vec<Entry>> {
        let view = self.shared.view(self.group);
        let mut entries = Vec::new();
        let mut bytes = 0;
        let (on_disk, cached) = {
            let view = view.lock();
            let Some(last) = view.last() else {
                return Ok(entries);
            };
            let end = range.end.min(last.next());
            if range.start >= end {
                return Ok(entries);
            }
            if view.first().is_none_or(|first| range.start < first) {
                return Err(Error::NotInLog {
                    group: self.group,
                    index: range.start,
                });
            }
            let cached_first = view.cached_first().unwrap_or(end).min(end);
            let on_disk = self
                .shared
                .places(self.group, range.start..cached_first, bytes_max)?;
            let from = cached_first.max(range.start);
            let fits = |entry: &&Entry| fits(&mut bytes, size(entry), bytes_max);
            let wanted = view
                .cached_from(from)
                .take_while(|entry| entry.position.index < end);
            let cached: Vec<_> = wanted.take_while(fits).cloned().collect();
            (on_disk, cached)
        };
        let mut bytes = 0;
        let complete = on_disk.complete;
        for (index, location, file) in on_disk.places {
            let entry = read_entry(&*file, self.group, index, location)?;
            let _ = fits(&mut bytes, size(&entry), bytes_max);
            entries.push(entry);
        }
        if complete {
            entries.extend(
                cached
                    .into_iter()
                    .take_while(|entry| fits(&mut bytes, size(entry), bytes_max)),
            );
        }
        Ok(entries)
    }

    /// Reads as [`GroupLog::read`] does, but only if nothing of the range has to come from the disk: then the
    /// call does not block. `None` says that it has to.
    pub fn read_cached(&self, range: Range<LogIndex>, bytes_max: usize) -> Option<Vec<Entry>> {
        let view = self.shared.view(self.group);
        let view = view.lock();
        let end = range.end.min(view.last()?.next());
        if range.start >= end || view.cached_first().is_none_or(|first| range.start < first) {
            return None;
        }
        let mut bytes = 0;
        let wanted = view
            .cached_from(range.start)
            .take_while(|entry| entry.position.index < end);
        Some(
            wanted
                .take_while(|entry| fits(&mut bytes, size(entry), bytes_max))
                .cloned()
                .collect(),
        )
    }

    /// Returns what the log holds, counting everything accepted so far.
    ///
    /// # Errors
    /// [`Error::CorruptEntry`] if the last entry cannot be read.
    pub fn state(&self) -> Result<LogState> {
        let view = self.shared.view(self.group);
        let (state, last) = {
            let view = view.lock();
            let state = LogState {
                vote: view.vote.clone(),
                committed: view.committed.clone(),
                purged: view.purged.clone(),
                last: view.purged.clone(),
            };
            (state, view.last())
        };
        let Some(last) = last else { return Ok(state) };
        let entries = self.read(last..last.next(), usize::MAX)?;
        let last = entries
            .into_iter()
            .next()
            .map(|entry| entry.position)
            .or_else(|| state.last.clone());
        Ok(LogState { last, ..state })
    }

    fn submit(&self, operations: Vec<Operation>, urgency: Urgency, done: Callback) -> Result<()> {
        for operation in &operations {
            if let Operation::Append(entry) = operation {
                check_size(entry, self.shared.options.record_bytes_max)?;
            }
        }
        let view = self.shared.view(self.group);
        self.shared.queue.push(
            &view,
            Request {
                group: self.group,
                operations,
                urgency,
                done,
            },
        )?;
        let Some(inline) = &self.shared.inline else {
            return Ok(());
        };
        // Without a thread nobody else would make room.
        let crowded = self.shared.queue.is_crowded();
        match &self.shared.waiting {
            Some(waiting) if !crowded => {
                if urgency == Urgency::Prompt {
                    (waiting.0)();
                }
            }
            _ => {
                if crowded || urgency == Urgency::Prompt {
                    inline.lock().step(&self.shared);
                }
            }
        }
        Ok(())
    }
}

/// The entries of a read that lie on the disk.
struct OnDisk {
    places: Vec<(LogIndex, Location, Arc<dyn DiskFile>)>,
    /// Whether all that were asked for fit into the limit.
    complete: bool,
}

impl Shared {
    fn new(wal: Wal, inline: bool, waiting: Option<Waiting>) -> (Self, Option<Writer>) {
        let store = wal.store();
        let options = store.options.clone();
        let (disk, index) = (Arc::clone(&store.disk), Arc::clone(&store.index));
        let queue = Queue::new(options.queue_operations_max, options.queue_bytes_max, !inline);
        let writer = Writer::new(wal);
        let (inline, writer) = if inline {
            (Some(Mutex::new(writer)), None)
        } else {
            (None, Some(writer))
        };
        (
            Self {
                disk,
                options,
                index,
                views: Mutex::default(),
                queue,
                inline,
                waiting,
            },
            writer,
        )
    }

    fn view(&self, group: GroupId) -> Arc<Mutex<View>> {
        let mut views = self.views.lock();
        let view = views.entry(group).or_insert_with(|| {
            let index = self.index.read();
            Arc::new(Mutex::new(View::of(index.groups.get(&group))))
        });
        Arc::clone(view)
    }

    fn is_below_reserve(&self) -> Result<bool> {
        Ok(self.disk.free_bytes()? < self.options.reserve_bytes)
    }

    fn places(&self, group: GroupId, range: Range<LogIndex>, bytes_max: usize) -> Result<OnDisk> {
        let index = self.index.read();
        let (mut places, mut bytes) = (Vec::new(), 0);
        for entry in (range.start.0..range.end.0).map(LogIndex) {
            let found = locate(&index, group, entry);
            let (location, file) = found.ok_or(Error::NotInLog { group, index: entry })?;
            if !fits(&mut bytes, location.len as usize, bytes_max) {
                return Ok(OnDisk {
                    places,
                    complete: false,
                });
            }
            places.push((entry, location, file));
        }
        Ok(OnDisk {
            places,
            complete: true,
        })
    }
}

/// Adds `size` to `bytes` and returns whether the sum is within the limit; the first always is.
fn fits(bytes: &mut usize, size: usize, bytes_max: usize) -> bool {
    let first = *bytes == 0;
    *bytes = bytes.saturating_add(size);
    first || *bytes <= bytes_max
}

//! The interface of the store.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;

use bytes::Bytes;
use disk::Disk;
use parking_lot::{Mutex, RwLock};

use crate::engine::{Body, Change, Outcome};
use crate::index::{Index, Key};
use crate::queue::{Job, Queue, commit, run_writer};
use crate::read::{BlobReader, read_summary};
use crate::{BlobId, BlobStoreOptions, Engine, Error, GroupId, Result, SummaryVersion, UnixSeconds, Upload};

/// Called once when a blob is durable, or will not be. It runs on the writer's thread and must not block.
pub type Callback = Box<dyn FnOnce(Result<BlobId>) + Send>;

/// The blobs of one disk. Cheap to clone; the last clone that goes writes what is queued, notes the index
/// for the next start and stops the writer. Changing calls block until they are durable.
#[derive(Debug, Clone)]
pub struct BlobStore {
    pub(crate) shared: Arc<Shared>,
    _owner: Arc<Owner>,
}

/// What the store, its readers and its uploads share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) options: BlobStoreOptions,
    pub(crate) salt: u64,
    pub(crate) index: Arc<RwLock<Index>>,
    pub(crate) engine: Mutex<Engine>,
    /// Held while the index is written to its file.
    pub(crate) checkpointing: Mutex<()>,
    queue: Queue,
    inline: bool,
}

/// Stops the writer when the last handle goes.
#[derive(Debug)]
struct Owner {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// A blob as [`BlobStore::list`] shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobInfo {
    /// Its name.
    pub blob: BlobId,
    /// Its length in bytes.
    pub len: u64,
    /// When it was last touched.
    pub touched: UnixSeconds,
    /// The version of its summary, if it has one.
    pub summary: Option<SummaryVersion>,
    /// Whether its bytes are known to be bad.
    pub corrupt: bool,
}

/// What a store takes on its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreUsage {
    /// Segment files.
    pub segments: u64,
    /// The bytes of their records, live and dead.
    pub bytes: u64,
    /// The bytes of records that are needed; the rest comes back by sweeping and compacting.
    pub live_bytes: u64,
}

/// Data derived from a blob and stored beside it: never the truth, made again when it is missing or old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The version of its format.
    pub version: SummaryVersion,
    /// The data, opaque to the store.
    pub bytes: Bytes,
}

/// A blob that is in memory whole, with its summary.
#[derive(Debug, Clone, Copy)]
pub struct Described<'a> {
    /// The blob.
    pub bytes: &'a [u8],
    /// What is derived from it.
    pub summary: &'a Summary,
}

impl BlobStore {
    /// Gives the store a writer thread of its own.
    ///
    /// # Errors
    /// An input/output error if the thread cannot be started.
    pub fn spawn(engine: Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::new(engine, false));
        let writer = Arc::clone(&shared);
        let run = move || run_writer(&writer.engine, &writer.queue);
        let thread = std::thread::Builder::new()
            .name("blob-writer".to_owned())
            .spawn(run)?;
        Ok(Self::new(shared, Some(thread)))
    }

    /// Drives the store without a thread: each change is written by the call that makes it. For simulation.
    #[must_use]
    pub fn inline(engine: Engine) -> Self {
        Self::new(Arc::new(Shared::new(engine, true)), None)
    }

    fn new(shared: Arc<Shared>, thread: Option<JoinHandle<()>>) -> Self {
        let owner = Owner {
            shared: Arc::clone(&shared),
            thread: Mutex::new(thread),
        };
        Self {
            shared,
            _owner: Arc::new(owner),
        }
    }

    /// Stores a blob that is in memory whole; durable on return. If the group has it already its time of
    /// touch is durably renewed instead.
    ///
    /// # Errors
    /// [`Error::NoSpace`], [`Error::TooLarge`] and those of the disk.
    pub fn put(&self, group: GroupId, bytes: &[u8], now: UnixSeconds) -> Result<BlobId> {
        let (blob, change) = self.shared.put_change(group, bytes, now)?;
        self.shared.submit_and_wait(change)?;
        Ok(blob)
    }

    /// Stores a blob that is in memory whole together with its summary, with one write and one sync. If the
    /// group has the blob already, its time of touch is durably renewed and the summary replaced.
    ///
    /// # Errors
    /// As [`BlobStore::put`].
    pub fn put_with_summary(
        &self,
        group: GroupId,
        bytes: &[u8],
        summary: &Summary,
        now: UnixSeconds,
    ) -> Result<BlobId> {
        let (sender, receiver) = sync_channel(1);
        let done = Box::new(move |result| {
            // The receiver waits below unless its thread died; then nobody wants to know.
            let _ = sender.send(result);
        });
        let jobs = self
            .shared
            .put_jobs(group, Described { bytes, summary }, now, done)?;
        self.shared.submit_all(jobs)?;
        receiver.recv().unwrap_or(Err(Error::Closed))
    }

    /// As [`BlobStore::put_with_summary`], but never waits: it returns as soon as the blob is queued and calls
    /// `done` when it is durable.
    ///
    /// # Errors
    /// [`Error::QueueFull`], and those of [`BlobStore::put`]; `done` is then dropped unused. Later failures
    /// go to `done`.
    pub fn put_with_summary_then(
        &self,
        group: GroupId,
        content: Described<'_>,
        now: UnixSeconds,
        done: Callback,
    ) -> Result<()> {
        let jobs = self.shared.put_jobs(group, content, now, done)?;
        self.shared.try_submit_all(jobs)
    }

    /// Begins an upload whose length need not be known and may exceed memory.
    #[must_use]
    pub fn begin(&self, group: GroupId) -> Upload {
        Upload::new(self.clone(), group)
    }

    /// Returns whether the group has the blob, as far as is known without reading it.
    #[must_use]
    pub fn contains(&self, group: GroupId, blob: &BlobId) -> bool {
        self.len(group, blob).is_some()
    }

    /// Returns the length of a blob in bytes, if the group has it.
    #[must_use]
    pub fn len(&self, group: GroupId, blob: &BlobId) -> Option<u64> {
        self.shared
            .index
            .read()
            .present(&(group, *blob))
            .map(|blob| blob.len)
    }

    /// Returns a reader of part of a blob, in chunks of at most 64 KiB. The part of the range behind the end
    /// is left out. The reader goes on working when the blob is deleted or moved meanwhile.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Corrupt`] and those of the disk.
    pub fn reader(&self, group: GroupId, blob: &BlobId, range: Range<u64>) -> Result<BlobReader> {
        BlobReader::open(Arc::clone(&self.shared), (group, *blob), range)
    }

    /// Reads part of a blob into memory; the caller bounds the range. The part behind the end is left out.
    ///
    /// # Errors
    /// As [`BlobStore::reader`].
    pub fn read(&self, group: GroupId, blob: &BlobId, range: Range<u64>) -> Result<Bytes> {
        let mut reader = self.reader(group, blob, range)?;
        let first = reader.next().transpose()?.unwrap_or_default();
        let Some(second) = reader.next() else {
            return Ok(first);
        };
        let mut whole = first.to_vec();
        whole.extend_from_slice(&second?);
        for chunk in reader {
            whole.extend_from_slice(&chunk?);
        }
        Ok(whole.into())
    }

    /// Durably renews the time of touch. Returns whether the group has the blob.
    ///
    /// # Errors
    /// [`Error::NoSpace`] and those of the disk.
    pub fn touch(&self, group: GroupId, blob: &BlobId, now: UnixSeconds) -> Result<bool> {
        let outcome = self.shared.submit_and_wait(Change::Touch {
            key: (group, *blob),
            time: now,
        })?;
        Ok(outcome == Outcome::Renewed)
    }

    /// Stores or replaces the summary of a blob. Returns whether the group has the blob.
    ///
    /// # Errors
    /// [`Error::NoSpace`], [`Error::TooLarge`] and those of the disk.
    pub fn put_summary(&self, group: GroupId, blob: &BlobId, summary: &Summary) -> Result<bool> {
        self.shared.require_space(summary.bytes.len())?;
        let change = self.shared.summary_change((group, *blob), summary)?;
        let outcome = self.shared.submit_and_wait(change)?;
        Ok(outcome == Outcome::Done)
    }

    /// Returns the summary of a blob; `None` if it has none, or it has gone bad and must be made again.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such blob, and those of the disk.
    pub fn summary(&self, group: GroupId, blob: &BlobId) -> Result<Option<Summary>> {
        read_summary(&self.shared, (group, *blob))
    }

    /// Returns up to `count` blobs of a group whose names follow `after`, in order of name.
    #[must_use]
    pub fn list(&self, group: GroupId, after: Option<BlobId>, count: usize) -> Vec<BlobInfo> {
        let index = self.shared.index.read();
        let blobs = index.group(group, after).map(|(blob, state)| BlobInfo {
            blob,
            len: state.len,
            touched: state.touched,
            summary: state.summary.map(|(version, _)| version),
            corrupt: state.corrupt,
        });
        blobs.take(count).collect()
    }

    /// Removes every blob of a group.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn forget_group(&self, group: GroupId) -> Result<()> {
        self.shared
            .submit_and_wait(Change::ForgetGroup(group))
            .map(|_| ())
    }

    /// Returns how much of the disk is used, and how much of that is needed.
    #[must_use]
    pub fn usage(&self) -> StoreUsage {
        let index = self.shared.index.read();
        let mut usage = StoreUsage::default();
        for segment in index.segments.values() {
            usage.segments += 1;
            usage.bytes += segment.bytes;
            usage.live_bytes += segment.live_bytes;
        }
        usage
    }

    /// Returns the lengths of a group's blobs together, those included whose bytes are known to be bad.
    #[must_use]
    pub fn group_len(&self, group: GroupId) -> u64 {
        self.shared.index.read().group_len(group)
    }

    /// Returns the bytes that live records take on the disk.
    #[must_use]
    pub fn live_bytes(&self) -> u64 {
        self.usage().live_bytes
    }

    /// Returns whether the disk has so little space left that uploads are refused.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn is_below_reserve(&self) -> Result<bool> {
        self.shared.is_below_reserve()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.shared.queue.close();
        if let Some(thread) = self.thread.lock().take() {
            // A writer that panicked has nothing left to say; its queue answers `Closed`.
            let _ = thread.join();
        }
        // Without the checkpoint the next start takes longer; nothing else is lost.
        let _ = self.shared.checkpoint();
    }
}

impl Shared {
    fn new(engine: Engine, inline: bool) -> Self {
        let options = engine.options.clone();
        Self {
            disk: Arc::clone(&engine.disk),
            salt: engine.salt,
            index: Arc::clone(&engine.index),
            queue: Queue::new(options.queue_changes_max, options.queue_bytes_max),
            engine: Mutex::new(engine),
            checkpointing: Mutex::new(()),
            options,
            inline,
        }
    }

    pub(crate) fn submit(&self, job: Job) -> Result<()> {
        self.submit_all(vec![job])
    }

    /// Submits changes that are written together and in this order.
    pub(crate) fn submit_all(&self, jobs: Vec<Job>) -> Result<()> {
        if self.inline {
            self.queue.check_open()?;
            commit(&mut self.engine.lock(), &self.queue, jobs);
            return Ok(());
        }
        self.queue.push(jobs)
    }

    fn try_submit_all(&self, jobs: Vec<Job>) -> Result<()> {
        if self.inline {
            return self.submit_all(jobs);
        }
        self.queue.try_push(jobs)
    }

    pub(crate) fn submit_and_wait(&self, change: Change) -> Result<Outcome> {
        let (sender, receiver) = sync_channel(1);
        let done = Box::new(move |result| {
            // The receiver waits below unless its thread died; then nobody wants to know.
            let _ = sender.send(result);
        });
        self.submit(Job { change, done })?;
        receiver.recv().unwrap_or(Err(Error::Closed))
    }

    /// Refuses what would take the disk below its reserve by this many bytes.
    pub(crate) fn require_space(&self, bytes: usize) -> Result<()> {
        let reserve = self.options.reserve_bytes;
        if self.disk.free_bytes()? < reserve.saturating_add(bytes as u64) {
            Err(Error::NoSpace)
        } else {
            Ok(())
        }
    }

    fn is_below_reserve(&self) -> Result<bool> {
        Ok(self.disk.free_bytes()? < self.options.reserve_bytes)
    }

    /// Prepares a blob that is in memory whole, with its summary.
    fn put_jobs(
        &self,
        group: GroupId,
        content: Described<'_>,
        now: UnixSeconds,
        done: Callback,
    ) -> Result<Vec<Job>> {
        let (blob, put) = self.put_change(group, content.bytes, now)?;
        let attach = self.summary_change((group, blob), content.summary)?;
        let put = Job {
            change: put,
            done: Box::new(move |result| done(result.map(|_| blob))),
        };
        // The summary lies behind the blob in one batch, so it is durable when the blob is; what became of it
        // does not matter, since it can be made again.
        let attach = Job {
            change: attach,
            done: Box::new(|_| {}),
        };
        Ok(vec![put, attach])
    }

    /// Prepares a summary.
    fn summary_change(&self, key: Key, summary: &Summary) -> Result<Change> {
        let bytes_max = self.options.upload_buffer_bytes_max;
        if summary.bytes.len() > bytes_max {
            return Err(Error::TooLarge {
                bytes_max: bytes_max as u64,
            });
        }
        let (version, content) = (summary.version, summary.bytes.to_vec());
        Ok(Change::Summary {
            key,
            version,
            content,
        })
    }

    /// Prepares a blob that is in memory whole.
    pub(crate) fn put_change(
        &self,
        group: GroupId,
        bytes: &[u8],
        time: UnixSeconds,
    ) -> Result<(BlobId, Change)> {
        let bytes_max = self.options.blob_bytes_max.min(u64::from(u32::MAX / 2));
        if bytes.len() as u64 > bytes_max {
            return Err(Error::TooLarge { bytes_max });
        }
        self.require_space(bytes.len())?;
        let blob = BlobId::of(bytes);
        let key: Key = (group, blob);
        Ok((
            blob,
            Change::Put {
                key,
                time,
                body: Body::of(bytes),
            },
        ))
    }
}

//! Defects that are put into a node on purpose, to show that the checkers find them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use disk::{Disk, DiskFile, DiskPath};
use mailstore::command::{Command, Entry, MailboxCommand, Subject};
use mailstore::ports::{BlobUpload, GroupStatus, StoredBlob};
use mailstore::reply::Appended;
use mailstore::time::Timestamp;
use mailstore::{AccountId, BlobId, GroupId, Reply, StoreError, UidSet};
use storage_node::{Content, ContentUsage, NamedBlobs, Question, Reconciled, Replication};
use tokio_util::task::TaskTracker;

/// A defect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutation {
    /// Syncs of the log do nothing.
    SkipLogSync,
    /// Some changes are acknowledged before they are committed.
    AcknowledgeEarly,
    /// Some content is acknowledged and not kept.
    LoseBlob,
    /// Syncs of the content do nothing.
    SkipContentSync,
    /// Content is collected without a look at what names it.
    SweepBlindly,
    /// Some messages are acknowledged under the UID of another.
    ReuseUid,
    /// Some changes are committed twice, without the request id that would tell.
    RetryBlindly,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::SkipLogSync,
        Self::AcknowledgeEarly,
        Self::LoseBlob,
        Self::SkipContentSync,
        Self::SweepBlindly,
        Self::ReuseUid,
        Self::RetryBlindly,
    ];

    pub(crate) fn of_disk(mutation: Option<Self>, disk: Arc<dyn Disk>) -> Arc<dyn Disk> {
        match mutation {
            Some(Self::SkipLogSync) => Arc::new(LazyDisk { disk, lazy: "wal/" }),
            Some(Self::SkipContentSync) => Arc::new(LazyDisk { disk, lazy: "blobs/" }),
            _ => disk,
        }
    }

    pub(crate) fn of_replication(
        mutation: Option<Self>,
        inner: Arc<dyn Replication>,
    ) -> Arc<dyn Replication> {
        match mutation {
            Some(mutation @ (Self::AcknowledgeEarly | Self::ReuseUid | Self::RetryBlindly)) => {
                Arc::new(MutatedReplication {
                    inner,
                    mutation,
                    entries: AtomicU64::new(0),
                    late: TaskTracker::new(),
                })
            }
            _ => inner,
        }
    }

    pub(crate) fn of_content(mutation: Option<Self>, inner: Arc<dyn Content>) -> Arc<dyn Content> {
        match mutation {
            Some(mutation @ (Self::LoseBlob | Self::SweepBlindly)) => Arc::new(MutatedContent {
                inner,
                mutation,
                uploads: AtomicU64::new(0),
            }),
            _ => inner,
        }
    }
}

/// A disk that does not sync the files of one directory.
#[derive(Debug)]
struct LazyDisk {
    disk: Arc<dyn Disk>,
    lazy: &'static str,
}

impl LazyDisk {
    fn wrap(&self, path: &DiskPath, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        if path.as_str().starts_with(self.lazy) {
            Arc::new(LazyFile(file))
        } else {
            file
        }
    }
}

impl Disk for LazyDisk {
    fn create_new(&self, path: &DiskPath) -> disk::Result<Arc<dyn DiskFile>> {
        self.disk.create_new(path).map(|file| self.wrap(path, file))
    }

    fn open(&self, path: &DiskPath) -> disk::Result<Arc<dyn DiskFile>> {
        self.disk.open(path).map(|file| self.wrap(path, file))
    }

    fn rename(&self, from: &DiskPath, to: &DiskPath) -> disk::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, path: &DiskPath) -> disk::Result<()> {
        self.disk.remove(path)
    }

    fn list(&self, dir: &DiskPath) -> disk::Result<Vec<String>> {
        self.disk.list(dir)
    }

    fn create_dir_all(&self, dir: &DiskPath) -> disk::Result<()> {
        self.disk.create_dir_all(dir)
    }

    fn sync_dir(&self, dir: &DiskPath) -> disk::Result<()> {
        self.disk.sync_dir(dir)
    }

    fn free_bytes(&self) -> disk::Result<u64> {
        self.disk.free_bytes()
    }
}

#[derive(Debug)]
struct LazyFile(Arc<dyn DiskFile>);

impl DiskFile for LazyFile {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> disk::Result<()> {
        self.0.read_exact_at(buf, offset)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> disk::Result<()> {
        self.0.write_all_at(buf, offset)
    }

    fn sync_data(&self) -> disk::Result<()> {
        Ok(())
    }

    fn len(&self) -> disk::Result<u64> {
        self.0.len()
    }

    fn set_len(&self, len: u64) -> disk::Result<()> {
        self.0.set_len(len)
    }
}

/// Replicas that do not keep their word.
struct MutatedReplication {
    inner: Arc<dyn Replication>,
    mutation: Mutation,
    entries: AtomicU64,
    late: TaskTracker,
}

impl MutatedReplication {
    /// Tells whether it is this entry's turn.
    fn strikes(&self) -> bool {
        self.entries.fetch_add(1, Ordering::Relaxed) % 8 == 7
    }
}

fn is_subscription(entry: &Entry) -> bool {
    matches!(
        entry.command,
        Command::Mailbox(MailboxCommand::Subscribe { .. } | MailboxCommand::Delete { .. })
    )
}

fn under_another_uid(reply: Reply) -> Reply {
    match reply {
        Reply::Appended(appended) if appended.uids.first() > Some(mailstore::Uid::MIN) => {
            let earlier = appended
                .uids
                .iter()
                .filter_map(|uid| mailstore::Uid::new(uid.get() - 1));
            let uids: UidSet = earlier.collect();
            Reply::Appended(Appended { uids, ..appended })
        }
        other => other,
    }
}

#[async_trait]
impl Replication for MutatedReplication {
    fn groups(&self) -> Vec<GroupId> {
        self.inner.groups()
    }

    fn leads(&self, group: GroupId) -> bool {
        self.inner.leads(group)
    }

    async fn propose(&self, group: GroupId, entry: Entry) -> Result<Reply, StoreError> {
        let of_client = entry.request.is_some();
        match self.mutation {
            Mutation::AcknowledgeEarly if of_client && is_subscription(&entry) => {
                let inner = Arc::clone(&self.inner);
                self.late.spawn(async move {
                    tokio::time::sleep(Duration::from_millis(30)).await;
                    // Nobody waits for what becomes of it: that is the defect.
                    drop(inner.propose(group, entry).await);
                });
                Ok(Reply::Done)
            }
            Mutation::ReuseUid if of_client && self.strikes() => {
                self.inner.propose(group, entry).await.map(under_another_uid)
            }
            Mutation::RetryBlindly if of_client && self.strikes() => {
                let again = Entry {
                    request: None,
                    ..entry.clone()
                };
                let first = self.inner.propose(group, entry).await;
                drop(self.inner.propose(group, again).await);
                first
            }
            _ => self.inner.propose(group, entry).await,
        }
    }

    async fn read_barrier(&self, group: GroupId) -> Result<(), StoreError> {
        self.inner.read_barrier(group).await
    }

    async fn ask(&self, group: GroupId, subject: &Subject, question: Question) -> Result<(), StoreError> {
        self.inner.ask(group, subject, question).await
    }

    async fn accounts(
        &self,
        group: GroupId,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        self.inner.accounts(group, after, limit).await
    }

    async fn named_blobs(&self, group: GroupId) -> Result<NamedBlobs, StoreError> {
        self.inner.named_blobs(group).await
    }

    fn status(&self) -> Vec<GroupStatus> {
        self.inner.status()
    }
}

/// Content that is not all kept.
struct MutatedContent {
    inner: Arc<dyn Content>,
    mutation: Mutation,
    uploads: AtomicU64,
}

#[async_trait]
impl Content for MutatedContent {
    async fn begin(&self, group: GroupId, size: u64) -> Result<Box<dyn BlobUpload>, StoreError> {
        let strikes = self.uploads.fetch_add(1, Ordering::Relaxed) % 8 == 7;
        if self.mutation == Mutation::LoseBlob && strikes {
            return Ok(Box::new(Nowhere::default()));
        }
        self.inner.begin(group, size).await
    }

    fn read(&self, group: GroupId, blob: BlobId, offset: u32, length: u32) -> Result<Bytes, StoreError> {
        self.inner.read(group, blob, offset, length)
    }

    fn summary(&self, group: GroupId, blob: BlobId) -> Result<Bytes, StoreError> {
        self.inner.summary(group, blob)
    }

    async fn repair(&self, group: GroupId, blob: BlobId) -> Result<(), StoreError> {
        self.inner.repair(group, blob).await
    }

    fn has(&self, group: GroupId, blob: BlobId) -> bool {
        self.inner.has(group, blob)
    }

    async fn adopt(&self, group: GroupId, blob: BlobId, from: GroupId) -> Result<(), StoreError> {
        self.inner.adopt(group, blob, from).await
    }

    fn reconcile(
        &self,
        group: GroupId,
        named: &NamedBlobs,
        unused_since: Timestamp,
    ) -> Result<Reconciled, StoreError> {
        match self.mutation {
            Mutation::SweepBlindly => self.inner.reconcile(group, &NamedBlobs::default(), unused_since),
            _ => self.inner.reconcile(group, named, unused_since),
        }
    }

    fn is_full(&self) -> bool {
        self.inner.is_full()
    }

    fn usage(&self) -> ContentUsage {
        self.inner.usage()
    }
}

/// Content that goes nowhere.
#[derive(Default)]
struct Nowhere {
    name: blake3::Hasher,
    size: usize,
}

impl fmt::Debug for Nowhere {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} octets nowhere", self.size)
    }
}

#[async_trait]
impl BlobUpload for Nowhere {
    async fn push(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.name.update(&bytes);
        self.size += bytes.len();
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<StoredBlob, StoreError> {
        Ok(StoredBlob {
            blob: BlobId(*self.name.finalize().as_bytes()),
            size: u32::try_from(self.size).unwrap_or(u32::MAX),
        })
    }
}

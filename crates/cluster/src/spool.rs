//! Content is kept until its message is stored, because another node may need it from the start.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mailstore::ports::{BlobUpload, Caller, StorageNode, StoredBlob};
use mailstore::{GroupId, StoreError};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::attempts::{Attempts, may_pass};
use crate::router::Router;

/// Octets that one permit of the budget stands for.
const UNIT_BYTES: u64 = 64 * 1024;
/// How long a node may take over the next octets.
const CALL_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a node may take until all that it was given is durable on a majority.
const FINISH_TIME_MAX: Duration = Duration::from_secs(20);

/// Bounds of what is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpoolOptions {
    /// Where spool files are made; they are unlinked at once.
    pub directory: PathBuf,
    /// Content up to this size is kept in memory.
    pub memory_bytes_max: u64,
    /// All content kept at one time.
    pub total_bytes_max: u64,
}

impl Default for SpoolOptions {
    fn default() -> Self {
        Self {
            directory: std::env::temp_dir(),
            memory_bytes_max: 256 * 1024,
            total_bytes_max: 4 * 1024 * 1024 * 1024,
        }
    }
}

/// Where content on its way is kept, within a budget.
pub(crate) struct Spool {
    options: SpoolOptions,
    units: usize,
    budget: Arc<Semaphore>,
}

/// Content that is kept until dropped.
struct Kept {
    form: Form,
    _budget: OwnedSemaphorePermit,
}

enum Form {
    Memory(Vec<Bytes>),
    File(File),
}

impl Spool {
    pub(crate) fn new(options: SpoolOptions) -> Self {
        let units = usize::try_from(options.total_bytes_max / UNIT_BYTES).unwrap_or(Semaphore::MAX_PERMITS);
        let units = units.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            budget: Arc::new(Semaphore::new(units)),
            units,
            options,
        }
    }

    /// Returns how much of the budget is taken.
    pub(crate) fn taken_bytes(&self) -> u64 {
        let taken = self.units.saturating_sub(self.budget.available_permits());
        u64::try_from(taken)
            .unwrap_or(u64::MAX)
            .saturating_mul(UNIT_BYTES)
    }

    fn keep(&self, size: u64) -> Result<Kept, StoreError> {
        let units = u32::try_from(size.div_ceil(UNIT_BYTES).max(1)).unwrap_or(u32::MAX);
        let budget = Arc::clone(&self.budget)
            .try_acquire_many_owned(units)
            .map_err(|_| StoreError::Limit("too much mail is on its way in"))?;
        let form = if size <= self.options.memory_bytes_max {
            Form::Memory(Vec::new())
        } else {
            let file = tempfile::tempfile_in(&self.options.directory).map_err(|_| StoreError::NoSpace)?;
            Form::File(File::from_std(file))
        };
        Ok(Kept {
            form,
            _budget: budget,
        })
    }
}

impl Kept {
    async fn push(&mut self, bytes: &Bytes) -> Result<(), StoreError> {
        match &mut self.form {
            Form::Memory(pieces) => pieces.push(bytes.clone()),
            Form::File(file) => file.write_all(bytes).await.map_err(|_| StoreError::NoSpace)?,
        }
        Ok(())
    }

    /// Sends everything kept so far to an upload that was begun anew.
    async fn replay(&mut self, upload: &mut dyn BlobUpload) -> Result<(), StoreError> {
        match &mut self.form {
            Form::Memory(pieces) => {
                for piece in pieces.iter() {
                    upload.push(piece.clone()).await?;
                }
            }
            Form::File(file) => replay_file(file, upload).await?,
        }
        Ok(())
    }
}

async fn replay_file(file: &mut File, upload: &mut dyn BlobUpload) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| StoreError::Internal(format!("spool file: {error}"));
    file.flush().await.map_err(failed)?;
    file.rewind().await.map_err(failed)?;
    loop {
        let mut piece = bytes::BytesMut::with_capacity(64 * 1024);
        if file.read_buf(&mut piece).await.map_err(failed)? == 0 {
            return Ok(());
        }
        upload.push(piece.freeze()).await?;
    }
}

/// Where an upload goes.
pub(crate) enum Target {
    /// To the group of the caller's account.
    Account(Caller),
    /// To a group, for delivery.
    Group(GroupId),
}

/// An upload that is begun again at another node when its node is lost.
///
/// A node says only while it takes content, or at its end, that it does not lead: so the way to the leader is found
/// here and not by [`Router::at_leader`].
pub(crate) struct SpooledUpload {
    router: Router,
    target: Target,
    size: u64,
    kept: Kept,
    upload: Box<dyn BlobUpload>,
    /// The node that takes the content.
    node: String,
    /// Nodes to be tried before there is a pause, the likeliest last.
    candidates: Vec<String>,
    /// Made when a node fails, and given up when the client has sent more: its time is not the storage's.
    attempts: Option<Attempts>,
}

impl SpooledUpload {
    pub(crate) async fn begin(router: Router, target: Target, size: u64) -> Result<Self, StoreError> {
        let mut begun = Self {
            kept: router.spool().keep(size)?,
            candidates: router.candidates(target.group(&router)),
            router,
            target,
            size,
            upload: Box::new(NoUpload),
            node: String::new(),
            attempts: None,
        };
        begun.open().await?;
        begun.attempts = None;
        Ok(begun)
    }

    fn group(&self) -> GroupId {
        self.target.group(&self.router)
    }

    /// Begins an upload at the likeliest leader that was not tried in this round, or in the next round.
    async fn open(&mut self) -> Result<(), StoreError> {
        loop {
            let Some(name) = self.candidates.pop() else {
                let attempts = self.attempts.get_or_insert_with(|| self.router.attempts());
                attempts.pause(self.router.jitter()).await?;
                self.candidates = self.router.candidates(self.group());
                continue;
            };
            let Some(node) = self.router.node(&name) else {
                continue;
            };
            let begun = within(CALL_TIME_MAX, self.target.upload(&*node, self.size)).await;
            self.node = name;
            match begun {
                Ok(upload) => {
                    self.upload = upload;
                    return Ok(());
                }
                Err(error) => self.turn_away(error)?,
            }
        }
    }

    /// Takes note of how the present node failed.
    ///
    /// # Errors
    /// The failure, unless another node may do better.
    fn turn_away(&mut self, error: StoreError) -> Result<(), StoreError> {
        if !may_pass(&error) {
            return Err(error);
        }
        tracing::debug!(node = self.node, %error, "content goes to another node");
        self.attempts.get_or_insert_with(|| self.router.attempts());
        let (group, node) = (self.group(), std::mem::take(&mut self.node));
        match error {
            StoreError::NotLeader { hint } => self.router.follow(group, &node, hint, &mut self.candidates),
            _ => self.router.forget(group, &node),
        }
        Ok(())
    }

    /// Begins again at the present leader with all that was pushed.
    async fn restart(&mut self, cause: StoreError) -> Result<(), StoreError> {
        self.turn_away(cause)?;
        loop {
            self.open().await?;
            match self.kept.replay(&mut *self.upload).await {
                Ok(()) => return Ok(()),
                Err(error) => self.turn_away(error)?,
            }
        }
    }
}

/// Waits for a node, not for ever.
async fn within<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let late = Err(StoreError::Unavailable("the storage node stalls"));
    tokio::time::timeout(limit, call).await.unwrap_or(late)
}

impl Target {
    fn group(&self, router: &Router) -> GroupId {
        match self {
            Self::Account(caller) => router.group_of(caller.account),
            Self::Group(group) => *group,
        }
    }

    async fn upload(&self, node: &dyn StorageNode, size: u64) -> Result<Box<dyn BlobUpload>, StoreError> {
        match self {
            Self::Account(caller) => node.upload(caller, size).await,
            Self::Group(group) => node.upload_to_group(*group, size).await,
        }
    }
}

#[async_trait]
impl BlobUpload for SpooledUpload {
    async fn push(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.kept.push(&bytes).await?;
        match within(CALL_TIME_MAX, self.upload.push(bytes)).await {
            Ok(()) => self.attempts = None,
            Err(error) => self.restart(error).await?,
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<StoredBlob, StoreError> {
        loop {
            let upload = std::mem::replace(&mut self.upload, Box::new(NoUpload));
            match within(FINISH_TIME_MAX, upload.finish()).await {
                Ok(stored) => {
                    let node = std::mem::take(&mut self.node);
                    self.router.remember(self.group(), node);
                    return Ok(stored);
                }
                Err(error) => self.restart(error).await?,
            }
        }
    }
}

/// Stands in for an upload that has ended.
struct NoUpload;

#[async_trait]
impl BlobUpload for NoUpload {
    async fn push(&mut self, _: Bytes) -> Result<(), StoreError> {
        Err(StoreError::Internal("the upload has ended".into()))
    }

    async fn finish(self: Box<Self>) -> Result<StoredBlob, StoreError> {
        Err(StoreError::Internal("the upload has ended".into()))
    }
}

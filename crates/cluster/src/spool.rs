//! Content is kept until its message is stored, because another node may need it from the start.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use mailstore::ports::{BlobUpload, Caller, StoredBlob};
use mailstore::{GroupId, StoreError};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::router::Router;

/// Octets that one permit of the budget stands for.
const UNIT_BYTES: u64 = 64 * 1024;
/// How often one upload is begun again.
const RESTARTS_MAX: u32 = 16;

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
#[derive(Clone)]
pub(crate) enum Target {
    /// To the group of the caller's account.
    Account(Caller),
    /// To a group, for delivery.
    Group(GroupId),
}

/// An upload that is begun again at another node when its node is lost.
pub(crate) struct SpooledUpload {
    router: Router,
    target: Target,
    size: u64,
    kept: Kept,
    upload: Box<dyn BlobUpload>,
    restarts: u32,
}

impl SpooledUpload {
    pub(crate) async fn begin(router: Router, target: Target, size: u64) -> Result<Self, StoreError> {
        let kept = router.spool().keep(size)?;
        let upload = open(&router, &target, size).await?;
        Ok(Self {
            router,
            target,
            size,
            kept,
            upload,
            restarts: 0,
        })
    }

    /// Begins again at the present leader with all that was pushed.
    async fn restart(&mut self, cause: StoreError) -> Result<(), StoreError> {
        let mut cause = cause;
        while cause.is_retryable() && self.restarts < RESTARTS_MAX {
            self.restarts += 1;
            self.upload = open(&self.router, &self.target, self.size).await?;
            match self.kept.replay(&mut *self.upload).await {
                Ok(()) => return Ok(()),
                Err(error) => cause = error,
            }
        }
        Err(cause)
    }
}

async fn open(router: &Router, target: &Target, size: u64) -> Result<Box<dyn BlobUpload>, StoreError> {
    match target {
        Target::Account(caller) => {
            let group = router.group_of(caller.account);
            router
                .at_leader(group, |node| async move { node.upload(caller, size).await })
                .await
        }
        Target::Group(group) => {
            let group = *group;
            router
                .at_leader(
                    group,
                    |node| async move { node.upload_to_group(group, size).await },
                )
                .await
        }
    }
}

#[async_trait]
impl BlobUpload for SpooledUpload {
    async fn push(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.kept.push(&bytes).await?;
        match self.upload.push(bytes).await {
            Ok(()) => Ok(()),
            Err(error) => self.restart(error).await,
        }
    }

    async fn finish(mut self: Box<Self>) -> Result<StoredBlob, StoreError> {
        loop {
            let upload = std::mem::replace(&mut self.upload, Box::new(NoUpload));
            match upload.finish().await {
                Ok(stored) => return Ok(stored),
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

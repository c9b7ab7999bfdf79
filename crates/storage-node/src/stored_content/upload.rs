//! Content that comes in: written here while it is sent on, done when a majority has it durably.

use std::collections::BTreeSet;

use async_trait::async_trait;
use blobstore::{Described, Summary, UnixSeconds, Upload};
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use mailstore::ports::{BlobUpload, StoredBlob};
use mailstore::{BlobId, GroupId, StoreError};
use tokio::sync::oneshot;

use super::peers::{ContentPush, Followers, Needs};
use super::read::summarise;
use super::{SUMMARY_VERSION, StoredContent, store_group};

/// Content up to this size is kept in memory and written at once, with its summary.
const MEMORY_BYTES_MAX: u64 = 256 * 1024;

/// Content up to this size is described and queued by the task that brings it: that takes less time than to
/// wake another thread.
const PROMPT_BYTES_MAX: usize = 64 * 1024;

/// Content on its way to the segments of this node.
pub(super) enum LocalUpload {
    /// Whole in memory until it is finished.
    Memory(BytesMut),
    /// Written as it comes.
    Streamed(Box<Upload>),
}

impl LocalUpload {
    pub(super) fn begin(content: &StoredContent, group: GroupId, size: u64) -> Self {
        if size <= MEMORY_BYTES_MAX {
            Self::Memory(BytesMut::with_capacity(usize::try_from(size).unwrap_or(0)))
        } else {
            Self::Streamed(Box::new(content.inner.store.begin(store_group(group))))
        }
    }

    /// Adds octets; those that are streamed are written by the pool.
    pub(super) async fn push(self, content: &StoredContent, octets: Bytes) -> Result<Self, StoreError> {
        match self {
            Self::Memory(mut memory) => {
                memory.extend_from_slice(&octets);
                Ok(Self::Memory(memory))
            }
            Self::Streamed(mut upload) => {
                let pool = content.inner.writers.clone();
                let content = content.clone();
                let written = pool.run(move || {
                    let pushed = upload.push(&octets);
                    pushed
                        .map(|()| upload)
                        .map_err(|error| content.change_error(&error))
                });
                written.await?.map(Self::Streamed)
            }
        }
    }

    /// Ends the content and returns once it is durable here.
    pub(super) async fn finish(self, content: &StoredContent, group: GroupId) -> Result<BlobId, StoreError> {
        let (content, now) = (content.clone(), content.now());
        let this = match self {
            Self::Memory(memory) if memory.len() <= PROMPT_BYTES_MAX => {
                let octets = memory.freeze();
                if let Some(stored) = content.put_prompt(group, &octets, now).await {
                    return stored;
                }
                Self::Memory(BytesMut::from(octets))
            }
            other => other,
        };
        let writers = content.inner.writers.clone();
        let finished = writers.run(move || match this {
            Self::Memory(memory) => content.put(group, &memory.freeze(), now),
            Self::Streamed(upload) => {
                let blob = upload.finish(now).map_err(|error| content.change_error(&error))?;
                Ok(BlobId(blob.0))
            }
        });
        finished.await?
    }
}

impl StoredContent {
    /// Stores content that is in memory, with its summary, and waits until it is durable. Returns `None` where
    /// that would need a thread that can wait.
    async fn put_prompt(
        &self,
        group: GroupId,
        octets: &Bytes,
        now: UnixSeconds,
    ) -> Option<Result<BlobId, StoreError>> {
        let (stored, outcome) = oneshot::channel();
        let done = Box::new(move |result| {
            // Nobody waits any more when the client has gone.
            let _ = stored.send(result);
        });
        let summary = match summary(octets) {
            Ok(summary) => summary,
            Err(error) => return Some(Err(error)),
        };
        let described = Described {
            bytes: octets,
            summary: &summary,
        };
        let queued = self
            .inner
            .store
            .put_with_summary_then(store_group(group), described, now, done);
        let stored = match queued {
            Ok(()) => outcome.await.unwrap_or(Err(blobstore::Error::Closed)),
            Err(blobstore::Error::QueueFull | blobstore::Error::TooLarge { .. }) => return None,
            Err(error) => Err(error),
        };
        Some(self.stored(stored))
    }

    /// Stores content that is in memory, with its summary. Blocks until it is durable. A message with more parts
    /// than a summary has room for is described whenever somebody asks.
    fn put(&self, group: GroupId, octets: &Bytes, now: UnixSeconds) -> Result<BlobId, StoreError> {
        let summary = summary(octets)?;
        let (store, group) = (&self.inner.store, store_group(group));
        let stored = match store.put_with_summary(group, octets, &summary, now) {
            Err(blobstore::Error::TooLarge { .. }) => store.put(group, octets, now),
            stored => stored,
        };
        self.stored(stored)
    }

    fn stored(&self, stored: blobstore::Result<blobstore::BlobId>) -> Result<BlobId, StoreError> {
        let blob = stored.map_err(|error| self.change_error(&error))?;
        Ok(BlobId(blob.0))
    }
}

fn summary(octets: &Bytes) -> Result<Summary, StoreError> {
    Ok(Summary {
        version: SUMMARY_VERSION,
        bytes: summarise(octets)?,
    })
}

/// Content on its way to the leader's segments and to the followers.
pub(super) struct ReplicatedUpload {
    content: StoredContent,
    group: GroupId,
    size: u64,
    name: blake3::Hasher,
    local: Option<LocalUpload>,
    /// Followers that have kept up, with their places.
    followers: Vec<(usize, Box<dyn ContentPush>)>,
    needs: Needs,
}

impl ReplicatedUpload {
    pub(super) fn begin(content: StoredContent, group: GroupId, size: u64, followers: &Followers) -> Self {
        Self {
            local: Some(LocalUpload::begin(&content, group, size)),
            followers: followers
                .peers
                .iter()
                .map(|peer| peer.push(group, size))
                .enumerate()
                .collect(),
            needs: followers.needs.clone(),
            size: 0,
            name: blake3::Hasher::new(),
            content,
            group,
        }
    }
}

#[async_trait]
impl BlobUpload for ReplicatedUpload {
    async fn push(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.size += bytes.len() as u64;
        self.name.update(&bytes);
        let local = self.local.take().ok_or(StoreError::OutcomeUnknown)?;
        let sent = self.followers.drain(..).map(|(place, mut follower)| {
            let octets = bytes.clone();
            async move { follower.push(octets).await.map(|()| (place, follower)) }
        });
        let (local, sent) = futures::join!(
            local.push(&self.content, bytes.clone()),
            futures::future::join_all(sent)
        );
        self.local = Some(local?);
        self.followers = sent.into_iter().filter_map(Result::ok).collect();
        let left = self.followers.iter().map(|(place, _)| *place).collect();
        if !self.needs.are_met_by(&left) {
            return Err(StoreError::Unavailable("no majority takes content"));
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> Result<StoredBlob, StoreError> {
        let size = u32::try_from(self.size).map_err(|_| mailstore::Rejection::MessageTooLarge)?;
        let blob = BlobId(*self.name.finalize().as_bytes());
        let local = self.local.take().ok_or(StoreError::OutcomeUnknown)?;
        let acknowledgements: FuturesUnordered<_> = self
            .followers
            .drain(..)
            .map(|(place, follower)| async move { follower.finish(blob).await.map(|()| place) })
            .collect();
        let majority = majority(acknowledgements, &self.needs, self.group);
        let (stored, late) = futures::try_join!(local.finish(&self.content, self.group), majority)?;
        if stored != blob {
            return Err(StoreError::Internal(
                "content was stored under another name".into(),
            ));
        }
        // Followers that are slower go on; those that fail get the content through repair.
        self.content
            .inner
            .late
            .spawn(late.for_each(|_| futures::future::ready(())));
        Ok(StoredBlob { blob, size })
    }
}

/// Waits until enough followers have the content, and returns those that are still at it.
async fn majority<F>(
    mut acknowledgements: FuturesUnordered<F>,
    needs: &Needs,
    group: GroupId,
) -> Result<FuturesUnordered<F>, StoreError>
where
    F: Future<Output = Result<usize, StoreError>>,
{
    let mut having = BTreeSet::new();
    while !needs.are_met_by(&having) {
        match acknowledgements.next().await {
            Some(Ok(place)) => drop(having.insert(place)),
            Some(Err(error)) => tracing::warn!(group = group.0, %error, "follower lacks content"),
            None => return Err(StoreError::Unavailable("no majority has the content")),
        }
    }
    Ok(acknowledgements)
}

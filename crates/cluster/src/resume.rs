//! Streams that outlive the node that they came from.

use std::time::Duration;

use futures::StreamExt;
use futures::stream::try_unfold;
use mailstore::ids::{MailboxId, Uid};
use mailstore::ports::{BoxStream, Caller};
use mailstore::query::{ContentChunk, ContentRange, MessageAnswer, MessageParts};
use mailstore::{StoreError, UidSet};

use crate::attempts::{Attempts, may_pass};
use crate::router::Router;

/// How long a node may take over the next item before it counts as lost.
const ITEM_TIME_MAX: Duration = Duration::from_secs(10);

type Batches = BoxStream<Result<Vec<MessageAnswer>, StoreError>>;
type Chunks = BoxStream<Result<ContentChunk, StoreError>>;

/// What a stream asked for, where, and how far it has come.
struct Source<Q> {
    router: Router,
    caller: Caller,
    mailbox: MailboxId,
    remaining: Q,
    /// Made when something fails, and given up when something comes: the time that whoever reads takes is not the
    /// storage's.
    attempts: Option<Attempts>,
}

impl<Q> Source<Q> {
    fn new(router: Router, caller: Caller, mailbox: MailboxId, remaining: Q) -> Self {
        Self {
            router,
            caller,
            mailbox,
            remaining,
            attempts: None,
        }
    }

    /// Notes that the stream broke off. The first time after something came it is opened again at once.
    ///
    /// # Errors
    /// The failure, if it will not pass, and when patience has ended.
    async fn broke_off(&mut self, error: StoreError) -> Result<(), StoreError> {
        if !may_pass(&error) {
            return Err(error);
        }
        tracing::debug!(%error, "stream is opened again");
        match &mut self.attempts {
            Some(attempts) => attempts.pause(self.router.jitter()).await,
            None => {
                self.attempts = Some(self.router.attempts().of_session(self.caller.session));
                Ok(())
            }
        }
    }
}

/// Waits for the next item, not for ever.
async fn next<T>(stream: &mut BoxStream<Result<T, StoreError>>) -> Option<Result<T, StoreError>> {
    match tokio::time::timeout(ITEM_TIME_MAX, stream.next()).await {
        Ok(item) => item,
        Err(_) => Some(Err(StoreError::Unavailable("the storage node stalls"))),
    }
}

/// Opens a stream of messages that goes on behind the last message given when its node is lost.
pub(crate) async fn resumed_messages(
    router: Router,
    caller: Caller,
    mailbox: MailboxId,
    uids: UidSet,
    parts: MessageParts,
) -> Result<Batches, StoreError> {
    let mut source = Source::new(router, caller, mailbox, uids);
    let stream = source.open(parts).await?;
    let batches = try_unfold((source, stream), move |(mut source, mut stream)| async move {
        loop {
            match next(&mut stream).await {
                None => return Ok(None),
                Some(Ok(batch)) => {
                    source.advance(&batch);
                    return Ok(Some((batch, (source, stream))));
                }
                Some(Err(error)) => {
                    source.broke_off(error).await?;
                    stream = source.open(parts).await?;
                }
            }
        }
    });
    Ok(batches.boxed())
}

impl Source<UidSet> {
    async fn open(&mut self, parts: MessageParts) -> Result<Batches, StoreError> {
        let group = self.router.group_of(self.caller.account);
        let attempts = self
            .attempts
            .get_or_insert_with(|| self.router.attempts().of_session(self.caller.session));
        let (caller, mailbox, remaining) = (&self.caller, self.mailbox, &self.remaining);
        self.router
            .at_leader_within(attempts, group, |node| async move {
                node.messages(caller, mailbox, remaining.clone(), parts).await
            })
            .await
    }

    fn advance(&mut self, batch: &[MessageAnswer]) {
        let Some(last) = batch.last() else { return };
        self.attempts = None;
        self.remaining = match last.record.uid.next() {
            Some(next) => self.remaining.intersection(&UidSet::range(next, Uid::MAX)),
            None => UidSet::new(),
        };
    }
}

/// The ranges that are still to come, and the index of the first of them in the question.
pub(crate) struct RemainingRanges {
    pub(crate) first: u32,
    pub(crate) ranges: Vec<ContentRange>,
}

impl RemainingRanges {
    /// Takes off what a chunk brought, whose range is counted as in the question.
    pub(crate) fn advance(&mut self, chunk: &ContentChunk) {
        let done = chunk.range.saturating_sub(self.first) as usize + usize::from(chunk.last);
        self.ranges.drain(..done.min(self.ranges.len()));
        self.first = chunk.range + u32::from(chunk.last);
        if !chunk.last
            && let (Some(range), Ok(length)) = (self.ranges.first_mut(), u32::try_from(chunk.bytes.len()))
        {
            range.offset = range.offset.saturating_add(length);
            range.length = range.length.saturating_sub(length);
        }
    }
}

/// Opens a stream of content that goes on behind the last octet given when its node is lost. Ranges count on from
/// those that came before.
pub(crate) async fn resumed_content(
    router: Router,
    caller: Caller,
    mailbox: MailboxId,
    ranges: RemainingRanges,
) -> Result<Chunks, StoreError> {
    let mut source = Source::new(router, caller, mailbox, ranges);
    let base = source.remaining.first;
    let stream = source.open().await?;
    let chunks = try_unfold(
        (source, stream, base),
        |(mut source, mut stream, mut base)| async move {
            loop {
                let error = match next(&mut stream).await {
                    None if source.remaining.ranges.is_empty() => return Ok(None),
                    None => StoreError::Unavailable("content broke off"),
                    Some(Ok(mut chunk)) => {
                        chunk.range += base;
                        source.attempts = None;
                        source.remaining.advance(&chunk);
                        return Ok(Some((chunk, (source, stream, base))));
                    }
                    Some(Err(error)) => error,
                };
                source.broke_off(error).await?;
                base = source.remaining.first;
                stream = source.open().await?;
            }
        },
    );
    Ok(chunks.boxed())
}

impl Source<RemainingRanges> {
    async fn open(&mut self) -> Result<Chunks, StoreError> {
        let group = self.router.group_of(self.caller.account);
        let attempts = self
            .attempts
            .get_or_insert_with(|| self.router.attempts().of_session(self.caller.session));
        let (caller, mailbox, ranges) = (&self.caller, self.mailbox, &self.remaining.ranges);
        self.router
            .at_leader_within(attempts, group, |node| async move {
                node.content(caller, mailbox, ranges.clone()).await
            })
            .await
    }
}

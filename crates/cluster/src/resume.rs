//! Streams that outlive the node that they came from.

use futures::StreamExt;
use futures::stream::try_unfold;
use mailstore::ids::{MailboxId, Uid};
use mailstore::ports::{BoxStream, Caller};
use mailstore::query::{ContentChunk, ContentRange, MessageAnswer, MessageParts};
use mailstore::{StoreError, UidSet};

use crate::router::Router;

/// How often a stream is opened again without having got on.
const REOPENINGS_MAX: u32 = 16;

type Batches = BoxStream<Result<Vec<MessageAnswer>, StoreError>>;
type Chunks = BoxStream<Result<ContentChunk, StoreError>>;

/// What a stream asked for, where, and how far it has come.
struct Source<Q> {
    router: Router,
    caller: Caller,
    mailbox: MailboxId,
    remaining: Q,
    reopenings: u32,
}

impl<Q> Source<Q> {
    /// Notes a failure and tells whether the stream may be opened again.
    fn may_reopen(&mut self, error: &StoreError) -> bool {
        self.reopenings += 1;
        error.is_retryable() && self.reopenings <= REOPENINGS_MAX
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
    let source = Source {
        router,
        caller,
        mailbox,
        remaining: uids,
        reopenings: 0,
    };
    let stream = open_messages(&source, parts).await?;
    let batches = try_unfold((source, stream), move |(mut source, mut stream)| async move {
        loop {
            match stream.next().await {
                None => return Ok(None),
                Some(Ok(batch)) => {
                    source.advance(&batch);
                    return Ok(Some((batch, (source, stream))));
                }
                Some(Err(error)) if source.may_reopen(&error) => {
                    stream = open_messages(&source, parts).await?
                }
                Some(Err(error)) => return Err(error),
            }
        }
    });
    Ok(batches.boxed())
}

async fn open_messages(source: &Source<UidSet>, parts: MessageParts) -> Result<Batches, StoreError> {
    let group = source.router.group_of(source.caller.account);
    source
        .router
        .at_leader(group, |node| async move {
            node.messages(&source.caller, source.mailbox, source.remaining.clone(), parts)
                .await
        })
        .await
}

impl Source<UidSet> {
    fn advance(&mut self, batch: &[MessageAnswer]) {
        let Some(last) = batch.last() else { return };
        self.reopenings = 0;
        self.remaining = match last.record.uid.next() {
            Some(next) => self.remaining.intersection(&UidSet::range(next, Uid::MAX)),
            None => UidSet::new(),
        };
    }
}

/// The ranges that are still to come, and the index of the first of them in the question.
struct RemainingRanges {
    first: u32,
    ranges: Vec<ContentRange>,
}

/// Opens a stream of content that goes on behind the last octet given when its node is lost.
pub(crate) async fn resumed_content(
    router: Router,
    caller: Caller,
    mailbox: MailboxId,
    ranges: Vec<ContentRange>,
) -> Result<Chunks, StoreError> {
    let remaining = RemainingRanges { first: 0, ranges };
    let source = Source {
        router,
        caller,
        mailbox,
        remaining,
        reopenings: 0,
    };
    let stream = open_content(&source).await?;
    let chunks = try_unfold(
        (source, stream, 0),
        |(mut source, mut stream, mut base)| async move {
            loop {
                match stream.next().await {
                    None => return Ok(None),
                    Some(Ok(mut chunk)) => {
                        chunk.range += base;
                        source.advance(&chunk);
                        return Ok(Some((chunk, (source, stream, base))));
                    }
                    Some(Err(error)) if source.may_reopen(&error) => {
                        base = source.remaining.first;
                        stream = open_content(&source).await?;
                    }
                    Some(Err(error)) => return Err(error),
                }
            }
        },
    );
    Ok(chunks.boxed())
}

async fn open_content(source: &Source<RemainingRanges>) -> Result<Chunks, StoreError> {
    let group = source.router.group_of(source.caller.account);
    source
        .router
        .at_leader(group, |node| async move {
            node.content(&source.caller, source.mailbox, source.remaining.ranges.clone())
                .await
        })
        .await
}

impl Source<RemainingRanges> {
    fn advance(&mut self, chunk: &ContentChunk) {
        self.reopenings = 0;
        let remaining = &mut self.remaining;
        let done = chunk.range.saturating_sub(remaining.first) as usize + usize::from(chunk.last);
        remaining.ranges.drain(..done.min(remaining.ranges.len()));
        remaining.first = chunk.range + u32::from(chunk.last);
        if !chunk.last
            && let (Some(range), Ok(length)) =
                (remaining.ranges.first_mut(), u32::try_from(chunk.bytes.len()))
        {
            range.offset = range.offset.saturating_add(length);
            range.length = range.length.saturating_sub(length);
        }
    }
}

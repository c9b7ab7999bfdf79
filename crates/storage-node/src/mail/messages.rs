//! Records, summaries and octets of messages, in batches.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::try_unfold;
use futures::{StreamExt, TryStreamExt};
use mailstore::ids::{MailboxId, Uid};
use mailstore::message::MessageRecord;
use mailstore::ports::{BoxStream, Caller};
use mailstore::query::{
    ContentChunk, ContentRange, ContentTicket, MessageAnswer, MessageParts, TicketMessage,
};
use mailstore::{AccountId, GroupId, StoreError, UidSet, read};

use super::content::{GroupContent, with_content};
use crate::node::Node;
use crate::search::ContentReader;
use crate::tables::damaged;

/// Messages of one batch: enough to spread the cost of a hop between threads.
const BATCH_MESSAGES: usize = 256;
/// Octets of summaries that end a batch before. One summary may be as large as a message's parts and addresses
/// make it.
const BATCH_BYTES: usize = 1024 * 1024;
/// Octets of one chunk of content.
const CHUNK_BYTES: u32 = 64 * 1024;

/// Messages that are asked for.
pub(super) struct Wanted {
    pub(super) group: GroupId,
    pub(super) caller: Caller,
    pub(super) mailbox: MailboxId,
    pub(super) uids: UidSet,
    pub(super) parts: MessageParts,
}

/// Returns the messages in batches, ascending by UID.
pub(super) fn stream(node: Node, wanted: Wanted) -> BoxStream<Result<Vec<MessageAnswer>, StoreError>> {
    let batches = try_unfold(Some((node, wanted)), move |state| async move {
        let Some((node, mut wanted)) = state else {
            return Ok(None);
        };
        let mut batch = batch(&node, &wanted).await?;
        if wanted.parts.ticket {
            node.sign_ticket(&wanted.caller, &mut batch);
        }
        let Some(last) = batch.last().map(|answer| answer.record.uid) else {
            return Ok(None);
        };
        wanted.uids = behind(&wanted.uids, last);
        let next = (!wanted.uids.is_empty()).then_some((node, wanted));
        Ok(Some((batch, next)))
    });
    batches.boxed()
}

/// Returns the UIDs of the set that lie behind one.
fn behind(uids: &UidSet, last: Uid) -> UidSet {
    last.next().map_or_else(UidSet::new, |next| {
        uids.intersection(&UidSet::range(next, Uid::MAX))
    })
}

async fn batch(node: &Node, wanted: &Wanted) -> Result<Vec<MessageAnswer>, StoreError> {
    let (mailbox, uids) = (wanted.mailbox, wanted.uids.clone());
    let records = node.read_account(wanted.caller.account, move |rows| {
        read::messages(rows, mailbox, &uids, BATCH_MESSAGES).map_err(damaged)
    });
    let records = records.await?;
    if wanted.parts.summary && !records.is_empty() {
        let records = Arc::new(records);
        let describe = move |content: &GroupContent| described(content, &records);
        return with_content(node, wanted.group, describe).await;
    }
    let plain = |record| MessageAnswer {
        record,
        summary: None,
        ticket: None,
    };
    Ok(records.into_iter().map(plain).collect())
}

/// Returns messages with their summaries, as many as go into one answer. One that cannot be read has none and
/// keeps no other from being answered.
fn described(content: &GroupContent, records: &[MessageRecord]) -> Result<Vec<MessageAnswer>, StoreError> {
    let mut answers = Vec::with_capacity(records.len());
    let mut bytes = 0;
    for record in records {
        let summary = match content.summary(record.blob) {
            Ok(summary) => Some(summary),
            Err(StoreError::ContentUnavailable) => None,
            Err(error) => return Err(error),
        };
        bytes += summary.as_ref().map_or(0, Bytes::len);
        answers.push(MessageAnswer {
            record: *record,
            summary,
            ticket: None,
        });
        if bytes >= BATCH_BYTES {
            break;
        }
    }
    Ok(answers)
}

/// A range of content with the message that it lies in.
struct Located {
    index: u32,
    message: Option<TicketMessage>,
    range: ContentRange,
    /// Whether the message's content was missing and has been fetched, or is not to be fetched: another replica is
    /// asked then.
    fetched: bool,
}

/// Where messages lie.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) group: GroupId,
    pub(super) account: AccountId,
    pub(super) mailbox: MailboxId,
}

/// Returns octets of messages, range by range.
pub(super) async fn content(
    node: Node,
    place: Place,
    ranges: Vec<ContentRange>,
) -> Result<BoxStream<Result<ContentChunk, StoreError>>, StoreError> {
    let records = records(&node, place, &ranges).await?;
    let located = ranges
        .into_iter()
        .zip(0_u32..)
        .map(move |(range, index)| Located {
            index,
            message: records.get(&range.uid).map(TicketMessage::of),
            range,
            fetched: false,
        });
    Ok(read(node, place.group, located.collect()))
}

/// Returns octets of the messages of a ticket, as far as this replica has them.
///
/// # Errors
/// [`StoreError::Unauthorized`] when the ticket is not for a message.
pub(super) fn content_of(
    node: Node,
    group: GroupId,
    ticket: &ContentTicket,
    ranges: Vec<ContentRange>,
) -> Result<BoxStream<Result<ContentChunk, StoreError>>, StoreError> {
    let messages: HashMap<Uid, TicketMessage> = ticket
        .messages
        .iter()
        .map(|message| (message.uid, *message))
        .collect();
    let located = ranges.into_iter().zip(0_u32..).map(|(range, index)| {
        let message = messages
            .get(&range.uid)
            .copied()
            .ok_or(StoreError::Unauthorized)?;
        Ok(Located {
            index,
            message: Some(message),
            range,
            fetched: true,
        })
    });
    let located = located.collect::<Result<_, StoreError>>()?;
    Ok(read(node, group, located))
}

fn read(
    node: Node,
    group: GroupId,
    located: VecDeque<Located>,
) -> BoxStream<Result<ContentChunk, StoreError>> {
    let chunks = try_unfold((node, located), move |(node, mut located)| async move {
        if located.is_empty() {
            return Ok::<_, StoreError>(None);
        }
        let batch = chunks(&node, group, &mut located).await?;
        Ok(Some((
            futures::stream::iter(batch.into_iter().map(Ok)),
            (node, located),
        )))
    });
    chunks.try_flatten().boxed()
}

/// Reads the next chunks, fetching from another replica what is missing here.
async fn chunks(
    node: &Node,
    group: GroupId,
    located: &mut VecDeque<Located>,
) -> Result<Vec<ContentChunk>, StoreError> {
    loop {
        let (reader, mut next) = (node.clone(), std::mem::take(located));
        let read = node.content_pool().run(move || {
            let read = next_chunks(&reader, group, &mut next);
            (read, next)
        });
        let (read, rest) = read.await?;
        *located = rest;
        let missing = located.front_mut().filter(|next| !next.fetched);
        match (read, missing) {
            (Err(StoreError::ContentUnavailable), Some(next)) => {
                next.fetched = true;
                let message = next.message.ok_or(StoreError::ContentUnavailable)?;
                node.content_store().repair(group, message.blob).await?;
            }
            (read, _) => return read,
        }
    }
}

async fn records(
    node: &Node,
    place: Place,
    ranges: &[ContentRange],
) -> Result<HashMap<Uid, MessageRecord>, StoreError> {
    let uids: UidSet = ranges.iter().map(|range| range.uid).collect();
    let limit = ranges.len();
    let records = node.read_account(place.account, move |rows| {
        let records = read::messages(rows, place.mailbox, &uids, limit).map_err(damaged)?;
        Ok(records.into_iter().map(|record| (record.uid, record)).collect())
    });
    records.await
}

/// Reads about one chunk's worth of octets: one large piece, or several small ranges. A range that cannot be
/// read stays the next one.
fn next_chunks(
    node: &Node,
    group: GroupId,
    located: &mut VecDeque<Located>,
) -> Result<Vec<ContentChunk>, StoreError> {
    let mut chunks = Vec::new();
    let mut room = CHUNK_BYTES;
    while room > 0
        && let Some(mut next) = located.pop_front()
    {
        let Some(message) = next.message else {
            chunks.push(ContentChunk {
                range: next.index,
                bytes: Bytes::new(),
                last: true,
                missing: true,
            });
            continue;
        };
        let end = next
            .range
            .offset
            .saturating_add(next.range.length)
            .min(message.size);
        let length = end.saturating_sub(next.range.offset).min(CHUNK_BYTES);
        let read = match length {
            0 => Ok(Bytes::new()),
            length => node
                .content_store()
                .read(group, message.blob, next.range.offset, length),
        };
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(error) => {
                located.push_front(next);
                return if chunks.is_empty() { Err(error) } else { Ok(chunks) };
            }
        };
        let last = next.range.offset.saturating_add(length) >= end;
        chunks.push(ContentChunk {
            range: next.index,
            bytes,
            last,
            missing: false,
        });
        if !last {
            next.range.offset += length;
            next.range.length -= length;
            located.push_front(next);
        }
        room = room.saturating_sub(length.max(1));
    }
    Ok(chunks)
}

//! The part of FETCH that reads what never changes: records, summaries and octets of messages.

use std::sync::Arc;

use futures::StreamExt;
use imap_wire::response::FetchWriter;
use mail_message::SummaryRef;
use mailstore::message::MessageRecord;
use mailstore::query::{ContentTicket, MessageAnswer, MessageParts};
use mailstore::{StoreError, UidSet};

use super::Job;
use super::pieces::{self, Piece};
use super::plan::SectionItem;
use super::reader::{ContentReader, Readable};
use super::write::{self, Shown};
use crate::answer::{Failure, Over};
use crate::connection::Connection;
use crate::convert;
use crate::session::report::{self, FlagNames};
use crate::status;

/// What became of the messages of a FETCH; the others are gone and were left out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) answered: u64,
    /// Messages that exist and that no replica can read at present. They were left out: never is a part
    /// of a message shown as if it were the whole (RELIABILITY 11).
    pub(super) unreadable: u64,
}

/// Answers a FETCH.
pub(super) async fn fetch(connection: &mut Connection, job: &Job, uids: &UidSet) -> Result<Tally, Failure> {
    let store = connection.store()?;
    let mailbox = connection.selected()?.mailbox;
    let parts = MessageParts {
        summary: job.plan.needs_summary(),
        ticket: !job.plan.sections.is_empty(),
    };
    let (mut rest, mut tally) = (uids.clone(), Tally::default());
    while !rest.is_empty() {
        let caller = store.caller();
        let mut batches = store.messages(mailbox, &rest, parts).await?;
        let broken = loop {
            match batches.next().await {
                None => return Ok(tally),
                Some(Err(error)) => break error,
                Some(Ok(batch)) => {
                    let last = batch.last().map(|answer| answer.record.uid);
                    write_batch(connection, job, batch, &mut tally).await?;
                    if let Some(last) = last {
                        rest = rest.difference(&UidSet::range(mailstore::Uid::MIN, last));
                    }
                }
            }
        };
        // A client may read for longer than a token holds.
        if broken != StoreError::Unauthorized || !store.has_renewed(&caller) {
            return Err(broken.into());
        }
    }
    Ok(tally)
}

/// A message about to be answered.
struct Message {
    answer: MessageAnswer,
    /// `None` when the summary that they are found by cannot be had.
    pieces: Option<Vec<Piece>>,
}

/// Answers a batch of messages. All octets of the batch are asked for at once.
async fn write_batch(
    connection: &mut Connection,
    job: &Job,
    batch: Vec<MessageAnswer>,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let selected = connection.selected()?;
    let (sequence, recent) = (Arc::clone(selected.sequence()), selected.recent().clone());
    let mailbox = selected.mailbox;
    let names = job
        .view
        .as_ref()
        .map(|view| report::flag_names(view.mailbox(), &recent));
    let ticket = ContentTicket::of(&batch);
    let messages: Vec<Message> = batch.into_iter().map(|answer| prepare(job, answer)).collect();
    let ranges = messages.iter().flat_map(|message| {
        let pieces = message.pieces.as_deref().unwrap_or_default();
        pieces::ranges(message.answer.record.uid, pieces)
    });
    let mut reader = ContentReader::new(connection.store()?, (mailbox, ticket), ranges.collect());
    let condstore = connection.session.enabled.condstore;
    let mut walk = sequence.walk();
    for message in &messages {
        let number = walk.number(message.answer.record.uid).and_then(convert::wire_seq);
        let shown = shown(job, &message.answer.record, names, condstore);
        let gone = names.is_some() && shown.is_none();
        let (Some(pieces), Some(number), false) = (&message.pieces, number, gone) else {
            reader.skip(message.pieces.as_deref().unwrap_or_default()).await?;
            tally.unreadable += u64::from(message.pieces.is_none() && !gone);
            continue;
        };
        match reader.look(pieces).await? {
            Readable::Gone => {}
            Readable::Damaged => {
                status::log(&StoreError::ContentUnavailable);
                tally.unreadable += 1;
            }
            Readable::Yes => {
                let writer = FetchWriter::begin(connection.out(), number);
                write_message(connection, job, writer, message, (shown, &mut reader)).await?;
                tally.answered += 1;
            }
        }
    }
    Ok(())
}

/// Finds the pieces of a message. One without a summary costs itself its answer, and no other message.
fn prepare(job: &Job, answer: MessageAnswer) -> Message {
    let found = summary(job, &answer).map(|summary| match summary {
        Some(summary) => pieces::pieces(&job.plan, summary),
        None => Vec::new(),
    });
    let pieces = found.inspect_err(status::log).ok();
    Message { answer, pieces }
}

/// Returns the summary, if one is needed. The storage makes damaged or old ones anew before it answers.
fn summary<'a>(job: &Job, answer: &'a MessageAnswer) -> Result<Option<SummaryRef<'a>>, StoreError> {
    if !job.plan.needs_summary() {
        return Ok(None);
    }
    let bytes = answer.summary.as_ref().ok_or(StoreError::ContentUnavailable)?;
    match SummaryRef::parse(bytes) {
        Ok(summary) => Ok(Some(summary)),
        Err(error) => Err(StoreError::Internal(format!("summary: {error}"))),
    }
}

fn shown<'a>(
    job: &Job,
    record: &MessageRecord,
    names: Option<FlagNames<'a>>,
    condstore: bool,
) -> Option<Shown<'a>> {
    let (state, changed) = job.state(record.uid);
    Some(Shown {
        state: state?,
        names: names?,
        changed,
        condstore,
    })
}

async fn write_message(
    connection: &mut Connection,
    job: &Job,
    mut writer: FetchWriter,
    message: &Message,
    (shown, reader): (Option<Shown<'_>>, &mut ContentReader),
) -> Result<(), Failure> {
    let record = &message.answer.record;
    let out = connection.out();
    write::head(&mut writer, &job.plan, record, shown.as_ref(), out);
    let summary = summary(job, &message.answer)?;
    if let Some(summary) = summary {
        write::summary(&mut writer, &job.plan, summary, out);
    }
    for (item, piece) in job.plan.sections.iter().zip(message.pieces.iter().flatten()) {
        let header = summary.and_then(|summary| summary.header()).unwrap_or_default();
        match piece {
            Piece::Absent => writer.no_body(connection.out(), write::body_name(&item.label)),
            Piece::Empty => writer.body(connection.out(), write::body_name(&item.label), 0),
            Piece::Inline => at_hand(connection, &mut writer, item, &item.of_header(header)),
            Piece::HeaderContent(span) => {
                let header = reader.collect(*span).await.map_err(cut_short)?;
                at_hand(connection, &mut writer, item, &item.of_header(&header));
            }
            Piece::Content(span) => {
                let length = u64::from(span.len());
                writer.body(connection.out(), write::body_name(&item.label), length);
                stream(connection, reader, length).await?;
            }
        }
    }
    writer.end(connection.out());
    Ok(connection.client.transport.checkpoint().await?)
}

fn at_hand(connection: &mut Connection, writer: &mut FetchWriter, item: &SectionItem, value: &[u8]) {
    let out = connection.out();
    writer.body(out, write::body_name(&item.label), value.len() as u64);
    out.extend_from_slice(value);
}

/// Sends exactly as many octets as were announced, as they come.
async fn stream(
    connection: &mut Connection,
    reader: &mut ContentReader,
    announced: u64,
) -> Result<(), Failure> {
    let mut sent = 0;
    loop {
        let chunk = reader.next().await.map_err(cut_short)?;
        sent += chunk.bytes.len() as u64;
        if sent > announced || (chunk.last && sent < announced) {
            return Err(cut_short(StoreError::Internal(
                "content has another length".to_owned(),
            )));
        }
        connection.out().extend_from_slice(&chunk.bytes);
        connection.client.transport.checkpoint().await?;
        if chunk.last {
            return Ok(());
        }
    }
}

/// In the middle of a response nothing can be said any more that the client would understand: the
/// connection ends, so that it never takes a part for the whole (RELIABILITY 11).
fn cut_short(error: StoreError) -> Failure {
    tracing::error!(%error, "response cannot be completed, connection is cut");
    Over::Silent.into()
}

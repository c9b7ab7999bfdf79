//! The port that reads and changes mail.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use mailstore::command::Command;
use mailstore::event::Event;
use mailstore::name::MailboxName;
use mailstore::ports::{BlobUpload, BoxStream, Caller, Mail, StoredBlob};
use mailstore::query::{
    ContentChunk, ContentRange, MailboxChanges, MailboxRef, MailboxTree, MessageAnswer, MessageParts, Quota,
};
use mailstore::rows::MemoryRows;
use mailstore::search::{SearchProgram, SearchResult};
use mailstore::{BlobId, MailboxId, ModSeq, Rejection, Reply, RequestId, StoreError, UidSet, read};
use tokio_stream::wrappers::BroadcastStream;

use super::{MemoryStore, State, search};

/// Messages in one batch of an answer; small, so that tests see several.
const BATCH: usize = 16;
/// Octets in one chunk; small, so that tests see several.
const CHUNK_BYTES: usize = 1000;

impl MemoryStore {
    /// Runs a question on the caller's rows.
    fn ask<T>(
        &self,
        caller: &Caller,
        question: impl FnOnce(&State, &MemoryRows) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut state = self.state.lock();
        state.calls += 1;
        state.last_token = caller.token.clone();
        if let Some(fault) = state.faults.pop() {
            return Err(fault);
        }
        if !state.sessions.contains_key(&caller.session) {
            return Err(StoreError::Unauthorized);
        }
        let rows = state
            .accounts
            .get(&caller.account)
            .ok_or(StoreError::Unauthorized)?;
        question(&state, rows)
    }
}

fn internal(error: impl std::fmt::Display) -> StoreError {
    StoreError::Internal(error.to_string())
}

#[async_trait]
impl Mail for MemoryStore {
    async fn submit(
        &self,
        caller: &Caller,
        request: RequestId,
        command: Command,
    ) -> Result<Reply, StoreError> {
        self.ask(caller, |_, _| Ok(()))?;
        let reply = self.apply(caller.account, Some(request), command);
        let mut state = self.state.lock();
        if state.lost_replies > 0 {
            state.lost_replies -= 1;
            return Err(StoreError::OutcomeUnknown);
        }
        reply
    }

    async fn mailbox_tree(&self, caller: &Caller) -> Result<Arc<MailboxTree>, StoreError> {
        self.ask(caller, |_, rows| {
            read::mailbox_tree(rows).map(Arc::new).map_err(internal)
        })
    }

    async fn quota(&self, caller: &Caller) -> Result<Quota, StoreError> {
        self.ask(caller, |_, rows| {
            let quota = read::quota(rows).map_err(internal)?;
            Ok(quota.ok_or(Rejection::NoSuchAccount)?)
        })
    }

    async fn changes(
        &self,
        caller: &Caller,
        mailbox: &MailboxRef,
        since: ModSeq,
    ) -> Result<MailboxChanges, StoreError> {
        self.ask(caller, |_, rows| {
            let changes = read::changes(rows, mailbox, since).map_err(internal)?;
            Ok(changes.ok_or(Rejection::NoSuchMailbox)?)
        })
    }

    async fn messages(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        uids: UidSet,
        parts: MessageParts,
    ) -> Result<BoxStream<Result<Vec<MessageAnswer>, StoreError>>, StoreError> {
        self.ask(caller, |state, rows| {
            let records = read::messages(rows, mailbox, &uids, usize::MAX).map_err(internal)?;
            let summary = |blob: &BlobId| state.summaries.get(blob).filter(|_| parts.summary).cloned();
            let answers = records.into_iter().map(|record| MessageAnswer {
                summary: summary(&record.blob),
                record,
                ticket: None,
            });
            let answers: Vec<_> = answers.collect();
            let batches = answers.chunks(BATCH).map(|batch| {
                let mut batch = batch.to_vec();
                if let Some(last) = batch.last_mut() {
                    last.ticket = parts.ticket.then(|| Bytes::from_static(b"ticket"));
                }
                Ok(batch)
            });
            let batches: Vec<_> = batches.collect();
            Ok(stream::iter(batches).boxed())
        })
    }

    async fn content(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        ranges: Vec<ContentRange>,
    ) -> Result<BoxStream<Result<ContentChunk, StoreError>>, StoreError> {
        self.ask(caller, |state, rows| {
            let mut chunks = Vec::new();
            for (index, range) in (0_u32..).zip(&ranges) {
                let uids = UidSet::range(range.uid, range.uid);
                let records = read::messages(rows, mailbox, &uids, 1).map_err(internal)?;
                let record = records.first();
                if record.is_some_and(|record| state.unreadable.contains(&record.blob)) {
                    chunks.push(Err(StoreError::ContentUnavailable));
                    break;
                }
                let content = record.and_then(|record| state.blobs.get(&record.blob));
                chunks.extend(cut(index, range, content).into_iter().map(Ok));
            }
            Ok(stream::iter(chunks).boxed())
        })
    }

    async fn search(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        program: SearchProgram,
    ) -> Result<SearchResult, StoreError> {
        self.ask(caller, |state, rows| {
            let reference = MailboxRef::Id(mailbox);
            let found = read::mailbox(rows, &reference).map_err(internal)?;
            let mailbox = found.ok_or(Rejection::NoSuchMailbox)?;
            let changes = read::changes(rows, &reference, ModSeq::ZERO).map_err(internal)?;
            let states = changes.map(|changes| changes.changed).unwrap_or_default();
            let records = read::messages(rows, mailbox.id, &program.within, usize::MAX).map_err(internal)?;
            let content = |blob: BlobId| Some((state.blobs.get(&blob)?, state.summaries.get(&blob)?));
            Ok(search::run(&program, &mailbox, &states, records, content))
        })
    }

    async fn check_append(
        &self,
        caller: &Caller,
        mailbox: &MailboxName,
        size: u64,
    ) -> Result<(), StoreError> {
        self.ask(caller, |_, rows| {
            Ok(read::check_append(rows, mailbox, size).map_err(internal)??)
        })
    }

    async fn upload(&self, caller: &Caller, size: u64) -> Result<Box<dyn BlobUpload>, StoreError> {
        self.ask(caller, |_, _| Ok(()))?;
        Ok(Box::new(Upload {
            store: self.clone(),
            size,
            content: Vec::new(),
        }))
    }

    async fn watch(
        &self,
        caller: &Caller,
        mailbox: Option<MailboxId>,
    ) -> Result<BoxStream<Event>, StoreError> {
        let broken = self.ask(caller, |state, _| Ok(state.watches.clone()))?;
        let account = caller.account;
        let wanted = move |event: &Event| match event {
            Event::MailboxChanged {
                account: whose,
                mailbox: changed,
                ..
            }
            | Event::MailboxDeleted {
                account: whose,
                mailbox: changed,
            } => *whose == account && mailbox.is_none_or(|mailbox| mailbox == *changed),
            Event::TreeChanged { account: whose } => *whose == account,
            Event::AccountChanged { .. } | Event::SlotReleased { .. } => false,
        };
        let events = BroadcastStream::new(self.events.subscribe());
        let events = events.filter_map(move |event| {
            let event = event.ok().filter(wanted);
            async move { event }
        });
        let broken = async move { broken.cancelled().await };
        Ok(events.take_until(Box::pin(broken)).boxed())
    }
}

/// Cuts a range of a message into chunks.
fn cut(index: u32, range: &ContentRange, content: Option<&Bytes>) -> Vec<ContentChunk> {
    let chunk = |bytes, last, missing| ContentChunk {
        range: index,
        bytes,
        last,
        missing,
    };
    let Some(content) = content else {
        return vec![chunk(Bytes::new(), true, true)];
    };
    let start = (range.offset as usize).min(content.len());
    let end = (start + range.length as usize).min(content.len());
    let mut rest = content.slice(start..end);
    let mut chunks = Vec::new();
    while rest.len() > CHUNK_BYTES {
        chunks.push(chunk(rest.split_to(CHUNK_BYTES), false, false));
    }
    chunks.push(chunk(rest, true, false));
    chunks
}

/// Content on its way in.
struct Upload {
    store: MemoryStore,
    size: u64,
    content: Vec<u8>,
}

#[async_trait]
impl BlobUpload for Upload {
    async fn push(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.content.extend_from_slice(&bytes);
        if self.content.len() as u64 > self.size {
            return Err(StoreError::Internal(
                "content is larger than announced".to_owned(),
            ));
        }
        Ok(())
    }

    async fn finish(self: Box<Self>) -> Result<StoredBlob, StoreError> {
        let mut state = self.store.state.lock();
        if state.broken_uploads > 0 {
            state.broken_uploads -= 1;
            return Err(StoreError::Unavailable("node lost"));
        }
        drop(state);
        let size = u32::try_from(self.content.len()).map_err(|_| Rejection::MessageTooLarge)?;
        let blob = self.store.put(self.content);
        Ok(StoredBlob { blob, size })
    }
}

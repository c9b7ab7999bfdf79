//! Octets of messages in the order asked.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::StreamExt;
use mail_message::Span;
use mailstore::ports::{BoxStream, Caller};
use mailstore::query::{ContentChunk, ContentRange, ContentTicket};
use mailstore::{MailboxId, StoreError};

use super::pieces::Piece;
use crate::account_store::AccountStore;

/// What became of a message whose octets were asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Readable {
    Yes,
    /// It does not exist any more.
    Gone,
    /// It exists, and no replica can read it at present.
    Damaged,
}

/// Reads ranges one after the other.
pub(super) struct ContentReader {
    store: Arc<AccountStore>,
    mailbox: MailboxId,
    /// Opens the content at every replica, where the leader has given one.
    ticket: Option<ContentTicket>,
    /// What is still to come; the first is cut down as its octets arrive.
    rest: VecDeque<ContentRange>,
    stream: Option<BoxStream<Result<ContentChunk, StoreError>>>,
    /// In whose name the stream was asked for.
    caller: Arc<Caller>,
    /// Looked at and not yet taken.
    peeked: Option<ContentChunk>,
}

impl ContentReader {
    pub(super) fn new(
        store: Arc<AccountStore>,
        (mailbox, ticket): (MailboxId, Option<ContentTicket>),
        ranges: Vec<ContentRange>,
    ) -> Self {
        Self {
            caller: store.caller(),
            store,
            mailbox,
            ticket,
            rest: ranges.into(),
            stream: None,
            peeked: None,
        }
    }

    /// Looks whether the message that the next pieces belong to can be answered. Unless it can, its
    /// pieces are passed over.
    pub(super) async fn look(&mut self, pieces: &[Piece]) -> Result<Readable, StoreError> {
        let ranges = pieces.iter().filter(|piece| piece.is_read()).count();
        if ranges == 0 {
            return Ok(Readable::Yes);
        }
        match self.next().await {
            Ok(chunk) => {
                let gone = chunk.missing;
                self.peeked = Some(chunk);
                if !gone {
                    return Ok(Readable::Yes);
                }
                self.skip(pieces).await?;
                Ok(Readable::Gone)
            }
            Err(StoreError::ContentUnavailable) => {
                // The stream has ended with this message: what comes behind it is asked for anew.
                self.stream = None;
                self.rest.drain(..ranges.min(self.rest.len()));
                Ok(Readable::Damaged)
            }
            Err(error) => Err(error),
        }
    }

    /// Passes over the ranges of these pieces.
    pub(super) async fn skip(&mut self, pieces: &[Piece]) -> Result<(), StoreError> {
        for _ in pieces.iter().filter(|piece| piece.is_read()) {
            while !self.next().await?.last {}
        }
        Ok(())
    }

    /// Reads one range whole; the caller has bounded it.
    pub(super) async fn collect(&mut self, span: Span) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        loop {
            let chunk = self.next().await?;
            bytes.extend_from_slice(&chunk.bytes);
            if bytes.len() > span.len() as usize {
                return Err(StoreError::Internal("content is longer than asked".to_owned()));
            }
            if chunk.last {
                return Ok(bytes);
            }
        }
    }

    /// Returns the next octets of the current range.
    pub(super) async fn next(&mut self) -> Result<ContentChunk, StoreError> {
        if let Some(chunk) = self.peeked.take() {
            return Ok(chunk);
        }
        loop {
            let stream = match &mut self.stream {
                Some(stream) => stream,
                None => {
                    let ranges: Vec<_> = self.rest.iter().copied().collect();
                    self.caller = self.store.caller();
                    let stream = match &self.ticket {
                        Some(ticket) => {
                            self.store
                                .content_by_ticket(self.mailbox, ticket, &ranges)
                                .await?
                        }
                        None => self.store.content(self.mailbox, &ranges).await?,
                    };
                    self.stream.insert(stream)
                }
            };
            match stream.next().await {
                Some(Ok(chunk)) => {
                    self.advance(&chunk);
                    return Ok(chunk);
                }
                // A client may read for longer than a token holds.
                Some(Err(StoreError::Unauthorized)) if self.store.has_renewed(&self.caller) => {
                    self.stream = None;
                }
                Some(Err(error)) => return Err(error),
                None => return Err(StoreError::Unavailable("content broke off")),
            }
        }
    }

    fn advance(&mut self, chunk: &ContentChunk) {
        if chunk.last {
            self.rest.pop_front();
        } else if let Some(range) = self.rest.front_mut() {
            let length = u32::try_from(chunk.bytes.len()).unwrap_or(u32::MAX);
            range.offset = range.offset.saturating_add(length);
            range.length = range.length.saturating_sub(length);
        }
    }
}

impl Piece {
    /// Tells whether octets of the message are read for it.
    pub(super) fn is_read(&self) -> bool {
        matches!(self, Self::Content(_) | Self::HeaderContent(_))
    }
}

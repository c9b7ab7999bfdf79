//! Reading and changing one account's mail.

use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;

use super::Caller;
use crate::command::Command;
use crate::error::StoreError;
use crate::event::Event;
use crate::ids::{BlobId, MailboxId, ModSeq, RequestId};
use crate::name::MailboxName;
use crate::query::{
    ContentChunk, ContentRange, ContentTicket, MailboxChanges, MailboxRef, MailboxTree, MessageAnswer,
    MessageParts, Quota,
};
use crate::reply::Reply;
use crate::search::{SearchProgram, SearchResult};
use crate::uid_set::UidSet;

/// A stream that can be sent between tasks.
pub type BoxStream<T> = Pin<Box<dyn Stream<Item = T> + Send>>;

/// Content that is durable on a majority of the group's replicas and may be named by a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoredBlob {
    /// Its name.
    pub blob: BlobId,
    /// The exact number of its octets.
    pub size: u32,
}

/// Content on its way in.
#[async_trait]
pub trait BlobUpload: Send {
    /// Adds octets, at most 64 KiB at a time. Waits while the store is behind.
    ///
    /// # Errors
    /// When the content cannot be stored; the upload is over.
    async fn push(&mut self, bytes: Bytes) -> Result<(), StoreError>;

    /// Ends the content and returns its name once a majority has it durably. Dropping an upload
    /// without this leaves nothing.
    ///
    /// # Errors
    /// When the content cannot be stored.
    async fn finish(self: Box<Self>) -> Result<StoredBlob, StoreError>;
}

/// Reading and changing one account's mail. Every call is checked against the caller's token.
#[async_trait]
pub trait Mail: Send + Sync {
    /// Commits a change and returns its reply. A retry under the same request id, on whatever path,
    /// returns the same reply and changes nothing.
    ///
    /// # Errors
    /// A rejection, or [`StoreError::OutcomeUnknown`] when it was given up on the way.
    async fn submit(
        &self,
        caller: &Caller,
        request: RequestId,
        command: Command,
    ) -> Result<Reply, StoreError>;

    /// Returns all mailboxes and subscriptions.
    ///
    /// # Errors
    /// When the storage cannot answer.
    async fn mailbox_tree(&self, caller: &Caller) -> Result<Arc<MailboxTree>, StoreError>;

    /// Returns limits and use.
    ///
    /// # Errors
    /// When the storage cannot answer.
    async fn quota(&self, caller: &Caller) -> Result<Quota, StoreError>;

    /// Returns what changed in a mailbox after `since`, everything for [`ModSeq::ZERO`].
    ///
    /// # Errors
    /// [`Rejection::NoSuchMailbox`](crate::Rejection::NoSuchMailbox), or when the storage cannot answer.
    async fn changes(
        &self,
        caller: &Caller,
        mailbox: &MailboxRef,
        since: ModSeq,
    ) -> Result<MailboxChanges, StoreError>;

    /// Returns records of messages in batches, ascending by UID. Messages that were expunged but not
    /// yet forgotten are included; others that do not exist are left out.
    ///
    /// # Errors
    /// When the storage cannot answer; the stream may end with one.
    async fn messages(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        uids: UidSet,
        parts: MessageParts,
    ) -> Result<BoxStream<Result<Vec<MessageAnswer>, StoreError>>, StoreError>;

    /// Returns octets of messages.
    ///
    /// # Errors
    /// When the storage cannot answer; the stream may end with one.
    async fn content(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        ranges: Vec<ContentRange>,
    ) -> Result<BoxStream<Result<ContentChunk, StoreError>>, StoreError>;

    /// As [`content`](Self::content), from any replica that has it, on a ticket that came with the messages. A port
    /// that knows no tickets asks the leader.
    ///
    /// # Errors
    /// As [`content`](Self::content). Of a single node also when it lacks the content, or does not believe the ticket.
    async fn content_by_ticket(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        ticket: ContentTicket,
        ranges: Vec<ContentRange>,
    ) -> Result<BoxStream<Result<ContentChunk, StoreError>>, StoreError> {
        drop(ticket);
        self.content(caller, mailbox, ranges).await
    }

    /// Finds messages.
    ///
    /// # Errors
    /// [`StoreError::Limit`] when the search costs more than one command may, or when the storage cannot
    /// answer.
    async fn search(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        program: SearchProgram,
    ) -> Result<SearchResult, StoreError>;

    /// Checks that a message of `size` octets may be added to the mailbox now: that it exists, quota,
    /// size limit, space on disk. Asked before a literal's `+`.
    ///
    /// # Errors
    /// The rejection that the APPEND would meet.
    async fn check_append(&self, caller: &Caller, mailbox: &MailboxName, size: u64)
    -> Result<(), StoreError>;

    /// Starts to store content of at most `size` octets.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`], [`StoreError::Overloaded`], or when the storage cannot be reached.
    async fn upload(&self, caller: &Caller, size: u64) -> Result<Box<dyn BlobUpload>, StoreError>;

    /// Returns hints of changes to one mailbox, and to the tree, from now on. Ends when the storage is
    /// lost: ask again and look for changes.
    ///
    /// # Errors
    /// When the storage cannot answer.
    async fn watch(
        &self,
        caller: &Caller,
        mailbox: Option<MailboxId>,
    ) -> Result<BoxStream<Event>, StoreError>;
}

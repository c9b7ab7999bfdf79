//! One account's mail at the leader of its group.

use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use mailstore::command::Command;
use mailstore::event::Event;
use mailstore::ids::{MailboxId, ModSeq, RequestId};
use mailstore::name::MailboxName;
use mailstore::ports::{BlobUpload, BoxStream, Caller, Mail, StorageNode};
use mailstore::query::{
    ContentChunk, ContentRange, ContentTicket, MailboxChanges, MailboxRef, MailboxTree, MessageAnswer,
    MessageParts, Quota,
};
use mailstore::search::{SearchProgram, SearchResult};
use mailstore::{Reply, StoreError, UidSet};

use crate::hedge::hedged_content;
use crate::resume::{RemainingRanges, resumed_content, resumed_messages};
use crate::router::Router;
use crate::spool::SpooledUpload;

#[async_trait]
impl Mail for Router {
    async fn submit(
        &self,
        caller: &Caller,
        request: RequestId,
        command: Command,
    ) -> Result<Reply, StoreError> {
        let command = &command;
        self.for_session(caller, |node| async move {
            node.submit(caller, request, command.clone()).await
        })
        .await
    }

    async fn mailbox_tree(&self, caller: &Caller) -> Result<Arc<MailboxTree>, StoreError> {
        self.for_session(caller, |node| async move { node.mailbox_tree(caller).await })
            .await
    }

    async fn quota(&self, caller: &Caller) -> Result<Quota, StoreError> {
        self.for_session(caller, |node| async move { node.quota(caller).await })
            .await
    }

    async fn changes(
        &self,
        caller: &Caller,
        mailbox: &MailboxRef,
        since: ModSeq,
    ) -> Result<MailboxChanges, StoreError> {
        self.for_session(caller, |node| async move {
            node.changes(caller, mailbox, since).await
        })
        .await
    }

    async fn messages(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        uids: UidSet,
        parts: MessageParts,
    ) -> Result<BoxStream<Result<Vec<MessageAnswer>, StoreError>>, StoreError> {
        // Where there is one replica only, a ticket would open no other door.
        let ticket = parts.ticket && self.candidates(self.group_of(caller.account)).len() > 1;
        let parts = MessageParts { ticket, ..parts };
        resumed_messages(self.clone(), caller.clone(), mailbox, uids, parts).await
    }

    async fn content(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        ranges: Vec<ContentRange>,
    ) -> Result<BoxStream<Result<ContentChunk, StoreError>>, StoreError> {
        let ranges = RemainingRanges { first: 0, ranges };
        resumed_content(self.clone(), caller.clone(), mailbox, ranges).await
    }

    async fn content_by_ticket(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        ticket: ContentTicket,
        ranges: Vec<ContentRange>,
    ) -> Result<BoxStream<Result<ContentChunk, StoreError>>, StoreError> {
        Ok(hedged_content(
            self.clone(),
            caller.clone(),
            (mailbox, ticket),
            ranges,
        ))
    }

    async fn search(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        program: SearchProgram,
    ) -> Result<SearchResult, StoreError> {
        let program = &program;
        self.for_session(caller, |node| async move {
            node.search(caller, mailbox, program.clone()).await
        })
        .await
    }

    async fn check_append(
        &self,
        caller: &Caller,
        mailbox: &MailboxName,
        size: u64,
    ) -> Result<(), StoreError> {
        self.for_session(caller, |node| async move {
            node.check_append(caller, mailbox, size).await
        })
        .await
    }

    async fn upload(&self, caller: &Caller, size: u64) -> Result<Box<dyn BlobUpload>, StoreError> {
        let target = crate::spool::Target::Account(caller.clone());
        Ok(Box::new(SpooledUpload::begin(self.clone(), target, size).await?))
    }

    async fn watch(
        &self,
        caller: &Caller,
        mailbox: Option<MailboxId>,
    ) -> Result<BoxStream<Event>, StoreError> {
        let watch = |node: Arc<dyn StorageNode>| async move {
            let events = node.watch(caller, mailbox).await?;
            Ok((node, events))
        };
        let (node, events) = self.for_session(caller, watch).await?;
        let lost = self.vigils().join(self.group_of(caller.account), &node, caller);
        Ok(events.take_until(lost).boxed())
    }
}

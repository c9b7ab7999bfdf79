//! One account's mail, for callers whose token says that it is theirs.

pub(crate) mod append;
mod messages;
mod search;

use std::sync::Arc;

use async_trait::async_trait;
use mailstore::command::{Command, Entry, Subject};
use mailstore::event::Event;
use mailstore::ids::{MailboxId, ModSeq, RequestId};
use mailstore::name::MailboxName;
use mailstore::ports::{BlobUpload, BoxStream, Caller, Mail};
use mailstore::query::{
    ContentChunk, ContentRange, MailboxChanges, MailboxRef, MailboxTree, MessageAnswer, MessageParts, Quota,
};
use mailstore::search::{SearchProgram, SearchResult};
use mailstore::{GroupId, Reply, StoreError, UidSet};

use crate::authorise::Right;
use crate::node::Node;

#[async_trait]
impl Mail for Node {
    async fn submit(&self, caller: &Caller, request: RequestId, command: Command) -> Result<Reply, StoreError> {
        let right = match command {
            Command::Mailbox(_) | Command::Message(_) => Right::Change,
            Command::Account(_) | Command::Address(_) => Right::Administer,
        };
        let group = self.authorise(caller, right)?;
        if request.session != caller.session {
            return Err(StoreError::Unauthorized);
        }
        let subject = Subject::Account(caller.account);
        let entry = Entry { subject, request: Some(request), time: self.environment().now(), command };
        self.replication().propose(group, entry).await
    }

    async fn mailbox_tree(&self, caller: &Caller) -> Result<Arc<MailboxTree>, StoreError> {
        let group = self.authorise(caller, Right::Read)?;
        self.read_account(group, caller.account, |rows| mailstore::read::mailbox_tree(rows)).await.map(Arc::new)
    }

    async fn quota(&self, caller: &Caller) -> Result<Quota, StoreError> {
        let group = self.authorise(caller, Right::Read)?;
        self.read_account(group, caller.account, |rows| mailstore::read::quota(rows)).await
    }

    async fn changes(
        &self,
        caller: &Caller,
        mailbox: &MailboxRef,
        since: ModSeq,
    ) -> Result<MailboxChanges, StoreError> {
        let group = self.authorise(caller, Right::Read)?;
        let mailbox = mailbox.clone();
        self.read_account(group, caller.account, move |rows| mailstore::read::changes(rows, &mailbox, since)).await
    }

    async fn messages(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        uids: UidSet,
        parts: MessageParts,
    ) -> Result<BoxStream<Result<Vec<MessageAnswer>, StoreError>>, StoreError> {
        let group = self.authorise(caller, Right::Read)?;
        self.replication().read_barrier(group).await?;
        Ok(messages::stream(self.clone(), group, caller.account, messages::Wanted { mailbox, uids, parts }))
    }

    async fn content(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        ranges: Vec<ContentRange>,
    ) -> Result<BoxStream<Result<ContentChunk, StoreError>>, StoreError> {
        let group = self.authorise(caller, Right::Read)?;
        self.replication().read_barrier(group).await?;
        messages::content(self.clone(), group, caller.account, mailbox, ranges).await
    }

    async fn search(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        program: SearchProgram,
    ) -> Result<SearchResult, StoreError> {
        let group = self.authorise(caller, Right::Read)?;
        self.replication().read_barrier(group).await?;
        search::search(self, group, caller.account, mailbox, program).await
    }

    async fn check_append(&self, caller: &Caller, mailbox: &MailboxName, size: u64) -> Result<(), StoreError> {
        let group = self.authorise(caller, Right::Change)?;
        append::check(self, group, caller.account, mailbox, size).await
    }

    async fn upload(&self, caller: &Caller, size: u64) -> Result<Box<dyn BlobUpload>, StoreError> {
        let group = self.authorise(caller, Right::Change)?;
        append::upload(self, group, size).await
    }

    async fn watch(
        &self,
        caller: &Caller,
        mailbox: Option<MailboxId>,
    ) -> Result<BoxStream<Event>, StoreError> {
        let group: GroupId = self.authorise(caller, Right::Read)?;
        self.replication().read_barrier(group).await?;
        Ok(self.hub().watch(caller.account, mailbox))
    }
}

//! One account's mail, for callers whose token says that it is theirs.

pub(crate) mod append;
mod content;
mod messages;
mod search;
mod ticket;

use std::sync::Arc;

use async_trait::async_trait;
use mailstore::command::{Command, Subject};
use mailstore::event::Event;
use mailstore::ids::{MailboxId, ModSeq, RequestId};
use mailstore::name::MailboxName;
use mailstore::ports::{BlobUpload, BoxStream, Caller, Mail};
use mailstore::query::{
    ContentChunk, ContentRange, ContentTicket, MailboxChanges, MailboxRef, MailboxTree, MessageAnswer,
    MessageParts, Quota,
};
use mailstore::search::{SearchProgram, SearchResult};
use mailstore::{Reply, StoreError, UidSet, read};

use crate::authorise::Right;
use crate::node::Node;
use crate::tables::{self, damaged};

#[async_trait]
impl Mail for Node {
    async fn submit(
        &self,
        caller: &Caller,
        request: RequestId,
        command: Command,
    ) -> Result<Reply, StoreError> {
        let right = match command {
            Command::Mailbox(_) | Command::Message(_) => Right::Change,
            Command::Account(_) | Command::Address(_) | Command::Slots(_) | Command::Rows(_) => {
                Right::Administer
            }
        };
        self.authorise(caller, right)?;
        if request.session != caller.session {
            return Err(StoreError::Unauthorized);
        }
        self.propose_for(Subject::Account(caller.account), Some(request), command)
            .await
    }

    async fn mailbox_tree(&self, caller: &Caller) -> Result<Arc<MailboxTree>, StoreError> {
        self.authorise(caller, Right::Read)?;
        let tree = self.read_account(caller.account, |rows| read::mailbox_tree(rows).map_err(damaged));
        tree.await.map(Arc::new)
    }

    async fn quota(&self, caller: &Caller) -> Result<Quota, StoreError> {
        self.authorise(caller, Right::Read)?;
        self.read_account(caller.account, tables::quota).await
    }

    async fn changes(
        &self,
        caller: &Caller,
        mailbox: &MailboxRef,
        since: ModSeq,
    ) -> Result<MailboxChanges, StoreError> {
        self.authorise(caller, Right::Read)?;
        let mailbox = mailbox.clone();
        self.read_account(caller.account, move |rows| tables::changes(rows, &mailbox, since))
            .await
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
        let wanted = messages::Wanted {
            group,
            caller: caller.clone(),
            mailbox,
            uids,
            parts,
        };
        Ok(messages::stream(self.clone(), wanted))
    }

    async fn content(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        ranges: Vec<ContentRange>,
    ) -> Result<BoxStream<Result<ContentChunk, StoreError>>, StoreError> {
        let group = self.authorise(caller, Right::Read)?;
        let place = messages::Place {
            group,
            account: caller.account,
            mailbox,
        };
        messages::content(self.clone(), place, ranges).await
    }

    async fn content_by_ticket(
        &self,
        caller: &Caller,
        _: MailboxId,
        ticket: ContentTicket,
        ranges: Vec<ContentRange>,
    ) -> Result<BoxStream<Result<ContentChunk, StoreError>>, StoreError> {
        let group = self.authorise(caller, Right::Read)?;
        self.check_ticket(caller, &ticket)?;
        messages::content_of(self.clone(), group, &ticket, ranges)
    }

    async fn search(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        program: SearchProgram,
    ) -> Result<SearchResult, StoreError> {
        let group = self.authorise(caller, Right::Read)?;
        search::search(self, group, caller.account, mailbox, program).await
    }

    async fn check_append(
        &self,
        caller: &Caller,
        mailbox: &MailboxName,
        size: u64,
    ) -> Result<(), StoreError> {
        self.authorise(caller, Right::Change)?;
        append::check(self, caller.account, mailbox, size).await
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
        self.authorise(caller, Right::Read)?;
        let hints = self.hub().watch(caller.account, mailbox);
        // An account that moved before it was watched has sent nobody away.
        self.read_account(caller.account, |_| Ok(())).await?;
        Ok(hints)
    }
}

//! One session's way to the storage: its token and its request ids.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use bytes::Bytes;
use mailstore::command::{Command, MailboxCommand, MessageCommand};
use mailstore::event::Event;
use mailstore::name::MailboxName;
use mailstore::ports::{BlobUpload, BoxStream, Caller};
use mailstore::query::{
    ContentChunk, ContentRange, ContentTicket, MailboxChanges, MailboxRef, MailboxTree, MessageAnswer,
    MessageParts, Quota,
};
use mailstore::search::{SearchProgram, SearchResult};
use mailstore::{AccountId, MailboxId, ModSeq, Reply, RequestId, StoreError, UidSet};
use tracing::Instrument;

use crate::services::Services;

/// The storage as one session sees it.
///
/// The ports are patient: they find the leader, and repeat what fails for a passing reason under the same request
/// id. To the client the loss of a storage node is a slow command, and an error of a port is the last word.
pub(crate) struct AccountStore {
    services: Arc<Services>,
    account: AccountId,
    caller: ArcSwap<Caller>,
    requests: AtomicU64,
}

impl AccountStore {
    pub(crate) fn new(services: Arc<Services>, caller: Caller) -> Self {
        Self {
            services,
            account: caller.account,
            caller: ArcSwap::from_pointee(caller),
            requests: AtomicU64::new(0),
        }
    }

    pub(crate) fn account(&self) -> AccountId {
        self.account
    }

    pub(crate) fn caller(&self) -> Arc<Caller> {
        self.caller.load_full()
    }

    /// Takes a renewed token for the calls from now on.
    pub(crate) fn renew_token(&self, token: Bytes) {
        let caller = self.caller.load();
        self.caller.store(Arc::new(Caller {
            token,
            ..(**caller).clone()
        }));
    }

    /// Commits a change. It runs on in a task of its own if the caller is dropped: a commit in flight
    /// outlives the connection that asked for it.
    pub(crate) async fn submit(self: &Arc<Self>, command: Command) -> Result<Reply, StoreError> {
        let request = RequestId {
            session: self.caller.load().session,
            sequence: self.requests.fetch_add(1, Ordering::Relaxed) + 1,
            created: self.services.environment.now(),
        };
        let store = Arc::clone(self);
        let span = tracing::Span::current();
        let commit = async move {
            let mail = &store.services.mail;
            store
                .call("submit", |caller| {
                    let command = command.clone();
                    async move { mail.submit(&caller, request, command).await }
                })
                .await
        };
        let task = self.services.tasks.spawn(commit.instrument(span));
        task.await
            .unwrap_or_else(|error| Err(StoreError::Internal(format!("commit task: {error}"))))
    }

    pub(crate) async fn change_messages(
        self: &Arc<Self>,
        command: MessageCommand,
    ) -> Result<Reply, StoreError> {
        self.submit(Command::Message(command)).await
    }

    pub(crate) async fn change_mailboxes(
        self: &Arc<Self>,
        command: MailboxCommand,
    ) -> Result<Reply, StoreError> {
        self.submit(Command::Mailbox(command)).await
    }

    pub(crate) async fn mailbox_tree(&self) -> Result<Arc<MailboxTree>, StoreError> {
        let mail = &self.services.mail;
        self.call("mailbox_tree", |caller| async move {
            mail.mailbox_tree(&caller).await
        })
        .await
    }

    pub(crate) async fn quota(&self) -> Result<Quota, StoreError> {
        let mail = &self.services.mail;
        self.call("quota", |caller| async move { mail.quota(&caller).await })
            .await
    }

    pub(crate) async fn changes(
        &self,
        mailbox: &MailboxRef,
        since: ModSeq,
    ) -> Result<MailboxChanges, StoreError> {
        let mail = &self.services.mail;
        self.call("changes", |caller| async move {
            mail.changes(&caller, mailbox, since).await
        })
        .await
    }

    pub(crate) async fn messages(
        &self,
        mailbox: MailboxId,
        uids: &UidSet,
        parts: MessageParts,
    ) -> Result<BoxStream<Result<Vec<MessageAnswer>, StoreError>>, StoreError> {
        let mail = &self.services.mail;
        self.call("messages", |caller| async move {
            mail.messages(&caller, mailbox, uids.clone(), parts).await
        })
        .await
    }

    pub(crate) async fn content(
        &self,
        mailbox: MailboxId,
        ranges: &[ContentRange],
    ) -> Result<BoxStream<Result<ContentChunk, StoreError>>, StoreError> {
        let mail = &self.services.mail;
        self.call("content", |caller| async move {
            mail.content(&caller, mailbox, ranges.to_vec()).await
        })
        .await
    }

    /// As [`content`](Self::content), on a ticket that came with the messages.
    pub(crate) async fn content_by_ticket(
        &self,
        mailbox: MailboxId,
        ticket: &ContentTicket,
        ranges: &[ContentRange],
    ) -> Result<BoxStream<Result<ContentChunk, StoreError>>, StoreError> {
        let mail = &self.services.mail;
        self.call("content", |caller| async move {
            mail.content_by_ticket(&caller, mailbox, ticket.clone(), ranges.to_vec())
                .await
        })
        .await
    }

    pub(crate) async fn search(
        &self,
        mailbox: MailboxId,
        program: &SearchProgram,
    ) -> Result<SearchResult, StoreError> {
        let mail = &self.services.mail;
        self.call("search", |caller| async move {
            mail.search(&caller, mailbox, program.clone()).await
        })
        .await
    }

    pub(crate) async fn check_append(&self, mailbox: &MailboxName, size: u64) -> Result<(), StoreError> {
        let mail = &self.services.mail;
        self.call("check_append", |caller| async move {
            mail.check_append(&caller, mailbox, size).await
        })
        .await
    }

    pub(crate) async fn upload(&self, size: u64) -> Result<Box<dyn BlobUpload>, StoreError> {
        let mail = &self.services.mail;
        self.call("upload", |caller| async move { mail.upload(&caller, size).await })
            .await
    }

    /// Returns hints of changes. Not retried: whoever watches asks again in its own time.
    pub(crate) async fn watch(&self, mailbox: Option<MailboxId>) -> Result<BoxStream<Event>, StoreError> {
        self.services.mail.watch(&self.caller(), mailbox).await
    }

    /// Makes a call in the session's name. It is made again if the token ran out on the way and was renewed.
    async fn call<T, F, Fut>(&self, name: &'static str, call: F) -> Result<T, StoreError>
    where
        F: Fn(Arc<Caller>) -> Fut,
        Fut: Future<Output = Result<T, StoreError>>,
    {
        let span = tracing::debug_span!("storage.call", call = name);
        let caller = self.caller();
        let answer = call(Arc::clone(&caller)).instrument(span.clone()).await;
        match answer {
            Err(StoreError::Unauthorized) if self.has_renewed(&caller) => {
                call(self.caller()).instrument(span).await
            }
            answer => answer,
        }
    }

    /// Tells whether the session has another token by now than the one in this caller.
    pub(crate) fn has_renewed(&self, caller: &Caller) -> bool {
        self.caller.load().token != caller.token
    }
}

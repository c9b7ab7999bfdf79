//! One session's way to the storage: its token, its request ids, and patience while a leader changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use mailstore::command::{Command, MailboxCommand, MessageCommand};
use mailstore::event::Event;
use mailstore::name::MailboxName;
use mailstore::ports::{BlobUpload, BoxStream, Caller};
use mailstore::query::{
    ContentChunk, ContentRange, MailboxChanges, MailboxRef, MailboxTree, MessageAnswer, MessageParts, Quota,
};
use mailstore::search::{SearchProgram, SearchResult};
use mailstore::{AccountId, MailboxId, ModSeq, Reply, RequestId, StoreError, UidSet};
use tokio::time::Instant;
use tracing::Instrument;

use crate::environment::random_u32;
use crate::services::Services;

/// Wait before the first retry; doubled each time up to [`BACKOFF_MAX`].
const BACKOFF_MIN: Duration = Duration::from_millis(25);
const BACKOFF_MAX: Duration = Duration::from_secs(2);
/// The call that changes something.
const SUBMIT: &str = "submit";

/// The storage as one session sees it.
///
/// Calls that fail for a passing reason are repeated, changes under the same request id, until the
/// configured patience is used up: to the client the loss of a storage node is a slow command.
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

    /// Returns how long calls are repeated.
    pub(crate) fn patience(&self) -> Duration {
        self.services.options.times.storage_patience
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
                .patiently(SUBMIT, |caller| {
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
        self.patiently("mailbox_tree", |caller| async move {
            mail.mailbox_tree(&caller).await
        })
        .await
    }

    pub(crate) async fn quota(&self) -> Result<Quota, StoreError> {
        let mail = &self.services.mail;
        self.patiently("quota", |caller| async move { mail.quota(&caller).await })
            .await
    }

    pub(crate) async fn changes(
        &self,
        mailbox: &MailboxRef,
        since: ModSeq,
    ) -> Result<MailboxChanges, StoreError> {
        let mail = &self.services.mail;
        self.patiently("changes", |caller| async move {
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
        self.patiently("messages", |caller| async move {
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
        self.patiently("content", |caller| async move {
            mail.content(&caller, mailbox, ranges.to_vec()).await
        })
        .await
    }

    pub(crate) async fn search(
        &self,
        mailbox: MailboxId,
        program: &SearchProgram,
    ) -> Result<SearchResult, StoreError> {
        let mail = &self.services.mail;
        self.patiently("search", |caller| async move {
            mail.search(&caller, mailbox, program.clone()).await
        })
        .await
    }

    pub(crate) async fn check_append(&self, mailbox: &MailboxName, size: u64) -> Result<(), StoreError> {
        let mail = &self.services.mail;
        self.patiently("check_append", |caller| async move {
            mail.check_append(&caller, mailbox, size).await
        })
        .await
    }

    pub(crate) async fn upload(&self, size: u64) -> Result<Box<dyn BlobUpload>, StoreError> {
        let mail = &self.services.mail;
        self.patiently("upload", |caller| async move { mail.upload(&caller, size).await })
            .await
    }

    /// Returns hints of changes. Not retried: whoever watches asks again in its own time.
    pub(crate) async fn watch(&self, mailbox: Option<MailboxId>) -> Result<BoxStream<Event>, StoreError> {
        self.services.mail.watch(&self.caller(), mailbox).await
    }

    /// Repeats a call that fails for a passing reason until patience is used up.
    async fn patiently<T, F, Fut>(&self, name: &'static str, mut call: F) -> Result<T, StoreError>
    where
        F: FnMut(Arc<Caller>) -> Fut,
        Fut: Future<Output = Result<T, StoreError>>,
    {
        let deadline = Instant::now() + self.patience();
        let mut backoff = BACKOFF_MIN;
        loop {
            let span = tracing::debug_span!("storage.call", call = name);
            let answer = call(self.caller()).instrument(span);
            let error = match tokio::time::timeout_at(deadline, answer).await {
                Ok(Err(error)) if error.is_retryable() => error,
                Ok(result) => return result,
                // A change may have been made all the same.
                Err(_) if name == SUBMIT => return Err(StoreError::OutcomeUnknown),
                Err(_) => return Err(StoreError::Unavailable("no answer in time")),
            };
            let wait = self.jittered(backoff);
            if Instant::now() + wait >= deadline {
                return Err(error);
            }
            tracing::debug!(%error, ?wait, "storage call is tried again");
            tokio::time::sleep(wait).await;
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    /// Returns a time between half of `backoff` and all of it, so that the sessions of a lost leader do
    /// not come back in step.
    fn jittered(&self, backoff: Duration) -> Duration {
        let random = random_u32(&*self.services.environment);
        backoff.mul_f64(0.5 + f64::from(random) / f64::from(u32::MAX) / 2.0)
    }
}

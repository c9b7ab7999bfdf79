//! A storage node as a proxy reaches it: over the network, and only while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use mailstore::account::Credentials;
use mailstore::address::{Address, AddressRecord};
use mailstore::command::{Command, Subject};
use mailstore::event::Event;
use mailstore::name::MailboxName;
use mailstore::ports::{
    BlobUpload, BoxStream, Caller, Delivered, DeliveryEnvelope, LoginRequest, Mail, NodeAdmin, NodeDelivery,
    NodeLogin, NodeStatus, SaslExchange, SecretChange, SessionInfo, SessionNotice, StoredBlob,
};
use mailstore::query::{
    AccountInfo, ContentChunk, ContentRange, MailboxChanges, MailboxRef, MailboxTree, MessageAnswer,
    MessageParts, Quota,
};
use mailstore::search::{SearchProgram, SearchResult};
use mailstore::{AccountId, GroupId, MailboxId, ModSeq, Reply, RequestId, SessionId, StoreError, UidSet};
use storage_node::Node;
use tokio_util::sync::CancellationToken;

use crate::mutation::Mutation;
use crate::network::Network;
use crate::way::Way;

/// The way from one proxy to whatever runs on one machine.
pub(crate) struct Remote {
    way: Way,
    mutation: Option<Mutation>,
    attempts: AtomicU64,
}

impl Remote {
    /// Returns the way from a process, which ends with `process`.
    pub(crate) fn new(network: &Network, from: &str, to: &str, process: CancellationToken) -> Self {
        Self {
            way: Way::new(network, from, to, process),
            mutation: None,
            attempts: AtomicU64::new(0),
        }
    }

    /// Puts a defect into it.
    pub(crate) fn with_mutation(mut self, mutation: Option<Mutation>) -> Self {
        self.mutation = mutation;
        self
    }

    async fn call<T, C, F>(&self, call: C) -> Result<T, StoreError>
    where
        C: FnOnce(Node) -> F,
        F: Future<Output = Result<T, StoreError>>,
    {
        self.way.call(call).await.map(|(answer, _)| answer)
    }

    /// Makes a call that is answered with a stream, which fails when the node goes away.
    async fn stream<T, C, F>(&self, call: C) -> Result<BoxStream<Result<T, StoreError>>, StoreError>
    where
        T: Send + 'static,
        C: FnOnce(Node) -> F,
        F: Future<Output = Result<BoxStream<Result<T, StoreError>>, StoreError>>,
    {
        let (items, gone) = self.way.call(call).await?;
        Ok(self.way.items(items, gone))
    }

    /// Makes a call that is answered with events, which end when the node goes away.
    async fn events<T, C, F>(&self, call: C) -> Result<BoxStream<T>, StoreError>
    where
        T: Send + 'static,
        C: FnOnce(Node) -> F,
        F: Future<Output = Result<BoxStream<T>, StoreError>>,
    {
        let (events, gone) = self.way.call(call).await?;
        Ok(self.way.events(events, gone))
    }

    async fn begin_upload<C, F>(&self, call: C) -> Result<Box<dyn BlobUpload>, StoreError>
    where
        C: FnOnce(Node) -> F,
        F: Future<Output = Result<Box<dyn BlobUpload>, StoreError>>,
    {
        let (upload, gone) = self.way.call(call).await?;
        Ok(self.way.upload(upload, gone))
    }
}

#[async_trait]
impl Mail for Remote {
    async fn submit(
        &self,
        caller: &Caller,
        request: RequestId,
        command: Command,
    ) -> Result<Reply, StoreError> {
        let request = match self.mutation {
            Some(Mutation::RetryUnderNewId) => RequestId {
                sequence: request.sequence + (self.attempts.fetch_add(1, Ordering::Relaxed) << 32),
                ..request
            },
            _ => request,
        };
        self.call(|node| async move { node.submit(caller, request, command).await })
            .await
    }

    async fn mailbox_tree(&self, caller: &Caller) -> Result<Arc<MailboxTree>, StoreError> {
        self.call(|node| async move { node.mailbox_tree(caller).await })
            .await
    }

    async fn quota(&self, caller: &Caller) -> Result<Quota, StoreError> {
        self.call(|node| async move { node.quota(caller).await }).await
    }

    async fn changes(
        &self,
        caller: &Caller,
        mailbox: &MailboxRef,
        since: ModSeq,
    ) -> Result<MailboxChanges, StoreError> {
        let changes = self
            .call(|node| async move { node.changes(caller, mailbox, since).await })
            .await?;
        Ok(match self.mutation {
            Some(Mutation::SwallowExpunge) => crate::mutation::without_one_expunge(changes),
            _ => changes,
        })
    }

    async fn messages(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        uids: UidSet,
        parts: MessageParts,
    ) -> Result<BoxStream<Result<Vec<MessageAnswer>, StoreError>>, StoreError> {
        self.stream(|node| async move { node.messages(caller, mailbox, uids, parts).await })
            .await
    }

    async fn content(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        ranges: Vec<ContentRange>,
    ) -> Result<BoxStream<Result<ContentChunk, StoreError>>, StoreError> {
        self.stream(|node| async move { node.content(caller, mailbox, ranges).await })
            .await
    }

    async fn search(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        program: SearchProgram,
    ) -> Result<SearchResult, StoreError> {
        self.call(|node| async move { node.search(caller, mailbox, program).await })
            .await
    }

    async fn check_append(
        &self,
        caller: &Caller,
        mailbox: &MailboxName,
        size: u64,
    ) -> Result<(), StoreError> {
        self.call(|node| async move { node.check_append(caller, mailbox, size).await })
            .await
    }

    async fn upload(&self, caller: &Caller, size: u64) -> Result<Box<dyn BlobUpload>, StoreError> {
        self.begin_upload(|node| async move { node.upload(caller, size).await })
            .await
    }

    async fn watch(
        &self,
        caller: &Caller,
        mailbox: Option<MailboxId>,
    ) -> Result<BoxStream<Event>, StoreError> {
        self.events(|node| async move { node.watch(caller, mailbox).await })
            .await
    }
}

#[async_trait]
impl NodeLogin for Remote {
    async fn address_record(&self, address: &Address) -> Result<Option<AddressRecord>, StoreError> {
        self.call(|node| async move { node.address_record(address).await })
            .await
    }

    async fn begin_login_at(
        &self,
        account: Option<AccountId>,
        request: LoginRequest,
    ) -> Result<Box<dyn SaslExchange>, StoreError> {
        let (exchange, gone) = self
            .way
            .call(|node| async move { node.begin_login_at(account, request).await })
            .await?;
        Ok(self.way.exchange(exchange, gone))
    }

    async fn notices(&self, caller: &Caller) -> Result<BoxStream<SessionNotice>, StoreError> {
        self.events(|node| async move { node.notices(caller).await })
            .await
    }

    async fn end_session(&self, caller: &Caller) -> Result<(), StoreError> {
        self.call(|node| async move { node.end_session(caller).await })
            .await
    }
}

#[async_trait]
impl NodeDelivery for Remote {
    async fn check_delivery(&self, account: AccountId, size: u64) -> Result<(), StoreError> {
        self.call(|node| async move { node.check_delivery(account, size).await })
            .await
    }

    async fn upload_to_group(&self, group: GroupId, size: u64) -> Result<Box<dyn BlobUpload>, StoreError> {
        self.begin_upload(|node| async move { node.upload_to_group(group, size).await })
            .await
    }

    async fn deliver(
        &self,
        account: AccountId,
        detail: Option<&str>,
        content: StoredBlob,
        envelope: &DeliveryEnvelope,
    ) -> Result<Delivered, StoreError> {
        self.call(
            |node| async move { NodeDelivery::deliver(&node, account, detail, content, envelope).await },
        )
        .await
    }
}

#[async_trait]
impl NodeAdmin for Remote {
    async fn propose(
        &self,
        subject: Subject,
        request: Option<RequestId>,
        command: Command,
    ) -> Result<Reply, StoreError> {
        self.call(|node| async move { node.propose(subject, request, command).await })
            .await
    }

    async fn derive_credentials(&self, secret: SecretChange) -> Result<Credentials, StoreError> {
        self.call(|node| async move { node.derive_credentials(secret).await })
            .await
    }

    async fn account(&self, account: AccountId) -> Result<AccountInfo, StoreError> {
        self.call(|node| async move { node.account(account).await }).await
    }

    async fn account_tree(&self, account: AccountId) -> Result<MailboxTree, StoreError> {
        self.call(|node| async move { node.account_tree(account).await })
            .await
    }

    async fn accounts(
        &self,
        group: GroupId,
    ) -> Result<BoxStream<Result<AccountInfo, StoreError>>, StoreError> {
        self.stream(|node| async move { node.accounts(group).await })
            .await
    }

    async fn sessions(&self, account: Option<AccountId>) -> Result<Vec<SessionInfo>, StoreError> {
        self.call(|node| async move { node.sessions(account).await })
            .await
    }

    async fn kick(&self, account: AccountId, session: Option<SessionId>) -> Result<u64, StoreError> {
        self.call(|node| async move { node.kick(account, session).await })
            .await
    }

    async fn node_status(&self) -> Result<NodeStatus, StoreError> {
        self.call(|node| async move { node.node_status().await }).await
    }
}

//! A storage node that answers by rote.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use mailstore::account::Credentials;
use mailstore::address::{Address, AddressRecord};
use mailstore::command::{Command, MailboxCommand, Subject};
use mailstore::event::Event;
use mailstore::ids::{AccountId, GroupId, MailboxId, ModSeq, RequestId, SessionId};
use mailstore::name::MailboxName;
use mailstore::ports::{
    BlobUpload, BoxStream, Caller, Delivered, DeliveryEnvelope, LoginRequest, Mail, NodeAdmin, NodeDelivery,
    NodeLogin, NodeStatus, SaslExchange, SecretChange, SessionInfo, SessionNotice, StoredBlob,
};
use mailstore::query::{
    AccountInfo, ContentChunk, ContentRange, ContentTicket, MailboxChanges, MailboxRef, MailboxTree,
    MessageAnswer, MessageParts, Quota,
};
use mailstore::search::{SearchProgram, SearchResult};
use mailstore::time::Timestamp;
use mailstore::{Reply, StoreError, UidSet};
use parking_lot::Mutex;

type Answer<T> = Result<T, StoreError>;

const DOWN: StoreError = StoreError::Unavailable("down");

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Leader,
    Follower,
    Down,
}

/// A storage node that leads every group or none. The outcome of the first change is lost.
pub(super) struct FakeNode {
    part: Part,
    sessions: Mutex<Vec<SessionInfo>>,
    lost_one: AtomicBool,
    /// How long it takes to give content on a ticket, and what it gives; nothing when it lacks it.
    pub(super) content: Mutex<(Duration, Option<Vec<ContentChunk>>)>,
    /// How often it was asked for content on a ticket, and which ranges the last time.
    pub(super) asked: Mutex<(usize, Vec<ContentRange>)>,
    /// The names of the changes that it was asked for.
    pub(super) requests: Mutex<Vec<Option<RequestId>>>,
}

/// A session of some account.
pub(super) fn session(number: u8) -> SessionInfo {
    SessionInfo {
        session: SessionId([number; 16]),
        account: AccountId([1; 16]),
        address: Address::parse("demo@example.org").expect("an address"),
        protocol: "imap".into(),
        peer: "::1".into(),
        proxy: "proxy-1".into(),
        since: Timestamp(0),
    }
}

impl FakeNode {
    fn new(part: Part, sessions: Vec<SessionInfo>) -> Self {
        Self {
            part,
            sessions: Mutex::new(sessions),
            lost_one: AtomicBool::new(false),
            content: Mutex::default(),
            asked: Mutex::default(),
            requests: Mutex::default(),
        }
    }

    pub(super) fn leading() -> Self {
        Self::new(Part::Leader, Vec::new())
    }

    pub(super) fn following(sessions: Vec<SessionInfo>) -> Self {
        Self::new(Part::Follower, sessions)
    }

    pub(super) fn down() -> Self {
        Self::new(Part::Down, Vec::new())
    }

    fn as_leader<T>(&self, value: T) -> Answer<T> {
        match self.part {
            Part::Leader => Ok(value),
            Part::Follower => Err(StoreError::NotLeader { hint: None }),
            Part::Down => Err(DOWN),
        }
    }

    fn if_up<T>(&self, value: impl FnOnce() -> T) -> Answer<T> {
        if self.part == Part::Down {
            Err(DOWN)
        } else {
            Ok(value())
        }
    }
}

#[async_trait]
impl NodeAdmin for FakeNode {
    async fn propose(&self, _: Subject, request: Option<RequestId>, command: Command) -> Answer<Reply> {
        self.as_leader(())?;
        self.requests.lock().push(request);
        if !self.lost_one.swap(true, Ordering::SeqCst) {
            return Err(StoreError::OutcomeUnknown);
        }
        Ok(match command {
            Command::Mailbox(MailboxCommand::Create { .. }) => Reply::Created {
                mailbox: MailboxId(7),
            },
            _ => Reply::Done,
        })
    }

    async fn derive_credentials(&self, _: SecretChange) -> Answer<Credentials> {
        Err(DOWN)
    }

    async fn account(&self, _: AccountId) -> Answer<AccountInfo> {
        Err(DOWN)
    }

    async fn account_tree(&self, _: AccountId) -> Answer<MailboxTree> {
        Err(DOWN)
    }

    async fn accounts(&self, _: GroupId) -> Answer<BoxStream<Answer<AccountInfo>>> {
        self.as_leader(futures::stream::empty().boxed())
    }

    async fn sessions(&self, _: Option<AccountId>) -> Answer<Vec<SessionInfo>> {
        self.if_up(|| self.sessions.lock().clone())
    }

    async fn kick(&self, _: AccountId, _: Option<SessionId>) -> Answer<u64> {
        self.if_up(|| std::mem::take(&mut *self.sessions.lock()).len() as u64)
    }

    async fn node_status(&self) -> Answer<NodeStatus> {
        Err(DOWN)
    }
}

#[async_trait]
impl NodeLogin for FakeNode {
    async fn address_record(&self, _: &Address) -> Answer<Option<AddressRecord>> {
        Err(DOWN)
    }

    async fn begin_login_at(&self, _: Option<AccountId>, _: LoginRequest) -> Answer<Box<dyn SaslExchange>> {
        Err(DOWN)
    }

    async fn notices(&self, _: &Caller) -> Answer<BoxStream<SessionNotice>> {
        Err(DOWN)
    }

    async fn end_session(&self, _: &Caller) -> Answer<()> {
        Err(DOWN)
    }
}

#[async_trait]
impl NodeDelivery for FakeNode {
    async fn check_delivery(&self, _: AccountId, _: u64) -> Answer<()> {
        Err(DOWN)
    }

    async fn upload_to_group(&self, _: GroupId, _: u64) -> Answer<Box<dyn BlobUpload>> {
        Err(DOWN)
    }

    async fn deliver(
        &self,
        _: AccountId,
        _: Option<&str>,
        _: StoredBlob,
        _: &DeliveryEnvelope,
    ) -> Answer<Delivered> {
        Err(DOWN)
    }
}

#[async_trait]
impl Mail for FakeNode {
    async fn submit(&self, _: &Caller, _: RequestId, _: Command) -> Answer<Reply> {
        Err(DOWN)
    }

    async fn mailbox_tree(&self, _: &Caller) -> Answer<Arc<MailboxTree>> {
        Err(DOWN)
    }

    async fn quota(&self, _: &Caller) -> Answer<Quota> {
        Err(DOWN)
    }

    async fn changes(&self, _: &Caller, _: &MailboxRef, _: ModSeq) -> Answer<MailboxChanges> {
        Err(DOWN)
    }

    async fn messages(
        &self,
        _: &Caller,
        _: MailboxId,
        _: UidSet,
        _: MessageParts,
    ) -> Answer<BoxStream<Answer<Vec<MessageAnswer>>>> {
        Err(DOWN)
    }

    async fn content(
        &self,
        _: &Caller,
        _: MailboxId,
        _: Vec<ContentRange>,
    ) -> Answer<BoxStream<Answer<ContentChunk>>> {
        Err(DOWN)
    }

    async fn content_by_ticket(
        &self,
        _: &Caller,
        _: MailboxId,
        _: ContentTicket,
        ranges: Vec<ContentRange>,
    ) -> Answer<BoxStream<Answer<ContentChunk>>> {
        self.if_up(|| ())?;
        let (delay, chunks) = self.content.lock().clone();
        let asked = self.asked.lock().0 + 1;
        *self.asked.lock() = (asked, ranges);
        tokio::time::sleep(delay).await;
        let chunks = chunks.ok_or(StoreError::ContentUnavailable)?;
        let chunks = chunks.into_iter().map(Ok);
        // A stream that ends early is one that broke off.
        Ok(futures::stream::iter(chunks).boxed())
    }

    async fn search(&self, _: &Caller, _: MailboxId, _: SearchProgram) -> Answer<SearchResult> {
        Err(DOWN)
    }

    async fn check_append(&self, _: &Caller, _: &MailboxName, _: u64) -> Answer<()> {
        Err(DOWN)
    }

    async fn upload(&self, _: &Caller, _: u64) -> Answer<Box<dyn BlobUpload>> {
        Err(DOWN)
    }

    async fn watch(&self, _: &Caller, _: Option<MailboxId>) -> Answer<BoxStream<Event>> {
        Err(DOWN)
    }
}

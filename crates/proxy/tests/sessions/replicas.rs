//! Storage nodes that share one store in memory: what one has applied the others have, as replicas do. One leads,
//! and loses its office at the moment that a test names.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cluster::{AccountDefaults, Layout, Patience, Router, RouterOptions, SpoolOptions};
use futures::{StreamExt, stream};
use mailstore::account::{Credentials, QuotaLimits};
use mailstore::address::{Address, AddressRecord, AddressState};
use mailstore::command::{Command, Subject};
use mailstore::event::Event;
use mailstore::name::MailboxName;
use mailstore::ports::{
    Authentication, BlobUpload, BoxStream, Caller, Delivered, DeliveryEnvelope, LoginRequest, Mail,
    NodeAdmin, NodeDelivery, NodeLogin, NodeStatus, SaslExchange, SaslOutcome, SecretChange, SessionInfo,
    SessionNotice, StorageNode, StoredBlob,
};
use mailstore::query::{
    AccountInfo, ContentChunk, ContentRange, ContentTicket, MailboxChanges, MailboxRef, MailboxTree,
    MessageAnswer, MessageParts, Quota,
};
use mailstore::search::{SearchProgram, SearchResult};
use mailstore::time::Timestamp;
use mailstore::{AccountId, GroupId, MailboxId, ModSeq, Reply, RequestId, SessionId, StoreError, UidSet};
use parking_lot::Mutex;
use testkit::MemoryStore;

use tokio_util::sync::CancellationToken;

type Answer<T> = Result<T, StoreError>;

const NODES: usize = 3;
/// How long nobody leads after a leader was lost.
const ELECTION: Duration = Duration::from_millis(1200);
const NOT_HERE: StoreError = StoreError::Unavailable("not a part of these tests");

/// How a leader loses its office.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Loss {
    /// It is killed before it has done what it was asked for: connections and streams break.
    KilledBefore,
    /// It is killed when that was done: the answer is lost.
    KilledAfter,
    /// Another node takes over as planned; this one goes on as a follower.
    Transferred,
    /// It stays, and nothing reaches it any more: calls break, and streams of hints stay open without a word.
    Silenced,
}

impl Loss {
    pub const ALL: [Self; 4] = [
        Self::KilledBefore,
        Self::KilledAfter,
        Self::Transferred,
        Self::Silenced,
    ];
}

/// The storage nodes of one group.
#[derive(Clone)]
pub struct Replicas {
    state: Arc<Mutex<State>>,
    store: MemoryStore,
}

struct State {
    leader: usize,
    /// Nobody leads before.
    led_from: Option<tokio::time::Instant>,
    nodes: [NodeState; NODES],
    /// Moments so far at which the leader could have been lost.
    moments: u64,
    planned: Option<(u64, Loss)>,
}

#[derive(Clone, Default)]
struct NodeState {
    lost: Option<Loss>,
    /// Cancelled when its streams break.
    broken: CancellationToken,
}

/// One of the nodes.
#[derive(Clone)]
struct Replica {
    replicas: Replicas,
    index: usize,
}

impl Replicas {
    pub fn new(store: &MemoryStore) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                leader: 0,
                led_from: None,
                nodes: Default::default(),
                moments: 0,
                planned: None,
            })),
            store: store.clone(),
        }
    }

    /// Returns a router over the nodes.
    pub fn router(&self) -> Router {
        let names: Vec<String> = (0..NODES).map(name).collect();
        let layout = Layout::initial(&names, 1, NODES).expect("a layout");
        let node = |index| {
            let replicas = self.clone();
            Arc::new(Replica { replicas, index }) as Arc<dyn StorageNode>
        };
        let nodes: BTreeMap<_, _> = (0..NODES).map(|index| (name(index), node(index))).collect();
        let options = RouterOptions {
            patience: Patience::default(),
            spool: SpoolOptions::default(),
            accounts: AccountDefaults {
                limits: QuotaLimits::default(),
                mailboxes: Vec::new(),
                retention: Duration::ZERO,
            },
            clock: Arc::new(|| Timestamp(1_767_225_600_000)),
        };
        Router::with_random(
            layout,
            nodes,
            options,
            Arc::new(|buffer: &mut [u8]| buffer.fill(7)),
        )
    }

    /// Lets the leader lose its office at this moment, counted from now on; 0 is the next.
    pub fn lose_leader_at(&self, moment: u64, loss: Loss) {
        let mut state = self.state.lock();
        state.planned = Some((state.moments + moment, loss));
    }

    /// Takes the office from the leader now.
    pub fn lose_leader(&self, loss: Loss) {
        let leader = self.state.lock().leader;
        self.lose(leader, loss);
    }

    /// Counts the moments so far at which the leader could have been lost.
    pub fn moments(&self) -> u64 {
        self.state.lock().moments
    }

    /// Tells whether the planned loss has happened.
    pub fn has_lost(&self) -> bool {
        self.state.lock().nodes.iter().any(|node| node.lost.is_some())
    }

    fn lose(&self, index: usize, loss: Loss) {
        let mut state = self.state.lock();
        state.planned = None;
        state.leader = (index + 1) % NODES;
        state.led_from = Some(match loss {
            Loss::Transferred => tokio::time::Instant::now(),
            _ => tokio::time::Instant::now() + ELECTION,
        });
        let node = &mut state.nodes[index];
        node.lost = Some(loss);
        if matches!(loss, Loss::KilledBefore | Loss::KilledAfter) {
            node.broken.cancel();
        }
    }

    /// Passes a moment at which the leader may be lost, and tells how it is.
    fn pass(&self) -> Option<Loss> {
        let mut state = self.state.lock();
        let moment = state.moments;
        state.moments += 1;
        state
            .planned
            .filter(|(at, _)| *at == moment)
            .map(|(_, loss)| loss)
    }
}

fn name(index: usize) -> String {
    format!("node-{index}")
}

impl Replica {
    fn store(&self) -> &MemoryStore {
        &self.replicas.store
    }

    /// Tells whether the node answers as leader.
    fn check(&self) -> Answer<CancellationToken> {
        let state = self.replicas.state.lock();
        let node = &state.nodes[self.index];
        let led = state
            .led_from
            .is_none_or(|from| from <= tokio::time::Instant::now());
        match node.lost {
            Some(Loss::KilledBefore | Loss::KilledAfter) => {
                Err(StoreError::Unavailable("connection refused"))
            }
            Some(Loss::Silenced) => Err(StoreError::Unavailable("no majority answers")),
            Some(Loss::Transferred) | None if state.leader == self.index && led => Ok(node.broken.clone()),
            Some(Loss::Transferred) | None => Err(StoreError::NotLeader {
                hint: led.then(|| name(state.leader)),
            }),
        }
    }

    fn is_reached(&self) -> Answer<()> {
        match self.replicas.state.lock().nodes[self.index].lost {
            None | Some(Loss::Transferred) => Ok(()),
            Some(_) => Err(StoreError::Unavailable("connection lost")),
        }
    }

    /// Makes a call at the leader, or loses it before or after.
    async fn call<T>(&self, call: impl Future<Output = Answer<T>>) -> Answer<T> {
        self.check()?;
        let loss = self.replicas.pass();
        match loss {
            None => call.await,
            Some(Loss::KilledAfter) => {
                // What was asked for is done, and nobody hears of it.
                let _ = call.await;
                self.replicas.lose(self.index, Loss::KilledAfter);
                Err(StoreError::OutcomeUnknown)
            }
            Some(loss) => {
                self.replicas.lose(self.index, loss);
                self.check().and(call.await)
            }
        }
    }

    /// As [`call`](Self::call), for a stream. Before each item the leader may be lost.
    async fn stream<T: Send + 'static>(
        &self,
        call: impl Future<Output = Answer<BoxStream<Answer<T>>>>,
    ) -> Answer<BoxStream<Answer<T>>> {
        let items = self.call(call).await?;
        let node = self.clone();
        let items = stream::unfold((items, node, false), |(mut items, node, ended)| async move {
            if ended {
                return None;
            }
            if let Some(loss) = node.replicas.pass() {
                node.replicas.lose(node.index, loss);
            }
            match node.check() {
                Ok(_) => items.next().await.map(|item| (item, (items, node, false))),
                Err(error) => Some((Err(error), (items, node, true))),
            }
        });
        Ok(items.boxed())
    }

    /// As [`call`](Self::call), for a stream that breaks with its node.
    async fn until_broken<T: Send + 'static>(
        &self,
        call: impl Future<Output = Answer<BoxStream<T>>>,
    ) -> Answer<BoxStream<T>> {
        let broken = self.check()?;
        let items = self.call(call).await?;
        let replica = self.clone();
        let heard = items.filter(move |_| {
            let silenced = replica.replicas.state.lock().nodes[replica.index].lost == Some(Loss::Silenced);
            async move { !silenced }
        });
        let broken = async move { broken.cancelled().await };
        Ok(heard.take_until(Box::pin(broken)).boxed())
    }
}

#[async_trait]
impl Mail for Replica {
    async fn submit(&self, caller: &Caller, request: RequestId, command: Command) -> Answer<Reply> {
        self.call(self.store().submit(caller, request, command)).await
    }

    async fn mailbox_tree(&self, caller: &Caller) -> Answer<Arc<MailboxTree>> {
        self.call(self.store().mailbox_tree(caller)).await
    }

    async fn quota(&self, caller: &Caller) -> Answer<Quota> {
        self.call(self.store().quota(caller)).await
    }

    async fn changes(&self, caller: &Caller, mailbox: &MailboxRef, since: ModSeq) -> Answer<MailboxChanges> {
        self.call(self.store().changes(caller, mailbox, since)).await
    }

    async fn messages(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        uids: UidSet,
        parts: MessageParts,
    ) -> Answer<BoxStream<Answer<Vec<MessageAnswer>>>> {
        self.stream(self.store().messages(caller, mailbox, uids, parts))
            .await
    }

    async fn content(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        ranges: Vec<ContentRange>,
    ) -> Answer<BoxStream<Answer<ContentChunk>>> {
        self.stream(self.store().content(caller, mailbox, ranges)).await
    }

    /// Any node that can be reached gives it.
    async fn content_by_ticket(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        ticket: ContentTicket,
        ranges: Vec<ContentRange>,
    ) -> Answer<BoxStream<Answer<ContentChunk>>> {
        self.is_reached()?;
        let node = self.clone();
        let chunks = self
            .store()
            .content_by_ticket(caller, mailbox, ticket, ranges)
            .await?;
        let chunks = chunks.map(move |chunk| {
            if let Some(loss) = node.replicas.pass() {
                node.replicas.lose(node.index, loss);
            }
            node.is_reached().and(chunk)
        });
        Ok(chunks.boxed())
    }

    async fn search(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        program: SearchProgram,
    ) -> Answer<SearchResult> {
        self.call(self.store().search(caller, mailbox, program)).await
    }

    async fn check_append(&self, caller: &Caller, mailbox: &MailboxName, size: u64) -> Answer<()> {
        self.call(self.store().check_append(caller, mailbox, size)).await
    }

    /// As over gRPC: where the node does not lead is said when octets come.
    async fn upload(&self, caller: &Caller, size: u64) -> Answer<Box<dyn BlobUpload>> {
        Ok(Box::new(Upload {
            upload: self.store().upload(caller, size).await?,
            node: self.clone(),
        }))
    }

    async fn watch(&self, caller: &Caller, mailbox: Option<MailboxId>) -> Answer<BoxStream<Event>> {
        self.until_broken(self.store().watch(caller, mailbox)).await
    }
}

struct Upload {
    upload: Box<dyn BlobUpload>,
    node: Replica,
}

#[async_trait]
impl BlobUpload for Upload {
    async fn push(&mut self, bytes: Bytes) -> Answer<()> {
        let push = self.upload.push(bytes);
        self.node.call(push).await
    }

    async fn finish(self: Box<Self>) -> Answer<StoredBlob> {
        self.node.call(self.upload.finish()).await
    }
}

#[async_trait]
impl NodeLogin for Replica {
    async fn address_record(&self, address: &Address) -> Answer<Option<AddressRecord>> {
        let record = |account| AddressRecord {
            address: address.clone(),
            account,
            state: AddressState::Active,
        };
        let account = self.store().account_of(address);
        self.call(async { Ok(account.map(record)) }).await
    }

    async fn begin_login_at(
        &self,
        _: Option<AccountId>,
        request: LoginRequest,
    ) -> Answer<Box<dyn SaslExchange>> {
        let exchange = self.call(self.store().begin_login(request)).await?;
        let node = self.clone();
        Ok(Box::new(Exchange { exchange, node }))
    }

    async fn notices(&self, caller: &Caller) -> Answer<BoxStream<SessionNotice>> {
        let broken = self.check()?;
        let notices = self.store().session_notices(caller).await?;
        let broken = async move { broken.cancelled().await };
        Ok(notices.take_until(Box::pin(broken)).boxed())
    }

    async fn end_session(&self, caller: &Caller) -> Answer<()> {
        self.check()?;
        self.store().logout(caller).await;
        Ok(())
    }
}

struct Exchange {
    exchange: Box<dyn SaslExchange>,
    node: Replica,
}

#[async_trait]
impl SaslExchange for Exchange {
    async fn respond(&mut self, message: Bytes) -> Answer<SaslOutcome> {
        let respond = self.exchange.respond(message);
        self.node.call(respond).await
    }
}

#[async_trait]
impl NodeDelivery for Replica {
    async fn check_delivery(&self, _: AccountId, _: u64) -> Answer<()> {
        Err(NOT_HERE)
    }

    async fn upload_to_group(&self, _: GroupId, _: u64) -> Answer<Box<dyn BlobUpload>> {
        Err(NOT_HERE)
    }

    async fn deliver(
        &self,
        _: AccountId,
        _: Option<&str>,
        _: StoredBlob,
        _: &DeliveryEnvelope,
    ) -> Answer<Delivered> {
        Err(NOT_HERE)
    }
}

#[async_trait]
impl NodeAdmin for Replica {
    async fn propose(&self, _: Subject, _: Option<RequestId>, _: Command) -> Answer<Reply> {
        Err(NOT_HERE)
    }

    async fn derive_credentials(&self, _: SecretChange) -> Answer<Credentials> {
        Err(NOT_HERE)
    }

    async fn account(&self, _: AccountId) -> Answer<AccountInfo> {
        Err(NOT_HERE)
    }

    async fn account_tree(&self, _: AccountId) -> Answer<MailboxTree> {
        Err(NOT_HERE)
    }

    async fn accounts(&self, _: GroupId) -> Answer<BoxStream<Answer<AccountInfo>>> {
        Err(NOT_HERE)
    }

    async fn sessions(&self, _: Option<AccountId>) -> Answer<Vec<SessionInfo>> {
        Err(NOT_HERE)
    }

    async fn kick(&self, _: AccountId, _: Option<SessionId>) -> Answer<u64> {
        Err(NOT_HERE)
    }

    async fn node_status(&self) -> Answer<NodeStatus> {
        Err(NOT_HERE)
    }
}

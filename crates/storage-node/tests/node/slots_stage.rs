//! Three machines with two groups, between which slots move.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use mailstore::account::{Credentials, NewAccount, QuotaLimits};
use mailstore::command::{AccountCommand, Command, Entry, MessageCommand, Subject};
use mailstore::message::{EmailId, NewMessage};
use mailstore::query::MailboxRef;
use mailstore::rows::ReadRows;
use mailstore::slots::{MoveId, SlotSet};
use mailstore::time::{InternalDate, Timestamp};
use mailstore::{
    AccountId, BlobId, GroupId, ModSeq, Rejection, Reply, RequestId, SessionId, StoreError, read,
};
use parking_lot::Mutex;
use rpc::{SlotControl, SlotMove};
use simulation::{World, WorldOptions};
use storage_node::{Content, RecordedMove, Replicas, Replication, SlotLedger, SlotMover, SlotStage};

use crate::support::{address, inbox, mail, no_flags};

pub(crate) const NODES: u64 = 3;
/// How often something is tried until it comes true, and the pause in between.
const TRIES: u32 = 4000;
pub(crate) const PAUSE: Duration = Duration::from_millis(5);

/// Stands for the directory: one move at a time, which has one fate.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Option<RecordedMove>>>);

impl Ledger {
    pub(crate) fn begin(&self, moving: u64, (from, to): (GroupId, GroupId), slots: SlotSet) {
        let moving = MoveId(moving);
        let slots = SlotMove {
            moving,
            from,
            to,
            slots,
        };
        let stage = SlotStage::Open;
        *self.0.lock() = Some(RecordedMove { slots, stage });
    }

    pub(crate) fn decide_on(&self, moving: MoveId, stage: SlotStage) -> Result<SlotStage, StoreError> {
        let mut recorded = self.0.lock();
        let recorded = recorded
            .as_mut()
            .filter(|recorded| recorded.slots.moving == moving);
        let recorded = recorded.ok_or(StoreError::Rejected(Rejection::SlotStep))?;
        if recorded.stage == SlotStage::Open {
            recorded.stage = stage;
        }
        Ok(recorded.stage)
    }

    pub(crate) fn stage(&self) -> Option<SlotStage> {
        self.0.lock().as_ref().map(|recorded| recorded.stage)
    }
}

#[async_trait]
impl SlotLedger for Ledger {
    async fn moves(&self) -> Result<Vec<RecordedMove>, StoreError> {
        Ok(self.0.lock().iter().cloned().collect())
    }

    async fn decide(&self, moving: MoveId) -> Result<u64, StoreError> {
        match self.decide_on(moving, SlotStage::Decided { epoch: moving.0 })? {
            SlotStage::Decided { epoch } => Ok(epoch),
            _ => Err(StoreError::Rejected(Rejection::SlotStep)),
        }
    }

    async fn give_up(&self, moving: MoveId) -> Result<(), StoreError> {
        match self.decide_on(moving, SlotStage::GivenUp)? {
            SlotStage::GivenUp => Ok(()),
            _ => Err(StoreError::Rejected(Rejection::SlotStep)),
        }
    }

    async fn close(&self, moving: MoveId) -> Result<(), StoreError> {
        self.0.lock().take_if(|recorded| recorded.slots.moving == moving);
        Ok(())
    }
}

pub(crate) const ACCOUNT: AccountId = AccountId([3; 16]);

/// Three machines with two groups each, and a client of one account, which lies in the first of `groups`.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) ledger: Ledger,
    pub(crate) groups: (GroupId, GroupId),
    pub(crate) client: Client,
}

/// What the client knows. It tries the wrong group as often as the right one.
#[derive(Default)]
pub(crate) struct Client {
    pub(crate) requests: u64,
    pub(crate) written: Vec<Vec<u8>>,
    pub(crate) slowest: Duration,
}

pub(crate) fn name(node: u64) -> String {
    format!("node-{node}")
}

pub(crate) fn account() -> Subject {
    Subject::Account(ACCOUNT)
}

/// Tries until something is there.
pub(crate) async fn until<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let mut tries = 0;
    loop {
        if let Some(found) = attempt().await {
            return found;
        }
        tries += 1;
        assert!(tries < TRIES, "{what}: not in time");
        tokio::time::sleep(PAUSE).await;
    }
}

impl Stage {
    pub(crate) async fn new(seed: u64) -> Self {
        let mut world = World::new(&WorldOptions {
            machines: 3,
            groups: 2,
            ..WorldOptions::single(seed)
        });
        world.boot_all().await.expect("empty disks start");
        let first = GroupId(1 + u32::from(ACCOUNT.slot().0 % 2));
        let mut stage = Self {
            world,
            ledger: Ledger::default(),
            groups: (first, GroupId(3 - first.0)),
            client: Client::default(),
        };
        let create = AccountCommand::Create(NewAccount {
            address: address("demo@example.org"),
            credentials: Credentials::default(),
            limits: QuotaLimits::default(),
            mailboxes: Vec::new(),
        });
        let created = stage.propose_at(first, account(), Command::Account(create)).await;
        assert_eq!(created, Reply::Done);
        stage
    }

    pub(crate) fn now(&self) -> Timestamp {
        storage_node::Environment::now(&*self.world.clock())
    }

    pub(crate) fn running(&self) -> impl Iterator<Item = &simulation::Running> {
        (1..=NODES).filter_map(|node| self.world.running(&name(node)))
    }

    pub(crate) fn replicas(&self, node: u64) -> Option<Replicas> {
        Some(self.world.running(&name(node))?.replicas.clone())
    }

    pub(crate) fn leader_of(&self, group: GroupId) -> Option<u64> {
        (1..=NODES).find(|node| self.replicas(*node).is_some_and(|replicas| replicas.leads(group)))
    }

    /// Commits something where no client would.
    pub(crate) async fn propose_at(&mut self, group: GroupId, subject: Subject, command: Command) -> Reply {
        let entry = self.client.entry(subject, command, Timestamp(1_750_000_000_000));
        until("the group takes an entry", async || {
            for running in self.running() {
                if let Ok(reply) = running.replicas.propose(group, entry.clone()).await {
                    return Some(reply);
                }
            }
            None
        })
        .await
    }

    /// Commits an entry wherever it is taken, as often as it takes, and notes how long that was.
    pub(crate) async fn commit(&mut self, entry: Entry) -> Result<Reply, Rejection> {
        let begun = self.now();
        let committed = until("an entry is committed", async || {
            for group in [self.groups.1, self.groups.0] {
                for running in self.running().filter(|running| running.replicas.leads(group)) {
                    if !self.bring_content(running, group, &entry).await {
                        continue;
                    }
                    match running.replicas.propose(group, entry.clone()).await {
                        Ok(reply) => return Some(Ok(reply)),
                        // A group that no move has touched takes every slot for its own.
                        Err(StoreError::Rejected(Rejection::NoSuchAccount)) => {}
                        Err(StoreError::Rejected(rejection)) => return Some(Err(rejection)),
                        Err(_) => {}
                    }
                }
            }
            None
        });
        let committed = committed.await;
        let took = Duration::from_millis(self.now().0 - begun.0);
        self.client.slowest = self.client.slowest.max(took);
        committed
    }

    /// Does what a node does before it commits an APPEND whose content may be in the group that the account left.
    pub(crate) async fn bring_content(
        &self,
        running: &simulation::Running,
        group: GroupId,
        entry: &Entry,
    ) -> bool {
        let Command::Message(MessageCommand::Append { messages, .. }) = &entry.command else {
            return true;
        };
        let blob = messages[0].blob;
        let other = GroupId(3 - group.0);
        running.content.has(group, blob) || running.content.adopt(group, blob, other).await.is_ok()
    }

    /// Stores content in one of the groups, as a router does that does not know of the move.
    pub(crate) async fn upload(&self, octets: &[u8]) -> BlobId {
        until("content is stored", async || {
            for running in self.running() {
                let Ok(mut upload) = running
                    .content
                    .begin(self.holder().await, octets.len() as u64)
                    .await
                else {
                    continue;
                };
                if upload.push(Bytes::copy_from_slice(octets)).await.is_ok()
                    && let Ok(stored) = upload.finish().await
                {
                    return Some(stored.blob);
                }
            }
            None
        })
        .await
    }

    /// Returns the group that answers for the account.
    pub(crate) async fn holder(&self) -> GroupId {
        until("a group answers for the account", async || {
            for group in [self.groups.0, self.groups.1] {
                if self.ask(group, |_| ()).await.is_some() {
                    return Some(group);
                }
            }
            None
        })
        .await
    }

    /// Asks the account's rows at a group, if it answers for them.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        group: GroupId,
        question: impl Fn(&dyn ReadRows) -> T + Clone + Send + 'static,
    ) -> Option<T> {
        for running in self.running() {
            if running.replicas.read_barrier(group).await.is_err() {
                continue;
            }
            let (answer, answered) = tokio::sync::oneshot::channel();
            let question = question.clone();
            let asked = Box::new(move |rows: &dyn ReadRows| drop(answer.send(question(rows))));
            running.replicas.ask(group, &account(), asked).await.ok()?;
            return answered.await.ok();
        }
        None
    }

    /// Appends a message and checks that it gets the next UID.
    pub(crate) async fn write_one(&mut self) {
        let number = self.client.written.len();
        let octets = mail(&format!("m{number}"), &"text ".repeat(200));
        let blob = self.upload(&octets).await;
        let append = MessageCommand::Append {
            mailbox: inbox(),
            messages: vec![message(blob, octets.len())],
            create: false,
        };
        let now = self.now();
        let entry = self.client.entry(account(), Command::Message(append), now);
        let appended = match self.commit(entry).await {
            Ok(Reply::Appended(appended)) => Some(appended),
            _ => None,
        };
        let appended = appended.expect("the message is appended");
        let uids: Vec<u32> = appended.uids.iter().map(mailstore::Uid::get).collect();
        assert_eq!(
            uids,
            [u32::try_from(number).expect("few") + 1],
            "no UID twice, none left out"
        );
        self.client.written.push(octets);
    }

    pub(crate) async fn write(&mut self, count: usize) {
        for _ in 0..count {
            self.write_one().await;
        }
    }

    pub(crate) fn begin(&self, moving: u64, back: bool) {
        let groups = if back {
            (self.groups.1, self.groups.0)
        } else {
            self.groups
        };
        let slots = SlotSet::from_iter([ACCOUNT.slot(), address("demo@example.org").slot()]);
        self.ledger.begin(moving, groups, slots);
    }

    /// Lets a node get on with what is recorded.
    pub(crate) async fn round(&self, node: u64) {
        if let Some(replicas) = self.replicas(node) {
            let mover = SlotMover::new(replicas, self.ledger.clone());
            mover.round().await.expect("the ledger answers");
        }
    }

    /// Moves on, at one node after another, until nothing is left to do.
    pub(crate) async fn finish(&self) {
        let mut node = 0;
        until("the move is closed", async || {
            node = node % NODES + 1;
            self.round(node).await;
            self.ledger.stage().is_none().then_some(())
        })
        .await;
    }

    /// Checks that the group has everything that was written, and the other one nothing.
    pub(crate) async fn assert_all_in(&self, group: GroupId) {
        let expected = self.client.written.len();
        let found = self.ask(group, |rows| {
            let inbox = MailboxRef::Name(inbox());
            let changes = read::changes(rows, &inbox, ModSeq::ZERO)
                .expect("sound rows")
                .expect("INBOX");
            changes
                .changed
                .iter()
                .map(|state| state.uid.get())
                .collect::<Vec<u32>>()
        });
        let uids = found.await.expect("the group answers");
        assert_eq!(
            uids,
            (1..=u32::try_from(expected).expect("few")).collect::<Vec<_>>()
        );
        let mut whole = 0;
        for running in self.running() {
            let has = |octets: &Vec<u8>| {
                let blob = BlobId(*blake3::hash(octets).as_bytes());
                running
                    .content
                    .read(group, blob, 0, u32::MAX)
                    .is_ok_and(|found| found == octets[..])
            };
            whole += usize::from(self.client.written.iter().all(has));
        }
        assert!(whole >= 2, "{whole} of three replicas have all content");
        let other = GroupId(3 - group.0);
        assert_eq!(
            self.ask(other, |_| ()).await,
            None,
            "the other group does not answer"
        );
    }

    /// Checks that nothing of the account is left in a group.
    pub(crate) async fn assert_cleared(&self, group: GroupId) {
        let leader = until("a leader", async || self.leader_of(group)).await;
        let leader = self.replicas(leader).expect("it runs");
        let slots = SlotSet::from_iter([ACCOUNT.slot()]);
        assert_eq!(leader.slot_subjects(group, slots).await, Ok(Vec::new()));
    }
}

impl Client {
    pub(crate) fn entry(&mut self, subject: Subject, command: Command, time: Timestamp) -> Entry {
        self.requests += 1;
        let request = RequestId {
            session: SessionId([8; 16]),
            sequence: self.requests,
            created: time,
        };
        Entry {
            subject,
            request: Some(request),
            time,
            command,
        }
    }
}

pub(crate) fn message(blob: BlobId, size: usize) -> NewMessage {
    NewMessage {
        blob,
        size: u32::try_from(size).expect("small"),
        flags: no_flags(),
        internal_date: InternalDate {
            seconds: 5,
            zone_minutes: 0,
        },
        email_id: EmailId([2; 12]),
    }
}

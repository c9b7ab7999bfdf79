//! A client: random operations on one account, one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use mailstore::address::Address;
use mailstore::command::{Command, MailboxCommand, MessageCommand};
use mailstore::flags::{FlagBits, FlagOperation, NamedFlags, SystemFlag};
use mailstore::mailbox::SpecialUse;
use mailstore::name::MailboxName;
use mailstore::ports::{Delivered, Delivery, DeliveryEnvelope, Mail, StoredBlob};
use mailstore::query::{MailboxRef, MessageParts};
use mailstore::view::MailboxView;
use mailstore::{BlobId, MailboxId, ModSeq, Rejection, Reply, StoreError, Uid, UidSet};
use parking_lot::Mutex;

use crate::checker::{Client as ClientNumber, Observed, Operation};
use crate::history::{AccountNumber, Check, History};
use crate::holders::Holders;
use crate::random::Random;
use crate::session::Session;

/// Names that clients give to mailboxes: few, so that they meet.
const NAMES: [&str; 8] = ["INBOX", "a", "a/b", "a/b/c", "b", "b/x", "Sent", "archive"];

/// Most of a message is this size or less; a few are much larger.
const OCTETS_USUAL_MAX: u64 = 6000;
const OCTETS_LARGE: u64 = 300_000;

/// A client.
pub struct Client {
    /// Its number.
    pub number: ClientNumber,
    /// The account it acts on.
    pub account: AccountNumber,
    /// The account's address.
    pub address: Address,
    session: Session,
    random: Random,
    history: Arc<Mutex<History>>,
    views: Views,
    holders: Holders,
    mailboxes: Vec<(MailboxName, MailboxId)>,
    messages_made: u64,
}

/// What clients know of mailboxes, as mail programs keep it on their disks: it outlives sessions and servers.
#[derive(Clone, Default)]
pub struct Views {
    views: Arc<Mutex<BTreeMap<ViewKey, MailboxView>>>,
}

type ViewKey = (AccountNumber, MailboxId, ClientNumber);

impl Views {
    fn get(&self, client: &Client, mailbox: MailboxId) -> MailboxView {
        let views = self.views.lock();
        let view = views.get(&(client.account, mailbox, client.number));
        view.cloned().unwrap_or_default()
    }

    fn put(&self, client: &Client, mailbox: MailboxId, view: MailboxView) {
        let key = (client.account, mailbox, client.number);
        self.views.lock().insert(key, view);
    }

    /// Returns every view of a mailbox.
    fn of(&self, account: AccountNumber, mailbox: MailboxId) -> Vec<MailboxView> {
        let views = self.views.lock();
        let of = views
            .iter()
            .filter(|(key, _)| (key.0, key.1) == (account, mailbox));
        of.map(|(_, view)| view.clone()).collect()
    }
}

/// Who a client is.
#[derive(Clone)]
pub struct Identity {
    /// Its number.
    pub number: ClientNumber,
    /// The account it acts on.
    pub account: AccountNumber,
    /// The account's address.
    pub address: Address,
    /// What it and its like know.
    pub views: Views,
    /// Where content must be that was acknowledged to it.
    pub holders: Holders,
}

impl Client {
    /// Returns a client that knows nothing of the account yet.
    #[must_use]
    pub fn new(identity: Identity, session: Session, random: Random, history: Arc<Mutex<History>>) -> Self {
        Self {
            number: identity.number,
            account: identity.account,
            address: identity.address,
            session,
            random,
            history,
            views: identity.views,
            holders: identity.holders,
            mailboxes: Vec::new(),
            messages_made: 0,
        }
    }

    /// Does so many operations, with pauses between of up to `pause_max`.
    pub async fn run(mut self, operations: u32, pause_max: Duration) {
        let pause_max = u64::try_from(pause_max.as_millis()).unwrap_or(u64::MAX);
        self.look_at_tree().await;
        for _ in 0..operations {
            let pause = self.random.below(pause_max);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            self.act().await;
        }
    }

    async fn act(&mut self) {
        match self.random.below(100) {
            0..22 => self.append().await,
            22..30 => self.deliver().await,
            30..44 => self.store().await,
            44..56 => self.transfer().await,
            56..64 => self.expunge().await,
            64..68 => self.create().await,
            68..70 => self.delete().await,
            70..73 => self.rename().await,
            73..75 => self.subscribe().await,
            75..77 => self.claim_recent().await,
            77..88 => self.look_at_mailbox().await,
            88..93 => self.look_at_tree().await,
            93..95 => self.look_at_quota().await,
            _ => self.read_messages().await,
        }
    }

    /// Commits a change and writes down what became of it.
    async fn change(&mut self, operation: Operation, command: Command) -> Option<Reply> {
        let call = self.history.lock().call(self.account, self.number, &operation);
        let outcome = self.session.submit(command).await;
        let mut history = self.history.lock();
        match outcome {
            Ok(reply) => {
                history.answer(call, &Observed::Reply(reply.clone()));
                Some(reply)
            }
            Err(StoreError::Rejected(rejection)) if rejection != Rejection::OutcomeUnknown => {
                history.answer(call, &Observed::Refused(rejection));
                None
            }
            Err(error) => {
                history.give_up(call, &error);
                None
            }
        }
    }

    async fn change_messages(&mut self, command: MessageCommand) {
        let operation = Operation::Message(command.clone());
        self.change(operation, Command::Message(command)).await;
    }

    async fn change_mailboxes(&mut self, command: MailboxCommand) {
        let operation = Operation::Mailbox(command.clone());
        self.change(operation, Command::Mailbox(command)).await;
    }

    fn name(&mut self) -> MailboxName {
        let name = self.random.pick(&NAMES).copied().unwrap_or("INBOX");
        MailboxName::parse(name).expect("invariant: a name")
    }

    /// Returns a mailbox that was there when the client last looked.
    fn mailbox(&mut self) -> MailboxId {
        // Most clients look at INBOX most of the time.
        let inbox = self.mailboxes.iter().find(|(name, _)| name.is_inbox());
        match inbox {
            Some((_, inbox)) if self.random.chance(50) => *inbox,
            _ => self
                .random
                .pick(&self.mailboxes)
                .map_or(MailboxId(1), |(_, id)| *id),
        }
    }

    /// Returns UIDs of messages that the client knows of, and sometimes others.
    fn uids(&mut self, mailbox: MailboxId) -> UidSet {
        let mut uids = UidSet::new();
        let known = self.views.get(self, mailbox);
        let known: Vec<Uid> = known.messages().iter().map(|state| state.uid).collect();
        if self.random.chance(10) {
            return UidSet::range(Uid::MIN, Uid::MAX);
        }
        for _ in 0..=self.random.below(4) {
            let (one, length) = (self.random.index(known.len()), self.random.below(3));
            let some = known
                .iter()
                .skip(one)
                .take(usize::try_from(length).unwrap_or(0) + 1);
            some.for_each(|uid| uids.insert(*uid));
        }
        if uids.is_empty() {
            uids.insert(Uid::MIN);
        }
        uids
    }

    fn flags(&mut self) -> NamedFlags {
        let flags = SystemFlag::ALL.iter().filter(|_| self.random.chance(30));
        NamedFlags {
            system: flags.fold(FlagBits::EMPTY, |bits, flag| bits.with(FlagBits::system(*flag))),
            keywords: Vec::new(),
        }
    }

    /// Returns octets that no other message has.
    fn octets(&mut self) -> Vec<u8> {
        self.messages_made += 1;
        let length = match self.random.below(100) {
            0 => OCTETS_LARGE,
            _ => self.random.below(OCTETS_USUAL_MAX),
        };
        let mut octets = format!(
            "X-Chk: {}-{}-{:x}\r\nSubject: {}\r\n\r\n",
            self.number.0,
            self.messages_made,
            self.random.draw(),
            self.messages_made
        )
        .into_bytes();
        let mut noise = vec![0; usize::try_from(length).unwrap_or(0)];
        self.random.fill(&mut noise);
        octets.extend(noise.iter().map(|octet| b' ' + octet % 90));
        octets
    }

    async fn store_content(&mut self) -> Option<StoredBlob> {
        let octets = self.octets();
        match self.session.upload(&octets).await {
            Ok(stored) => {
                let durable = self.holders.check(self.session.caller.account, stored.blob);
                self.history.lock().require(Check::Durable, durable);
                Some(stored)
            }
            Err(error) => {
                self.history.lock().note(format!("content not stored: {error}"));
                None
            }
        }
    }

    async fn append(&mut self) {
        let mut messages = Vec::new();
        for _ in 0..=self.random.below(3) {
            let Some(stored) = self.store_content().await else {
                return;
            };
            let flags = self.flags();
            messages.push(self.session.message(stored, flags));
        }
        let append = MessageCommand::Append {
            mailbox: self.name(),
            messages,
            create: self.random.chance(20),
        };
        self.change_messages(append).await;
    }

    async fn deliver(&mut self) {
        let detail = self.random.chance(30).then(|| self.name());
        let detail = detail.filter(|name| !name.is_inbox() && name.as_str() != "Sent");
        let (local, domain) = self.address.as_str().split_once('@').unwrap_or_default();
        let address = match &detail {
            Some(detail) => format!("{local}+{}@{domain}", detail.as_str()),
            None => format!("{local}@{domain}"),
        };
        let address = Address::parse(&address).expect("invariant: an address");
        let router = self.session.router.clone();
        let Ok(recipient) = router.resolve(&address).await else {
            return;
        };
        let octets = self.octets();
        let Ok(mut upload) = Delivery::upload(&router, &[recipient], octets.len() as u64).await else {
            return;
        };
        for piece in octets.chunks(64 * 1024) {
            if upload.push(piece.to_vec().into()).await.is_err() {
                return;
            }
        }
        let operation = Operation::Deliver {
            blob: BlobId(*blake3::hash(&octets).as_bytes()),
            size: u32::try_from(octets.len()).unwrap_or(u32::MAX),
            detail,
        };
        let envelope = self.envelope();
        let call = self.history.lock().call(self.account, self.number, &operation);
        let outcome = match upload.deliver(envelope).await {
            Ok(mut results) => results.next().await.map(|(_, delivered)| delivered),
            Err(error) => Some(Delivered::Later(error)),
        };
        let mut history = self.history.lock();
        match outcome {
            Some(Delivered::Done) => history.answer(call, &Observed::Delivered),
            Some(Delivered::Refused(rejection)) if rejection != Rejection::OutcomeUnknown => {
                history.answer(call, &Observed::Refused(rejection));
            }
            Some(Delivered::Later(error)) => history.give_up(call, &error),
            Some(Delivered::Refused(_)) | None => history.give_up(call, &StoreError::OutcomeUnknown),
        }
    }

    fn envelope(&mut self) -> DeliveryEnvelope {
        let began = self.session.request().created.0.to_be_bytes();
        let mut transaction = [0; 16];
        self.random.fill(&mut transaction);
        let time = began.iter().skip(2);
        transaction
            .iter_mut()
            .zip(time)
            .for_each(|(target, octet)| *target = *octet);
        DeliveryEnvelope {
            sender: "ada@example.org".to_owned(),
            transaction,
        }
    }

    async fn store(&mut self) {
        let mailbox = self.mailbox();
        let operations = [
            FlagOperation::Add,
            FlagOperation::Add,
            FlagOperation::Remove,
            FlagOperation::Replace,
        ];
        let known = Some(self.views.get(self, mailbox).modseq());
        let store = MessageCommand::Store {
            mailbox,
            uids: self.uids(mailbox),
            operation: self
                .random
                .pick(&operations)
                .copied()
                .unwrap_or(FlagOperation::Add),
            flags: self.flags(),
            unchanged_since: known.filter(|_| self.random.chance(20)),
        };
        self.change_messages(store).await;
    }

    async fn transfer(&mut self) {
        let mailbox = self.mailbox();
        let (uids, target) = (self.uids(mailbox), self.name());
        let command = if self.random.chance(50) {
            MessageCommand::Copy {
                mailbox,
                uids,
                target,
            }
        } else {
            MessageCommand::Move {
                mailbox,
                uids,
                target,
            }
        };
        self.change_messages(command).await;
    }

    async fn expunge(&mut self) {
        let mailbox = self.mailbox();
        let uids = self.random.chance(40).then(|| self.uids(mailbox));
        self.change_messages(MessageCommand::Expunge { mailbox, uids })
            .await;
    }

    async fn create(&mut self) {
        let create = MailboxCommand::Create {
            name: self.name(),
            special_use: SpecialUse::NONE,
        };
        self.change_mailboxes(create).await;
    }

    async fn delete(&mut self) {
        let name = self.name();
        self.change_mailboxes(MailboxCommand::Delete { name }).await;
    }

    async fn rename(&mut self) {
        let (from, to) = (self.name(), self.name());
        self.change_mailboxes(MailboxCommand::Rename { from, to }).await;
    }

    async fn subscribe(&mut self) {
        let subscribe = MailboxCommand::Subscribe {
            name: self.name(),
            subscribed: self.random.chance(50),
        };
        self.change_mailboxes(subscribe).await;
    }

    async fn claim_recent(&mut self) {
        let mailbox = self.mailbox();
        let view = self.views.get(self, mailbox);
        let below = view.messages().last().and_then(|state| state.uid.next());
        if below.is_some() {
            self.change_messages(MessageCommand::ClaimRecent { mailbox, below })
                .await;
        }
    }

    async fn look_at_tree(&mut self) {
        let call = self
            .history
            .lock()
            .call(self.account, self.number, &Operation::Tree);
        let tree = self.session.router.mailbox_tree(&self.session.caller).await;
        let mut history = self.history.lock();
        match tree {
            Ok(tree) => {
                history.answer(call, &Observed::Tree((*tree).clone()));
                let known = tree.entries.iter();
                let known = known.filter_map(|entry| Some((entry.name.clone(), entry.mailbox.as_ref()?.id)));
                self.mailboxes = known.collect();
            }
            Err(error) => history.give_up(call, &error),
        }
    }

    /// Brings the client's view of a mailbox up to date, as after a reconnection with QRESYNC.
    async fn look_at_mailbox(&mut self) {
        let mailbox = self.mailbox();
        let mut view = self.views.get(self, mailbox);
        let since = view.modseq();
        let operation = Operation::Changes(mailbox, since);
        let call = self.history.lock().call(self.account, self.number, &operation);
        let changes = self.session.changes(MailboxRef::Id(mailbox), since).await;
        let mut history = self.history.lock();
        match changes {
            Ok(changes) => {
                if !view.update(&changes) {
                    let text = format!("changes of {mailbox:?} do not fit the view");
                    history.violation(Check::Views, text);
                }
                history.answer(call, &Observed::Changes(Box::new(changes)));
                drop(history);
                self.views.put(self, mailbox, view);
            }
            Err(StoreError::Rejected(rejection)) => history.answer(call, &Observed::Refused(rejection)),
            Err(error) => history.give_up(call, &error),
        }
    }

    async fn look_at_quota(&mut self) {
        let call = self
            .history
            .lock()
            .call(self.account, self.number, &Operation::Quota);
        let quota = self.session.router.quota(&self.session.caller).await;
        let mut history = self.history.lock();
        match quota {
            Ok(quota) => {
                let observed = Observed::Quota {
                    storage_bytes: quota.usage.storage_bytes,
                    messages: quota.usage.messages,
                };
                history.answer(call, &observed);
            }
            Err(error) => history.give_up(call, &error),
        }
    }

    /// Reads some messages of a mailbox whole.
    async fn read_messages(&mut self) {
        let mailbox = self.mailbox();
        let uids = self.uids(mailbox);
        let parts = MessageParts { summary: true };
        let answers = match self.session.messages(mailbox, uids, parts).await {
            Ok(answers) => answers,
            Err(error) => return self.unread(&error),
        };
        for answer in answers.iter().take(5) {
            match self.session.content(mailbox, answer.record.uid).await {
                Ok(Some(octets)) => self.history.lock().content(answer.record.blob, &octets),
                // Expunged and forgotten between the two questions.
                Ok(None) => {}
                Err(error) => return self.unread(&error),
            }
        }
    }

    fn missing(&self) {
        let text = "a message without content";
        self.history.lock().violation(Check::Content, text);
    }

    fn unread(&self, error: &StoreError) {
        let mut history = self.history.lock();
        match error {
            StoreError::ContentUnavailable => history.content_unavailable(),
            error => history.note(format!("not read: {error}")),
        }
    }

    /// Looks at everything in the account, and reads every message.
    pub async fn look_at_everything(&mut self) {
        self.look_at_tree().await;
        self.look_at_quota().await;
        for (_, mailbox) in self.mailboxes.clone() {
            self.look_at_all_of(mailbox).await;
        }
    }

    /// Brings what every client knows of a mailbox up to date, which must give what a client sees who
    /// fetches all of it (RFC 7162 §3.2.5).
    async fn compare_views(&self, mailbox: MailboxId, whole: &MailboxView) {
        for mut view in self.views.of(self.account, mailbox) {
            let since = view.modseq();
            let changes = match self.session.changes(MailboxRef::Id(mailbox), since).await {
                Ok(changes) => changes,
                Err(error) => return self.unread(&error),
            };
            if !view.update(&changes) || view.messages() != whole.messages() {
                let text = format!("changes of {mailbox:?} since {since:?} do not lead to what is there");
                self.history.lock().violation(Check::Views, text);
            }
        }
    }

    async fn look_at_all_of(&mut self, mailbox: MailboxId) {
        let operation = Operation::Changes(mailbox, ModSeq::ZERO);
        let call = self.history.lock().call(self.account, self.number, &operation);
        match self.session.changes(MailboxRef::Id(mailbox), ModSeq::ZERO).await {
            Ok(changes) => {
                let mut whole = MailboxView::default();
                whole.update(&changes);
                self.history
                    .lock()
                    .answer(call, &Observed::Changes(Box::new(changes)));
                self.compare_views(mailbox, &whole).await;
            }
            Err(error) => self.history.lock().give_up(call, &error),
        }
        let operation = Operation::Records(mailbox);
        let call = self.history.lock().call(self.account, self.number, &operation);
        let (all, parts) = (UidSet::range(Uid::MIN, Uid::MAX), MessageParts { summary: true });
        let answers = match self.session.messages(mailbox, all, parts).await {
            Ok(answers) => answers,
            Err(error) => {
                self.history.lock().give_up(call, &error);
                return self.unread(&error);
            }
        };
        let records = answers.iter().map(|answer| &answer.record);
        let observed = records.map(|record| (record.uid.get(), record.blob, record.size));
        self.history
            .lock()
            .answer(call, &Observed::Records(observed.collect()));
        for answer in answers {
            match self.session.content(mailbox, answer.record.uid).await {
                Ok(Some(octets)) => self.history.lock().content(answer.record.blob, &octets),
                Ok(None) => self.missing(),
                Err(error) => return self.unread(&error),
            }
        }
    }
}

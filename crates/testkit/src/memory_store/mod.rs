//! A mail store in memory: the model's own rows, blobs in a map, summaries made as they arrive.

mod login;
mod mail;
mod search;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use mail_message::Summary;
use mailstore::account::{NewAccount, QuotaLimits};
use mailstore::address::Address;
use mailstore::command::{AccountCommand, Command, Entry, MailboxCommand, Subject};
use mailstore::event::Event;
use mailstore::mailbox::SpecialUse;
use mailstore::name::MailboxName;
use mailstore::ports::SessionNotice;
use mailstore::rows::MemoryRows;
use mailstore::time::Timestamp;
use mailstore::{AccountId, BlobId, Reply, RequestId, SessionId, StoreError};
use parking_lot::Mutex;
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

/// When the store's log begins: 2026-01-01T00:00:00Z.
const BEGINNING: Timestamp = Timestamp(1_767_225_600_000);
/// Events that a slow watcher may be behind.
const EVENTS_MAX: usize = 1024;

/// A mail store in memory that implements the ports of proxies. Cheap to clone.
#[derive(Clone)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    events: broadcast::Sender<Event>,
}

struct State {
    accounts: HashMap<AccountId, MemoryRows>,
    logins: HashMap<Address, (AccountId, auth::Verifiers)>,
    blobs: HashMap<BlobId, Bytes>,
    summaries: HashMap<BlobId, Bytes>,
    /// Content that exists and cannot be read.
    unreadable: HashSet<BlobId>,
    sessions: HashMap<SessionId, Option<mpsc::Sender<SessionNotice>>>,
    index: u64,
    time: Timestamp,
    next_session: u64,
    sessions_max: usize,
    /// Errors that the next calls meet, last first.
    faults: Vec<StoreError>,
    /// Changes that are made and whose replies are then lost.
    lost_replies: u32,
    /// Uploads that break off at their end.
    broken_uploads: u32,
    calls: u64,
    /// The token of the last call.
    last_token: Bytes,
    /// Ends the watches that were begun before it was replaced.
    watches: CancellationToken,
}

impl State {
    fn blobs_of(&self, content: &[u8]) -> Vec<BlobId> {
        let blobs = self.blobs.iter().filter(|(_, bytes)| **bytes == content);
        blobs.map(|(blob, _)| *blob).collect()
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// Returns a store without accounts.
    #[must_use]
    pub fn new() -> Self {
        let (events, _) = broadcast::channel(EVENTS_MAX);
        let state = State {
            accounts: HashMap::new(),
            logins: HashMap::new(),
            blobs: HashMap::new(),
            summaries: HashMap::new(),
            unreadable: HashSet::new(),
            sessions: HashMap::new(),
            index: 0,
            time: BEGINNING,
            next_session: 1,
            sessions_max: usize::MAX,
            faults: Vec::new(),
            lost_replies: 0,
            broken_uploads: 0,
            calls: 0,
            last_token: Bytes::new(),
            watches: CancellationToken::new(),
        };
        Self {
            state: Arc::new(Mutex::new(state)),
            events,
        }
    }

    /// Makes an account with INBOX and the special-use mailboxes, all subscribed.
    ///
    /// # Panics
    /// When the address or the password cannot be used.
    #[must_use]
    pub fn add_account(&self, address: &str, password: &str, limits: QuotaLimits) -> AccountId {
        let address = Address::parse(address).expect("invariant: tests name valid addresses");
        let verifiers = auth::Verifiers::derive(password, &login::parameters(), &login::salts())
            .expect("invariant: tests use valid passwords");
        let mut state = self.state.lock();
        let number = u8::try_from(state.accounts.len() + 1).unwrap_or(u8::MAX);
        let account = AccountId([number; 16]);
        state.accounts.insert(account, MemoryRows::new());
        state.logins.insert(address.clone(), (account, verifiers));
        drop(state);
        let new = NewAccount {
            address,
            credentials: mailstore::account::Credentials::default(),
            limits,
            mailboxes: special_mailboxes(),
        };
        self.apply(account, None, Command::Account(AccountCommand::Create(new)))
            .expect("invariant: a new account is accepted");
        self.subscribe_inbox(account);
        account
    }

    /// Makes this content unreadable, as damage on every replica does. Its summary stays.
    pub fn damage_content(&self, content: &[u8]) {
        let mut state = self.state.lock();
        let damaged = state.blobs_of(content);
        state.unreadable.extend(damaged);
    }

    /// Takes the summary of this content away; it cannot be made anew.
    pub fn damage_summary(&self, content: &[u8]) {
        let mut state = self.state.lock();
        for blob in state.blobs_of(content) {
            state.summaries.remove(&blob);
        }
    }

    /// Makes the next calls fail, one each, in this order.
    pub fn fail_next(&self, errors: impl IntoIterator<Item = StoreError>) {
        let mut faults: Vec<_> = errors.into_iter().collect();
        faults.reverse();
        self.state.lock().faults = faults;
    }

    /// Refuses logins while there are so many sessions.
    pub fn limit_sessions(&self, sessions_max: usize) {
        self.state.lock().sessions_max = sessions_max;
    }

    /// Loses the replies of the next changes: they are made, and whoever asked does not hear of it.
    pub fn lose_replies(&self, count: u32) {
        self.state.lock().lost_replies = count;
    }

    /// Breaks the next uploads off at their end.
    pub fn break_uploads(&self, count: u32) {
        self.state.lock().broken_uploads = count;
    }

    /// Ends every watch, as the loss of the node that feeds it does.
    pub fn break_watches(&self) {
        let watches = std::mem::take(&mut self.state.lock().watches);
        watches.cancel();
    }

    /// Returns the token that the last call came with.
    #[must_use]
    pub fn last_token(&self) -> Bytes {
        self.state.lock().last_token.clone()
    }

    /// Counts the calls of the mail port so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.state.lock().calls
    }

    /// Counts the blobs that are stored.
    #[must_use]
    pub fn blobs(&self) -> usize {
        self.state.lock().blobs.len()
    }

    /// Sends a notice to every session of the store.
    pub fn notify_sessions(&self, notice: &SessionNotice) {
        let senders: Vec<_> = self.state.lock().sessions.values().flatten().cloned().collect();
        for sender in senders {
            // A session that does not listen any more is over.
            let _ = sender.try_send(notice.clone());
        }
    }

    /// Returns the account that an address leads to.
    #[must_use]
    pub fn account_of(&self, address: &Address) -> Option<AccountId> {
        self.state.lock().logins.get(address).map(|(account, _)| *account)
    }

    /// Counts the sessions that are registered.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.state.lock().sessions.len()
    }

    /// Applies a command as a leader would once it is committed.
    ///
    /// # Errors
    /// The rejection.
    pub fn apply(
        &self,
        account: AccountId,
        request: Option<RequestId>,
        command: Command,
    ) -> Result<Reply, StoreError> {
        let mut state = self.state.lock();
        let state = &mut *state;
        state.index += 1;
        state.time = Timestamp(state.time.0 + 1);
        let entry = Entry {
            subject: Subject::Account(account),
            request,
            time: state.time,
            command,
        };
        let rows = state.accounts.get_mut(&account).ok_or(StoreError::Unauthorized)?;
        let applied = mailstore::apply(rows, state.index, &entry)
            .map_err(|error| StoreError::Internal(error.to_string()))?;
        for event in applied.events {
            // Nobody may be watching.
            let _ = self.events.send(event);
        }
        Ok(applied.reply?)
    }

    /// Stores content and its summary.
    pub(crate) fn put(&self, content: Vec<u8>) -> BlobId {
        let blob = BlobId(*blake3::hash(&content).as_bytes());
        let summary = Summary::of(&content).map(Summary::into_bytes).unwrap_or_default();
        let mut state = self.state.lock();
        state.summaries.insert(blob, Bytes::from(summary));
        state.blobs.insert(blob, Bytes::from(content));
        blob
    }

    fn subscribe_inbox(&self, account: AccountId) {
        let subscribe = MailboxCommand::Subscribe {
            name: MailboxName::inbox(),
            subscribed: true,
        };
        self.apply(account, None, Command::Mailbox(subscribe))
            .expect("invariant: INBOX can be subscribed");
    }
}

fn special_mailboxes() -> Vec<(MailboxName, SpecialUse)> {
    let uses = [
        ("Archive", SpecialUse::ARCHIVE),
        ("Drafts", SpecialUse::DRAFTS),
        ("Junk", SpecialUse::JUNK),
        ("Sent", SpecialUse::SENT),
        ("Trash", SpecialUse::TRASH),
    ];
    let named = uses.map(|(name, special_use)| MailboxName::parse(name).map(|name| (name, special_use)));
    named.into_iter().flatten().collect()
}

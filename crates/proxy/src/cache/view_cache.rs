//! The mailbox views that sessions of this process use now, one for each mailbox.

use std::sync::Arc;

use lru::LruCache;
use mailstore::name::MailboxName;
use mailstore::query::{MailboxChanges, MailboxRef};
use mailstore::{AccountId, MailboxId, ModSeq, StoreError};
use parking_lot::Mutex;
use tokio::time::{Duration, Instant};

use super::snapshot::Snapshot;
use crate::account_store::AccountStore;

/// Names whose mailbox id is remembered, so that a repeated SELECT finds its view in one question.
const NAMES_MAX: usize = 64 * 1024;

type Key = (AccountId, MailboxId);

/// Views by mailbox. A view is brought up to date by one question before each use, so it is never
/// stale; it is dropped when it was not used for a while or when there are too many.
pub(crate) struct ViewCache {
    state: Mutex<State>,
    messages_max: usize,
    idle: Duration,
}

struct State {
    /// Least recently used last.
    views: LruCache<Key, Entry>,
    names: LruCache<(AccountId, MailboxName), MailboxId>,
    /// Messages in all views, as of their last use.
    messages: usize,
}

struct Entry {
    slot: Arc<Slot>,
    messages: usize,
    used: Instant,
}

/// The view of one mailbox. Work on it is done under its own lock, not the cache's.
#[derive(Default)]
struct Slot(Mutex<Option<Arc<Snapshot>>>);

impl ViewCache {
    pub(crate) fn new(messages_max: usize, idle: Duration) -> Self {
        let names_max = std::num::NonZeroUsize::new(NAMES_MAX).unwrap_or(std::num::NonZeroUsize::MIN);
        Self {
            state: Mutex::new(State {
                views: LruCache::unbounded(),
                names: LruCache::new(names_max),
                messages: 0,
            }),
            messages_max,
            idle,
        }
    }

    /// Returns the mailbox as it is now: asks for what changed since the cached view, or for all of it.
    pub(crate) async fn refresh(
        &self,
        store: &AccountStore,
        mailbox: MailboxId,
    ) -> Result<Arc<Snapshot>, StoreError> {
        let base = self.peek(store.account(), mailbox);
        self.load(store, MailboxRef::Id(mailbox), base).await
    }

    /// As [`refresh`](Self::refresh), for a mailbox given by name.
    pub(crate) async fn open(
        &self,
        store: &AccountStore,
        name: &MailboxName,
    ) -> Result<Arc<Snapshot>, StoreError> {
        let known = self
            .state
            .lock()
            .names
            .get(&(store.account(), name.clone()))
            .copied();
        let base = known.and_then(|mailbox| self.peek(store.account(), mailbox));
        let snapshot = self.load(store, MailboxRef::Name(name.clone()), base).await?;
        let mut state = self.state.lock();
        state
            .names
            .put((store.account(), name.clone()), snapshot.mailbox().id);
        Ok(snapshot)
    }

    /// Returns the cached view as it is, to be brought up to date by the caller.
    pub(crate) fn peek(&self, account: AccountId, mailbox: MailboxId) -> Option<Arc<Snapshot>> {
        let mut state = self.state.lock();
        let slot = Arc::clone(&state.views.get(&(account, mailbox))?.slot);
        drop(state);
        let snapshot = slot.0.lock();
        snapshot.clone()
    }

    /// Drops the views that were not used for a while.
    pub(crate) fn sweep(&self) {
        let Some(oldest) = Instant::now().checked_sub(self.idle) else {
            return;
        };
        let mut state = self.state.lock();
        while let Some((key, _)) = state.views.peek_lru().filter(|(_, entry)| entry.used <= oldest) {
            let key = *key;
            state.remove(&key);
        }
    }

    async fn load(
        &self,
        store: &AccountStore,
        mailbox: MailboxRef,
        base: Option<Arc<Snapshot>>,
    ) -> Result<Arc<Snapshot>, StoreError> {
        let since = base.as_ref().map_or(ModSeq::ZERO, |base| base.modseq());
        // The only other owner may be the cache itself, which then changes the view in place.
        let base_modseq = base.map(|base| base.modseq());
        let changes = store.changes(&mailbox, since).await?;
        if let Some(snapshot) = self.merge(store.account(), &changes) {
            return Ok(snapshot);
        }
        tracing::debug!(?base_modseq, "mailbox view is loaded anew");
        let changes = store.changes(&mailbox, ModSeq::ZERO).await?;
        self.merge(store.account(), &changes)
            .ok_or_else(|| StoreError::Internal("changes since zero make no view".to_owned()))
    }

    /// Puts an answer on top of the cached view, or makes one of an answer that is complete.
    fn merge(&self, account: AccountId, changes: &MailboxChanges) -> Option<Arc<Snapshot>> {
        let key = (account, changes.mailbox.id);
        let slot = self.slot(key);
        let mut guard = slot.0.lock();
        match &mut *guard {
            Some(snapshot) if snapshot.fits(changes) => Snapshot::update(snapshot, changes),
            other => *other = Some(Arc::new(Snapshot::new(changes)?)),
        }
        let snapshot = guard.clone()?;
        drop(guard);
        self.touch(key, snapshot.view().messages().len());
        Some(snapshot)
    }

    fn slot(&self, key: Key) -> Arc<Slot> {
        let mut state = self.state.lock();
        let entry = state.views.get_or_insert_mut(key, || Entry {
            slot: Arc::default(),
            messages: 0,
            used: Instant::now(),
        });
        Arc::clone(&entry.slot)
    }

    fn touch(&self, key: Key, messages: usize) {
        let mut state = self.state.lock();
        if let Some(entry) = state.views.get_mut(&key) {
            entry.used = Instant::now();
            let before = std::mem::replace(&mut entry.messages, messages);
            state.messages = (state.messages + messages).saturating_sub(before);
        }
        while state.messages > self.messages_max {
            let Some((oldest, _)) = state.views.peek_lru() else {
                return;
            };
            let oldest = *oldest;
            state.remove(&oldest);
        }
    }
}

impl State {
    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.views.pop(key) {
            self.messages = self.messages.saturating_sub(entry.messages);
        }
    }
}

//! Watches on mailboxes, each shared by the sessions of this process that wait for its changes.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::StreamExt;
use mailstore::query::{MailboxChanges, MailboxRef};
use mailstore::{AccountId, MailboxId, ModSeq, StoreError};
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::looks::Looks;
use crate::account_store::AccountStore;

/// Wait before a lost watch is asked for again. A session that idles notices changes at the latest
/// this long after the storage is back (RELIABILITY 30).
const RESUME_WAIT: Duration = Duration::from_millis(500);

type Key = (AccountId, MailboxId);
type Watches = Arc<Mutex<HashMap<Key, Weak<Shared>>>>;
/// Sessions in whose name a watch may be asked for: any that still lives will do.
type Stores = Arc<Mutex<Vec<Weak<AccountStore>>>>;

/// Watches by mailbox.
#[derive(Default)]
pub(crate) struct WatchHub {
    watches: Watches,
}

/// One watch: a counter that rises with every hint. The task that feeds it ends with the last session.
struct Shared {
    hints: watch::Sender<u64>,
    looks: Looks,
    stores: Stores,
    _pump: DropGuard,
}

/// One session's share in a watch.
pub(crate) struct Watching {
    key: Key,
    hints: watch::Receiver<u64>,
    /// How many hints had come when the session looked last.
    heard: u64,
    shared: Option<Arc<Shared>>,
    watches: Watches,
}

impl WatchHub {
    /// Watches a mailbox. Every moment from which on changes may have been missed, the beginning
    /// included, is followed by a hint.
    pub(crate) fn watch(
        &self,
        tasks: &TaskTracker,
        store: &Arc<AccountStore>,
        mailbox: MailboxId,
    ) -> Watching {
        let key = (store.account(), mailbox);
        let mut watches = self.watches.lock();
        let shared = match watches.get(&key).and_then(Weak::upgrade) {
            Some(shared) => {
                shared.join(store);
                shared
            }
            None => {
                let shared = Shared::start(tasks, store, mailbox);
                watches.insert(key, Arc::downgrade(&shared));
                shared
            }
        };
        drop(watches);
        Watching {
            key,
            heard: 0,
            hints: shared.hints.subscribe(),
            shared: Some(shared),
            watches: Arc::clone(&self.watches),
        }
    }
}

impl Shared {
    fn start(tasks: &TaskTracker, store: &Arc<AccountStore>, mailbox: MailboxId) -> Arc<Self> {
        let (hints, _) = watch::channel(0);
        let stores: Stores = Arc::new(Mutex::new(vec![Arc::downgrade(store)]));
        let stop = CancellationToken::new();
        let pump = pump(hints.clone(), Arc::clone(&stores), mailbox);
        let stopped = stop.clone();
        tasks.spawn(async move { stopped.run_until_cancelled_owned(pump).await });
        Arc::new(Self {
            hints,
            looks: Looks::default(),
            stores,
            _pump: stop.drop_guard(),
        })
    }

    fn join(&self, store: &Arc<AccountStore>) {
        let mut stores = self.stores.lock();
        stores.retain(|known| known.strong_count() > 0);
        stores.push(Arc::downgrade(store));
    }
}

impl Watching {
    /// Returns what changed since the session was told last, as of the last hint that it has waited for or later.
    pub(crate) async fn look(
        &self,
        store: &Arc<AccountStore>,
        since: ModSeq,
    ) -> Result<Arc<MailboxChanges>, StoreError> {
        let (_, mailbox) = self.key;
        match &self.shared {
            Some(shared) => shared.looks.look(store, mailbox, (since, self.heard)).await,
            None => store.changes(&MailboxRef::Id(mailbox), since).await.map(Arc::new),
        }
    }

    /// Waits for the next hint. May be dropped and called again without losing one.
    pub(crate) async fn hint(&mut self) {
        if self.hints.changed().await.is_err() {
            // The sender lives in `shared`, which this value holds.
            std::future::pending::<()>().await;
        }
        self.heard = *self.hints.borrow_and_update();
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.shared = None;
        let mut watches = self.watches.lock();
        if watches
            .get(&self.key)
            .is_some_and(|watch| watch.strong_count() == 0)
        {
            watches.remove(&self.key);
        }
    }
}

/// Feeds the counter from the storage for as long as anyone wants it.
async fn pump(hints: watch::Sender<u64>, stores: Stores, mailbox: MailboxId) {
    while let Some(store) = living(&stores) {
        if let Ok(mut events) = store.watch(Some(mailbox)).await {
            drop(store);
            hints.send_modify(|count| *count += 1);
            while events.next().await.is_some() {
                hints.send_modify(|count| *count += 1);
            }
        }
        tokio::time::sleep(RESUME_WAIT).await;
    }
}

fn living(stores: &Stores) -> Option<Arc<AccountStore>> {
    let mut stores = stores.lock();
    // The next attempt goes in another session's name, in case it was this one's token that failed.
    let length = stores.len();
    stores.rotate_left(1.min(length));
    stores.iter().find_map(Weak::upgrade)
}

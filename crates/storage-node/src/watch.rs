//! Hints of changes, from applied entries to those who watch a mailbox.

use std::collections::HashMap;
use std::sync::Arc;

use futures::StreamExt;
use mailstore::AccountId;
use mailstore::event::Event;
use mailstore::ids::MailboxId;
use mailstore::ports::BoxStream;
use parking_lot::Mutex;
use tokio::sync::mpsc;

/// Hints that may wait for one watcher. A hint that finds the queue full is dropped without loss: those
/// before it make the watcher look, and it will look after them.
const HINTS_PER_WATCHER_MAX: usize = 4;

/// Who watches what.
#[derive(Default)]
pub(crate) struct WatchHub {
    watchers: Mutex<HashMap<AccountId, Vec<Watcher>>>,
}

struct Watcher {
    mailbox: Option<MailboxId>,
    hints: mpsc::Sender<Event>,
}

impl WatchHub {
    /// Returns the hints of one mailbox, or of the tree of mailboxes, from now on.
    pub(crate) fn watch(
        self: &Arc<Self>,
        account: AccountId,
        mailbox: Option<MailboxId>,
    ) -> BoxStream<Event> {
        let (hints, queue) = mpsc::channel(HINTS_PER_WATCHER_MAX);
        self.watchers
            .lock()
            .entry(account)
            .or_default()
            .push(Watcher { mailbox, hints });
        let leave = Leave {
            hub: Arc::clone(self),
            account,
        };
        let stream = futures::stream::unfold((queue, leave), |(mut queue, leave)| async move {
            let hint = queue.recv().await?;
            Some((hint, (queue, leave)))
        });
        stream.boxed()
    }
}

impl WatchHub {
    /// Keeps the watchers of these accounts and ends the hints of all others.
    pub(crate) fn retain(&self, keeps: impl Fn(AccountId) -> bool) {
        self.watchers.lock().retain(|account, _| keeps(*account));
    }

    /// Hints at what the events of applied entries changed. Does not block.
    pub(crate) fn publish(&self, events: &[Event]) {
        if events.is_empty() {
            return;
        }
        let mut watchers = self.watchers.lock();
        for event in events {
            let (account, mailbox) = match *event {
                Event::SlotReleased { slot } => {
                    // Their streams end, so that they look for the account where it is now.
                    watchers.retain(|account, _| account.slot() != slot);
                    continue;
                }
                Event::MailboxChanged { account, mailbox, .. }
                | Event::MailboxDeleted { account, mailbox } => (account, Some(mailbox)),
                Event::TreeChanged { account } | Event::AccountChanged { account } => (account, None),
            };
            let interested = watchers.get(&account).into_iter().flatten();
            for watcher in interested.filter(|watcher| watcher.mailbox == mailbox) {
                // A full queue is no loss, see above; a closed one is cleaned up by its owner.
                let _ = watcher.hints.try_send(*event);
            }
        }
    }
}

/// Forgets a watcher when its stream is dropped.
struct Leave {
    hub: Arc<WatchHub>,
    account: AccountId,
}

impl Drop for Leave {
    fn drop(&mut self) {
        let mut watchers = self.hub.watchers.lock();
        if let Some(list) = watchers.get_mut(&self.account) {
            // The queue of this watcher is dropped before this runs, so its sender is closed by now.
            list.retain(|watcher| !watcher.hints.is_closed());
            if list.is_empty() {
                watchers.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use mailstore::ids::ModSeq;

    use super::*;

    const ACCOUNT: AccountId = AccountId([1; 16]);

    fn changed(mailbox: u32, modseq: u64) -> Event {
        Event::MailboxChanged {
            account: ACCOUNT,
            mailbox: MailboxId(mailbox),
            modseq: ModSeq(modseq),
        }
    }

    #[tokio::test]
    async fn a_watcher_of_an_account_that_has_moved_is_sent_away() {
        let hub = Arc::new(WatchHub::default());
        let mut watch = hub.watch(ACCOUNT, Some(MailboxId(1)));
        let (other, slot) = (mailstore::Slot(ACCOUNT.slot().0 ^ 1), ACCOUNT.slot());
        hub.publish(&[Event::SlotReleased { slot: other }, changed(1, 6)]);
        assert_eq!(watch.next().await, Some(changed(1, 6)));
        hub.publish(&[Event::SlotReleased { slot }]);
        assert_eq!(watch.next().await, None);
    }

    #[tokio::test]
    async fn a_watcher_hears_of_its_mailbox_only() {
        let hub = Arc::new(WatchHub::default());
        let mut one = hub.watch(ACCOUNT, Some(MailboxId(1)));
        let mut tree = hub.watch(ACCOUNT, None);
        hub.publish(&[
            changed(2, 5),
            changed(1, 6),
            Event::TreeChanged { account: ACCOUNT },
        ]);
        assert_eq!(one.next().await, Some(changed(1, 6)));
        assert_eq!(tree.next().await, Some(Event::TreeChanged { account: ACCOUNT }));
    }

    #[test]
    fn a_watcher_that_does_not_read_holds_a_bounded_queue() {
        let hub = Arc::new(WatchHub::default());
        let mut watch = hub.watch(ACCOUNT, Some(MailboxId(1)));
        (0..1000).for_each(|modseq| hub.publish(&[changed(1, modseq)]));
        let waiting = std::iter::from_fn(|| watch.next().now_or_never().flatten());
        assert_eq!(waiting.count(), HINTS_PER_WATCHER_MAX);
    }

    #[tokio::test]
    async fn a_watcher_of_what_is_served_elsewhere_hears_the_end() {
        let hub = Arc::new(WatchHub::default());
        let other = AccountId([2; 16]);
        let (mut left, mut kept) = (hub.watch(ACCOUNT, None), hub.watch(other, None));
        hub.retain(|account| account == other);
        assert_eq!(left.next().await, None);
        hub.publish(&[Event::TreeChanged { account: other }]);
        assert_eq!(kept.next().await, Some(Event::TreeChanged { account: other }));
    }

    #[test]
    fn a_dropped_watcher_is_forgotten() {
        let hub = Arc::new(WatchHub::default());
        let (first, second) = (hub.watch(ACCOUNT, None), hub.watch(ACCOUNT, None));
        drop(first);
        assert_eq!(hub.watchers.lock().get(&ACCOUNT).map(Vec::len), Some(1));
        drop(second);
        assert!(hub.watchers.lock().is_empty());
    }
}

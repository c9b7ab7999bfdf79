//! Who takes the `\Recent` messages of a mailbox. Of the sessions that hear of them at once one asks the storage; for
//! the others nothing would be left, and each question would be an entry in the log.

use lru::LruCache;
use mailstore::{AccountId, MailboxId, Uid};
use parking_lot::Mutex;

/// Mailboxes that are remembered.
const MAILBOXES_MAX: std::num::NonZeroUsize = std::num::NonZeroUsize::new(16 * 1024).expect("not zero");

type Key = (AccountId, MailboxId);

/// The last message up to which a session of this process has taken each mailbox's, or is about to.
pub(crate) struct RecentClaims(Mutex<LruCache<Key, Uid>>);

impl Default for RecentClaims {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MAILBOXES_MAX)))
    }
}

impl RecentClaims {
    /// Tells whether the caller is the one to ask for the messages up to `last`.
    pub(crate) fn begin(&self, mailbox: Key, last: Uid) -> bool {
        let mut claims = self.0.lock();
        if claims.get(&mailbox).is_some_and(|claimed| *claimed >= last) {
            return false;
        }
        claims.put(mailbox, last);
        true
    }

    /// Notes that the storage could not be asked: the next session tries.
    pub(crate) fn failed(&self, mailbox: Key) {
        self.0.lock().pop(&mailbox);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_session_asks_for_each_message() {
        let claims = RecentClaims::default();
        let mailbox = (AccountId([1; 16]), MailboxId(1));
        let uid = |number| Uid::new(number).expect("not zero");
        assert!(claims.begin(mailbox, uid(5)));
        assert!(!claims.begin(mailbox, uid(5)));
        assert!(!claims.begin(mailbox, uid(4)));
        assert!(claims.begin(mailbox, uid(6)));
        claims.failed(mailbox);
        assert!(claims.begin(mailbox, uid(6)));
        assert!(claims.begin((AccountId([1; 16]), MailboxId(2)), uid(1)));
    }
}

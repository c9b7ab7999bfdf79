//! Answers to "what changed since", shared by sessions that were told by the same hint and know the same.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use mailstore::query::{MailboxChanges, MailboxRef};
use mailstore::{MailboxId, ModSeq, StoreError};
use parking_lot::Mutex;

use crate::account_store::AccountStore;

/// Messages in an answer beyond which it is not kept for those who come later.
const KEPT_MESSAGES_MAX: usize = 1024;

type Answer = Result<Arc<MailboxChanges>, StoreError>;

/// The newest answer for one mailbox.
#[derive(Default)]
pub(crate) struct Looks(Mutex<Option<Look>>);

#[derive(Clone)]
struct Look {
    since: ModSeq,
    /// The count of hints before which the storage was not asked: what they hinted at is in the answer.
    hints: u64,
    answer: Shared<BoxFuture<'static, Answer>>,
}

impl Looks {
    /// Asks what changed in the mailbox, unless another session has asked the same since so many hints had come.
    pub(crate) async fn look(
        &self,
        store: &Arc<AccountStore>,
        mailbox: MailboxId,
        (since, hints): (ModSeq, u64),
    ) -> Answer {
        let look = self.join(store, mailbox, (since, hints));
        let answer = look.answer.clone().await;
        if !answer
            .as_ref()
            .is_ok_and(|changes| changes.changed.len() <= KEPT_MESSAGES_MAX)
        {
            self.forget(&look);
        }
        answer
    }

    fn join(&self, store: &Arc<AccountStore>, mailbox: MailboxId, (since, hints): (ModSeq, u64)) -> Look {
        let mut newest = self.0.lock();
        if let Some(look) = newest
            .as_ref()
            .filter(|look| look.since == since && look.hints >= hints)
        {
            return look.clone();
        }
        let store = Arc::clone(store);
        let asking = async move {
            let changes = store.changes(&MailboxRef::Id(mailbox), since).await;
            changes.map(Arc::new)
        };
        let look = Look {
            since,
            hints,
            answer: asking.boxed().shared(),
        };
        *newest = Some(look.clone());
        look
    }

    fn forget(&self, look: &Look) {
        let mut newest = self.0.lock();
        if newest
            .as_ref()
            .is_some_and(|newest| newest.answer.ptr_eq(&look.answer))
        {
            *newest = None;
        }
    }
}

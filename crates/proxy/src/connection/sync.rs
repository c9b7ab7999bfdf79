//! Bringing the client's picture of its mailbox up to date.

use std::sync::Arc;

use imap_wire::response::ResponseCode;
use mailstore::command::MessageCommand;
use mailstore::mailbox::Mailbox;
use mailstore::query::MailboxRef;
use mailstore::{Rejection, Reply, StoreError, Uid, UidSet};

use super::Connection;
use crate::account_store::AccountStore;
use crate::answer::{Failure, Over};
use crate::cache::recent::RecentClaims;
use crate::cache::snapshot::Snapshot;
use crate::cache::watch_hub::Watching;
use crate::session::report;
use crate::session::selected::{Expunges, News, Selected};

impl Connection {
    /// Tells the client what has happened in the selected mailbox, if one is selected. Asks the storage
    /// for what changed, no more.
    pub(crate) async fn sync(&mut self, expunges: Expunges) -> Result<(), Failure> {
        let Ok(selected) = self.selected() else {
            return Ok(());
        };
        let store = self.store()?;
        if self
            .services
            .views
            .peek(store.account(), selected.mailbox)
            .is_some()
        {
            return self.sync_view(expunges).await.map(|_| ());
        }
        let mailbox = MailboxRef::Id(selected.mailbox);
        let changes = store
            .changes(&mailbox, selected.modseq())
            .await
            .map_err(lost_mailbox)?;
        check_identity(selected, &changes.mailbox)?;
        let news = News::from_changes(selected, &changes);
        self.tell(news, expunges).await
    }

    /// As [`sync`](Self::sync), for a session that was told by a hint: what the storage answers is shared with others
    /// that were.
    pub(crate) async fn sync_watched(&mut self, watching: &Watching) -> Result<(), Failure> {
        let (store, selected) = (self.store()?, self.selected()?);
        let changes = watching
            .look(&store, selected.modseq())
            .await
            .map_err(lost_mailbox)?;
        check_identity(selected, &changes.mailbox)?;
        let news = News::from_changes(selected, &changes);
        self.tell(news, Expunges::Told).await
    }

    /// As [`sync`](Self::sync), and returns all flags of the mailbox as of this moment.
    pub(crate) async fn sync_view(&mut self, expunges: Expunges) -> Result<Arc<Snapshot>, Failure> {
        let selected = self.selected()?;
        let store = self.store()?;
        let refreshed = self.services.views.refresh(&store, selected.mailbox).await;
        let snapshot = refreshed.map_err(lost_mailbox)?;
        check_identity(selected, snapshot.mailbox())?;
        let news = News::from_snapshot(selected, &snapshot);
        self.tell(news, expunges).await?;
        Ok(snapshot)
    }

    async fn tell(&mut self, mut news: News, expunges: Expunges) -> Result<(), Failure> {
        let store = self.store()?;
        let enabled = self.session.enabled;
        let selected = self.selected()?;
        let claims = &self.services.recent_claims;
        news.recent = recent_among((&store, claims), selected, &news).await;
        let mailbox = Arc::clone(&news.mailbox);
        let selected = self.selected_mut()?;
        selected.name = mailbox.name.clone();
        let told = selected.tell(news, expunges);
        let (recent, access) = (selected.recent().clone(), selected.access);
        let names = report::flag_names(&mailbox, &recent);
        report::encode(&told, names, access, enabled, self.out());
        Ok(self.client.transport.checkpoint().await?)
    }
}

/// Returns which of the new messages are `\Recent` here: a read-write session takes them for itself by
/// one entry, EXAMINE only looks (RFC 3501 §2.3.2).
async fn recent_among(
    (store, claims): (&Arc<AccountStore>, &RecentClaims),
    selected: &Selected,
    news: &News,
) -> UidSet {
    let (Some(first), Some(last)) = (news.mailbox.first_recent_uid, news.added().last()) else {
        return UidSet::new();
    };
    if last < first {
        return UidSet::new();
    }
    if !selected.is_read_write() {
        return UidSet::range(first, last);
    }
    let mailbox = (store.account(), selected.mailbox);
    if !claims.begin(mailbox, last) {
        return UidSet::new();
    }
    match try_claim(store, selected.mailbox, last).await {
        Ok(recent) => recent,
        Err(error) => {
            claims.failed(mailbox);
            unclaimed(&error)
        }
    }
}

/// Takes the `\Recent` messages up to `last`. That it fails costs a hint, so it fails no command.
pub(crate) async fn claim_recent(
    store: &Arc<AccountStore>,
    mailbox: mailstore::MailboxId,
    last: Uid,
) -> UidSet {
    let claimed = try_claim(store, mailbox, last).await;
    claimed.unwrap_or_else(|error| unclaimed(&error))
}

async fn try_claim(
    store: &Arc<AccountStore>,
    mailbox: mailstore::MailboxId,
    last: Uid,
) -> Result<UidSet, StoreError> {
    let claim = MessageCommand::ClaimRecent {
        mailbox,
        below: last.next(),
    };
    Ok(match store.change_messages(claim).await? {
        Reply::RecentClaimed { first: Some(first) } if first <= last => UidSet::range(first, last),
        _ => UidSet::new(),
    })
}

fn unclaimed(error: &StoreError) -> UidSet {
    tracing::debug!(%error, "recent messages were not claimed");
    UidSet::new()
}

/// The selected mailbox does not exist any more. RFC 2180 §3.3 allows to end the connection; anything
/// else would leave the client with numbers that mean nothing.
fn lost_mailbox(error: StoreError) -> Failure {
    match error {
        StoreError::Rejected(Rejection::NoSuchMailbox) => {
            Over::Bye(Some(ResponseCode::NonExistent), "Selected mailbox was deleted").into()
        }
        other => other.into(),
    }
}

/// RENAME of INBOX takes the mailbox away under another name and puts an empty one in its place, where
/// new mail arrives (RFC 3501 §6.3.5). A session that has INBOX selected cannot be told so. Under any
/// other name a mailbox stays what it was.
fn check_identity(selected: &Selected, mailbox: &Mailbox) -> Result<(), Failure> {
    let same = mailbox.uid_validity == selected.uid_validity;
    if same && (!selected.name.is_inbox() || mailbox.name.is_inbox()) {
        return Ok(());
    }
    Err(Over::Bye(Some(ResponseCode::NonExistent), "Selected mailbox was renamed").into())
}

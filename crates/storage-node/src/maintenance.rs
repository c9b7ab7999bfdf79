//! Work that a node does by itself, a step at a time. A driver calls the steps at its own pace.

use std::time::Duration;

use futures::TryStreamExt;
use mailstore::account::AccountState;
use mailstore::address::Address;
use mailstore::command::{AccountCommand, AddressCommand, Command, Subject};
use mailstore::ports::NodeAdmin;
use mailstore::time::Timestamp;
use mailstore::{AccountId, GroupId, StoreError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::node::Node;

/// Tokens are renewed well before they run out.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(240);
/// How often removed accounts are looked for.
const PURGE_INTERVAL: Duration = Duration::from_secs(3600);
/// How long after the start content is first compared with what the rows name.
const CONTENT_DELAY: Duration = Duration::from_secs(60);
/// How often that is done.
const CONTENT_INTERVAL: Duration = Duration::from_secs(3600);

/// What looking after content came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ContentReport {
    /// Blobs that nobody needed and that were removed.
    pub removed: u64,
    /// Blobs that were missing or damaged here and were fetched from another replica.
    pub fetched: u64,
    /// Blobs that are missing here and that no replica could give.
    pub missing: u64,
}

impl Node {
    /// Gives every session of the registry a new token.
    pub fn renew_tokens(&self) {
        let now = self.environment().now();
        self.sessions_registry()
            .renew(|info| self.tokens().renewed(info, now));
    }

    /// Deletes the data of accounts that were removed and whose time is over. Returns how many.
    ///
    /// # Errors
    /// When a group cannot answer; what was not done is done the next time.
    pub async fn purge_due_accounts(&self) -> Result<u64, StoreError> {
        let now = self.environment().now();
        let mut accounts = self.accounts().await?;
        let mut purged = 0;
        while let Some(info) = accounts.try_next().await? {
            if matches!(info.account.state, AccountState::Removed { purge_after } if purge_after <= now) {
                self.purge(info.account.id, info.account.address).await?;
                purged += 1;
            }
        }
        Ok(purged)
    }

    /// The address is freed last: until then nobody else can have it, and a step that is repeated finds
    /// what it needs.
    async fn purge(&self, account: AccountId, address: Address) -> Result<(), StoreError> {
        let purge = Command::Account(AccountCommand::Purge);
        self.propose_for(Subject::Account(account), None, purge).await?;
        let release = Command::Address(AddressCommand::Release { account });
        match self
            .propose_for(Subject::Address(address.clone()), None, release)
            .await
        {
            // Another node leads the address's group; its record names an account that is gone, which an
            // addition under the same address notices.
            Err(StoreError::NotLeader { .. }) => {
                tracing::info!(%account, "address of a purged account is led elsewhere and stays reserved");
                Ok(())
            }
            other => other.map(|_| ()),
        }
    }

    /// Removes content that no row has named for some time, and fetches what rows name and is not here. A
    /// group that cannot be looked after now is looked after the next time.
    pub async fn look_after_content(&self) -> ContentReport {
        let mut report = ContentReport::default();
        for group in self.replication().groups() {
            if let Err(error) = self.look_after_group(group, &mut report).await {
                tracing::debug!(group = group.0, %error, "content of a group is looked after later");
            }
        }
        if report != ContentReport::default() {
            let ContentReport {
                removed,
                fetched,
                missing,
            } = report;
            tracing::info!(
                removed,
                fetched,
                missing,
                "content was compared with the mailboxes"
            );
        }
        report
    }

    async fn look_after_group(&self, group: GroupId, report: &mut ContentReport) -> Result<(), StoreError> {
        // Taken before the rows are read: what is stored from then on is not among what they name.
        let now = self.environment().now();
        let grace = u64::try_from(self.options().blob_grace.as_millis()).unwrap_or(u64::MAX);
        let unused_since = Timestamp(now.0.saturating_sub(grace));
        let named = self.replication().named_blobs(group).await?;
        let node = self.clone();
        let reconcile = move || node.content_store().reconcile(group, &named, unused_since);
        let found = self.content_pool().run(reconcile).await??;
        report.removed += found.removed;
        for blob in found.missing {
            match self.content_store().repair(group, blob).await {
                Ok(()) => report.fetched += 1,
                Err(error) => {
                    tracing::error!(group = group.0, %blob, %error, "content is missing and could not be fetched");
                    report.missing += 1;
                }
            }
        }
        Ok(())
    }

    /// Runs the node's own work until the token is cancelled.
    pub async fn maintain(self, stop: CancellationToken) {
        // Looking after content may take long, and tokens must be renewed meanwhile.
        tokio::join!(self.keep_accounts(&stop), self.keep_content(&stop));
    }

    async fn keep_accounts(&self, stop: &CancellationToken) {
        let mut renewal = tokio::time::interval(RENEWAL_INTERVAL);
        let mut purge = tokio::time::interval(PURGE_INTERVAL);
        loop {
            // Every branch is a tick or a token, which are cancel safe.
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = renewal.tick() => self.renew_tokens(),
                _ = purge.tick() => {
                    if let Err(error) = self.purge_due_accounts().await {
                        tracing::warn!(%error, "removed accounts could not be purged now");
                    }
                }
            }
        }
    }

    async fn keep_content(&self, stop: &CancellationToken) {
        let first = Instant::now() + CONTENT_DELAY;
        let mut due = tokio::time::interval_at(first, CONTENT_INTERVAL);
        loop {
            let work = async {
                due.tick().await;
                self.look_after_content().await
            };
            // Work that is cut off is begun again at the next start.
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = work => {}
            }
        }
    }
}

//! Work that a node does by itself, a step at a time. A driver calls the steps at its own pace.

use std::time::Duration;

use cluster::Router;
use futures::TryStreamExt;
use mailstore::account::AccountState;
use mailstore::address::Address;
use mailstore::command::{AccountCommand, Command, Subject};
use mailstore::ports::NodeAdmin;
use mailstore::time::Timestamp;
use mailstore::{AccountId, GroupId, StoreError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::node::Node;

/// Tokens are renewed well before they run out.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(240);
/// How often sessions that nobody asked the notices of are looked for.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(60);
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
        let now = self.steady_now();
        self.sessions_registry()
            .renew(|info| self.tokens().mint(info, now));
    }

    /// Forgets sessions whose proxy never asked for their notices.
    pub fn expire_sessions(&self) {
        self.sessions_registry().expire();
    }

    /// Deletes the data of accounts that were removed and whose time is over. Returns how many. The
    /// router leads to the groups of their addresses.
    ///
    /// # Errors
    /// When a group that this node leads cannot be listed; what was not done is done the next time.
    pub async fn purge_due_accounts(&self, router: &Router) -> Result<u64, StoreError> {
        let now = self.steady_now();
        let mut purged = 0;
        for group in self.replication().groups() {
            if !self.replication().leads(group) {
                continue;
            }
            let mut accounts = self.accounts(group).await?;
            while let Some(info) = accounts.try_next().await? {
                let account = info.account;
                if !matches!(account.state, AccountState::Removed { purge_after } if purge_after <= now) {
                    continue;
                }
                match self.purge(router, account.id, &account.address).await {
                    Ok(()) => purged += 1,
                    Err(error) => {
                        tracing::warn!(account = %account.id, %error, "removed account is purged later");
                    }
                }
            }
        }
        Ok(purged)
    }

    /// Frees the address, then deletes the data. As long as the data is there, the next attempt finds the
    /// account and repeats both steps, whichever of them failed. In between, restoring the account takes
    /// its address back or is refused.
    async fn purge(&self, router: &Router, account: AccountId, address: &Address) -> Result<(), StoreError> {
        router.release_address(address, account).await?;
        let purge = Command::Account(AccountCommand::Purge);
        self.propose_for(Subject::Account(account), None, purge).await?;
        Ok(())
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

    /// Runs the node's own work until the token is cancelled. The router leads to the groups that other
    /// nodes lead.
    pub async fn maintain(self, router: Router, stop: CancellationToken) {
        // Looking after content and purging may take long, and tokens must be renewed meanwhile.
        tokio::join!(
            self.keep_sessions(&stop),
            self.keep_accounts(&router, &stop),
            self.keep_content(&stop),
            self.keep_office(&stop)
        );
    }

    async fn keep_sessions(&self, stop: &CancellationToken) {
        let mut renewal = tokio::time::interval(RENEWAL_INTERVAL);
        let mut expiry = tokio::time::interval(EXPIRY_INTERVAL);
        loop {
            // Every branch is a tick or a token, which are cancel safe.
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = renewal.tick() => self.renew_tokens(),
                _ = expiry.tick() => self.expire_sessions(),
            }
        }
    }

    async fn keep_accounts(&self, router: &Router, stop: &CancellationToken) {
        let mut due = tokio::time::interval(PURGE_INTERVAL);
        loop {
            let work = async {
                due.tick().await;
                if let Err(error) = self.purge_due_accounts(router).await {
                    tracing::warn!(%error, "removed accounts could not be purged now");
                }
            };
            // A purge that is cut off is repeated at the next start.
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = work => {}
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

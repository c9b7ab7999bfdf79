//! Work that a node does by itself, a step at a time. A driver calls the steps at its own pace.

use std::time::Duration;

use futures::TryStreamExt;
use mailstore::account::AccountState;
use mailstore::address::Address;
use mailstore::command::{AccountCommand, AddressCommand, Command, Subject};
use mailstore::ports::NodeAdmin;
use mailstore::{AccountId, StoreError};
use tokio_util::sync::CancellationToken;

use crate::node::Node;

/// Tokens are renewed well before they run out.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(240);
/// How often removed accounts are looked for.
const PURGE_INTERVAL: Duration = Duration::from_secs(3600);

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

    /// Runs the node's own work until the token is cancelled.
    pub async fn maintain(self, stop: CancellationToken) {
        let mut renewal = tokio::time::interval(RENEWAL_INTERVAL);
        let mut purge = tokio::time::interval(PURGE_INTERVAL);
        loop {
            // Both branches are ticks, which are cancel safe.
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
}

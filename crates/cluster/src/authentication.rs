//! Login at the leader of the user's account.

use async_trait::async_trait;
use mailstore::address::{Address, AddressRecord, AddressState};
use mailstore::ids::Slot;
use mailstore::ports::{Authentication, BoxStream, Caller, LoginRequest, SaslExchange, SessionNotice};
use mailstore::{AccountId, GroupId, StoreError};

use crate::router::Router;

impl Router {
    /// Returns the record of an address from the group that holds it.
    pub(crate) async fn address_record(
        &self,
        address: &Address,
    ) -> Result<Option<AddressRecord>, StoreError> {
        let group = self.group_of_slot(address.slot());
        self.at_leader(group, |node| async move { node.address_record(address).await })
            .await
    }

    async fn account_of(&self, user: &str) -> Result<Option<AccountId>, StoreError> {
        let Some(address) = Address::parse(user) else {
            return Ok(None);
        };
        let record = self.address_record(&address).await?;
        Ok(record
            .filter(|record| record.state == AddressState::Active)
            .map(|record| record.account))
    }

    /// An unknown user's exchange is run by some group all the same, always the same one, so that it
    /// cannot be told from a known user's by where it goes.
    fn login_group(&self, account: Option<AccountId>, user: &str) -> GroupId {
        account.map_or_else(
            || self.group_of_slot(Slot::of(user.as_bytes())),
            |account| self.group_of(account),
        )
    }
}

#[async_trait]
impl Authentication for Router {
    async fn begin_login(&self, request: LoginRequest) -> Result<Box<dyn SaslExchange>, StoreError> {
        let account = self.account_of(&request.user).await?;
        let group = self.login_group(account, &request.user);
        self.at_leader(group, |node| {
            let request = request.clone();
            async move { node.begin_login_at(account, request).await }
        })
        .await
    }

    async fn session_notices(&self, caller: &Caller) -> Result<BoxStream<SessionNotice>, StoreError> {
        let group = self.group_of(caller.account);
        self.at_leader(group, |node| async move { node.notices(caller).await })
            .await
    }

    async fn logout(&self, caller: &Caller) {
        let group = self.group_of(caller.account);
        let ended = self
            .at_leader(group, |node| async move { node.end_session(caller).await })
            .await;
        if let Err(error) = ended {
            tracing::debug!(%error, "session could not be ended; its registration ends with its notices");
        }
    }
}

//! Login at the leader of the user's account.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use mailstore::address::{Address, AddressRecord, AddressState};
use mailstore::ids::Slot;
use mailstore::ports::{
    Authentication, BoxStream, Caller, LoginRequest, SaslExchange, SaslOutcome, SessionNotice, StorageNode,
};
use mailstore::{AccountId, GroupId, StoreError};
use tokio::time::Instant;

use crate::attempts::{Attempts, may_pass};
use crate::router::Router;

impl Router {
    /// Returns the record of an address from the group that holds it.
    pub(crate) async fn address_record(
        &self,
        address: &Address,
    ) -> Result<Option<AddressRecord>, StoreError> {
        self.address_record_within(&mut self.attempts(), address).await
    }

    async fn address_record_within(
        &self,
        attempts: &mut Attempts,
        address: &Address,
    ) -> Result<Option<AddressRecord>, StoreError> {
        let group = self.group_of_slot(address.slot());
        let read = |node: Arc<dyn StorageNode>| async move { node.address_record(address).await };
        self.at_leader_within(attempts, group, read).await
    }

    async fn account_of(&self, attempts: &mut Attempts, user: &str) -> Result<Option<AccountId>, StoreError> {
        let Some(address) = Address::parse(user) else {
            return Ok(None);
        };
        let record = self.address_record_within(attempts, &address).await?;
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
        let mut attempts = self.attempts();
        let account = self.account_of(&mut attempts, &request.user).await?;
        let beginning = Beginning {
            router: self.clone(),
            account,
            request,
        };
        Ok(Box::new(PatientExchange {
            exchange: beginning.exchange(&mut attempts).await?,
            beginning,
            attempts,
            waits_since: Instant::now(),
            challenged: false,
        }))
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

/// What an exchange began with.
struct Beginning {
    router: Router,
    account: Option<AccountId>,
    request: LoginRequest,
}

impl Beginning {
    async fn exchange(&self, attempts: &mut Attempts) -> Result<Box<dyn SaslExchange>, StoreError> {
        let group = self.router.login_group(self.account, &self.request.user);
        let begin = |node: Arc<dyn StorageNode>| {
            let request = self.request.clone();
            async move { node.begin_login_at(self.account, request).await }
        };
        self.router.at_leader_within(attempts, group, begin).await
    }
}

/// An exchange that is begun again with the next leader. Once the client was given a challenge that cannot be: the
/// answer to it fits the node that made it.
struct PatientExchange {
    beginning: Beginning,
    attempts: Attempts,
    exchange: Box<dyn SaslExchange>,
    /// The time that the client takes over its message is not the storage's.
    waits_since: Instant,
    challenged: bool,
}

#[async_trait]
impl SaslExchange for PatientExchange {
    async fn respond(&mut self, message: Bytes) -> Result<SaslOutcome, StoreError> {
        if self.challenged {
            return self.exchange.respond(message).await;
        }
        self.attempts.extend(self.waits_since.elapsed());
        loop {
            let answer = self.exchange.respond(message.clone());
            let answer = tokio::time::timeout_at(self.attempts.deadline(), answer).await;
            let late = Err(StoreError::Unavailable("no answer in time"));
            match answer.unwrap_or(late) {
                Ok(outcome) => {
                    self.challenged = true;
                    return Ok(outcome);
                }
                Err(error) if may_pass(&error) => {
                    self.attempts.pause(self.beginning.router.jitter()).await?;
                    self.exchange = self.beginning.exchange(&mut self.attempts).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

//! The client's side.

use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use mailstore::account::QuotaLimits;
use mailstore::address::Address;
use mailstore::error::DecodeError;
use mailstore::mailbox::SpecialUse;
use mailstore::name::MailboxName;
use mailstore::ports::{
    AccountAdd, AccountSelector, Administration, BoxStream, NodeStatus, SecretChange, SessionInfo,
};
use mailstore::query::{AccountInfo, MailboxTree};
use mailstore::time::Timestamp;
use mailstore::{AccountId, MailboxId, SessionId, StoreError};
use tonic::{Response, Status, Streaming};

use super::fields::account_id;
use super::mailboxes::special_use_names;
use crate::generated::admin as proto;
use crate::generated::admin::admin_client::AdminClient as Client;
use crate::node_client::{answer_within, decoded};
use crate::status::{store_error, unreadable_answer};
use crate::transport::{Connection, Dialer};

/// Administration over gRPC, as if it were in this process.
#[derive(Clone)]
pub struct AdminClient {
    client: Client<Connection>,
}

impl AdminClient {
    /// Returns a client that connects when first used.
    #[must_use]
    pub fn new(dialer: &Dialer) -> Self {
        Self {
            client: Client::new(dialer.channel()),
        }
    }

    fn call(&self) -> Client<Connection> {
        self.client.clone()
    }
}

fn selector(account: &AccountSelector) -> Option<proto::Selector> {
    Some(account.into())
}

/// Returns the items of a streamed answer.
fn items<P, T>(stream: Streaming<P>) -> BoxStream<Result<T, StoreError>>
where
    P: Send + 'static,
    T: TryFrom<P, Error = DecodeError> + Send + 'static,
{
    stream
        .map(|item| match item {
            Ok(item) => decoded(item.try_into()),
            Err(status) => Err(store_error(&status)),
        })
        .boxed()
}

/// Returns a streamed answer as a whole.
async fn collected<P, T>(stream: Streaming<P>) -> Result<Vec<T>, StoreError>
where
    P: Send + 'static,
    T: TryFrom<P, Error = DecodeError> + Send + 'static,
{
    let mut items = items(stream);
    let mut all = Vec::new();
    while let Some(item) = items.next().await {
        all.push(item?);
    }
    Ok(all)
}

/// Time that a call may take: longer than the server tries to reach a leader for it, so that it is the
/// server who says what is wrong.
const CALL_TIME_MAX: Duration = Duration::from_secs(60);

/// Waits for a call with one answer.
async fn answer<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, StoreError> {
    answer_within(CALL_TIME_MAX, call).await
}

#[async_trait]
impl Administration for AdminClient {
    async fn account_add(&self, account: AccountAdd) -> Result<AccountId, StoreError> {
        let request = proto::AccountAddRequest::from(account);
        let added = answer(self.call().account_add(request)).await?;
        account_id(&added.id).map_err(|error| unreadable_answer(&error))
    }

    async fn account_list(&self) -> Result<BoxStream<Result<AccountInfo, StoreError>>, StoreError> {
        Ok(items(
            answer(self.call().account_list(proto::AccountListRequest {})).await?,
        ))
    }

    async fn account_show(&self, account: &AccountSelector) -> Result<AccountInfo, StoreError> {
        let shown = answer(self.call().account_show(proto::Selector::from(account))).await?;
        decoded(shown.try_into())
    }

    async fn account_set_secret(
        &self,
        account: &AccountSelector,
        secret: SecretChange,
    ) -> Result<(), StoreError> {
        let request = proto::AccountSetSecretRequest {
            account: selector(account),
            secret: Some(secret.into()),
        };
        answer(self.call().account_set_secret(request)).await.map(drop)
    }

    async fn account_suspend(&self, account: &AccountSelector, suspended: bool) -> Result<(), StoreError> {
        let request = proto::AccountSuspendRequest {
            account: selector(account),
            suspended,
        };
        answer(self.call().account_suspend(request)).await.map(drop)
    }

    async fn account_rename(&self, account: &AccountSelector, address: Address) -> Result<(), StoreError> {
        let request = proto::AccountRenameRequest {
            account: selector(account),
            address: address.as_str().to_owned(),
        };
        answer(self.call().account_rename(request)).await.map(drop)
    }

    async fn account_remove(
        &self,
        account: &AccountSelector,
        retention: Option<Duration>,
    ) -> Result<Timestamp, StoreError> {
        let request = proto::AccountRemoveRequest {
            account: selector(account),
            retention_seconds: retention.map(|retention| retention.as_secs()),
        };
        let removed = answer(self.call().account_remove(request)).await?;
        Ok(Timestamp(removed.purge_after))
    }

    async fn account_restore(&self, account: &AccountSelector) -> Result<(), StoreError> {
        let request = proto::Selector::from(account);
        answer(self.call().account_restore(request)).await.map(drop)
    }

    async fn account_set_limits(
        &self,
        account: &AccountSelector,
        limits: QuotaLimits,
    ) -> Result<(), StoreError> {
        let request = proto::AccountSetLimitsRequest {
            account: selector(account),
            limits: Some(limits.into()),
        };
        answer(self.call().account_set_limits(request)).await.map(drop)
    }

    async fn mailbox_list(&self, account: &AccountSelector) -> Result<MailboxTree, StoreError> {
        let stream = answer(self.call().mailbox_list(proto::Selector::from(account))).await?;
        Ok(MailboxTree {
            entries: collected(stream).await?,
        })
    }

    async fn mailbox_create(
        &self,
        account: &AccountSelector,
        name: MailboxName,
        special_use: SpecialUse,
    ) -> Result<MailboxId, StoreError> {
        let request = proto::MailboxCreateRequest {
            account: selector(account),
            name: name.as_str().to_owned(),
            special_use: special_use_names(special_use),
        };
        Ok(MailboxId(answer(self.call().mailbox_create(request)).await?.id))
    }

    async fn mailbox_delete(&self, account: &AccountSelector, name: MailboxName) -> Result<(), StoreError> {
        let request = proto::MailboxDeleteRequest {
            account: selector(account),
            name: name.as_str().to_owned(),
        };
        answer(self.call().mailbox_delete(request)).await.map(drop)
    }

    async fn session_list(&self, account: Option<&AccountSelector>) -> Result<Vec<SessionInfo>, StoreError> {
        let request = proto::SessionListRequest {
            account: account.map(proto::Selector::from),
        };
        collected(answer(self.call().session_list(request)).await?).await
    }

    async fn session_kick(
        &self,
        account: &AccountSelector,
        session: Option<SessionId>,
    ) -> Result<u64, StoreError> {
        let request = proto::SessionKickRequest {
            account: selector(account),
            session: session.map(|session| session.to_string()),
        };
        Ok(answer(self.call().session_kick(request)).await?.ended)
    }

    async fn status(&self) -> Result<Vec<NodeStatus>, StoreError> {
        let status = answer(self.call().status(proto::StatusRequest {})).await?;
        Ok(status.nodes.into_iter().map(NodeStatus::from).collect())
    }
}

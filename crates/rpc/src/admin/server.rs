//! The server's side.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use mailstore::account::QuotaLimits;
use mailstore::error::DecodeError;
use mailstore::ports::{AccountAdd, AccountSelector, Administration, SecretChange};
use tonic::{Request, Response, Status, async_trait};

use super::fields::{address, mailbox_name, required, session_id};
use super::mailboxes::special_use;
use crate::generated::admin as proto;
use crate::generated::admin::admin_server::{Admin, AdminServer};
use crate::node_server::{Answers, answered, decoded};
use crate::status::status;
use crate::transport::{Services, may_administer};

/// Offers administration to administrators, to other storage nodes and over the local socket.
pub fn serve_admin(services: &mut Services, administration: Arc<dyn Administration>) {
    services.add(AdminServer::new(Server { administration }));
}

struct Server {
    administration: Arc<dyn Administration>,
}

/// Checks the role and returns the message.
fn admitted<T>(request: Request<T>) -> Result<T, Status> {
    may_administer(&request)?;
    Ok(request.into_inner())
}

fn selected(selector: Option<proto::Selector>) -> Result<AccountSelector, Status> {
    decoded(required(selector, "account"))
}

fn secret(secret: Option<proto::Secret>) -> Result<SecretChange, Status> {
    decoded(required(secret, "secret"))
}

fn done((): ()) -> proto::Done {
    proto::Done {}
}

/// Returns the items of an answer that is there as a whole, one by one: there is no bound on how many.
fn each<T>(items: Vec<T>) -> Answers<T>
where
    T: Send + 'static,
{
    futures::stream::iter(items.into_iter().map(Ok)).boxed()
}

#[async_trait]
impl Admin for Server {
    async fn account_add(
        &self,
        request: Request<proto::AccountAddRequest>,
    ) -> Result<Response<proto::AccountAddResponse>, Status> {
        let add: AccountAdd = decoded(admitted(request)?.try_into())?;
        let added = self.administration.account_add(add).await;
        answered(added, |id| proto::AccountAddResponse { id: id.to_string() })
    }

    type AccountListStream = Answers<proto::Account>;

    async fn account_list(
        &self,
        request: Request<proto::AccountListRequest>,
    ) -> Result<Response<Self::AccountListStream>, Status> {
        admitted(request)?;
        answered(self.administration.account_list().await, |accounts| {
            let messages = accounts.map(|item| match item {
                Ok(info) => Ok(proto::Account::from(&info)),
                Err(error) => Err(status(&error)),
            });
            messages.boxed()
        })
    }

    async fn account_show(
        &self,
        request: Request<proto::Selector>,
    ) -> Result<Response<proto::Account>, Status> {
        let account = decoded(admitted(request)?.try_into())?;
        answered(self.administration.account_show(&account).await, |info| {
            (&info).into()
        })
    }

    async fn account_set_secret(
        &self,
        request: Request<proto::AccountSetSecretRequest>,
    ) -> Result<Response<proto::Done>, Status> {
        let message = admitted(request)?;
        let (account, secret) = (selected(message.account)?, secret(message.secret)?);
        answered(
            self.administration.account_set_secret(&account, secret).await,
            done,
        )
    }

    async fn account_suspend(
        &self,
        request: Request<proto::AccountSuspendRequest>,
    ) -> Result<Response<proto::Done>, Status> {
        let message = admitted(request)?;
        let account = selected(message.account)?;
        let outcome = self.administration.account_suspend(&account, message.suspended);
        answered(outcome.await, done)
    }

    async fn account_rename(
        &self,
        request: Request<proto::AccountRenameRequest>,
    ) -> Result<Response<proto::Done>, Status> {
        let message = admitted(request)?;
        let (account, address) = (selected(message.account)?, decoded(address(&message.address))?);
        answered(self.administration.account_rename(&account, address).await, done)
    }

    async fn account_remove(
        &self,
        request: Request<proto::AccountRemoveRequest>,
    ) -> Result<Response<proto::AccountRemoveResponse>, Status> {
        let message = admitted(request)?;
        let account = selected(message.account)?;
        let retention = message.retention_seconds.map(Duration::from_secs);
        let removed = self.administration.account_remove(&account, retention).await;
        answered(removed, |purge_after| proto::AccountRemoveResponse {
            purge_after: purge_after.0,
        })
    }

    async fn account_restore(
        &self,
        request: Request<proto::Selector>,
    ) -> Result<Response<proto::Done>, Status> {
        let account = decoded(admitted(request)?.try_into())?;
        answered(self.administration.account_restore(&account).await, done)
    }

    async fn account_set_limits(
        &self,
        request: Request<proto::AccountSetLimitsRequest>,
    ) -> Result<Response<proto::Done>, Status> {
        let message = admitted(request)?;
        let account = selected(message.account)?;
        // Absent limits would mean no limits; who wants that says so.
        let limits = decoded(message.limits.ok_or(DecodeError::Missing("limits")))?;
        let outcome = self
            .administration
            .account_set_limits(&account, QuotaLimits::from(limits));
        answered(outcome.await, done)
    }

    type MailboxListStream = Answers<proto::Mailbox>;

    async fn mailbox_list(
        &self,
        request: Request<proto::Selector>,
    ) -> Result<Response<Self::MailboxListStream>, Status> {
        let account = decoded(admitted(request)?.try_into())?;
        answered(self.administration.mailbox_list(&account).await, |tree| {
            each(tree.entries.iter().map(proto::Mailbox::from).collect())
        })
    }

    async fn mailbox_create(
        &self,
        request: Request<proto::MailboxCreateRequest>,
    ) -> Result<Response<proto::MailboxCreateResponse>, Status> {
        let message = admitted(request)?;
        let account = selected(message.account)?;
        let name = decoded(mailbox_name(&message.name))?;
        let uses = decoded(special_use(&message.special_use))?;
        let created = self.administration.mailbox_create(&account, name, uses).await;
        answered(created, |id| proto::MailboxCreateResponse { id: id.0 })
    }

    async fn mailbox_delete(
        &self,
        request: Request<proto::MailboxDeleteRequest>,
    ) -> Result<Response<proto::Done>, Status> {
        let message = admitted(request)?;
        let (account, name) = (selected(message.account)?, decoded(mailbox_name(&message.name))?);
        answered(self.administration.mailbox_delete(&account, name).await, done)
    }

    type SessionListStream = Answers<proto::Session>;

    async fn session_list(
        &self,
        request: Request<proto::SessionListRequest>,
    ) -> Result<Response<Self::SessionListStream>, Status> {
        let selector = admitted(request)?.account;
        let account = selector.map(AccountSelector::try_from).transpose();
        let account = decoded(account)?;
        let sessions = self.administration.session_list(account.as_ref()).await;
        answered(sessions, |sessions| {
            each(sessions.iter().map(proto::Session::from).collect())
        })
    }

    async fn session_kick(
        &self,
        request: Request<proto::SessionKickRequest>,
    ) -> Result<Response<proto::SessionKickResponse>, Status> {
        let message = admitted(request)?;
        let account = selected(message.account)?;
        let session = decoded(message.session.as_deref().map(session_id).transpose())?;
        let ended = self.administration.session_kick(&account, session).await;
        answered(ended, |ended| proto::SessionKickResponse { ended })
    }

    async fn status(
        &self,
        request: Request<proto::StatusRequest>,
    ) -> Result<Response<proto::StatusResponse>, Status> {
        admitted(request)?;
        answered(self.administration.status().await, |nodes| {
            proto::StatusResponse {
                nodes: nodes.iter().map(proto::Node::from).collect(),
            }
        })
    }
}

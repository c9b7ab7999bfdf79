//! Administration: changes that concern an account and its address are made of steps that can be
//! repeated, each at the leader that it belongs to.

use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use mailstore::account::{NewAccount, QuotaLimits};
use mailstore::address::{Address, AddressState};
use mailstore::command::{AccountCommand, AddressCommand, Command, MailboxCommand, Subject};
use mailstore::ids::{MailboxId, SessionId};
use mailstore::mailbox::SpecialUse;
use mailstore::name::MailboxName;
use mailstore::ports::{
    AccountAdd, AccountSelector, Administration, BoxStream, NodeStatus, SecretChange, SessionInfo,
};
use mailstore::query::{AccountInfo, MailboxTree};
use mailstore::time::Timestamp;
use mailstore::{AccountId, Rejection, Reply, StoreError};

use crate::router::Router;

impl Router {
    async fn propose(&self, subject: Subject, command: Command) -> Result<Reply, StoreError> {
        // The header of a group is not changed through a router.
        let slot = subject.slot().ok_or(StoreError::Unauthorized)?;
        let (subject, command, request) = (&subject, &command, self.new_request());
        self.at_leader(self.group_of_slot(slot), |node| async move {
            node.propose(subject.clone(), Some(request), command.clone())
                .await
        })
        .await
    }

    async fn propose_account(
        &self,
        account: AccountId,
        command: AccountCommand,
    ) -> Result<Reply, StoreError> {
        self.propose(Subject::Account(account), Command::Account(command))
            .await
    }

    async fn propose_address(&self, address: &Address, command: AddressCommand) -> Result<Reply, StoreError> {
        self.propose(Subject::Address(address.clone()), Command::Address(command))
            .await
    }

    /// Frees an address, unless another account has it. To be repeated until it succeeds.
    ///
    /// # Errors
    /// When the group of the address does not answer.
    pub async fn release_address(&self, address: &Address, account: AccountId) -> Result<(), StoreError> {
        self.propose_address(address, AddressCommand::Release { account })
            .await
            .map(|_| ())
    }

    async fn select(&self, selector: &AccountSelector) -> Result<AccountId, StoreError> {
        match selector {
            AccountSelector::Id(account) => Ok(*account),
            AccountSelector::Address(address) => {
                let record = self.address_record(address).await?;
                record
                    .map(|record| record.account)
                    .ok_or_else(|| Rejection::NoSuchAccount.into())
            }
        }
    }

    /// Returns the account that the address is to name: the one of an addition that did not come to its
    /// end, or a new one.
    async fn account_for(&self, address: &Address) -> Result<AccountId, StoreError> {
        match self.address_record(address).await? {
            Some(record) if record.state == AddressState::Reserved => Ok(record.account),
            Some(_) => Err(Rejection::AddressTaken.into()),
            None => Ok(self.new_account_id()),
        }
    }
}

#[async_trait]
impl Administration for Router {
    async fn account_add(&self, add: AccountAdd) -> Result<AccountId, StoreError> {
        let AccountAdd {
            address,
            secret,
            limits,
        } = add;
        let account = self.account_for(&address).await?;
        let secret = &secret;
        let credentials = self
            .at_leader(self.group_of(account), |node| async move {
                node.derive_credentials(secret.clone()).await
            })
            .await?;
        let defaults = self.account_defaults();
        let new = NewAccount {
            address: address.clone(),
            credentials,
            limits: limits.unwrap_or(defaults.limits),
            mailboxes: defaults.mailboxes.clone(),
        };
        self.propose_address(&address, AddressCommand::Reserve { account })
            .await?;
        self.propose_account(account, AccountCommand::Create(new)).await?;
        self.propose_address(&address, AddressCommand::Activate { account })
            .await?;
        Ok(account)
    }

    async fn account_list(&self) -> Result<BoxStream<Result<AccountInfo, StoreError>>, StoreError> {
        let router = self.clone();
        let groups = self
            .groups()
            .into_iter()
            .map(move |group| (router.clone(), group));
        let lists = futures::stream::iter(groups).then(|(router, group)| async move {
            let list = router.at_leader(group, |node| async move { node.accounts(group).await });
            match list.await {
                Ok(list) => list,
                Err(error) => {
                    tracing::warn!(group = group.0, %error, "accounts of a group cannot be listed");
                    futures::stream::iter([Err(error)]).boxed()
                }
            }
        });
        Ok(lists.flatten().boxed())
    }

    async fn account_show(&self, account: &AccountSelector) -> Result<AccountInfo, StoreError> {
        let account = self.select(account).await?;
        self.at_leader(self.group_of(account), |node| async move {
            node.account(account).await
        })
        .await
    }

    async fn account_set_secret(
        &self,
        account: &AccountSelector,
        secret: SecretChange,
    ) -> Result<(), StoreError> {
        let account = self.select(account).await?;
        let (group, secret) = (self.group_of(account), &secret);
        let credentials = self
            .at_leader(group, |node| async move {
                node.derive_credentials(secret.clone()).await
            })
            .await?;
        self.propose_account(account, AccountCommand::SetCredentials(credentials))
            .await?;
        Ok(())
    }

    async fn account_suspend(&self, account: &AccountSelector, suspended: bool) -> Result<(), StoreError> {
        let account = self.select(account).await?;
        self.propose_account(account, AccountCommand::SetSuspended(suspended))
            .await?;
        Ok(())
    }

    async fn account_rename(&self, selector: &AccountSelector, address: Address) -> Result<(), StoreError> {
        let account = self.select(selector).await?;
        let old = self
            .account_show(&AccountSelector::Id(account))
            .await?
            .account
            .address;
        self.propose_address(&address, AddressCommand::Reserve { account })
            .await?;
        self.propose_account(account, AccountCommand::SetAddress(address.clone()))
            .await?;
        self.propose_address(&address, AddressCommand::Activate { account })
            .await?;
        if old != address {
            self.propose_address(&old, AddressCommand::Release { account })
                .await?;
        }
        Ok(())
    }

    async fn account_remove(
        &self,
        account: &AccountSelector,
        retention: Option<Duration>,
    ) -> Result<Timestamp, StoreError> {
        let account = self.select(account).await?;
        let retention = retention.unwrap_or(self.account_defaults().retention);
        let millis = u64::try_from(retention.as_millis()).unwrap_or(u64::MAX);
        let purge_after = Timestamp(self.now().0.saturating_add(millis));
        self.propose_account(account, AccountCommand::Remove { purge_after })
            .await?;
        Ok(purge_after)
    }

    async fn account_restore(&self, account: &AccountSelector) -> Result<(), StoreError> {
        let account = self.select(account).await?;
        let info = self.account_show(&AccountSelector::Id(account)).await?;
        let address = info.account.address;
        // When its time is over, a removed account's address is freed before its data goes.
        self.propose_address(&address, AddressCommand::Reserve { account })
            .await?;
        self.propose_account(account, AccountCommand::Restore).await?;
        self.propose_address(&address, AddressCommand::Activate { account })
            .await?;
        Ok(())
    }

    async fn account_set_limits(
        &self,
        account: &AccountSelector,
        limits: QuotaLimits,
    ) -> Result<(), StoreError> {
        let account = self.select(account).await?;
        self.propose_account(account, AccountCommand::SetLimits(limits))
            .await?;
        Ok(())
    }

    async fn mailbox_list(&self, account: &AccountSelector) -> Result<MailboxTree, StoreError> {
        let account = self.select(account).await?;
        self.at_leader(self.group_of(account), |node| async move {
            node.account_tree(account).await
        })
        .await
    }

    async fn mailbox_create(
        &self,
        account: &AccountSelector,
        name: MailboxName,
        special_use: SpecialUse,
    ) -> Result<MailboxId, StoreError> {
        let subject = Subject::Account(self.select(account).await?);
        let create = MailboxCommand::Create {
            name: name.clone(),
            special_use,
        };
        let reply = self.propose(subject.clone(), Command::Mailbox(create)).await?;
        let subscribe = MailboxCommand::Subscribe {
            name,
            subscribed: true,
        };
        self.propose(subject, Command::Mailbox(subscribe)).await?;
        match reply {
            Reply::Created { mailbox } => Ok(mailbox),
            other => Err(StoreError::Internal(format!(
                "unexpected reply to CREATE: {other:?}"
            ))),
        }
    }

    async fn mailbox_delete(&self, account: &AccountSelector, name: MailboxName) -> Result<(), StoreError> {
        let subject = Subject::Account(self.select(account).await?);
        self.propose(subject, Command::Mailbox(MailboxCommand::Delete { name }))
            .await?;
        Ok(())
    }

    async fn session_list(&self, account: Option<&AccountSelector>) -> Result<Vec<SessionInfo>, StoreError> {
        let account = match account {
            Some(selector) => Some(self.select(selector).await?),
            None => None,
        };
        let lists = self
            .at_every_node(|node| async move { node.sessions(account).await })
            .await;
        let Answers { answers, failure } = Answers::of(lists, "sessions of a storage node cannot be listed");
        match failure {
            Some(error) if answers.is_empty() => Err(error),
            _ => Ok(answers.into_iter().flatten().collect()),
        }
    }

    async fn session_kick(
        &self,
        account: &AccountSelector,
        session: Option<SessionId>,
    ) -> Result<u64, StoreError> {
        let account = self.select(account).await?;
        // A session may be registered at a node that led the group once.
        let ended = self
            .at_every_node(|node| async move { node.kick(account, session).await })
            .await;
        let Answers { answers, failure } = Answers::of(ended, "sessions of a storage node cannot be ended");
        match (answers.into_iter().sum::<u64>(), failure) {
            (0, Some(error)) => Err(error),
            (ended, _) => Ok(ended),
        }
    }

    async fn status(&self) -> Result<Vec<NodeStatus>, StoreError> {
        let statuses = self
            .at_every_node(|node| async move { node.node_status().await })
            .await;
        let Answers { answers, failure } = Answers::of(statuses, "storage node gives no status");
        match failure {
            Some(error) if answers.is_empty() => Err(error),
            _ => Ok(answers),
        }
    }
}

/// What nodes answered, and why one of the others did not.
struct Answers<T> {
    answers: Vec<T>,
    failure: Option<StoreError>,
}

impl<T> Answers<T> {
    fn of(results: Vec<(String, Result<T, StoreError>)>, complaint: &'static str) -> Self {
        let mut answers = Vec::with_capacity(results.len());
        let mut failure = None;
        for (name, result) in results {
            match result {
                Ok(answer) => answers.push(answer),
                Err(error) => {
                    tracing::warn!(node = name, %error, "{complaint}");
                    failure = Some(error);
                }
            }
        }
        if answers.is_empty() && failure.is_none() {
            failure = Some(StoreError::Unavailable("no storage node is known"));
        }
        Self { answers, failure }
    }
}

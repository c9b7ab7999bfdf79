//! Accounts, their names and their secrets.

use mailstore::ModSeq;
use mailstore::account::{Account, AccountState, Credentials, QuotaLimits, QuotaUsage};
use mailstore::error::DecodeError;
use mailstore::ports::{AccountAdd, AccountSelector, SecretChange};
use mailstore::query::AccountInfo;
use mailstore::time::Timestamp;

use super::fields::{account_id, address, required, uid_validity};
use crate::generated::admin as proto;

impl From<&AccountSelector> for proto::Selector {
    fn from(selector: &AccountSelector) -> Self {
        use proto::selector::Account;
        Self {
            account: Some(match selector {
                AccountSelector::Address(address) => Account::Address(address.as_str().to_owned()),
                AccountSelector::Id(id) => Account::Id(id.to_string()),
            }),
        }
    }
}

impl TryFrom<proto::Selector> for AccountSelector {
    type Error = DecodeError;

    fn try_from(selector: proto::Selector) -> Result<Self, DecodeError> {
        use proto::selector::Account;
        match selector.account.ok_or(DecodeError::Missing("account"))? {
            Account::Address(text) => address(&text).map(Self::Address),
            Account::Id(text) => account_id(&text).map(Self::Id),
        }
    }
}

/// A password must not be one `{:?}` away from a log.
impl std::fmt::Debug for proto::Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(redacted)")
    }
}

impl From<SecretChange> for proto::Secret {
    fn from(secret: SecretChange) -> Self {
        use proto::secret::Secret;
        Self {
            secret: Some(match secret {
                SecretChange::Password(text) => Secret::Password(text),
                SecretChange::Hash(text) => Secret::Hash(text),
            }),
        }
    }
}

impl TryFrom<proto::Secret> for SecretChange {
    type Error = DecodeError;

    fn try_from(secret: proto::Secret) -> Result<Self, DecodeError> {
        use proto::secret::Secret;
        Ok(match secret.secret.ok_or(DecodeError::Missing("secret"))? {
            Secret::Password(text) => Self::Password(text),
            Secret::Hash(text) => Self::Hash(text),
        })
    }
}

impl From<QuotaLimits> for proto::Limits {
    fn from(limits: QuotaLimits) -> Self {
        Self {
            storage_bytes: limits.storage_bytes,
            messages: limits.messages,
        }
    }
}

impl From<proto::Limits> for QuotaLimits {
    fn from(limits: proto::Limits) -> Self {
        Self {
            storage_bytes: limits.storage_bytes,
            messages: limits.messages,
        }
    }
}

impl From<AccountAdd> for proto::AccountAddRequest {
    fn from(account: AccountAdd) -> Self {
        Self {
            address: account.address.as_str().to_owned(),
            secret: Some(account.secret.into()),
            limits: account.limits.map(proto::Limits::from),
        }
    }
}

impl TryFrom<proto::AccountAddRequest> for AccountAdd {
    type Error = DecodeError;

    fn try_from(request: proto::AccountAddRequest) -> Result<Self, DecodeError> {
        Ok(Self {
            address: address(&request.address)?,
            secret: required(request.secret, "secret")?,
            limits: request.limits.map(QuotaLimits::from),
        })
    }
}

impl From<&AccountInfo> for proto::Account {
    fn from(info: &AccountInfo) -> Self {
        let account = &info.account;
        let (state, purge_after) = match account.state {
            AccountState::Active => (proto::AccountState::Active, None),
            AccountState::Suspended => (proto::AccountState::Suspended, None),
            AccountState::Removed { purge_after } => (proto::AccountState::Removed, Some(purge_after.0)),
        };
        Self {
            id: account.id.to_string(),
            address: account.address.as_str().to_owned(),
            state: state.into(),
            purge_after,
            limits: Some(account.limits.into()),
            used_bytes: account.usage.storage_bytes,
            used_messages: account.usage.messages,
            mailboxes: info.mailboxes,
            created: account.created.0,
            secret_version: account.credentials_version,
            modseq: account.modseq.0,
            uid_validity: account.uid_validity.get(),
        }
    }
}

impl TryFrom<proto::Account> for AccountInfo {
    type Error = DecodeError;

    fn try_from(message: proto::Account) -> Result<Self, DecodeError> {
        let account = Account {
            id: account_id(&message.id)?,
            address: address(&message.address)?,
            state: state(message.state(), message.purge_after)?,
            credentials: Credentials::default(),
            credentials_version: message.secret_version,
            limits: message.limits.ok_or(DecodeError::Missing("limits"))?.into(),
            usage: QuotaUsage {
                storage_bytes: message.used_bytes,
                messages: message.used_messages,
            },
            created: Timestamp(message.created),
            modseq: ModSeq(message.modseq),
            uid_validity: uid_validity(message.uid_validity)?,
        };
        Ok(Self {
            account,
            mailboxes: message.mailboxes,
        })
    }
}

fn state(state: proto::AccountState, purge_after: Option<u64>) -> Result<AccountState, DecodeError> {
    match state {
        proto::AccountState::Unspecified => Err(DecodeError::Unknown("account state")),
        proto::AccountState::Active => Ok(AccountState::Active),
        proto::AccountState::Suspended => Ok(AccountState::Suspended),
        proto::AccountState::Removed => Ok(AccountState::Removed {
            purge_after: Timestamp(purge_after.ok_or(DecodeError::Missing("purge_after"))?),
        }),
    }
}

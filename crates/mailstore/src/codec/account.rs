//! Accounts and address records.

use super::field::{account_id, address, bytes_of, required, uid_validity};
use super::proto;
use crate::account::{Account, AccountState, Credentials, QuotaLimits, QuotaUsage};
use crate::address::{AddressRecord, AddressState};
use crate::error::DecodeError;
use crate::ids::ModSeq;
use crate::query::{AccountInfo, Quota};
use crate::time::Timestamp;

impl From<&QuotaLimits> for proto::QuotaLimits {
    fn from(limits: &QuotaLimits) -> Self {
        Self {
            storage_bytes: limits.storage_bytes,
            messages: limits.messages,
        }
    }
}

impl From<proto::QuotaLimits> for QuotaLimits {
    fn from(limits: proto::QuotaLimits) -> Self {
        Self {
            storage_bytes: limits.storage_bytes,
            messages: limits.messages,
        }
    }
}

impl From<&QuotaUsage> for proto::QuotaUsage {
    fn from(usage: &QuotaUsage) -> Self {
        Self {
            storage_bytes: usage.storage_bytes,
            messages: usage.messages,
        }
    }
}

impl From<proto::QuotaUsage> for QuotaUsage {
    fn from(usage: proto::QuotaUsage) -> Self {
        Self {
            storage_bytes: usage.storage_bytes,
            messages: usage.messages,
        }
    }
}

impl From<&Quota> for proto::Quota {
    fn from(quota: &Quota) -> Self {
        Self {
            limits: Some((&quota.limits).into()),
            usage: Some((&quota.usage).into()),
        }
    }
}

impl TryFrom<proto::Quota> for Quota {
    type Error = DecodeError;

    fn try_from(quota: proto::Quota) -> Result<Self, DecodeError> {
        Ok(Self {
            limits: required(quota.limits, "limits")?,
            usage: required(quota.usage, "usage")?,
        })
    }
}

impl From<&AccountState> for proto::AccountState {
    fn from(state: &AccountState) -> Self {
        use proto::account_state::Kind;
        let kind = match state {
            AccountState::Active => Kind::Active(proto::Unit {}),
            AccountState::Suspended => Kind::Suspended(proto::Unit {}),
            AccountState::Removed { purge_after } => Kind::RemovedPurgeAfter(purge_after.0),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<proto::AccountState> for AccountState {
    type Error = DecodeError;

    fn try_from(state: proto::AccountState) -> Result<Self, DecodeError> {
        use proto::account_state::Kind;
        Ok(match state.kind.ok_or(DecodeError::Unknown("account state"))? {
            Kind::Active(_) => Self::Active,
            Kind::Suspended(_) => Self::Suspended,
            Kind::RemovedPurgeAfter(time) => Self::Removed {
                purge_after: Timestamp(time),
            },
        })
    }
}

impl From<&Account> for proto::Account {
    fn from(account: &Account) -> Self {
        Self {
            id: bytes_of(&account.id.0),
            address: account.address.as_str().to_owned(),
            state: Some((&account.state).into()),
            credentials: account.credentials.0.clone(),
            credentials_version: account.credentials_version,
            limits: Some((&account.limits).into()),
            usage: Some((&account.usage).into()),
            created: account.created.0,
            modseq: account.modseq.0,
            uid_validity: account.uid_validity.get(),
        }
    }
}

impl TryFrom<proto::Account> for Account {
    type Error = DecodeError;

    fn try_from(account: proto::Account) -> Result<Self, DecodeError> {
        Ok(Self {
            id: account_id(&account.id)?,
            address: address(&account.address)?,
            state: required(account.state, "state")?,
            credentials: Credentials(account.credentials),
            credentials_version: account.credentials_version,
            limits: required(account.limits, "limits")?,
            usage: required(account.usage, "usage")?,
            created: Timestamp(account.created),
            modseq: ModSeq(account.modseq),
            uid_validity: uid_validity(account.uid_validity)?,
        })
    }
}

impl From<&AccountInfo> for proto::AccountInfo {
    fn from(info: &AccountInfo) -> Self {
        Self {
            account: Some((&info.account).into()),
            mailboxes: info.mailboxes,
        }
    }
}

impl TryFrom<proto::AccountInfo> for AccountInfo {
    type Error = DecodeError;

    fn try_from(info: proto::AccountInfo) -> Result<Self, DecodeError> {
        Ok(Self {
            account: required(info.account, "account")?,
            mailboxes: info.mailboxes,
        })
    }
}

impl From<&AddressRecord> for proto::AddressRecord {
    fn from(record: &AddressRecord) -> Self {
        let state = match record.state {
            AddressState::Reserved => proto::AddressState::Reserved,
            AddressState::Active => proto::AddressState::Active,
        };
        Self {
            address: record.address.as_str().to_owned(),
            account: bytes_of(&record.account.0),
            state: state.into(),
        }
    }
}

impl TryFrom<proto::AddressRecord> for AddressRecord {
    type Error = DecodeError;

    fn try_from(record: proto::AddressRecord) -> Result<Self, DecodeError> {
        let state = match record.state() {
            proto::AddressState::Unspecified => return Err(DecodeError::Unknown("address state")),
            proto::AddressState::Reserved => AddressState::Reserved,
            proto::AddressState::Active => AddressState::Active,
        };
        Ok(Self {
            address: address(&record.address)?,
            account: account_id(&record.account)?,
            state,
        })
    }
}

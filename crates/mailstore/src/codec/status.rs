//! Administration: accounts as asked for, and the state of nodes.

use super::field::{account_id, address, all, bytes_of, each, required};
use super::proto;
use crate::account::QuotaLimits;
use crate::error::DecodeError;
use crate::ids::GroupId;
use crate::ports::{AccountAdd, AccountSelector, GroupStatus, LeaderStatus, NodeStatus, SecretChange};
use crate::time::Timestamp;

impl From<&AccountSelector> for proto::AccountSelector {
    fn from(selector: &AccountSelector) -> Self {
        use proto::account_selector::Kind;
        Self {
            kind: Some(match selector {
                AccountSelector::Address(address) => Kind::Address(address.as_str().to_owned()),
                AccountSelector::Id(id) => Kind::Id(bytes_of(&id.0)),
            }),
        }
    }
}

impl TryFrom<proto::AccountSelector> for AccountSelector {
    type Error = DecodeError;

    fn try_from(selector: proto::AccountSelector) -> Result<Self, DecodeError> {
        use proto::account_selector::Kind;
        match selector.kind.ok_or(DecodeError::Unknown("account selector"))? {
            Kind::Address(text) => address(&text).map(Self::Address),
            Kind::Id(id) => account_id(&id).map(Self::Id),
        }
    }
}

impl From<&SecretChange> for proto::SecretChange {
    fn from(secret: &SecretChange) -> Self {
        use proto::secret_change::Kind;
        Self {
            kind: Some(match secret {
                SecretChange::Password(text) => Kind::Password(text.clone()),
                SecretChange::Hash(text) => Kind::Hash(text.clone()),
            }),
        }
    }
}

impl TryFrom<proto::SecretChange> for SecretChange {
    type Error = DecodeError;

    fn try_from(secret: proto::SecretChange) -> Result<Self, DecodeError> {
        use proto::secret_change::Kind;
        Ok(match secret.kind.ok_or(DecodeError::Unknown("secret"))? {
            Kind::Password(text) => Self::Password(text),
            Kind::Hash(text) => Self::Hash(text),
        })
    }
}

impl From<&AccountAdd> for proto::AccountAdd {
    fn from(account: &AccountAdd) -> Self {
        Self {
            address: account.address.as_str().to_owned(),
            secret: Some((&account.secret).into()),
            limits: account.limits.as_ref().map(proto::QuotaLimits::from),
        }
    }
}

impl TryFrom<proto::AccountAdd> for AccountAdd {
    type Error = DecodeError;

    fn try_from(account: proto::AccountAdd) -> Result<Self, DecodeError> {
        Ok(Self {
            address: address(&account.address)?,
            secret: required(account.secret, "secret")?,
            limits: account.limits.map(QuotaLimits::from),
        })
    }
}

impl From<&LeaderStatus> for proto::LeaderStatus {
    fn from(leader: &LeaderStatus) -> Self {
        use proto::leader_status::Kind;
        Self {
            kind: Some(match leader {
                LeaderStatus::Local => Kind::Local(proto::Unit {}),
                LeaderStatus::Remote(node) => Kind::Remote(node.clone()),
                LeaderStatus::Unknown => Kind::Unknown(proto::Unit {}),
            }),
        }
    }
}

impl TryFrom<proto::LeaderStatus> for LeaderStatus {
    type Error = DecodeError;

    fn try_from(leader: proto::LeaderStatus) -> Result<Self, DecodeError> {
        use proto::leader_status::Kind;
        Ok(match leader.kind.ok_or(DecodeError::Unknown("leader"))? {
            Kind::Local(_) => Self::Local,
            Kind::Remote(node) => Self::Remote(node),
            Kind::Unknown(_) => Self::Unknown,
        })
    }
}

impl From<&GroupStatus> for proto::GroupStatus {
    fn from(group: &GroupStatus) -> Self {
        Self {
            group: group.group.0,
            leader: Some((&group.leader).into()),
            term: group.term,
            last_log_index: group.last_log_index,
            applied_index: group.applied_index,
            snapshot_index: group.snapshot_index,
            voters: group.voters.clone(),
        }
    }
}

impl TryFrom<proto::GroupStatus> for GroupStatus {
    type Error = DecodeError;

    fn try_from(group: proto::GroupStatus) -> Result<Self, DecodeError> {
        Ok(Self {
            group: GroupId(group.group),
            leader: required(group.leader, "leader")?,
            term: group.term,
            last_log_index: group.last_log_index,
            applied_index: group.applied_index,
            snapshot_index: group.snapshot_index,
            voters: group.voters,
        })
    }
}

impl From<&NodeStatus> for proto::NodeStatus {
    fn from(node: &NodeStatus) -> Self {
        Self {
            node: node.node.clone(),
            version: node.version.clone(),
            started: node.started.0,
            groups: all(&node.groups),
            blob_bytes: node.blob_bytes,
            disk_free_bytes: node.disk_free_bytes,
            sessions: node.sessions,
        }
    }
}

impl TryFrom<proto::NodeStatus> for NodeStatus {
    type Error = DecodeError;

    fn try_from(node: proto::NodeStatus) -> Result<Self, DecodeError> {
        Ok(Self {
            node: node.node,
            version: node.version,
            started: Timestamp(node.started),
            groups: each(node.groups)?,
            blob_bytes: node.blob_bytes,
            disk_free_bytes: node.disk_free_bytes,
            sessions: node.sessions,
        })
    }
}

impl From<&[NodeStatus]> for proto::NodeStatuses {
    fn from(nodes: &[NodeStatus]) -> Self {
        Self { nodes: all(nodes) }
    }
}

impl TryFrom<proto::NodeStatuses> for Vec<NodeStatus> {
    type Error = DecodeError;

    fn try_from(nodes: proto::NodeStatuses) -> Result<Self, DecodeError> {
        each(nodes.nodes)
    }
}

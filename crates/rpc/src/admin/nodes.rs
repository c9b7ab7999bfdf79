//! Nodes, groups and sessions.

use mailstore::GroupId;
use mailstore::error::DecodeError;
use mailstore::ports::{GroupStatus, LeaderStatus, NodeStatus, SessionInfo};
use mailstore::time::Timestamp;

use super::fields::{account_id, address, session_id};
use crate::generated::admin as proto;

impl From<&NodeStatus> for proto::Node {
    fn from(node: &NodeStatus) -> Self {
        Self {
            name: node.node.clone(),
            version: node.version.clone(),
            started: node.started.0,
            groups: node
                .groups
                .iter()
                .map(|group| of_group(&node.node, group))
                .collect(),
            blob_bytes: node.blob_bytes,
            disk_free_bytes: node.disk_free_bytes,
            sessions: node.sessions,
        }
    }
}

impl From<proto::Node> for NodeStatus {
    fn from(message: proto::Node) -> Self {
        let proto::Node {
            name,
            version,
            started,
            groups,
            blob_bytes,
            disk_free_bytes,
            sessions,
        } = message;
        Self {
            groups: groups.into_iter().map(|item| group(&name, item)).collect(),
            node: name,
            version,
            started: Timestamp(started),
            blob_bytes,
            disk_free_bytes,
            sessions,
        }
    }
}

/// A node that leads a group is named like any other, so that a reader need not compare.
fn of_group(node: &str, group: &GroupStatus) -> proto::Group {
    let leader = match &group.leader {
        LeaderStatus::Local => Some(node.to_owned()),
        LeaderStatus::Remote(leader) => Some(leader.clone()),
        LeaderStatus::Unknown => None,
    };
    proto::Group {
        id: group.group.0,
        leader,
        term: group.term,
        last_log_index: group.last_log_index,
        applied_index: group.applied_index,
        snapshot_index: group.snapshot_index,
        voters: group.voters.clone(),
    }
}

fn group(node: &str, message: proto::Group) -> GroupStatus {
    let leader = match message.leader {
        Some(leader) if leader == node => LeaderStatus::Local,
        Some(leader) => LeaderStatus::Remote(leader),
        None => LeaderStatus::Unknown,
    };
    GroupStatus {
        group: GroupId(message.id),
        leader,
        term: message.term,
        last_log_index: message.last_log_index,
        applied_index: message.applied_index,
        snapshot_index: message.snapshot_index,
        voters: message.voters,
    }
}

impl From<&SessionInfo> for proto::Session {
    fn from(session: &SessionInfo) -> Self {
        Self {
            id: session.session.to_string(),
            account: session.account.to_string(),
            address: session.address.as_str().to_owned(),
            protocol: session.protocol.clone(),
            peer: session.peer.clone(),
            proxy: session.proxy.clone(),
            since: session.since.0,
        }
    }
}

impl TryFrom<proto::Session> for SessionInfo {
    type Error = DecodeError;

    fn try_from(message: proto::Session) -> Result<Self, DecodeError> {
        Ok(Self {
            session: session_id(&message.id)?,
            account: account_id(&message.account)?,
            address: address(&message.address)?,
            protocol: message.protocol,
            peer: message.peer,
            proxy: message.proxy,
            since: Timestamp(message.since),
        })
    }
}

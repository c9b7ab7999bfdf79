//! What is shown of the model's types, in JSON under these names.

use jiff::Timestamp as Instant;
use mailstore::account::{AccountState, QuotaLimits, QuotaUsage};
use mailstore::mailbox::SpecialUse;
use mailstore::ports::{GroupStatus, LeaderStatus, NodeStatus, SessionInfo};
use mailstore::query::{AccountInfo, TreeEntry};
use mailstore::time::Timestamp;
use serde::Serialize;

/// Returns a time in RFC 3339, to the second.
pub(crate) fn time(timestamp: Timestamp) -> String {
    let seconds = i64::try_from(timestamp.seconds()).unwrap_or(i64::MAX);
    Instant::from_second(seconds).unwrap_or(Instant::MAX).to_string()
}

#[derive(Debug, Serialize)]
pub(crate) struct AccountView {
    pub(crate) id: String,
    pub(crate) address: String,
    pub(crate) state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) purge_after: Option<String>,
    #[serde(flatten)]
    pub(crate) quota: QuotaView,
    pub(crate) mailboxes: u32,
    pub(crate) created: String,
}

/// Limits are `null` when there is none.
#[derive(Debug, Serialize)]
pub(crate) struct QuotaView {
    pub(crate) storage_bytes: u64,
    pub(crate) storage_bytes_limit: Option<u64>,
    pub(crate) messages: u64,
    pub(crate) messages_limit: Option<u64>,
}

impl QuotaView {
    pub(crate) fn new(limits: QuotaLimits, usage: QuotaUsage) -> Self {
        Self {
            storage_bytes: usage.storage_bytes,
            storage_bytes_limit: limits.storage_bytes,
            messages: usage.messages,
            messages_limit: limits.messages,
        }
    }
}

impl From<&AccountInfo> for AccountView {
    fn from(info: &AccountInfo) -> Self {
        let account = &info.account;
        let (state, purge_after) = match account.state {
            AccountState::Active => ("active", None),
            AccountState::Suspended => ("suspended", None),
            AccountState::Removed { purge_after } => ("removed", Some(time(purge_after))),
        };
        Self {
            id: account.id.to_string(),
            address: account.address.to_string(),
            state,
            purge_after,
            quota: QuotaView::new(account.limits, account.usage),
            mailboxes: info.mailboxes,
            created: time(account.created),
        }
    }
}

/// A name that is only subscribed has no id.
#[derive(Debug, Serialize)]
pub(crate) struct MailboxView {
    pub(crate) name: String,
    pub(crate) id: Option<u32>,
    pub(crate) subscribed: bool,
    pub(crate) special_use: Vec<&'static str>,
    pub(crate) messages: u32,
    pub(crate) unseen: u32,
    pub(crate) size_bytes: u64,
    pub(crate) uid_validity: Option<u32>,
}

impl From<&TreeEntry> for MailboxView {
    fn from(entry: &TreeEntry) -> Self {
        let mailbox = entry.mailbox.as_ref();
        Self {
            name: entry.name.to_string(),
            id: mailbox.map(|mailbox| mailbox.id.0),
            subscribed: entry.subscribed,
            special_use: mailbox.map_or_else(Vec::new, |mailbox| special_use(mailbox.special_use)),
            messages: mailbox.map_or(0, |mailbox| mailbox.messages),
            unseen: mailbox.map_or(0, |mailbox| mailbox.unseen),
            size_bytes: mailbox.map_or(0, |mailbox| mailbox.size_bytes),
            uid_validity: mailbox.map(|mailbox| mailbox.uid_validity.get()),
        }
    }
}

fn special_use(uses: SpecialUse) -> Vec<&'static str> {
    let names = [
        (SpecialUse::ALL, "all"),
        (SpecialUse::ARCHIVE, "archive"),
        (SpecialUse::DRAFTS, "drafts"),
        (SpecialUse::FLAGGED, "flagged"),
        (SpecialUse::JUNK, "junk"),
        (SpecialUse::SENT, "sent"),
        (SpecialUse::TRASH, "trash"),
        (SpecialUse::IMPORTANT, "important"),
    ];
    let named = names.into_iter().filter(|(bit, _)| uses.contains(*bit));
    named.map(|(_, name)| name).collect()
}

#[derive(Debug, Serialize)]
pub(crate) struct SessionView {
    pub(crate) id: String,
    pub(crate) address: String,
    pub(crate) account: String,
    pub(crate) protocol: String,
    pub(crate) peer: String,
    pub(crate) proxy: String,
    pub(crate) since: String,
}

impl From<&SessionInfo> for SessionView {
    fn from(session: &SessionInfo) -> Self {
        Self {
            id: session.session.to_string(),
            address: session.address.to_string(),
            account: session.account.to_string(),
            protocol: session.protocol.clone(),
            peer: session.peer.clone(),
            proxy: session.proxy.clone(),
            since: time(session.since),
        }
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct NodeView {
    pub(crate) node: String,
    pub(crate) version: String,
    pub(crate) started: String,
    pub(crate) sessions: u64,
    pub(crate) blob_bytes: u64,
    pub(crate) disk_free_bytes: u64,
    pub(crate) groups: Vec<GroupView>,
}

/// A group without a known leader has none.
#[derive(Debug, Serialize)]
pub(crate) struct GroupView {
    pub(crate) group: u32,
    pub(crate) leader: Option<String>,
    pub(crate) term: u64,
    pub(crate) last_log_index: u64,
    pub(crate) applied_index: u64,
    pub(crate) snapshot_index: u64,
    pub(crate) voters: Vec<String>,
}

impl From<&NodeStatus> for NodeView {
    fn from(status: &NodeStatus) -> Self {
        let group = |group: &GroupStatus| GroupView {
            group: group.group.0,
            leader: match &group.leader {
                LeaderStatus::Local => Some(status.node.clone()),
                LeaderStatus::Remote(node) => Some(node.clone()),
                LeaderStatus::Unknown => None,
            },
            term: group.term,
            last_log_index: group.last_log_index,
            applied_index: group.applied_index,
            snapshot_index: group.snapshot_index,
            voters: group.voters.clone(),
        };
        Self {
            node: status.node.clone(),
            version: status.version.clone(),
            started: time(status.started),
            sessions: status.sessions,
            blob_bytes: status.blob_bytes,
            disk_free_bytes: status.disk_free_bytes,
            groups: status.groups.iter().map(group).collect(),
        }
    }
}

//! What administrators do. Called by the gRPC admin service, and by nothing that faces mail clients.

use std::time::Duration;

use async_trait::async_trait;

use super::BoxStream;
use crate::account::QuotaLimits;
use crate::address::Address;
use crate::error::StoreError;
use crate::ids::{AccountId, GroupId, MailboxId, SessionId};
use crate::mailbox::SpecialUse;
use crate::name::MailboxName;
use crate::query::{AccountInfo, MailboxTree};
use crate::time::Timestamp;

/// How an administrator names an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AccountSelector {
    /// By the address it logs in by.
    Address(Address),
    /// By id; the only way to name a removed account whose address was given away.
    Id(AccountId),
}

/// A password as it comes in.
#[derive(Clone)]
pub enum SecretChange {
    /// In plain text; hashed with the configured scheme.
    Password(String),
    /// A crypt hash (`$6$…`, `$5$…`, `$argon2id$…`, `{SHA512-CRYPT}$6$…`) made elsewhere.
    Hash(String),
}

impl std::fmt::Debug for SecretChange {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SecretChange(redacted)")
    }
}

/// A new account.
#[derive(Clone, Debug)]
pub struct AccountAdd {
    /// The address it logs in by.
    pub address: Address,
    /// Its password.
    pub secret: SecretChange,
    /// Limits; `None` takes the configured default.
    pub limits: Option<QuotaLimits>,
}

/// One session in the registry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionInfo {
    /// The session.
    pub session: SessionId,
    /// Its account.
    pub account: AccountId,
    /// The account's address when the session was registered.
    pub address: Address,
    /// `imap` and the like.
    pub protocol: String,
    /// The client's address.
    pub peer: String,
    /// The proxy it came through.
    pub proxy: String,
    /// Since when.
    pub since: Timestamp,
}

/// Who leads a group, seen from one node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LeaderStatus {
    /// This node.
    Local,
    /// Another node, by name.
    Remote(String),
    /// None is known.
    Unknown,
}

/// The state of one group's replica on a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupStatus {
    /// The group.
    pub group: GroupId,
    /// Its leader.
    pub leader: LeaderStatus,
    /// Raft term.
    pub term: u64,
    /// Index of the last entry in the log.
    pub last_log_index: u64,
    /// Index of the last entry applied.
    pub applied_index: u64,
    /// Index of the last snapshot.
    pub snapshot_index: u64,
    /// Nodes that vote.
    pub voters: Vec<String>,
}

/// The state of one storage node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeStatus {
    /// The node's name.
    pub node: String,
    /// Version of the binary.
    pub version: String,
    /// Since when it runs.
    pub started: Timestamp,
    /// Its groups.
    pub groups: Vec<GroupStatus>,
    /// Octets that stored messages take on the disk.
    pub blob_bytes: u64,
    /// Octets free on the disk.
    pub disk_free_bytes: u64,
    /// Sessions in the registry.
    pub sessions: u64,
}

/// What administrators do.
#[async_trait]
pub trait Administration: Send + Sync {
    /// Makes an account with its special-use mailboxes: reserves the address, creates the account,
    /// activates the address. Repeating it after a failure completes it.
    ///
    /// # Errors
    /// [`Rejection::AddressTaken`](crate::Rejection::AddressTaken), or the storage's.
    async fn account_add(&self, account: AccountAdd) -> Result<AccountId, StoreError>;

    /// Lists accounts of all groups, in no order.
    ///
    /// # Errors
    /// The stream holds one for each group that cannot answer: its accounts are missing.
    async fn account_list(&self) -> Result<BoxStream<Result<AccountInfo, StoreError>>, StoreError>;

    /// Returns one account.
    ///
    /// # Errors
    /// [`Rejection::NoSuchAccount`](crate::Rejection::NoSuchAccount), or the storage's.
    async fn account_show(&self, account: &AccountSelector) -> Result<AccountInfo, StoreError>;

    /// Replaces the password and ends the account's sessions.
    ///
    /// # Errors
    /// As [`account_show`](Self::account_show).
    async fn account_set_secret(
        &self,
        account: &AccountSelector,
        secret: SecretChange,
    ) -> Result<(), StoreError>;

    /// Suspends the account and ends its sessions, or resumes it.
    ///
    /// # Errors
    /// As [`account_show`](Self::account_show).
    async fn account_suspend(&self, account: &AccountSelector, suspended: bool) -> Result<(), StoreError>;

    /// Gives the account another address to log in by; the old one is freed.
    ///
    /// # Errors
    /// [`Rejection::AddressTaken`](crate::Rejection::AddressTaken), or as [`account_show`](Self::account_show).
    async fn account_rename(&self, account: &AccountSelector, address: Address) -> Result<(), StoreError>;

    /// Removes the account; it can be restored for `retention`, the configured time when `None`.
    /// Returns when its data may go.
    ///
    /// # Errors
    /// As [`account_show`](Self::account_show).
    async fn account_remove(
        &self,
        account: &AccountSelector,
        retention: Option<Duration>,
    ) -> Result<Timestamp, StoreError>;

    /// Brings a removed account back.
    ///
    /// # Errors
    /// [`Rejection::AccountState`](crate::Rejection::AccountState), or as [`account_show`](Self::account_show).
    async fn account_restore(&self, account: &AccountSelector) -> Result<(), StoreError>;

    /// Replaces the limits.
    ///
    /// # Errors
    /// As [`account_show`](Self::account_show).
    async fn account_set_limits(
        &self,
        account: &AccountSelector,
        limits: QuotaLimits,
    ) -> Result<(), StoreError>;

    /// Lists an account's mailboxes.
    ///
    /// # Errors
    /// As [`account_show`](Self::account_show).
    async fn mailbox_list(&self, account: &AccountSelector) -> Result<MailboxTree, StoreError>;

    /// Makes a mailbox and subscribes it.
    ///
    /// # Errors
    /// A rejection, or the storage's.
    async fn mailbox_create(
        &self,
        account: &AccountSelector,
        name: MailboxName,
        special_use: SpecialUse,
    ) -> Result<MailboxId, StoreError>;

    /// Deletes a mailbox and its messages.
    ///
    /// # Errors
    /// A rejection, or the storage's.
    async fn mailbox_delete(&self, account: &AccountSelector, name: MailboxName) -> Result<(), StoreError>;

    /// Lists sessions, of one account or of all, as every node that answers has them;
    /// [`status`](Self::status) tells which do.
    ///
    /// # Errors
    /// When no node answers.
    async fn session_list(&self, account: Option<&AccountSelector>) -> Result<Vec<SessionInfo>, StoreError>;

    /// Ends sessions of an account, one or all, on every node. Returns how many.
    ///
    /// # Errors
    /// As [`account_show`](Self::account_show), and when none was found while a node did not answer.
    async fn session_kick(
        &self,
        account: &AccountSelector,
        session: Option<SessionId>,
    ) -> Result<u64, StoreError>;

    /// Returns the state of every node that answers.
    ///
    /// # Errors
    /// When none does.
    async fn status(&self) -> Result<Vec<NodeStatus>, StoreError>;
}

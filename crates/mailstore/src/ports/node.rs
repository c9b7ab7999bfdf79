//! What one storage node answers for the groups that it leads, in process or over gRPC.
//!
//! Roles never see this: the router of the `cluster` crate finds the leader, retries on
//! [`StoreError::NotLeader`] and implements the role-facing ports on top.

use async_trait::async_trait;

use super::{
    BlobUpload, BoxStream, Caller, Delivered, DeliveryEnvelope, LoginRequest, Mail, NodeStatus, SaslExchange,
    SecretChange, SessionInfo, SessionNotice, StoredBlob,
};
use crate::account::Credentials;
use crate::address::{Address, AddressRecord};
use crate::command::{Command, Subject};
use crate::error::StoreError;
use crate::ids::{AccountId, GroupId, RequestId, SessionId};
use crate::query::{AccountInfo, MailboxTree};
use crate::reply::Reply;

/// One storage node. Calls that concern a group which the node does not lead fail with
/// [`StoreError::NotLeader`].
pub trait StorageNode: Mail + NodeLogin + NodeDelivery + NodeAdmin {}

impl<T: Mail + NodeLogin + NodeDelivery + NodeAdmin> StorageNode for T {}

/// Login at one node; only proxies call it.
#[async_trait]
pub trait NodeLogin: Send + Sync {
    /// Returns the record of an address.
    ///
    /// # Errors
    /// When the node cannot answer.
    async fn address_record(&self, address: &Address) -> Result<Option<AddressRecord>, StoreError>;

    /// Starts an exchange for the account, or for a user that does not exist.
    ///
    /// # Errors
    /// When the node cannot answer.
    async fn begin_login_at(
        &self,
        account: Option<AccountId>,
        request: LoginRequest,
    ) -> Result<Box<dyn SaslExchange>, StoreError>;

    /// See [`Authentication::session_notices`](super::Authentication::session_notices).
    ///
    /// # Errors
    /// When the session is unknown.
    async fn notices(&self, caller: &Caller) -> Result<BoxStream<SessionNotice>, StoreError>;

    /// Ends the session.
    ///
    /// # Errors
    /// When the node cannot answer.
    async fn end_session(&self, caller: &Caller) -> Result<(), StoreError>;
}

/// Delivery at one node; only the `lmtp` role calls it.
#[async_trait]
pub trait NodeDelivery: Send + Sync {
    /// Tells whether the account takes mail of this size now.
    ///
    /// # Errors
    /// The rejection that a delivery would meet.
    async fn check_delivery(&self, account: AccountId, size: u64) -> Result<(), StoreError>;

    /// Starts to store content in a group.
    ///
    /// # Errors
    /// As [`Mail::upload`].
    async fn upload_to_group(&self, group: GroupId, size: u64) -> Result<Box<dyn BlobUpload>, StoreError>;

    /// Runs the delivery step for one recipient with content that its group has.
    ///
    /// # Errors
    /// When the node cannot answer; what became of the delivery otherwise is in the value.
    async fn deliver(
        &self,
        account: AccountId,
        detail: Option<&str>,
        content: StoredBlob,
        envelope: &DeliveryEnvelope,
    ) -> Result<Delivered, StoreError>;
}

/// Administration at one node; only administrators and other storage nodes call it.
#[async_trait]
pub trait NodeAdmin: Send + Sync {
    /// Commits a change of an account or address record.
    ///
    /// # Errors
    /// A rejection, or when the node cannot commit.
    async fn propose(
        &self,
        subject: Subject,
        request: Option<RequestId>,
        command: Command,
    ) -> Result<Reply, StoreError>;

    /// Makes login secrets from a password with the node's parameters.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`], or a rejection of a malformed hash.
    async fn derive_credentials(&self, secret: SecretChange) -> Result<Credentials, StoreError>;

    /// Returns one account.
    ///
    /// # Errors
    /// [`Rejection::NoSuchAccount`](crate::Rejection::NoSuchAccount), or when the node cannot answer.
    async fn account(&self, account: AccountId) -> Result<AccountInfo, StoreError>;

    /// Returns an account's mailboxes.
    ///
    /// # Errors
    /// As [`account`](Self::account).
    async fn account_tree(&self, account: AccountId) -> Result<MailboxTree, StoreError>;

    /// Lists the accounts of a group that this node leads.
    ///
    /// # Errors
    /// When the node cannot answer; the stream may end with one.
    async fn accounts(
        &self,
        group: GroupId,
    ) -> Result<BoxStream<Result<AccountInfo, StoreError>>, StoreError>;

    /// Lists the sessions in this node's registry, of one account or of all. Whichever node led the group
    /// when a session came has it, also when it leads no more.
    ///
    /// # Errors
    /// When the node cannot answer.
    async fn sessions(&self, account: Option<AccountId>) -> Result<Vec<SessionInfo>, StoreError>;

    /// Ends sessions of an account that are in this node's registry, one or all. Returns how many.
    ///
    /// # Errors
    /// When the node cannot answer.
    async fn kick(&self, account: AccountId, session: Option<SessionId>) -> Result<u64, StoreError>;

    /// Returns the node's state.
    ///
    /// # Errors
    /// When the node cannot answer.
    async fn node_status(&self) -> Result<NodeStatus, StoreError>;
}

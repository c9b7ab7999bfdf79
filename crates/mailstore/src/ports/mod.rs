//! The traits that protocol roles call. A storage node implements them in process; the gRPC client of
//! the `cluster` crate implements them over the network. No caller can tell which it has.

mod admin;
mod delivery;
mod mail;
mod node;
mod session;

pub use admin::{
    AccountAdd, AccountSelector, Administration, GroupStatus, LeaderStatus, NodeStatus, SecretChange,
    SessionInfo,
};
pub use delivery::{Delivered, Delivery, DeliveryEnvelope, DeliveryUpload, Recipient, RecipientRefusal};
pub use mail::{BlobUpload, BoxStream, Mail, StoredBlob};
pub use node::{NodeAdmin, NodeDelivery, NodeLogin, StorageNode};
pub use session::{
    Authentication, ChannelBinding, Login, LoginFailure, LoginRequest, SaslExchange, SaslOutcome,
    SessionNotice,
};

use bytes::Bytes;

use crate::ids::{AccountId, SessionId};

/// Who makes a call: the proof that the storage node checks, whatever process relays it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The account.
    pub account: AccountId,
    /// The session.
    pub session: SessionId,
    /// The signed token that login returned; renewed by the session's notices.
    pub token: Bytes,
    /// The process that makes the call, by name: the proxy that the login came through, or, for a call
    /// that came over the network, whoever the verified peer certificate names. The token holds for one
    /// process only.
    pub presenter: std::sync::Arc<str>,
}

//! Login and the session registry.

use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::{BoxStream, Caller};
use crate::address::Address;
use crate::error::StoreError;
use crate::ids::{AccountId, SessionId};

/// TLS channel-binding bytes (RFC 5929, RFC 9266) of the client's connection.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ChannelBinding {
    /// `tls-exporter`, TLS 1.3.
    pub tls_exporter: Option<Bytes>,
    /// `tls-server-end-point`.
    pub tls_server_end_point: Option<Bytes>,
}

/// The start of a login.
#[derive(Clone, Debug)]
pub struct LoginRequest {
    /// The user name as the client's first message gives it; says where the exchange is run.
    pub user: String,
    /// SASL mechanism, upper case. LOGIN the command is relayed as `PLAIN`.
    pub mechanism: String,
    /// Protocol, for the session list: `imap`, `pop3`, `managesieve`.
    pub protocol: &'static str,
    /// The client's address.
    pub peer: IpAddr,
    /// Whether the client's connection is encrypted.
    pub secure: bool,
    /// Channel binding of that connection.
    pub binding: ChannelBinding,
    /// Names the proxy in tokens and session lists.
    pub proxy: Arc<str>,
}

/// A successful login.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Login {
    /// The account.
    pub account: AccountId,
    /// The address that the account is known by.
    pub address: Address,
    /// The new session.
    pub session: SessionId,
    /// Its token.
    pub token: Bytes,
    /// The proxy that the token is for, as the request named it.
    pub proxy: Arc<str>,
}

impl Login {
    /// Returns the caller that this login entitles to act.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller {
            account: self.account,
            session: self.session,
            token: self.token.clone(),
            presenter: Arc::clone(&self.proxy),
        }
    }
}

/// Why a login failed. The client is told no more than it may know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoginFailure {
    /// Wrong or unknown name or password, or a suspended account.
    Credentials,
    /// The message was not of the mechanism's form.
    Malformed,
    /// The mechanism is not offered.
    Mechanism,
    /// Too many failures: try later.
    Limited,
    /// The account has as many sessions as it may have. Name and password were right.
    TooManySessions,
    /// The client cancelled.
    Cancelled,
}

/// What follows a client's message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SaslOutcome {
    /// To be sent to the client.
    Challenge(Bytes),
    /// Logged in. `additional` is the mechanism's last word, when it has one that the client must see.
    Success {
        /// The login.
        login: Login,
        /// SCRAM's server-final-message.
        additional: Option<Bytes>,
    },
    /// Refused.
    Failure(LoginFailure),
}

/// A SASL exchange in progress, run by the leader of the account's group.
#[async_trait]
pub trait SaslExchange: Send {
    /// Gives the client's next message (decoded) and returns what follows.
    ///
    /// # Errors
    /// When the storage cannot be reached; the client hears `[UNAVAILABLE]`, never a wrong password.
    async fn respond(&mut self, message: Bytes) -> Result<SaslOutcome, StoreError>;
}

/// A message from the session registry to a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SessionNotice {
    /// A new token for the same session.
    TokenRenewed(Bytes),
    /// The session is over: kicked, suspended, removed or its password changed.
    Ended(&'static str),
}

/// Login and the session registry.
#[async_trait]
pub trait Authentication: Send + Sync {
    /// Starts a SASL exchange where the named user's account is. An unknown user gets an exchange that
    /// fails like a wrong password.
    ///
    /// # Errors
    /// When the storage cannot be reached.
    async fn begin_login(&self, request: LoginRequest) -> Result<Box<dyn SaslExchange>, StoreError>;

    /// Returns the notices for a session. The session stays registered while the stream is held.
    ///
    /// # Errors
    /// When the session is unknown or the storage cannot be reached.
    async fn session_notices(&self, caller: &Caller) -> Result<BoxStream<SessionNotice>, StoreError>;

    /// Ends the session.
    async fn logout(&self, caller: &Caller);
}

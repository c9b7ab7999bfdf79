//! Accounts: who may log in, how much may be kept, and the counters that ids come from.

use std::time::Duration;

use bytes::Bytes;

use crate::address::Address;
use crate::ids::{AccountId, ModSeq, UidValidity};
use crate::mailbox::SpecialUse;
use crate::name::MailboxName;
use crate::time::Timestamp;

/// Whether an account is served.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccountState {
    /// Served.
    Active,
    /// Cannot log in; mail is still delivered.
    Suspended,
    /// Removed by the administrator; its data goes at `purge_after`, until then it can be restored.
    /// Cannot log in, gets no mail.
    Removed {
        /// When the data may be deleted.
        purge_after: Timestamp,
    },
}

/// Limits on what an account may keep; `None` is without limit (RFC 9208 §5).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct QuotaLimits {
    /// `STORAGE`, in bytes here and in units of 1024 on the wire.
    pub storage_bytes: Option<u64>,
    /// `MESSAGE`, in messages.
    pub messages: Option<u64>,
}

/// What an account keeps: the sum over its messages, exactly.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct QuotaUsage {
    /// Sum of RFC822.SIZE.
    pub storage_bytes: u64,
    /// Number of messages.
    pub messages: u64,
}

/// Login secrets in the form that the `auth` crate made them; opaque here.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Credentials(pub Bytes);

impl std::fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Credentials(redacted)")
    }
}

/// One account, without its mailboxes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// The address that it logs in by.
    pub address: Address,
    /// Whether it is served.
    pub state: AccountState,
    /// Login secrets.
    pub credentials: Credentials,
    /// Rises with every change of credentials or state, so that caches and tokens notice.
    pub credentials_version: u64,
    /// Limits.
    pub limits: QuotaLimits,
    /// Use.
    pub usage: QuotaUsage,
    /// When it was made.
    pub created: Timestamp,
    /// The last modification sequence that was given out.
    pub modseq: ModSeq,
    /// The last UIDVALIDITY that was given out.
    pub uid_validity: UidValidity,
}

/// What a new account starts with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewAccount {
    /// The address that it logs in by.
    pub address: Address,
    /// Login secrets.
    pub credentials: Credentials,
    /// Limits.
    pub limits: QuotaLimits,
    /// Mailboxes made and subscribed beside INBOX.
    pub mailboxes: Vec<(MailboxName, SpecialUse)>,
}

/// How long a removed account can be restored unless the administrator says otherwise.
pub const REMOVAL_RETENTION_DEFAULT: Duration = Duration::from_secs(30 * 24 * 3600);

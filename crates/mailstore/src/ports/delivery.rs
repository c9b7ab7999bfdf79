//! Mail that comes in from an MTA.

use async_trait::async_trait;
use bytes::Bytes;

use super::BoxStream;
use crate::address::Address;
use crate::error::{Rejection, StoreError};
use crate::ids::AccountId;

/// A recipient that mail can be delivered to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recipient {
    /// The address as given in RCPT TO, normalised.
    pub address: Address,
    /// The account that it leads to.
    pub account: AccountId,
    /// The part behind `+`, when there is one (RFC 5233): a mailbox to prefer, if it exists.
    pub detail: Option<String>,
}

/// Why a recipient was refused at RCPT TO.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RecipientRefusal {
    /// 550 5.1.1: there is no such address.
    Unknown,
    /// 552 5.2.2 or 452 4.2.2, as configured: no quota left.
    OverQuota,
    /// 452 4.3.1: the disk has no room for more mail now.
    NoSpace,
    /// 451 4.3.0: the storage cannot answer now.
    Temporary,
}

/// The envelope of a delivery, for the message's trace header and for Sieve.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeliveryEnvelope {
    /// MAIL FROM, empty for bounces.
    pub sender: String,
    /// Names this transaction, so that a proxy's retry of one recipient delivers once.
    pub transaction: [u8; 16],
}

/// What became of a delivery to one recipient.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Delivered {
    /// 250: durable on a majority.
    Done,
    /// 5xx or, for [`Rejection::OverQuota`], as configured.
    Refused(Rejection),
    /// 4xx: to be tried again later.
    Later(StoreError),
}

/// Mail that comes in from an MTA. Only a process with the `lmtp` role may call it, and it only adds.
#[async_trait]
pub trait Delivery: Send + Sync {
    /// Finds the account behind an address: the address itself, without its detail, then the domain's
    /// rules.
    ///
    /// # Errors
    /// Why it gets no mail.
    async fn resolve(&self, address: &Address) -> Result<Recipient, RecipientRefusal>;

    /// Starts to store one message's content for these recipients, once for each group that they are in.
    ///
    /// # Errors
    /// When no group can take it.
    async fn upload(
        &self,
        recipients: &[Recipient],
        size: u64,
    ) -> Result<Box<dyn DeliveryUpload>, StoreError>;
}

/// Content on its way to several recipients.
#[async_trait]
pub trait DeliveryUpload: Send {
    /// Adds octets, at most 64 KiB at a time.
    ///
    /// # Errors
    /// When the content can be stored for none of the recipients.
    async fn push(&mut self, bytes: Bytes) -> Result<(), StoreError>;

    /// Ends the content and delivers it. Trace fields (Return-Path, Received) were pushed before it, so
    /// that all recipients of a group share one blob. Yields one result a recipient, as they come, with
    /// its index.
    ///
    /// # Errors
    /// When none could be tried.
    async fn deliver(
        self: Box<Self>,
        envelope: DeliveryEnvelope,
    ) -> Result<BoxStream<(usize, Delivered)>, StoreError>;
}

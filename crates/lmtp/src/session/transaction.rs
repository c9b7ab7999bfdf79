//! One message on its way: its envelope.

use lmtp_wire::{ForwardPath, MailFrom, ReversePath};
use mailstore::ports::Recipient;

/// The envelope of one message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Transaction {
    pub(crate) mail: MailFrom,
    /// In the order of RCPT, with repetitions: each gets a reply (RFC 2033 §4.2).
    pub(crate) recipients: Vec<Accepted>,
    /// Whether BDAT has begun the message.
    pub(crate) chunked: bool,
}

/// A recipient that was accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Accepted {
    /// As the client named it.
    pub(crate) path: ForwardPath,
    pub(crate) recipient: Recipient,
}

impl Transaction {
    pub(crate) fn new(mail: MailFrom) -> Self {
        Self {
            mail,
            recipients: Vec::new(),
            chunked: false,
        }
    }

    /// Returns the sender without brackets, empty for a bounce.
    pub(crate) fn sender(&self) -> String {
        match &self.mail.reverse_path {
            ReversePath::Null => String::new(),
            ReversePath::Mailbox(mailbox) => mailbox.to_string(),
        }
    }

    /// Returns the first recipient of each account and detail, and for every recipient which of these stands
    /// for it. An account gets a message once for each detail it was sent to (RFC 5233), however many of its
    /// addresses were named; where details lead to one mailbox, the storage keeps it once.
    pub(crate) fn distinct(&self) -> (Vec<Recipient>, Vec<usize>) {
        let mut distinct: Vec<Recipient> = Vec::new();
        let mut places = Vec::with_capacity(self.recipients.len());
        for Accepted { recipient, .. } in &self.recipients {
            let known = distinct
                .iter()
                .position(|other| other.account == recipient.account && other.detail == recipient.detail);
            places.push(known.unwrap_or(distinct.len()));
            if known.is_none() {
                distinct.push(recipient.clone());
            }
        }
        (distinct, places)
    }
}

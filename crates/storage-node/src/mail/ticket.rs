//! Tickets: the leader signs which content a session may read, and any replica gives it.

use auth::ContentClaims;
use bytes::Bytes;
use mailstore::StoreError;
use mailstore::ports::Caller;
use mailstore::query::{ContentTicket, MessageAnswer, TicketMessage};

use crate::node::Node;

/// Sets the hashes of tickets apart from all others.
const CONTEXT: &str = "facteur content ticket 1";

impl Node {
    /// Signs a ticket for a batch of messages that the caller was found to be allowed to read.
    pub(super) fn sign_ticket(&self, caller: &Caller, batch: &mut [MessageAnswer]) {
        let messages = batch.iter().map(|answer| TicketMessage::of(&answer.record));
        let digest = digest(messages);
        if let Some(last) = batch.last_mut() {
            last.ticket = Some(self.mint_ticket(caller, digest));
        }
    }

    fn mint_ticket(&self, caller: &Caller, digest: [u8; 32]) -> Bytes {
        let now = self.environment().now();
        let claims = ContentClaims::new(caller.account, &caller.presenter, digest, now);
        self.tokens().mint_ticket(&claims)
    }

    /// Checks that the leader has signed this ticket for the caller's account and for whoever presents it, not long
    /// ago, and for exactly these messages.
    ///
    /// # Errors
    /// [`StoreError::Unauthorized`], whatever is wrong.
    pub(super) fn check_ticket(&self, caller: &Caller, ticket: &ContentTicket) -> Result<(), StoreError> {
        let now = self.environment().now();
        let claims = self.tokens().ticket(&ticket.signed, &caller.presenter, now);
        let claims = claims.ok_or(StoreError::Unauthorized)?;
        let own = claims.account == caller.account;
        if own && claims.digest == digest(ticket.messages.iter().copied()) {
            return Ok(());
        }
        Err(StoreError::Unauthorized)
    }
}

fn digest(messages: impl Iterator<Item = TicketMessage>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    for message in messages {
        hasher.update(&message.uid.get().to_be_bytes());
        hasher.update(&message.blob.0);
        hasher.update(&message.size.to_be_bytes());
    }
    *hasher.finalize().as_bytes()
}

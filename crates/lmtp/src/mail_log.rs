//! The log of mail: what became of every recipient. The one place of this role with addresses, in fields
//! whose names say so: whoever sets up logging decides whether they are written. Facteur's own log has
//! `[withheld]` in their place; a line is found by its transaction.

use std::fmt;

use lmtp_wire::Reply;

use crate::instruments::outcome;

/// Tells the log's lines from all others, so that they can be kept elsewhere or nowhere.
const TARGET: &str = "facteur::mail_log";

/// Logs the last answer for a recipient: to RCPT when it was refused there, otherwise to the message.
pub(crate) fn recipient(
    transaction: Option<&dyn fmt::Display>,
    sender: &str,
    recipient: &str,
    reply: &Reply,
) {
    tracing::info!(
        target: TARGET,
        transaction = transaction.map(tracing::field::display),
        sender,
        recipient,
        result = outcome(reply),
        reply = reply.code().number(),
        "recipient"
    );
}

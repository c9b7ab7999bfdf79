//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, the server's side (RFC 5802, RFC 7677).

mod message;
mod server;

pub(crate) use message::ClientFirst;
pub use server::ServerNonce;
pub(crate) use server::{ScramFailure, ScramServer, check_binding};

/// Returns the user name in a client-first-message, unescaped but not prepared.
pub(crate) fn named_user(first_message: &[u8]) -> Option<String> {
    ClientFirst::parse(first_message).map(|message| message.username)
}

//! The server's computations in SCRAM (RFC 5802 §3, §5, §6).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mailstore::ports::ChannelBinding;

use super::message::{BindingFlag, ClientFinal, ClientFirst};
use crate::mechanism::{Mechanism, has_binding};
use crate::verifiers::{ScramVerifier, hmac_sha256, sha256};

/// The server's part of the nonce: printable, without comma.
#[derive(Debug, Clone)]
pub struct ServerNonce(String);

impl ServerNonce {
    /// Returns a nonce of random bytes, which must be new for every exchange (RFC 5802 §5.1).
    pub fn new(random: [u8; 18]) -> Self {
        Self(STANDARD.encode(random))
    }

    #[cfg(test)]
    pub(crate) fn of_example(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Why an exchange ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScramFailure {
    /// Not of the grammar, or not what was agreed before.
    Malformed,
    /// The channel binding is missing where it must be, of an unknown type, or another channel's.
    Binding,
    /// The proof is wrong.
    Proof,
}

/// Checks the client's channel-binding flag against the mechanism and the connection, and returns
/// what the `c=` attribute of its final message must contain.
pub(crate) fn check_binding(
    mechanism: Mechanism,
    first: &ClientFirst,
    connection: &ChannelBinding,
) -> Result<Vec<u8>, ScramFailure> {
    let plus = mechanism == Mechanism::ScramSha256Plus;
    let channel = match &first.flag {
        BindingFlag::Unsupported if !plus => &[][..],
        // RFC 5802 §6: we did offer -PLUS, so somebody removed it from our list on the way.
        BindingFlag::NotOffered if !plus && has_binding(connection) => return Err(ScramFailure::Binding),
        BindingFlag::NotOffered if !plus => &[],
        BindingFlag::Used(name) if plus => bytes_of(connection, name).ok_or(ScramFailure::Binding)?,
        // RFC 5802 §6: the flag must be "p" with -PLUS and must not be without.
        BindingFlag::Unsupported | BindingFlag::NotOffered | BindingFlag::Used(_) => {
            return Err(ScramFailure::Malformed);
        }
    };
    Ok([first.gs2_header.as_bytes(), channel].concat())
}

fn bytes_of<'a>(connection: &'a ChannelBinding, name: &str) -> Option<&'a [u8]> {
    match name {
        "tls-exporter" => connection.tls_exporter.as_deref(),
        "tls-server-end-point" => connection.tls_server_end_point.as_deref(),
        _ => None,
    }
}

/// An exchange after the server's first message.
#[derive(Debug)]
pub(crate) struct ScramServer {
    verifier: ScramVerifier,
    /// Both parts.
    nonce: String,
    expected_binding: Vec<u8>,
    first_bare: String,
    server_first: String,
}

impl ScramServer {
    pub(crate) fn new(
        first: &ClientFirst,
        expected_binding: Vec<u8>,
        verifier: ScramVerifier,
        nonce: &ServerNonce,
    ) -> Self {
        let nonce = format!("{}{}", first.nonce, nonce.0);
        let salt = STANDARD.encode(&verifier.salt);
        let server_first = format!("r={nonce},s={salt},i={}", verifier.iterations);
        Self {
            verifier,
            nonce,
            expected_binding,
            first_bare: first.bare.clone(),
            server_first,
        }
    }

    /// Returns the server-first-message.
    pub(crate) fn challenge(&self) -> &[u8] {
        self.server_first.as_bytes()
    }

    /// Checks the client-final-message and returns the server-final-message.
    pub(crate) fn finish(&self, message: &[u8]) -> Result<Vec<u8>, ScramFailure> {
        let last = ClientFinal::parse(message).ok_or(ScramFailure::Malformed)?;
        if last.nonce != self.nonce {
            return Err(ScramFailure::Malformed);
        }
        if verify_slices_are_equal(&last.binding, &self.expected_binding).is_err() {
            return Err(ScramFailure::Binding);
        }
        let auth_message = format!("{},{},{}", self.first_bare, self.server_first, last.without_proof);
        let client_signature = hmac_sha256(&self.verifier.stored_key, auth_message.as_bytes());
        let mut client_key = last.proof;
        client_key
            .iter_mut()
            .zip(client_signature)
            .for_each(|(key, signature)| *key ^= signature);
        if verify_slices_are_equal(&sha256(&client_key), &self.verifier.stored_key).is_err() {
            return Err(ScramFailure::Proof);
        }
        let server_signature = hmac_sha256(&self.verifier.server_key, auth_message.as_bytes());
        Ok(format!("v={}", STANDARD.encode(server_signature)).into_bytes())
    }
}

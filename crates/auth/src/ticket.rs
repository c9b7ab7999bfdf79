//! Tickets for content: a leader's short-lived, signed statement that a process may read certain messages, so that any
//! replica can give them without asking the leader.

use std::time::Duration;

use bytes::{BufMut, Bytes};
use mailstore::AccountId;
use mailstore::time::Timestamp;

use crate::codec::Reader;
use crate::error::TokenError;
use crate::token::{KeyRing, TokenSigner, after, cut, put_text, text};

/// How long a ticket is believed.
pub const TICKET_LIFETIME: Duration = Duration::from_secs(60);

/// What a ticket begins with. A session token begins with another octet, so that neither passes for the other.
const KIND: u8 = 0xc1;

/// What a ticket states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentClaims {
    /// The account whose messages they are.
    pub account: AccountId,
    /// The process that may present the ticket.
    pub audience: String,
    /// A digest over the messages and their content, made by whoever signs and whoever checks.
    pub digest: [u8; 32],
    /// When it ends.
    pub expires: Timestamp,
}

impl ContentClaims {
    /// Returns claims that hold from `issued` for [`TICKET_LIFETIME`].
    pub fn new(account: AccountId, audience: &str, digest: [u8; 32], issued: Timestamp) -> Self {
        Self {
            account,
            audience: cut(audience),
            digest,
            expires: after(issued, TICKET_LIFETIME),
        }
    }
}

impl TokenSigner {
    /// Returns a signed ticket.
    pub fn mint_ticket(&self, claims: &ContentClaims) -> Bytes {
        let mut body = Vec::with_capacity(62 + claims.audience.len() + 64);
        body.put_u8(KIND);
        body.put_u32(self.id().0);
        body.put_slice(&claims.account.0);
        body.put_slice(&claims.digest);
        body.put_u64(claims.expires.0);
        put_text(&mut body, &claims.audience);
        self.sign(body)
    }
}

impl KeyRing {
    /// Returns what a ticket states, once its signature, time and audience are found good. `audience` is the verified
    /// name of the process that presents it.
    pub fn verify_ticket(
        &self,
        ticket: &[u8],
        audience: &str,
        now: Timestamp,
    ) -> Result<ContentClaims, TokenError> {
        let mut reader = self.signed_body(ticket, KIND)?;
        let claims = decode(&mut reader).ok_or(TokenError::Malformed)?;
        if claims.audience != audience {
            Err(TokenError::Audience)
        } else if now >= claims.expires {
            Err(TokenError::Expired)
        } else {
            Ok(claims)
        }
    }
}

fn decode(reader: &mut Reader<'_>) -> Option<ContentClaims> {
    let claims = ContentClaims {
        account: AccountId(reader.array()?),
        digest: reader.array()?,
        expires: Timestamp(reader.u64()?),
        audience: text(reader)?,
    };
    reader.is_empty().then_some(claims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;
    use crate::token::{KeyId, SessionClaims};

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn parts() -> (TokenSigner, KeyRing, ContentClaims) {
        let signer = TokenSigner::from_seed(KeyId(1), &Secret::new([1; 32])).unwrap();
        let mut ring = KeyRing::default();
        ring.insert(signer.id(), signer.public_key());
        (
            signer,
            ring,
            ContentClaims::new(AccountId([1; 16]), "proxy-1", [7; 32], NOW),
        )
    }

    #[test]
    fn a_ticket_is_believed_for_a_minute_by_its_audience() {
        let (signer, ring, claims) = parts();
        let ticket = signer.mint_ticket(&claims);
        let at = |seconds: u64| Timestamp(NOW.0 + seconds * 1000);
        assert_eq!(ring.verify_ticket(&ticket, "proxy-1", at(59)), Ok(claims));
        assert_eq!(
            ring.verify_ticket(&ticket, "proxy-1", at(60)),
            Err(TokenError::Expired)
        );
        assert_eq!(
            ring.verify_ticket(&ticket, "proxy-2", NOW),
            Err(TokenError::Audience)
        );
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let (signer, ring, claims) = parts();
        let ticket = signer.mint_ticket(&claims);
        for position in 0..ticket.len() {
            for bit in 0..8 {
                let mut tampered = ticket.to_vec();
                tampered[position] ^= 1 << bit;
                assert!(ring.verify_ticket(&tampered, "proxy-1", NOW).is_err());
            }
            assert!(ring.verify_ticket(&ticket[..position], "proxy-1", NOW).is_err());
        }
    }

    #[test]
    fn neither_a_token_nor_a_ticket_passes_for_the_other() {
        let (signer, ring, claims) = parts();
        let session = SessionClaims::new(claims.account, mailstore::SessionId([2; 16]), "proxy-1", NOW);
        let token = signer.mint(&session);
        assert_eq!(
            ring.verify_ticket(&token, "proxy-1", NOW),
            Err(TokenError::Malformed)
        );
        let ticket = signer.mint_ticket(&claims);
        assert_eq!(ring.verify(&ticket, "proxy-1", NOW), Err(TokenError::Malformed));
    }
}

//! Session tokens: a short-lived, signed statement that a login happened, which every node can check
//! without asking anyone.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use bytes::{BufMut, Bytes};
use mailstore::time::Timestamp;
use mailstore::{AccountId, SessionId};

use crate::codec::Reader;
use crate::error::{AuthError, TokenError};
use crate::secret::Secret;

/// How long a token is believed; it is renewed while its session stands in the registry.
pub const TOKEN_LIFETIME: Duration = Duration::from_secs(600);

/// How far the clocks of two nodes may differ.
const CLOCK_SKEW: Duration = Duration::from_secs(60);
/// The version of the layout, part of what is signed.
const VERSION: u8 = 2;
const SIGNATURE_BYTES: usize = 64;
/// Longest text in a token; the count is one byte.
const TEXT_BYTES_MAX: usize = 255;

/// Names a key of the ring; given by the directory, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub u32);

/// What a token states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionClaims {
    /// The account that was logged in to.
    pub account: AccountId,
    /// The session.
    pub session: SessionId,
    /// The proxy that may present the token.
    pub audience: String,
    /// The protocol that the client speaks, for lists of sessions.
    pub protocol: String,
    /// The client's address, for lists and bounds of sessions.
    pub peer: String,
    /// When it was signed.
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
}

impl SessionClaims {
    /// Returns claims that hold from `issued` for [`TOKEN_LIFETIME`]. A name of an audience is cut at
    /// 255 bytes, which no node name reaches.
    pub fn new(account: AccountId, session: SessionId, audience: &str, issued: Timestamp) -> Self {
        Self {
            account,
            session,
            audience: cut(audience),
            protocol: String::new(),
            peer: String::new(),
            issued,
            expires: after(issued, TOKEN_LIFETIME),
        }
    }

    /// Returns the claims with what is known of the client, so that whichever node serves the session next
    /// knows it too. Texts are cut as the audience is.
    #[must_use]
    pub fn with_client(self, protocol: &str, peer: &str) -> Self {
        Self {
            protocol: cut(protocol),
            peer: cut(peer),
            ..self
        }
    }

    fn encode(&self, key: KeyId) -> Vec<u8> {
        let texts = [&self.audience, &self.protocol, &self.peer];
        let length: usize = texts.iter().map(|text| 1 + text.len()).sum();
        let mut token = Vec::with_capacity(53 + length + SIGNATURE_BYTES);
        token.put_u8(VERSION);
        token.put_u32(key.0);
        token.put_slice(&self.account.0);
        token.put_slice(&self.session.0);
        token.put_u64(self.issued.0);
        token.put_u64(self.expires.0);
        for text in texts {
            put_text(&mut token, text);
        }
        token
    }
}

/// Returns as much of a text as a token can hold.
pub(crate) fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(TEXT_BYTES_MAX);
    text.get(..end).unwrap_or_default().to_owned()
}

/// Appends a text of at most 255 octets.
pub(crate) fn put_text(body: &mut Vec<u8>, text: &str) {
    let text = text.as_bytes();
    let text = text.get(..TEXT_BYTES_MAX).unwrap_or(text);
    body.put_u8(u8::try_from(text.len()).expect("invariant: cut to 255 above"));
    body.put_slice(text);
}

pub(crate) fn text(reader: &mut Reader<'_>) -> Option<String> {
    let length = reader.u8()?;
    let text = std::str::from_utf8(reader.bytes(length.into())?).ok()?;
    Some(text.to_owned())
}

pub(crate) fn after(time: Timestamp, duration: Duration) -> Timestamp {
    Timestamp(
        time.0
            .saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
    )
}

/// Signs tokens with one private key.
pub struct TokenSigner {
    id: KeyId,
    pair: Ed25519KeyPair,
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSigner")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl TokenSigner {
    /// Returns a signer for a private key: the 32 random bytes of RFC 8032 §5.1.5.
    pub fn from_seed(id: KeyId, seed: &Secret<[u8; 32]>) -> Result<Self, AuthError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose()).map_err(|_| AuthError::MalformedKey)?;
        Ok(Self { id, pair })
    }

    /// Returns the name of the key.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Returns the public key, which goes into the directory.
    pub fn public_key(&self) -> [u8; 32] {
        self.pair
            .public_key()
            .as_ref()
            .try_into()
            .expect("invariant: Ed25519 public keys have 32 bytes")
    }

    /// Returns a signed token.
    pub fn mint(&self, claims: &SessionClaims) -> Bytes {
        self.sign(claims.encode(self.id))
    }

    /// Returns the body with its signature behind it.
    pub(crate) fn sign(&self, mut body: Vec<u8>) -> Bytes {
        let signature = self.pair.sign(&body);
        body.extend_from_slice(signature.as_ref());
        body.into()
    }
}

/// The public keys whose tokens are believed. Several at once while keys are being replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyRing {
    keys: BTreeMap<KeyId, [u8; 32]>,
}

impl KeyRing {
    /// Adds a key, or replaces it.
    pub fn insert(&mut self, id: KeyId, public_key: [u8; 32]) {
        self.keys.insert(id, public_key);
    }

    /// Removes a key; tokens signed with it are refused from now on.
    pub fn remove(&mut self, id: KeyId) {
        self.keys.remove(&id);
    }

    /// Returns what a token states, once its signature, time and audience are found good. `audience`
    /// is the verified name of the process that presents it, so that a token is useless elsewhere.
    pub fn verify(&self, token: &[u8], audience: &str, now: Timestamp) -> Result<SessionClaims, TokenError> {
        let reader = self.signed_body(token, VERSION)?;
        let claims = decode_claims(reader).ok_or(TokenError::Malformed)?;
        check_claims(&claims, audience, now)?;
        Ok(claims)
    }

    /// Returns what stands in a signed body of this kind behind kind and key, once the signature is found good.
    pub(crate) fn signed_body<'t>(&self, token: &'t [u8], kind: u8) -> Result<Reader<'t>, TokenError> {
        let body_length = token
            .len()
            .checked_sub(SIGNATURE_BYTES)
            .ok_or(TokenError::Malformed)?;
        let (body, signature) = token.split_at_checked(body_length).ok_or(TokenError::Malformed)?;
        let mut reader = Reader::new(body);
        if reader.u8() != Some(kind) {
            return Err(TokenError::Malformed);
        }
        let id = KeyId(reader.u32().ok_or(TokenError::Malformed)?);
        let key = self.keys.get(&id).ok_or(TokenError::UnknownKey)?;
        UnparsedPublicKey::new(&ED25519, key)
            .verify(body, signature)
            .map_err(|_| TokenError::Signature)?;
        Ok(reader)
    }
}

fn check_claims(claims: &SessionClaims, audience: &str, now: Timestamp) -> Result<(), TokenError> {
    if claims.audience != audience {
        Err(TokenError::Audience)
    } else if now >= claims.expires {
        Err(TokenError::Expired)
    } else if claims.issued > after(now, CLOCK_SKEW) {
        Err(TokenError::NotYetValid)
    } else {
        Ok(())
    }
}

fn decode_claims(mut reader: Reader<'_>) -> Option<SessionClaims> {
    let (account, session) = (AccountId(reader.array()?), SessionId(reader.array()?));
    let (issued, expires) = (Timestamp(reader.u64()?), Timestamp(reader.u64()?));
    let audience = text(&mut reader)?;
    let (protocol, peer) = (text(&mut reader)?, text(&mut reader)?);
    reader.is_empty().then_some(SessionClaims {
        account,
        session,
        audience,
        protocol,
        peer,
        issued,
        expires,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn signer(id: u32) -> TokenSigner {
        TokenSigner::from_seed(KeyId(id), &Secret::new([u8::try_from(id).unwrap(); 32])).unwrap()
    }

    fn ring(signers: &[&TokenSigner]) -> KeyRing {
        let mut ring = KeyRing::default();
        signers
            .iter()
            .for_each(|signer| ring.insert(signer.id(), signer.public_key()));
        ring
    }

    fn claims() -> SessionClaims {
        SessionClaims::new(AccountId([1; 16]), SessionId([2; 16]), "proxy-1", NOW)
            .with_client("imap", "2001:db8::7")
    }

    #[test]
    fn a_token_states_what_was_claimed() {
        let signer = signer(1);
        let token = signer.mint(&claims());
        assert_eq!(ring(&[&signer]).verify(&token, "proxy-1", NOW), Ok(claims()));
    }

    #[test]
    fn a_token_is_believed_for_ten_minutes_by_its_audience() {
        let signer = signer(1);
        let (ring, token) = (ring(&[&signer]), signer.mint(&claims()));
        let at = |seconds: i64| Timestamp(NOW.0.saturating_add_signed(seconds * 1000));
        let check = |audience, seconds, expected| {
            let outcome = ring.verify(&token, audience, at(seconds)).map(|_| ());
            assert_eq!(outcome, expected, "{audience} {seconds}");
        };
        check("proxy-1", 599, Ok(()));
        check("proxy-1", 600, Err(TokenError::Expired));
        check("proxy-1", -60, Ok(()));
        check("proxy-1", -61, Err(TokenError::NotYetValid));
        check("proxy-2", 0, Err(TokenError::Audience));
        check("", 0, Err(TokenError::Audience));
    }

    #[test]
    fn keys_are_replaced_without_ending_sessions() {
        let (old, new) = (signer(1), signer(2));
        let token = old.mint(&claims());
        let mut both = ring(&[&old, &new]);
        assert!(both.verify(&token, "proxy-1", NOW).is_ok());
        both.remove(old.id());
        assert_eq!(both.verify(&token, "proxy-1", NOW), Err(TokenError::UnknownKey));
    }

    #[test]
    fn another_key_under_the_same_name_is_noticed() {
        let token = signer(1).mint(&claims());
        let mut ring = KeyRing::default();
        ring.insert(KeyId(1), signer(2).public_key());
        assert_eq!(ring.verify(&token, "proxy-1", NOW), Err(TokenError::Signature));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let signer = signer(1);
        let (ring, token) = (ring(&[&signer]), signer.mint(&claims()));
        for position in 0..token.len() {
            for bit in 0..8 {
                let mut tampered = token.to_vec();
                tampered[position] ^= 1 << bit;
                assert!(
                    ring.verify(&tampered, "proxy-1", NOW).is_err(),
                    "byte {position} bit {bit}"
                );
            }
            assert!(
                ring.verify(&token[..position], "proxy-1", NOW).is_err(),
                "cut at {position}"
            );
        }
        assert!(ring.verify(&[&token[..], b"x"].concat(), "proxy-1", NOW).is_err());
    }

    #[test]
    fn a_long_audience_is_cut_at_a_character() {
        let claims = SessionClaims::new(AccountId([1; 16]), SessionId([2; 16]), &"ä".repeat(200), NOW);
        let signer = signer(1);
        let verified = ring(&[&signer]).verify(&signer.mint(&claims), &"ä".repeat(127), NOW);
        assert_eq!(verified, Ok(claims));
    }

    proptest! {
        #[test]
        fn no_bytes_panic_or_verify(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(ring(&[&signer(1)]).verify(&bytes, "proxy-1", NOW).is_err());
        }
    }
}

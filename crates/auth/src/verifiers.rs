//! What an account stores to check its password: never the password itself.

use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2};
use bytes::{BufMut, Bytes};
use mailstore::account::Credentials;
use zeroize::Zeroizing;

use crate::codec::Reader;
use crate::error::AuthError;
use crate::password::{HashParameters, PasswordHash, Salts, prepare_new};
use crate::secret::Secret;

/// The version of the record's layout.
const VERSION: u8 = 1;
/// The most SCRAM iterations that a record may ask clients for.
const SCRAM_ITERATIONS_MAX: u32 = 10_000_000;

/// The keys that SCRAM-SHA-256 stores (RFC 5802 §3).
#[derive(Clone, PartialEq, Eq)]
pub struct ScramVerifier {
    /// PBKDF2 iterations.
    pub iterations: NonZeroU32,
    /// Salt, sent to the client.
    pub salt: Box<[u8]>,
    /// `H(HMAC(SaltedPassword, "Client Key"))`.
    pub stored_key: [u8; 32],
    /// `HMAC(SaltedPassword, "Server Key")`.
    pub server_key: [u8; 32],
}

impl std::fmt::Debug for ScramVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScramVerifier")
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

impl ScramVerifier {
    /// Derives the keys of a password that is already prepared. Slow: belongs on the bounded pool.
    pub(crate) fn derive(prepared: &str, iterations: NonZeroU32, salt: &[u8]) -> Self {
        let mut salted = Zeroizing::new([0; 32]);
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            iterations,
            salt,
            prepared.as_bytes(),
            &mut *salted,
        );
        let client_key = Zeroizing::new(hmac_sha256(&*salted, b"Client Key"));
        Self {
            iterations,
            salt: salt.into(),
            stored_key: sha256(&*client_key),
            server_key: hmac_sha256(&*salted, b"Server Key"),
        }
    }
}

/// Everything an account stores to check its password.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verifiers {
    /// For mechanisms that send the password.
    pub password: Option<PasswordHash>,
    /// For SCRAM; absent after the import of a hash, until the password is seen once.
    pub scram: Option<ScramVerifier>,
}

impl Verifiers {
    /// Derives all verifiers of a new password. Slow: belongs on the bounded pool.
    pub fn derive(password: &str, parameters: &HashParameters, salts: &Salts) -> Result<Self, AuthError> {
        let prepared = Secret::new(prepare_new(password)?);
        let iterations = NonZeroU32::new(parameters.scram_iterations).unwrap_or(NonZeroU32::MIN);
        Ok(Self {
            password: Some(PasswordHash::derive(
                prepared.expose(),
                parameters,
                &salts.password,
            )?),
            scram: Some(ScramVerifier::derive(prepared.expose(), iterations, &salts.scram)),
        })
    }

    /// Takes over a hash from another server. SCRAM works after the first login with the password.
    pub fn import(hash: &str) -> Result<Self, AuthError> {
        Ok(Self {
            password: Some(PasswordHash::parse(hash)?),
            scram: None,
        })
    }

    /// Returns whether a login that showed the password should be used to derive them anew.
    pub fn is_outdated(&self, parameters: &HashParameters) -> bool {
        let scram_current = self
            .scram
            .as_ref()
            .is_some_and(|scram| scram.iterations.get() == parameters.scram_iterations);
        !scram_current
            || self
                .password
                .as_ref()
                .is_some_and(|hash| hash.is_outdated(parameters))
    }

    /// Returns the record that the account stores: a version, the counted hash text, then flag,
    /// iterations, counted salt and both keys of SCRAM.
    pub fn encode(&self) -> Credentials {
        let mut record = vec![VERSION];
        let hash = self.password.as_ref().map_or("", PasswordHash::as_str);
        record.put_u16(u16::try_from(hash.len()).expect("invariant: hash texts are at most 512 bytes"));
        record.put_slice(hash.as_bytes());
        record.put_u8(u8::from(self.scram.is_some()));
        if let Some(scram) = &self.scram {
            let salt = scram.salt.get(..255).unwrap_or(&scram.salt);
            record.put_u32(scram.iterations.get());
            record.put_u8(u8::try_from(salt.len()).expect("invariant: cut to 255 above"));
            record.put_slice(salt);
            record.put_slice(&scram.stored_key);
            record.put_slice(&scram.server_key);
        }
        Credentials(Bytes::from(record))
    }

    /// Reads the record that an account stores. An empty record stands for an account without
    /// password, which nobody can log in to.
    pub fn decode(record: &Credentials) -> Result<Self, AuthError> {
        let mut reader = Reader::new(&record.0);
        match reader.u8() {
            None => return Ok(Self::default()),
            Some(VERSION) => {}
            Some(version) => return Err(AuthError::UnknownVerifiersVersion(version)),
        }
        let verifiers = decode_fields(&mut reader).ok_or(AuthError::MalformedVerifiers)?;
        if reader.is_empty() {
            Ok(verifiers)
        } else {
            Err(AuthError::MalformedVerifiers)
        }
    }
}

fn decode_fields(reader: &mut Reader<'_>) -> Option<Verifiers> {
    let hash_length = reader.u16()?;
    let hash = std::str::from_utf8(reader.bytes(hash_length.into())?).ok()?;
    let password = match hash {
        "" => None,
        text => Some(PasswordHash::parse(text).ok()?),
    };
    let scram = match reader.u8()? {
        0 => None,
        1 => Some(decode_scram(reader)?),
        _ => return None,
    };
    Some(Verifiers { password, scram })
}

fn decode_scram(reader: &mut Reader<'_>) -> Option<ScramVerifier> {
    let iterations = NonZeroU32::new(reader.u32()?).filter(|n| n.get() <= SCRAM_ITERATIONS_MAX)?;
    let salt_length = reader.u8()?;
    let salt = reader.bytes(salt_length.into())?.into();
    Some(ScramVerifier {
        iterations,
        salt,
        stored_key: reader.array()?,
        server_key: reader.array()?,
    })
}

/// HMAC-SHA-256 (RFC 2104).
pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message);
    tag.as_ref().try_into().expect("invariant: SHA-256 has 32 bytes")
}

/// SHA-256.
pub(crate) fn sha256(message: &[u8]) -> [u8; 32] {
    let digest = digest::digest(&digest::SHA256, message);
    digest
        .as_ref()
        .try_into()
        .expect("invariant: SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::password::tests::cheap;

    fn salts() -> Salts {
        Salts {
            password: [1; 16],
            scram: [2; 16],
        }
    }

    #[test]
    fn records_round_trip() {
        let derived = Verifiers::derive("pencil", &cheap(), &salts()).unwrap();
        assert_eq!(Verifiers::decode(&derived.encode()).unwrap(), derived);
        let imported = Verifiers {
            scram: None,
            ..derived.clone()
        };
        assert_eq!(Verifiers::decode(&imported.encode()).unwrap(), imported);
        let empty = Verifiers::default();
        assert_eq!(Verifiers::decode(&empty.encode()).unwrap(), empty);
        assert_eq!(Verifiers::decode(&Credentials::default()).unwrap(), empty);
    }

    #[test]
    fn records_of_a_newer_version_are_not_guessed_at() {
        let record = Credentials(Bytes::from_static(&[2, 0, 0, 0]));
        assert!(matches!(
            Verifiers::decode(&record),
            Err(AuthError::UnknownVerifiersVersion(2))
        ));
    }

    #[test]
    fn every_cut_of_a_record_is_noticed() {
        let record = Verifiers::derive("pencil", &cheap(), &salts())
            .unwrap()
            .encode()
            .0;
        for length in 1..record.len() {
            let cut = Credentials(record.slice(..length));
            assert!(
                matches!(Verifiers::decode(&cut), Err(AuthError::MalformedVerifiers)),
                "{length}"
            );
        }
        let longer = Credentials([&record[..], b"x"].concat().into());
        assert!(matches!(
            Verifiers::decode(&longer),
            Err(AuthError::MalformedVerifiers)
        ));
    }

    #[test]
    fn other_parameters_or_a_missing_half_ask_for_renewal() {
        let derived = Verifiers::derive("pencil", &cheap(), &salts()).unwrap();
        assert!(!derived.is_outdated(&cheap()));
        assert!(derived.is_outdated(&HashParameters {
            scram_iterations: 5000,
            ..cheap()
        }));
        assert!(derived.is_outdated(&HashParameters {
            argon2_kib: 16,
            ..cheap()
        }));
        assert!(
            Verifiers {
                scram: None,
                ..derived
            }
            .is_outdated(&cheap())
        );
    }

    #[test]
    fn nothing_secret_is_printed() {
        let derived = Verifiers::derive("pencil", &cheap(), &salts()).unwrap();
        let printed = format!("{derived:?}");
        assert!(
            !printed.contains("$argon2id$") && !printed.contains("stored_key"),
            "{printed}"
        );
    }

    proptest! {
        #[test]
        fn no_record_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Verifiers::decode(&Credentials(bytes.into()));
        }
    }
}

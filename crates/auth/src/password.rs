//! Password hashes: ours (argon2id) and those brought along from other servers.

use std::fmt;

use argon2::password_hash::{PasswordHash as PhcString, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, PasswordHasher, Version};

use crate::error::AuthError;

/// Bounds on what one check may cost. A hash comes from an administrator's import, but a slip there
/// must not let each login take minutes or all memory.
const ARGON2_KIB_MAX: u32 = 1024 * 1024;
const ARGON2_PASSES_MAX: u32 = 64;
const ARGON2_LANES_MAX: u32 = 16;
/// The sha-crypt specification clamps to 1000 at the low end.
const SHA_CRYPT_ROUNDS: std::ops::RangeInclusive<u32> = 1_000..=1_000_000;
/// Longest hash text kept.
const HASH_BYTES_MAX: usize = 512;
/// Longest password; argon2 and PBKDF2 take any length, but nobody types a kilobyte.
pub(crate) const PASSWORD_BYTES_MAX: usize = 1024;

/// How new passwords are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashParameters {
    /// Memory of one argon2id check in KiB.
    pub argon2_kib: u32,
    /// Passes over that memory.
    pub argon2_passes: u32,
    /// Lanes.
    pub argon2_lanes: u32,
    /// PBKDF2 iterations of SCRAM, performed by the client.
    pub scram_iterations: u32,
}

impl Default for HashParameters {
    /// RFC 9106 §4 recommends more memory than a server with a thousand logins a second has; these are
    /// the figures of the OWASP password storage cheat sheet. RFC 7677 §4 wants at least 4096
    /// iterations; phones compute 10,000 without a noticeable wait.
    fn default() -> Self {
        Self {
            argon2_kib: 19 * 1024,
            argon2_passes: 2,
            argon2_lanes: 1,
            scram_iterations: 10_000,
        }
    }
}

impl HashParameters {
    fn argon2(&self) -> Result<Argon2<'static>, AuthError> {
        let parameters = argon2::Params::new(self.argon2_kib, self.argon2_passes, self.argon2_lanes, None)
            .map_err(AuthError::Hashing)?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters))
    }
}

/// Random bytes for a new password.
#[derive(Debug, Clone, Copy)]
pub struct Salts {
    /// For the password hash.
    pub password: [u8; 16],
    /// For SCRAM; another one, so that neither hash says anything about the other.
    pub scram: [u8; 16],
}

/// The algorithm of a password hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Argon2,
    Sha256Crypt,
    Sha512Crypt,
}

/// A password hash of a supported form and bearable cost.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    scheme: Scheme,
    text: Box<str>,
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordHash")
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}

impl PasswordHash {
    /// Parses `$argon2id$..` or `$argon2i$..` (PHC string format), `$5$..` (SHA256-CRYPT) or `$6$..`
    /// (SHA512-CRYPT), with or without a scheme in braces before it, as Dovecot's files have it.
    pub fn parse(text: &str) -> Result<Self, AuthError> {
        let text = strip_scheme(text.trim());
        if text.len() > HASH_BYTES_MAX {
            return Err(AuthError::MalformedHash);
        }
        let scheme = if text.starts_with("$argon2id$") || text.starts_with("$argon2i$") {
            check_argon2(text)?;
            Scheme::Argon2
        } else if let Some(rest) = text.strip_prefix("$6$") {
            check_sha_crypt(rest, 86)?;
            Scheme::Sha512Crypt
        } else if let Some(rest) = text.strip_prefix("$5$") {
            check_sha_crypt(rest, 43)?;
            Scheme::Sha256Crypt
        } else {
            return Err(AuthError::MalformedHash);
        };
        Ok(Self {
            scheme,
            text: text.into(),
        })
    }

    /// Hashes a new password with argon2id. Slow: belongs on the bounded pool.
    pub(crate) fn derive(
        password: &str,
        parameters: &HashParameters,
        salt: &[u8; 16],
    ) -> Result<Self, AuthError> {
        let password = prepare_new(password)?;
        let salt = SaltString::encode_b64(salt).map_err(|_| AuthError::MalformedHash)?;
        let hash = parameters
            .argon2()?
            .hash_password(password.as_bytes(), &salt)
            .map_err(|_| AuthError::MalformedHash)?;
        Ok(Self {
            scheme: Scheme::Argon2,
            text: hash.to_string().into(),
        })
    }

    /// Returns a well-formed argon2id hash with the given digest, which costs what a real one costs.
    pub(crate) fn pretend(
        parameters: &HashParameters,
        salt: &[u8; 16],
        digest: &[u8; 32],
    ) -> Result<Self, AuthError> {
        let salt = SaltString::encode_b64(salt).map_err(|_| AuthError::MalformedHash)?;
        let output = argon2::password_hash::Output::new(digest).map_err(|_| AuthError::MalformedHash)?;
        let HashParameters {
            argon2_kib,
            argon2_passes,
            argon2_lanes,
            ..
        } = parameters;
        Self::parse(&format!(
            "$argon2id$v=19$m={argon2_kib},t={argon2_passes},p={argon2_lanes}${salt}${output}"
        ))
    }

    /// Checks a password, in time that depends on the hash and not on the password. Slow: belongs on
    /// the bounded pool.
    pub fn verify(&self, password: &str) -> bool {
        match self.scheme {
            Scheme::Argon2 => verify_argon2(&self.text, password),
            // Hashed elsewhere, where SASLprep was not applied.
            Scheme::Sha256Crypt => sha_crypt::sha256_check(password, &self.text).is_ok(),
            Scheme::Sha512Crypt => sha_crypt::sha512_check(password, &self.text).is_ok(),
        }
    }

    /// Returns whether a password that matched should be hashed again: another algorithm, or other
    /// cost than the present settings.
    pub(crate) fn is_outdated(&self, parameters: &HashParameters) -> bool {
        let HashParameters {
            argon2_kib,
            argon2_passes,
            argon2_lanes,
            ..
        } = parameters;
        let wanted = format!("$argon2id$v=19$m={argon2_kib},t={argon2_passes},p={argon2_lanes}$");
        !self.text.starts_with(&wanted)
    }

    /// Returns the hash as text, for storage.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

/// Returns a password to be set in the form in which it is hashed: SASLprep (RFC 4616 §4, RFC 5802 §2.2).
pub(crate) fn prepare_new(password: &str) -> Result<String, AuthError> {
    let length_allowed = (1..=PASSWORD_BYTES_MAX).contains(&password.len());
    match stringprep::saslprep(password) {
        Ok(prepared) if length_allowed && !prepared.is_empty() => Ok(prepared.into_owned()),
        _ => Err(AuthError::ForbiddenPassword),
    }
}

fn verify_argon2(text: &str, password: &str) -> bool {
    let Ok(hash) = PhcString::new(text) else {
        return false;
    };
    // What cannot be prepared was never set as a password; it is hashed all the same, for the time
    // it takes.
    let prepared = stringprep::saslprep(password).unwrap_or(password.into());
    Argon2::default()
        .verify_password(prepared.as_bytes(), &hash)
        .is_ok()
}

fn strip_scheme(text: &str) -> &str {
    match text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        Some((_, hash)) => hash,
        None => text,
    }
}

fn check_argon2(text: &str) -> Result<(), AuthError> {
    let hash = PhcString::new(text).map_err(|_| AuthError::MalformedHash)?;
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err(AuthError::MalformedHash);
    }
    let cost = argon2::Params::try_from(&hash).map_err(|_| AuthError::MalformedHash)?;
    let bearable = cost.m_cost() <= ARGON2_KIB_MAX
        && cost.t_cost() <= ARGON2_PASSES_MAX
        && cost.p_cost() <= ARGON2_LANES_MAX;
    if bearable {
        Ok(())
    } else {
        Err(AuthError::ExcessiveHashCost)
    }
}

/// Checks `[rounds=N$]salt$hash`.
fn check_sha_crypt(rest: &str, hash_length: usize) -> Result<(), AuthError> {
    let mut fields = rest.split('$');
    let mut field = fields.next().unwrap_or_default();
    if let Some(rounds) = field.strip_prefix("rounds=") {
        let rounds: u32 = rounds.parse().map_err(|_| AuthError::MalformedHash)?;
        if !SHA_CRYPT_ROUNDS.contains(&rounds) {
            return Err(AuthError::ExcessiveHashCost);
        }
        field = fields.next().unwrap_or_default();
    }
    let (salt, hash) = (field, fields.next().unwrap_or_default());
    let alphabet = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'/';
    let valid = (1..=16).contains(&salt.len())
        && hash.len() == hash_length
        && hash.bytes().chain(salt.bytes()).all(alphabet)
        && fields.next().is_none();
    if valid {
        Ok(())
    } else {
        Err(AuthError::MalformedHash)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The cheapest parameters that argon2 allows, for tests.
    pub(crate) fn cheap() -> HashParameters {
        HashParameters {
            argon2_kib: 8,
            argon2_passes: 1,
            argon2_lanes: 1,
            scram_iterations: 4096,
        }
    }

    /// From the sha-crypt specification (Ulrich Drepper, 2008).
    const SHA512: &str = "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1";
    const SHA256: &str = "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA";

    #[test]
    fn own_hashes_verify() {
        let hash = PasswordHash::derive("pencil", &cheap(), &[7; 16]).unwrap();
        assert!(hash.verify("pencil"));
        assert!(!hash.verify("Pencil"));
        assert!(!hash.verify(""));
        assert_eq!(PasswordHash::parse(hash.as_str()).unwrap(), hash);
    }

    /// RFC 4013 §2.2: compatibility characters are equal to what they stand for.
    #[test]
    fn passwords_are_prepared_on_both_sides() {
        let hash = PasswordHash::derive("\u{2168}", &cheap(), &[7; 16]).unwrap();
        assert!(hash.verify("IX"));
        assert!(!hash.verify("ix"));
    }

    #[test]
    fn imported_hashes_verify() {
        assert!(PasswordHash::parse(SHA256).unwrap().verify("Hello world!"));
        let dovecot = format!("{{SHA512-CRYPT}}{SHA512}");
        assert!(PasswordHash::parse(&dovecot).unwrap().verify("Hello world!"));
        assert!(!PasswordHash::parse(&dovecot).unwrap().verify("hello world!"));
    }

    #[test]
    fn hashes_say_when_they_are_outdated() {
        let hash = PasswordHash::derive("pencil", &cheap(), &[7; 16]).unwrap();
        assert!(!hash.is_outdated(&cheap()));
        assert!(hash.is_outdated(&HashParameters::default()));
        assert!(PasswordHash::parse(SHA256).unwrap().is_outdated(&cheap()));
    }

    #[test]
    fn unsupported_hashes_are_refused() {
        let hashes = [
            "",
            "secret",
            "{PLAIN}secret",
            "$1$salt$hash",
            "$6$",
            "$6$salt$short",
            "$argon2id$",
            "$2y$05$x",
            "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ",
            &format!("{SHA256}$x"),
            &"$6$".repeat(300),
        ];
        for hash in hashes {
            assert!(
                matches!(PasswordHash::parse(hash), Err(AuthError::MalformedHash)),
                "{hash}"
            );
        }
    }

    #[test]
    fn unbearable_hashes_are_refused() {
        let digest = "A".repeat(43);
        let hashes = [
            format!("$argon2id$v=19$m=2000000,t=1,p=1$c2FsdHNhbHQ${digest}"),
            format!("$argon2id$v=19$m=8,t=1000,p=1$c2FsdHNhbHQ${digest}"),
            SHA256.replace("10000", "100000000"),
            SHA256.replace("10000", "1"),
        ];
        for hash in hashes {
            assert!(
                matches!(PasswordHash::parse(&hash), Err(AuthError::ExcessiveHashCost)),
                "{hash}"
            );
        }
    }

    #[test]
    fn passwords_that_cannot_be_set_are_refused() {
        for password in ["", "\u{ad}", "a\u{0}b", &"x".repeat(1025)] {
            assert!(
                matches!(prepare_new(password), Err(AuthError::ForbiddenPassword)),
                "{password:?}"
            );
        }
        assert_eq!(prepare_new("with space").unwrap(), "with space");
    }
}

//! What users that do not exist appear to be.

use std::num::NonZeroU32;

use mailstore::address::Address;

use crate::error::AuthError;
use crate::password::{HashParameters, PasswordHash};
use crate::secret::Secret;
use crate::verifiers::{ScramVerifier, Verifiers, hmac_sha256};

/// Makes verifiers for users without any: the same for the same name every time and on every node,
/// at the cost of real ones, and matched by no password.
///
/// Only a user whose hash was imported, or made under other parameters, still differs in cost; the
/// first login with the password ends that.
#[derive(Debug, Clone)]
pub struct Pretender {
    secret: Secret<[u8; 32]>,
    parameters: HashParameters,
    template: PasswordHash,
}

impl Pretender {
    /// Returns a pretender for a cluster's secret and its parameters for new passwords. Fails when
    /// the parameters are out of bounds.
    pub fn new(secret: Secret<[u8; 32]>, parameters: HashParameters) -> Result<Self, AuthError> {
        let template = PasswordHash::pretend(&parameters, &[0; 16], &[0; 32])?;
        Ok(Self {
            secret,
            parameters,
            template,
        })
    }

    /// Returns the parameters for new passwords.
    pub fn parameters(&self) -> &HashParameters {
        &self.parameters
    }

    /// Returns verifiers for a name.
    pub(crate) fn verifiers(&self, name: &Address) -> Verifiers {
        let derive = |purpose: u8| {
            hmac_sha256(
                self.secret.expose(),
                &[&[purpose], name.as_str().as_bytes()].concat(),
            )
        };
        let [salt, stored_key, server_key, digest] = [0, 1, 2, 3].map(derive);
        let salt = salt.first_chunk::<16>().expect("invariant: SHA-256 has 32 bytes");
        let hash = PasswordHash::pretend(&self.parameters, salt, &digest);
        Verifiers {
            // The parameters were accepted in `new`, so the template is never needed; a panic here
            // would be a way to tell users apart, too.
            password: Some(hash.unwrap_or_else(|_| self.template.clone())),
            scram: Some(ScramVerifier {
                iterations: NonZeroU32::new(self.parameters.scram_iterations).unwrap_or(NonZeroU32::MIN),
                salt: (*salt).into(),
                stored_key,
                server_key,
            }),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::name::login_name;
    use crate::password::tests::cheap;

    pub(crate) fn pretender() -> Pretender {
        Pretender::new(Secret::new([9; 32]), cheap()).unwrap()
    }

    #[test]
    fn the_same_name_gets_the_same_answer() {
        let (one, two) = (
            login_name("a@example.org").unwrap(),
            login_name("b@example.org").unwrap(),
        );
        assert_eq!(pretender().verifiers(&one), pretender().verifiers(&one));
        assert_ne!(pretender().verifiers(&one), pretender().verifiers(&two));
        let elsewhere = Pretender::new(Secret::new([8; 32]), cheap()).unwrap();
        assert_ne!(pretender().verifiers(&one), elsewhere.verifiers(&one));
    }

    #[test]
    fn a_pretended_hash_costs_what_a_real_one_does() {
        let verifiers = pretender().verifiers(&login_name("a@example.org").unwrap());
        assert!(!verifiers.is_outdated(&cheap()));
        assert!(!verifiers.password.unwrap().verify("pencil"));
    }

    #[test]
    fn impossible_parameters_are_refused_at_once() {
        let zero = HashParameters {
            argon2_kib: 0,
            ..cheap()
        };
        assert!(Pretender::new(Secret::new([9; 32]), zero).is_err());
    }
}

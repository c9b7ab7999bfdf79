//! The secret that the storage nodes of a cluster share, and the keys that are derived from it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use auth::{HashParameters, KeyId, KeyRing, Pretender, Secret, TokenSigner};

use crate::durable_file;
use crate::exit::{Exit, Failure, OrExit};
use crate::surroundings::Machine;

const SECRET_FILE: &str = "cluster.secret";
const SECRET_BYTES: usize = 32;
// Each key has a context of its own, so that none tells anything about another (BLAKE3 §6.2).
const TOKEN_CONTEXT: &str = "facteur 2026-11 session token signing key";
const PRETENDER_CONTEXT: &str = "facteur 2026-11 answers about unknown users";

/// The secret of a cluster.
pub struct ClusterKeys {
    secret: Secret<[u8; SECRET_BYTES]>,
}

impl ClusterKeys {
    /// Returns where the secret is kept in the directory of the authority.
    pub fn path(directory: &Path) -> PathBuf {
        directory.join(SECRET_FILE)
    }

    /// Reads the secret, making it when there is none yet.
    ///
    /// # Errors
    /// When the file cannot be read or made, or does not hold a secret.
    pub fn open(directory: &Path) -> Result<Self, Failure> {
        let path = Self::path(directory);
        match durable_file::create(&path, &Machine::random::<SECRET_BYTES>()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).or_exit(Exit::CannotCreate, path.display()),
        }
        Self::read(directory)
    }

    /// Reads the secret.
    ///
    /// # Errors
    /// When there is none.
    pub fn read(directory: &Path) -> Result<Self, Failure> {
        let path = Self::path(directory);
        let octets = fs::read(&path).or_exit(Exit::Config, path.display())?;
        let secret = octets.try_into().map_err(|_| {
            Failure::new(
                Exit::Config,
                format!("{}: not {SECRET_BYTES} octets", path.display()),
            )
        })?;
        Ok(Self {
            secret: Secret::new(secret),
        })
    }

    fn derive(&self, context: &str) -> Secret<[u8; SECRET_BYTES]> {
        Secret::new(blake3::derive_key(context, self.secret.expose()))
    }

    /// Returns what signs session tokens and what verifies them. Every storage node has the same pair, so that a
    /// token outlives the leader that made it.
    ///
    /// # Errors
    /// When the key cannot be used.
    pub fn tokens(&self) -> Result<(TokenSigner, KeyRing), Failure> {
        let signer = TokenSigner::from_seed(KeyId(1), &self.derive(TOKEN_CONTEXT));
        let signer = signer.or_exit(Exit::Software, "token key")?;
        let mut keys = KeyRing::default();
        keys.insert(signer.id(), signer.public_key());
        Ok((signer, keys))
    }

    /// Returns what answers for users that do not exist, alike on every node.
    ///
    /// # Errors
    /// When the parameters are out of bounds.
    pub fn pretender(&self, hash: HashParameters) -> Result<Pretender, Failure> {
        Pretender::new(self.derive(PRETENDER_CONTEXT), hash).or_exit(Exit::Config, "settings: `auth`")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_secret_is_made_once_for_its_owner_only() {
        let directory = tempfile::tempdir().expect("a directory");
        assert!(ClusterKeys::read(directory.path()).is_err());
        let first = ClusterKeys::open(directory.path()).expect("made");
        let second = ClusterKeys::open(directory.path()).expect("read");
        assert_eq!(first.secret.expose(), second.secret.expose());
        let metadata = fs::metadata(ClusterKeys::path(directory.path())).expect("a file");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(directory.path()).expect("a list").count(),
            1,
            "no draft is left"
        );
    }

    #[test]
    fn a_draft_of_the_secret_is_not_the_secret() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("cluster.secret.new-0000000000000001"), "").expect("written");
        let made = ClusterKeys::open(directory.path()).expect("made");
        let read = ClusterKeys::read(directory.path()).expect("read");
        assert_eq!(made.secret.expose(), read.secret.expose());
    }

    #[test]
    fn nodes_with_one_secret_verify_each_others_tokens() {
        let directory = tempfile::tempdir().expect("a directory");
        let keys = || {
            ClusterKeys::open(directory.path())
                .expect("keys")
                .tokens()
                .expect("tokens")
        };
        let (one, two) = (keys(), keys());
        assert_eq!(one.0.public_key(), two.0.public_key());
    }

    #[test]
    fn a_file_that_is_no_secret_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(ClusterKeys::path(directory.path()), b"short").expect("written");
        let failure = ClusterKeys::open(directory.path()).err().expect("refused");
        assert_eq!(failure.exit(), Exit::Config);
    }
}

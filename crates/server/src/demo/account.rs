//! The account of the demo.

use std::fs;
use std::io;

use cluster::Router;
use mailstore::address::Address;
use mailstore::ports::{AccountAdd, AccountSelector, Administration, SecretChange};
use mailstore::{AccountId, Rejection, StoreError};

use crate::data_dir::DataDir;
use crate::durable_file;
use crate::exit::{Exit, Failure, OrExit};
use crate::surroundings::Machine;

/// The address that the demo's account logs in by.
pub const USER: &str = "demo@example.org";

const PASSWORD_FILE: &str = "demo-password";
/// Characters that need no quoting in a shell and are not mistaken for each other; 32, so that a random octet
/// chooses each equally often.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyz2345678";

/// Returns the password, chosen at random at the first start and kept for its owner.
///
/// # Errors
/// When the file cannot be read or made.
pub fn password(data: &DataDir) -> Result<String, Failure> {
    let path = data.join(PASSWORD_FILE);
    match fs::read_to_string(&path) {
        Ok(password) => Ok(password.trim().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let password = choose();
            durable_file::replace(&path, format!("{password}\n").as_bytes())
                .or_exit(Exit::CannotCreate, path.display())?;
            Ok(password)
        }
        Err(error) => Err(error).or_exit(Exit::Io, path.display()),
    }
}

/// Returns 100 bits of randomness in 20 characters.
fn choose() -> String {
    let octets: [u8; 20] = Machine::random();
    let character = |octet: &u8| {
        ALPHABET
            .get(usize::from(octet % 32))
            .map(|byte| char::from(*byte))
    };
    octets.iter().filter_map(character).collect()
}

/// Returns the account, made when there is none.
///
/// # Errors
/// When the storage refuses.
pub async fn ensure(router: &Router, password: &str) -> Result<AccountId, Failure> {
    let address = Address::parse(USER).expect("invariant: the demo's address is one");
    let selector = AccountSelector::Address(address.clone());
    match router.account_show(&selector).await {
        Ok(info) => return Ok(info.account.id),
        Err(StoreError::Rejected(Rejection::NoSuchAccount)) => {}
        Err(error) => return Err(error).or_exit(Exit::Unavailable, "demo account"),
    }
    let add = AccountAdd {
        address,
        secret: SecretChange::Password(password.to_owned()),
        limits: None,
    };
    router
        .account_add(add)
        .await
        .or_exit(Exit::Unavailable, "demo account")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use settings::Settings;

    use super::*;

    #[test]
    fn the_password_is_random_kept_and_the_owners_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut settings = Settings::default();
        settings.server.data_dir = directory.path().to_owned();
        let data = DataDir::open(&settings).expect("opened");
        let first = password(&data).expect("chosen");
        assert_eq!(first.len(), 20);
        assert_eq!(password(&data).expect("kept"), first);
        assert_ne!(choose(), first);
        let metadata = fs::metadata(data.join(PASSWORD_FILE)).expect("a file");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    }
}

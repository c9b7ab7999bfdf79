//! The port through which users are found.

use async_trait::async_trait;
use mailstore::AccountId;
use mailstore::address::Address;

use crate::error::AuthError;
use crate::verifiers::Verifiers;

/// What a directory knows about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The account that the user's mail is in.
    pub account: AccountId,
    /// What his password is checked against.
    pub verifiers: Verifiers,
}

/// Finds users. The built-in directory is the storage node's own accounts; others (LDAP, SQL) stand
/// behind the same port.
#[async_trait]
pub trait UserDirectory: Send + Sync {
    /// Returns the user of a name, or `None` when there is none or he may not log in.
    ///
    /// Fails with [`AuthError::DirectoryUnavailable`] when it cannot tell. The client then hears that
    /// the service is unavailable, never that his password is wrong: mail programs would ask for a new
    /// one.
    async fn look_up(&self, name: &Address) -> Result<Option<DirectoryEntry>, AuthError>;
}

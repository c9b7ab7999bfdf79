//! The accounts of a server under test.

use super::{ACCOUNTS, PASSWORD, Server};

impl Server {
    /// Makes the accounts that each server of a test has.
    pub(crate) fn add_accounts(&self) {
        for account in ACCOUNTS {
            self.add_account(account);
        }
    }

    /// Makes an account with the password that all have.
    ///
    /// # Panics
    /// When that is refused.
    pub fn add_account(&self, name: &str) {
        let ended = self.administer(
            &["account", "add", name, "--password-stdin"],
            &format!("{PASSWORD}\n"),
        );
        assert!(ended.status.success(), "{ended}");
    }
}

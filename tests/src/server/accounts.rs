//! The accounts of a server under test.

use super::{ACCOUNTS, PASSWORD, Server};

impl Server {
    /// Makes the accounts that each server of a test has.
    pub(crate) fn add_accounts(&self) {
        for account in ACCOUNTS {
            self.add_account(account, PASSWORD, &[]);
        }
    }

    /// Makes an account; the last arguments are those of `account add`.
    ///
    /// # Panics
    /// When that is refused.
    pub fn add_account(&self, name: &str, password: &str, limits: &[&str]) {
        let arguments = [&["account", "add", name, "--password-stdin"], limits].concat();
        let ended = self.administer(&arguments, &format!("{password}\n"));
        assert!(ended.status.success(), "{ended}");
    }
}

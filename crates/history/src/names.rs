//! Small numbers for names that occur often.

use std::collections::BTreeMap;

/// An account, by the order in which accounts were met.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Account(pub u16);

/// A mailbox. UIDVALIDITY names one mailbox of an account for ever, whatever its name: the server promises that.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mailbox {
    pub account: Account,
    pub validity: u32,
}

/// A message in a mailbox.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Key {
    pub mailbox: Mailbox,
    pub uid: u32,
}

impl Mailbox {
    pub fn key(self, uid: u32) -> Key {
        Key { mailbox: self, uid }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "UID {} under UIDVALIDITY {}",
            self.uid, self.mailbox.validity
        )
    }
}

/// Gives accounts their numbers.
#[derive(Debug, Default)]
pub struct Accounts(BTreeMap<String, Account>);

impl Accounts {
    pub fn of(&mut self, name: &str) -> Account {
        if let Some(known) = self.0.get(name) {
            return *known;
        }
        let account = Account(u16::try_from(self.0.len()).unwrap_or(u16::MAX));
        self.0.insert(name.to_owned(), account);
        account
    }
}

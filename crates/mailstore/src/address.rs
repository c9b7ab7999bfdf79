//! Login names and mail addresses, and the records that map them to accounts.

use std::fmt;

use crate::ids::{AccountId, Slot};

/// Longest address, in bytes (RFC 5321 §4.5.3.1.3 allows 254 for a path's mailbox).
pub const ADDRESS_BYTES_MAX: usize = 320;

/// A login name or mail address in normal form: lower case, without surrounding space. The directory's
/// domain rules and SASLprep are applied before one is made.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Address(Box<str>);

impl Address {
    /// Normalises and checks an address.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let valid = !text.is_empty()
            && text.len() <= ADDRESS_BYTES_MAX
            && !text.starts_with('@')
            && !text.chars().any(|c| c.is_control() || c.is_whitespace());
        valid.then(|| Self(text.into()))
    }

    /// Returns the normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the slot that holds the address record.
    #[must_use]
    pub fn slot(&self) -> Slot {
        Slot::of(self.0.as_bytes())
    }

    /// Returns the address without a `+detail` in its local part, if it has one (RFC 5233 §4).
    #[must_use]
    pub fn without_detail(&self) -> Option<Self> {
        let (local, domain) = self.0.rsplit_once('@')?;
        let (user, _) = local.split_once('+').filter(|(user, _)| !user.is_empty())?;
        Some(Self(format!("{user}@{domain}").into()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// How far the making of an address has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressState {
    /// Taken, its account not made yet: does not log in and gets no mail.
    Reserved,
    /// In use.
    Active,
}

/// The record of one address; lives in the group of the address's slot, not the account's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddressRecord {
    /// The address.
    pub address: Address,
    /// The account that it names.
    pub account: AccountId,
    /// Whether it is in use.
    pub state: AddressState,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_normalised_and_bounded() {
        assert_eq!(
            Address::parse(" Demo@Example.ORG ").as_ref().map(Address::as_str),
            Some("demo@example.org")
        );
        for invalid in ["", "@x", "a b", "a\0b", &"x".repeat(321)] {
            assert_eq!(Address::parse(invalid), None, "{invalid:?}");
        }
    }

    #[test]
    fn detail_is_cut_from_the_local_part_only() {
        let bare = |text| Address::parse(text).and_then(|address| address.without_detail());
        assert_eq!(bare("a+lists@x.org"), Address::parse("a@x.org"));
        assert_eq!(bare("a@x+y.org"), None);
        assert_eq!(bare("+a@x.org"), None);
    }
}

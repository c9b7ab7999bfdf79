//! What is known between two rounds, when nothing is under way.

use std::collections::{BTreeMap, BTreeSet};

use crate::names::{Account, Key, Mailbox};

/// A message that is there.
#[derive(Clone, Debug, Default)]
pub struct Live {
    pub token: String,
    pub flags: BTreeSet<String>,
    pub modseq: u64,
    pub size: u64,
    pub hash: String,
    pub date: Option<String>,
    pub email_id: Option<String>,
}

/// Counters of a mailbox.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Marks {
    pub uid_next: u64,
    pub highest: u64,
}

/// The state after the last look at everything.
#[derive(Clone, Debug, Default)]
pub struct Carry {
    pub live: BTreeMap<Key, Live>,
    pub marks: BTreeMap<Mailbox, Marks>,
    /// Names that LIST shows.
    pub listed: BTreeMap<Account, BTreeSet<String>>,
    /// Names that LSUB shows.
    pub subscribed: BTreeMap<Account, BTreeSet<String>>,
    /// Read-write sessions that saw a message as recent.
    pub recent: BTreeMap<Key, BTreeSet<(String, u32)>>,
    /// Every UIDVALIDITY that a name has had, with the last one.
    pub validities: BTreeMap<(Account, String), BTreeSet<u32>>,
    /// The UIDVALIDITY that each client last saw of a name that it alone changes.
    pub known_names: BTreeMap<(String, Account, String), u32>,
}

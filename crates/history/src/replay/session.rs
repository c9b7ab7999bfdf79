//! What a client knows of the mailbox that it has selected, and of those that it had.

use std::collections::{BTreeMap, BTreeSet};

use super::Step;
use crate::names::{Account, Key, Mailbox};
use crate::record::{Command, Messages, Outcome};

/// A client over all of its connections.
#[derive(Debug, Default)]
pub struct Client {
    pub(super) connection: u32,
    pub(super) selected: Option<Selected>,
    /// What it remembers of mailboxes, by account and name.
    pub(super) caches: BTreeMap<(Account, String), Cache>,
}

/// A selected mailbox.
#[derive(Debug, Default)]
pub struct Selected {
    pub name: String,
    pub validity: Option<u32>,
    pub account: Option<Account>,
    pub read_write: bool,
    /// The UID behind each sequence number, where it was told.
    pub uids: Vec<Option<u32>>,
    /// Since when what it knows may be, when not all UIDs were told yet.
    pub fresh_from: Option<u64>,
    /// The resynchronisation that is to be compared with a look at everything.
    pub compare: Option<Compare>,
    pub highest: Option<u64>,
    /// When, before this SELECT, HIGHESTMODSEQ was last told.
    pub claimed: u64,
}

/// What a client has rebuilt and not yet compared.
#[derive(Debug, Clone, Copy)]
pub struct Compare {
    /// When the resynchronisation began.
    pub began: u64,
    /// When the mod-sequence was told that the client came back with.
    pub claimed: u64,
    /// The HIGHESTMODSEQ that it announced.
    pub highest: u64,
}

/// What a client remembers of a mailbox.
#[derive(Debug, Default, Clone)]
pub struct Cache {
    pub validity: u32,
    pub flags: BTreeMap<u32, BTreeSet<String>>,
    /// Whether all messages up to its mod-sequence are in it.
    pub complete: bool,
    /// When HIGHESTMODSEQ was last told.
    pub highest_at: u64,
}

/// The messages that a session knew when it sent a command.
#[derive(Debug, Default, Clone)]
pub struct Before {
    pub mailbox: Option<Mailbox>,
    pub uids: Vec<Option<u32>>,
}

impl Selected {
    pub fn mailbox(&self) -> Option<Mailbox> {
        Some(Mailbox {
            account: self.account?,
            validity: self.validity?,
        })
    }

    pub fn key(&self, uid: u32) -> Option<Key> {
        self.mailbox().map(|mailbox| mailbox.key(uid))
    }

    /// Returns all UIDs, when each was told.
    pub fn all_uids(&self) -> Option<Vec<u32>> {
        self.uids.iter().copied().collect()
    }
}

impl Before {
    /// Returns the messages that a command names, as the session counted them when it was sent.
    pub fn keys(&self, messages: &Messages) -> Vec<Key> {
        let Some(mailbox) = self.mailbox else {
            return Vec::new();
        };
        let uids: Vec<u32> = match messages {
            Messages::Uids(uids) => uids.clone(),
            Messages::Numbers(numbers) => {
                let uid = |number: &u32| {
                    let place = usize::try_from(*number).ok()?.checked_sub(1)?;
                    self.uids.get(place).copied().flatten()
                };
                numbers.iter().filter_map(uid).collect()
            }
            Messages::All => self.uids.iter().flatten().copied().collect(),
        };
        uids.into_iter().map(|uid| mailbox.key(uid)).collect()
    }

    /// Says whether the session knew of a message.
    pub fn knows(&self, key: Key) -> bool {
        self.mailbox == Some(key.mailbox) && self.uids.contains(&Some(key.uid))
    }
}

impl Client {
    pub(super) fn view(&self) -> Before {
        let Some(selected) = &self.selected else {
            return Before::default();
        };
        Before {
            mailbox: selected.mailbox(),
            uids: selected.uids.clone(),
        }
    }

    /// Leaves the selected mailbox for the one that is asked for.
    pub(super) fn begin_select(&mut self, step: Step<'_>) {
        if let Command::Select { name, read_only, .. } = &step.record.command {
            let cache = self.caches.get(&(step.account, name.clone()));
            let claimed = cache.map_or(0, |cache| cache.highest_at);
            self.selected = (step.record.outcome == Outcome::Ok).then(|| Selected {
                name: name.clone(),
                account: Some(step.account),
                read_write: !read_only,
                fresh_from: Some(step.record.t_invoke),
                claimed,
                ..Selected::default()
            });
        }
    }
}

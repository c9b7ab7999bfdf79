//! The rows of one account while one entry changes them.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::account::AccountState;
use crate::error::{DecodeError, Rejection, TableError};
use crate::event::Event;
use crate::ids::{AccountId, MailboxId, ModSeq};
use crate::layout::fixed::FixedBlock;
use crate::layout::hot::HotBlock;
use crate::layout::key::{self, KeyRange};
use crate::layout::row::{Counters, MailboxRow, NameRow, Profile};
use crate::name::MailboxName;
use crate::rows::{ReadRows, Rows, RowsError};

/// A row that was read, and whether it is to be written.
struct Slot<T> {
    value: T,
    changed: bool,
}

/// The rows of one account while one entry changes them.
pub(super) struct Workspace<'a> {
    rows: &'a dyn Rows,
    pub(super) counters: Counters,
    pub(super) profile: Profile,
    stored_profile: Option<Profile>,
    mailboxes: BTreeMap<MailboxId, Slot<MailboxRow>>,
    names: BTreeMap<MailboxName, NameRow>,
    hot: BTreeMap<(MailboxId, u32), Slot<HotBlock>>,
    fixed: BTreeMap<(MailboxId, u32), Slot<FixedBlock>>,
    changes: Changes,
    events: Vec<WorkEvent>,
    /// Whether this entry added records of expunged messages.
    pub(super) expunged_now: bool,
    /// The minute of the request record that this entry added.
    pub(super) request_now: Option<u64>,
    purged: bool,
}

/// An event before the account is filled in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WorkEvent {
    Mailbox(MailboxId),
    Deleted(MailboxId),
    Tree,
    Account,
}

/// Writes in the order in which they are made: ranges go before single rows.
#[derive(Default)]
pub(super) struct Changes {
    ranges: Vec<KeyRange>,
    rows: Vec<(Vec<u8>, Option<Bytes>)>,
}

impl Changes {
    pub(super) fn write(self, rows: &mut dyn Rows) -> Result<(), RowsError> {
        for range in &self.ranges {
            rows.delete_range(&range.start, &range.end)?;
        }
        for (key, value) in self.rows {
            match value {
                Some(value) => rows.put(key, value),
                None => rows.delete(key),
            }
        }
        Ok(())
    }
}

/// What a rejected command goes back to.
pub(super) struct Checkpoint {
    counters: Counters,
    profile: Profile,
}

impl<'a> Workspace<'a> {
    /// Reads an account; `None` when there is none.
    pub(super) fn load(rows: &'a dyn Rows) -> Result<Option<Self>, TableError> {
        let Some(counters) = rows.get(key::COUNTERS)? else {
            return Ok(None);
        };
        let profile = rows.get(key::PROFILE)?.ok_or(DecodeError::Missing("profile"))?;
        let profile = Profile::decode(&profile)?;
        let stored = Some(profile.clone());
        Ok(Some(Self::with(
            rows,
            (Counters::decode(&counters)?, profile),
            stored,
        )))
    }

    /// Starts an account that is not stored yet.
    pub(super) fn create(rows: &'a dyn Rows, counters: Counters, profile: Profile) -> Self {
        Self::with(rows, (counters, profile), None)
    }

    fn with(
        rows: &'a dyn Rows,
        (counters, profile): (Counters, Profile),
        stored_profile: Option<Profile>,
    ) -> Self {
        Self {
            rows,
            counters,
            profile,
            stored_profile,
            mailboxes: BTreeMap::new(),
            names: BTreeMap::new(),
            hot: BTreeMap::new(),
            fixed: BTreeMap::new(),
            changes: Changes::default(),
            events: Vec::new(),
            expunged_now: false,
            request_now: None,
            purged: false,
        }
    }

    /// Tells whether the account is not stored yet.
    pub(super) fn is_new(&self) -> bool {
        self.stored_profile.is_none()
    }

    pub(super) fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            counters: self.counters.clone(),
            profile: self.profile.clone(),
        }
    }

    /// Forgets all that a command did.
    pub(super) fn roll_back(&mut self, checkpoint: Checkpoint) {
        self.counters = checkpoint.counters;
        self.profile = checkpoint.profile;
        self.mailboxes.clear();
        self.names.clear();
        self.hot.clear();
        self.fixed.clear();
        self.changes = Changes::default();
        self.events.clear();
        self.expunged_now = false;
        self.purged = false;
    }

    /// Refuses what a suspended or removed account may not do.
    pub(super) fn check_active(&self) -> Result<(), Rejection> {
        match self.profile.state {
            AccountState::Active => Ok(()),
            AccountState::Suspended | AccountState::Removed { .. } => Err(Rejection::AccountNotActive),
        }
    }

    /// Refuses what a removed account may not do.
    pub(super) fn check_delivers(&self) -> Result<(), Rejection> {
        match self.profile.state {
            AccountState::Active | AccountState::Suspended => Ok(()),
            AccountState::Removed { .. } => Err(Rejection::AccountNotActive),
        }
    }

    /// Takes the next modification sequence; once for each command that changes something.
    pub(super) fn step(&mut self) -> Result<ModSeq, Rejection> {
        if self.counters.modseq >= ModSeq::MAX {
            return Err(Rejection::UidsExhausted);
        }
        self.counters.modseq.0 += 1;
        Ok(self.counters.modseq)
    }

    /// The rows as they were before this entry.
    pub(super) fn stored(&self) -> &'a dyn ReadRows {
        self.rows
    }

    pub(super) fn put(&mut self, key: Vec<u8>, value: Bytes) {
        self.changes.rows.push((key, Some(value)));
    }

    pub(super) fn delete(&mut self, key: Vec<u8>) {
        self.changes.rows.push((key, None));
    }

    /// Deletes stored rows; what this entry puts stays.
    pub(super) fn delete_range(&mut self, range: KeyRange) {
        self.changes.ranges.push(range);
    }

    /// Deletes all of the account.
    pub(super) fn purge(&mut self) {
        self.delete_range(key::everything());
        self.purged = true;
    }

    pub(super) fn is_purged(&self) -> bool {
        self.purged
    }

    pub(super) fn tell(&mut self, event: WorkEvent) {
        if !self.events.contains(&event) {
            self.events.push(event);
        }
    }

    /// Returns the mailbox, or refuses.
    pub(super) fn mailbox(&mut self, id: MailboxId) -> Result<&MailboxRow, super::Stop> {
        Ok(&self.mailbox_slot(id)?.value)
    }

    /// Returns the mailbox to be changed, or refuses.
    pub(super) fn mailbox_mut(&mut self, id: MailboxId) -> Result<&mut MailboxRow, super::Stop> {
        let slot = self.mailbox_slot(id)?;
        slot.changed = true;
        Ok(&mut slot.value)
    }

    fn mailbox_slot(&mut self, id: MailboxId) -> Result<&mut Slot<MailboxRow>, super::Stop> {
        use std::collections::btree_map::Entry;
        match self.mailboxes.entry(id) {
            Entry::Occupied(slot) => Ok(slot.into_mut()),
            Entry::Vacant(slot) => {
                let row = self.rows.get(&key::mailbox(id))?;
                let row = row.ok_or(Rejection::NoSuchMailbox)?;
                let value = MailboxRow::decode(&row)?;
                let changed = false;
                Ok(slot.insert(Slot { value, changed }))
            }
        }
    }

    /// Adds a mailbox that is not stored yet.
    pub(super) fn add_mailbox(&mut self, value: MailboxRow) {
        let changed = true;
        self.mailboxes.insert(value.mailbox.id, Slot { value, changed });
    }

    /// Forgets a mailbox and deletes its rows.
    pub(super) fn remove_mailbox(&mut self, id: MailboxId) {
        self.mailboxes.remove(&id);
        key::of_mailbox(id)
            .into_iter()
            .for_each(|range| self.delete_range(range));
    }

    /// Returns what a name stands for.
    pub(super) fn name(&self, name: &MailboxName) -> Result<NameRow, TableError> {
        if let Some(row) = self.names.get(name) {
            return Ok(*row);
        }
        match self.rows.get(&key::name(name))? {
            Some(row) => Ok(NameRow::decode(&row)?),
            None => Ok(NameRow::default()),
        }
    }

    pub(super) fn set_name(&mut self, name: MailboxName, row: NameRow) {
        self.names.insert(name, row);
    }

    /// Returns the block of states, empty when there is none.
    pub(super) fn hot(&mut self, mailbox: MailboxId, block: u32) -> Result<&mut HotBlock, TableError> {
        use std::collections::btree_map::Entry;
        let slot = match self.hot.entry((mailbox, block)) {
            Entry::Occupied(slot) => slot.into_mut(),
            Entry::Vacant(slot) => {
                let value = match self.rows.get(&key::hot(mailbox, block))? {
                    Some(row) => HotBlock::decode(block, &row)?,
                    None => HotBlock::default(),
                };
                let changed = true;
                slot.insert(Slot { value, changed })
            }
        };
        slot.changed = true;
        Ok(&mut slot.value)
    }

    /// Returns the block of records, empty when there is none.
    pub(super) fn fixed(&mut self, mailbox: MailboxId, block: u32) -> Result<&FixedBlock, TableError> {
        Ok(&self.fixed_slot(mailbox, block)?.value)
    }

    /// Returns the block of records to be changed, empty when there is none.
    pub(super) fn fixed_mut(
        &mut self,
        mailbox: MailboxId,
        block: u32,
    ) -> Result<&mut FixedBlock, TableError> {
        let slot = self.fixed_slot(mailbox, block)?;
        slot.changed = true;
        Ok(&mut slot.value)
    }

    fn fixed_slot(&mut self, mailbox: MailboxId, block: u32) -> Result<&mut Slot<FixedBlock>, TableError> {
        use std::collections::btree_map::Entry;
        match self.fixed.entry((mailbox, block)) {
            Entry::Occupied(slot) => Ok(slot.into_mut()),
            Entry::Vacant(slot) => {
                let value = match self.rows.get(&key::fixed(mailbox, block))? {
                    Some(row) => FixedBlock::decode(block, &row)?,
                    None => FixedBlock::default(),
                };
                let changed = false;
                Ok(slot.insert(Slot { value, changed }))
            }
        }
    }

    /// Returns the events of the entry.
    pub(super) fn take_events(&mut self, account: AccountId) -> Vec<Event> {
        let events = std::mem::take(&mut self.events);
        let event = |event| match event {
            WorkEvent::Mailbox(mailbox) => Event::MailboxChanged {
                account,
                mailbox,
                modseq: self.counters.modseq,
            },
            WorkEvent::Deleted(mailbox) => Event::MailboxDeleted { account, mailbox },
            WorkEvent::Tree => Event::TreeChanged { account },
            WorkEvent::Account => Event::AccountChanged { account },
        };
        events.into_iter().map(event).collect()
    }

    /// Returns all that is to be written.
    pub(super) fn finish(mut self) -> Changes {
        if self.purged {
            return self.changes;
        }
        let rows = &mut self.changes.rows;
        rows.push((key::COUNTERS.to_vec(), Some(self.counters.encode())));
        if self.stored_profile.as_ref() != Some(&self.profile) {
            rows.push((key::PROFILE.to_vec(), Some(self.profile.encode())));
        }
        for (id, slot) in self.mailboxes.into_iter().filter(|(_, slot)| slot.changed) {
            rows.push((key::mailbox(id), Some(slot.value.encode())));
        }
        for (name, row) in self.names {
            let value = (row != NameRow::default()).then(|| row.encode());
            rows.push((key::name(&name), value));
        }
        for ((id, block), slot) in self.hot.into_iter().filter(|(_, slot)| slot.changed) {
            let value = (!slot.value.states.is_empty()).then(|| slot.value.encode());
            rows.push((key::hot(id, block), value));
        }
        for ((id, block), slot) in self.fixed.into_iter().filter(|(_, slot)| slot.changed) {
            let value = (!slot.value.records.is_empty()).then(|| slot.value.encode());
            rows.push((key::fixed(id, block), value));
        }
        self.changes
    }
}

//! One account as maps of plain structs: what each command means, said again without rows, packing or log.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use mailstore::account::QuotaLimits;
use mailstore::command::{MailboxCommand, MessageCommand};
use mailstore::flags::{FlagBits, FlagOperation, NamedFlags, SystemFlag};
use mailstore::message::NewMessage;
use mailstore::name::MailboxName;
use mailstore::query::{MailboxChanges, MailboxTree, Vanished};
use mailstore::reply::{Appended, Copied, Expunged, Stored};
use mailstore::{BlobId, MailboxId, ModSeq, Rejection, Reply, Uid, UidSet, UidValidity};

use super::operation::{Observed, Operation};

type Outcome = Result<Reply, Rejection>;

/// A message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MessageModel {
    /// Its content.
    pub blob: BlobId,
    /// Its size.
    pub size: u32,
    /// Its system flags.
    pub flags: FlagBits,
    /// When it was last changed.
    pub modseq: u64,
}

/// A mailbox.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct MailboxModel {
    /// Its id.
    pub id: MailboxId,
    /// Its UIDVALIDITY.
    pub uid_validity: u32,
    /// The UID that the next message gets.
    pub uid_next: u32,
    /// Its HIGHESTMODSEQ.
    pub highest: u64,
    /// Its messages, by UID.
    pub messages: BTreeMap<u32, MessageModel>,
    /// UIDs that are gone, with the modification sequence of their going.
    pub gone: BTreeMap<u32, u64>,
}

impl Hash for AccountModel {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The limits never change.
        (&self.mailboxes, &self.subscribed).hash(state);
        (self.modseq, self.uid_validity, self.next_id).hash(state);
    }
}

/// An account.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AccountModel {
    /// Its mailboxes, by name.
    pub mailboxes: BTreeMap<MailboxName, Arc<MailboxModel>>,
    /// Subscribed names.
    pub subscribed: BTreeSet<MailboxName>,
    /// The limits of its quota.
    pub limits: QuotaLimits,
    /// The last modification sequence that was given.
    pub modseq: u64,
    /// The last UIDVALIDITY that was given.
    pub uid_validity: u32,
    /// The id that the next mailbox gets.
    pub next_id: u32,
}

fn set(uids: impl IntoIterator<Item = u32>) -> UidSet {
    uids.into_iter().filter_map(Uid::new).collect()
}

impl MailboxModel {
    fn named(&self, uids: &UidSet) -> Vec<u32> {
        let named = |uid: &u32| Uid::new(*uid).is_some_and(|uid| uids.contains(uid));
        self.messages.keys().copied().filter(named).collect()
    }

    fn receive(&mut self, message: MessageModel) -> u32 {
        let uid = self.uid_next;
        self.uid_next += 1;
        self.highest = message.modseq;
        self.messages.insert(uid, message);
        uid
    }

    fn lose(&mut self, uids: &[u32], modseq: u64) {
        for uid in uids {
            self.messages.remove(uid);
            self.gone.insert(*uid, modseq);
        }
        if !uids.is_empty() {
            self.highest = modseq;
        }
    }

    fn validity(&self) -> UidValidity {
        UidValidity::new(self.uid_validity).unwrap_or(UidValidity::MIN)
    }

    /// Tells whether these are the messages, maybe with some that are gone.
    fn has(&self, records: &[(u32, BlobId, u32)]) -> bool {
        let known = |uid: &u32| self.messages.contains_key(uid);
        let (present, others): (Vec<_>, Vec<_>) = records.iter().partition(|(uid, ..)| known(uid));
        let expected = self
            .messages
            .iter()
            .map(|(uid, message)| (*uid, message.blob, message.size));
        expected.eq(present.into_iter().copied())
            && others.iter().all(|(uid, ..)| self.gone.contains_key(uid))
    }

    /// Tells whether what a client was told of changes since a modification sequence is the truth.
    fn agrees(&self, told: &MailboxChanges) -> bool {
        let since = told.since.0;
        let mailbox = &told.mailbox;
        let counted = |flag| {
            self.messages
                .values()
                .filter(|message| message.flags.has(flag))
                .count()
        };
        let changed = self.messages.iter().filter(|(_, message)| message.modseq > since);
        let changed = changed.map(|(uid, message)| (*uid, message.flags, message.modseq));
        let told_changed = told.changed.iter();
        let told_changed = told_changed.map(|state| (state.uid.get(), state.flags, state.modseq.0));
        let vanished = match &told.vanished {
            Vanished::Exactly(uids) => {
                let gone = self.gone.iter().filter(|(_, modseq)| **modseq > since);
                *uids == set(gone.map(|(uid, _)| *uid))
            }
            Vanished::AllBut { present } => *present == set(self.messages.keys().copied()),
        };
        mailbox.id == self.id
            && mailbox.uid_validity.get() == self.uid_validity
            && mailbox.uid_next.map(Uid::get) == Some(self.uid_next)
            && mailbox.highest_modseq.0 == self.highest
            && mailbox.messages as usize == self.messages.len()
            && mailbox.unseen as usize == self.messages.len() - counted(SystemFlag::Seen)
            && mailbox.deleted as usize == counted(SystemFlag::Deleted)
            && mailbox.size_bytes
                == self
                    .messages
                    .values()
                    .map(|message| u64::from(message.size))
                    .sum::<u64>()
            && changed.eq(told_changed)
            && vanished
    }
}

impl AccountModel {
    /// Returns the account that a client sees who has looked at everything at one time.
    #[must_use]
    pub fn of(tree: &MailboxTree, limits: QuotaLimits) -> Self {
        let mut model = Self {
            limits,
            ..Self::default()
        };
        for entry in &tree.entries {
            if entry.subscribed {
                model.subscribed.insert(entry.name.clone());
            }
            let Some(mailbox) = &entry.mailbox else { continue };
            model.modseq = model.modseq.max(mailbox.highest_modseq.0);
            model.uid_validity = model.uid_validity.max(mailbox.uid_validity.get());
            model.next_id = model.next_id.max(mailbox.id.0 + 1);
            let mailbox = MailboxModel {
                id: mailbox.id,
                uid_validity: mailbox.uid_validity.get(),
                uid_next: mailbox.uid_next.map_or(0, Uid::get),
                highest: mailbox.highest_modseq.0,
                messages: BTreeMap::new(),
                gone: BTreeMap::new(),
            };
            model.mailboxes.insert(entry.name.clone(), Arc::new(mailbox));
        }
        model
    }

    /// Applies an operation; `Err` when its answer cannot have been this.
    #[must_use]
    pub fn apply(&mut self, operation: &Operation) -> Option<Observed> {
        let outcome = match operation {
            Operation::Mailbox(command) => self.change_mailbox(command),
            Operation::Message(command) => self.change_messages(command),
            Operation::Deliver { blob, size, detail } => {
                return Some(match self.deliver(*blob, *size, detail.as_ref()) {
                    Ok(_) => Observed::Delivered,
                    Err(rejection) => Observed::Refused(rejection),
                });
            }
            Operation::Tree | Operation::Changes(..) | Operation::Records(_) | Operation::Quota => {
                return None;
            }
        };
        Some(match outcome {
            Ok(reply) => Observed::Reply(reply),
            Err(rejection) => Observed::Refused(rejection),
        })
    }

    /// Tells whether a question may have been answered so in this state.
    #[must_use]
    pub fn answers(&self, operation: &Operation, observed: &Observed) -> bool {
        match (operation, observed) {
            (Operation::Tree, Observed::Tree(tree)) => self.is_tree(tree),
            (Operation::Changes(id, _), Observed::Changes(told)) => self
                .mailboxes
                .values()
                .any(|mailbox| mailbox.id == *id && mailbox.agrees(told)),
            (Operation::Changes(id, _), Observed::Refused(Rejection::NoSuchMailbox)) => {
                self.mailboxes.values().all(|mailbox| mailbox.id != *id)
            }
            (Operation::Records(id), Observed::Records(records)) => {
                let mut mailboxes = self.mailboxes.values();
                mailboxes.any(|mailbox| mailbox.id == *id && mailbox.has(records))
            }
            (
                Operation::Quota,
                Observed::Quota {
                    storage_bytes,
                    messages,
                },
            ) => self.usage() == (*storage_bytes, *messages),
            _ => false,
        }
    }

    fn is_tree(&self, tree: &MailboxTree) -> bool {
        let names: BTreeSet<_> = self.mailboxes.keys().chain(&self.subscribed).collect();
        names.len() == tree.entries.len()
            && tree.entries.iter().all(|entry| {
                let told = entry.mailbox.as_ref();
                let told = told.map(|told| {
                    (
                        told.id,
                        told.uid_validity.get(),
                        told.highest_modseq.0,
                        told.messages,
                    )
                });
                let known = self.mailboxes.get(&entry.name);
                let known = known.map(|known| {
                    let messages = u32::try_from(known.messages.len()).unwrap_or(u32::MAX);
                    (known.id, known.uid_validity, known.highest, messages)
                });
                told == known && entry.subscribed == self.subscribed.contains(&entry.name)
            })
    }

    /// Returns octets and messages.
    #[must_use]
    pub fn usage(&self) -> (u64, u64) {
        let all = self
            .mailboxes
            .values()
            .flat_map(|mailbox| mailbox.messages.values());
        all.fold((0, 0), |(bytes, count), message| {
            (bytes + u64::from(message.size), count + 1)
        })
    }

    fn has_room(&self, sizes: impl Iterator<Item = u32>) -> bool {
        let (bytes, count) = sizes.fold(self.usage(), |(bytes, count), size| {
            (bytes + u64::from(size), count + 1)
        });
        self.limits.storage_bytes.is_none_or(|limit| bytes <= limit)
            && self.limits.messages.is_none_or(|limit| count <= limit)
    }

    fn by_id(&mut self, id: MailboxId) -> Result<&mut MailboxModel, Rejection> {
        let mut mailboxes = self.mailboxes.values_mut();
        mailboxes
            .find(|mailbox| mailbox.id == id)
            .map(Arc::make_mut)
            .ok_or(Rejection::NoSuchMailbox)
    }

    fn by_name(&mut self, name: &MailboxName) -> Result<&mut MailboxModel, Rejection> {
        let mailbox = self.mailboxes.get_mut(name).map(Arc::make_mut);
        mailbox.ok_or(Rejection::NoSuchMailbox)
    }

    fn step(&mut self) -> u64 {
        self.modseq += 1;
        self.modseq
    }

    fn make(&mut self, name: &MailboxName) -> MailboxId {
        self.make_parent(name);
        let id = MailboxId(self.next_id);
        self.next_id += 1;
        self.uid_validity += 1;
        let mailbox = MailboxModel {
            id,
            uid_validity: self.uid_validity,
            uid_next: 1,
            highest: self.modseq,
            messages: BTreeMap::new(),
            gone: BTreeMap::new(),
        };
        self.mailboxes.insert(name.clone(), Arc::new(mailbox));
        id
    }

    fn make_parent(&mut self, name: &MailboxName) {
        if let Some(parent) = name
            .parent()
            .filter(|parent| !self.mailboxes.contains_key(parent))
        {
            self.make(&parent);
        }
    }

    fn change_mailbox(&mut self, command: &MailboxCommand) -> Outcome {
        match command {
            MailboxCommand::Create { name, .. } => {
                if self.mailboxes.contains_key(name) {
                    return Err(Rejection::MailboxExists);
                }
                self.step();
                let mailbox = self.make(name);
                Ok(Reply::Created { mailbox })
            }
            MailboxCommand::Delete { name } => self.delete(name),
            MailboxCommand::Rename { from, to } if from.is_inbox() => self.rename_inbox(to),
            MailboxCommand::Rename { from, to } => self.rename(from, to),
            MailboxCommand::Subscribe { name, subscribed } => {
                let changed = if *subscribed {
                    self.subscribed.insert(name.clone())
                } else {
                    self.subscribed.remove(name)
                };
                if changed {
                    self.step();
                }
                Ok(Reply::Done)
            }
        }
    }

    fn delete(&mut self, name: &MailboxName) -> Outcome {
        if name.is_inbox() {
            return Err(Rejection::Inbox);
        }
        if self.mailboxes.remove(name).is_some() {
            self.step();
            return Ok(Reply::Done);
        }
        let children = self.mailboxes.keys().any(|other| other.is_below(name));
        Err(if children {
            Rejection::MailboxHasChildren
        } else {
            Rejection::NoSuchMailbox
        })
    }

    fn rename(&mut self, from: &MailboxName, to: &MailboxName) -> Outcome {
        if to.is_inbox() {
            return Err(Rejection::Inbox);
        }
        if to.is_below(from) {
            return Err(Rejection::RenameBelowItself);
        }
        let concerned = |name: &&MailboxName| *name == from || name.is_below(from);
        let moved: Vec<_> = self.mailboxes.keys().filter(concerned).cloned().collect();
        if moved.is_empty() {
            return Err(Rejection::NoSuchMailbox);
        }
        if from == to || self.mailboxes.contains_key(to) {
            return Err(Rejection::MailboxExists);
        }
        let mut after = self.mailboxes.clone();
        let taken: Vec<_> = moved
            .iter()
            .filter_map(|name| Some((name.rebased(from, to)?, after.remove(name)?)))
            .collect();
        for (name, mailbox) in taken {
            if after.insert(name, mailbox).is_some() {
                return Err(Rejection::MailboxExists);
            }
        }
        self.mailboxes = after;
        self.step();
        self.make_parent(to);
        Ok(Reply::Done)
    }

    fn rename_inbox(&mut self, to: &MailboxName) -> Outcome {
        if self.mailboxes.contains_key(to) {
            return Err(Rejection::MailboxExists);
        }
        let old = self.mailboxes.remove(&MailboxName::inbox());
        let old = old.ok_or(Rejection::NoSuchMailbox)?;
        self.step();
        self.make(&MailboxName::inbox());
        self.make_parent(to);
        self.mailboxes.insert(to.clone(), old);
        Ok(Reply::Done)
    }

    fn change_messages(&mut self, command: &MessageCommand) -> Outcome {
        match command {
            MessageCommand::Append {
                mailbox,
                messages,
                create,
            } => self.append(mailbox, messages, *create),
            MessageCommand::Store {
                mailbox,
                uids,
                operation,
                flags,
                unchanged_since,
            } => self.store((*mailbox, uids), *operation, flags, *unchanged_since),
            MessageCommand::Copy {
                mailbox,
                uids,
                target,
            } => self.transfer((*mailbox, uids), target, true),
            MessageCommand::Move {
                mailbox,
                uids,
                target,
            } => self.transfer((*mailbox, uids), target, false),
            MessageCommand::Expunge { mailbox, uids } => self.expunge(*mailbox, uids.as_ref()),
            // `\Recent` belongs to one session and is no part of what the others see.
            MessageCommand::ClaimRecent { mailbox, .. } => {
                self.by_id(*mailbox)?;
                Ok(Reply::RecentClaimed { first: None })
            }
        }
    }

    fn deliver(&mut self, blob: BlobId, size: u32, detail: Option<&MailboxName>) -> Outcome {
        let inbox = MailboxName::inbox();
        let named = detail.filter(|name| self.mailboxes.contains_key(*name)).cloned();
        self.add(&named.unwrap_or(inbox), &[(blob, size, FlagBits::EMPTY)], true)
    }

    fn append(&mut self, name: &MailboxName, messages: &[NewMessage], create: bool) -> Outcome {
        let new = messages.iter().map(|new| (new.blob, new.size, new.flags.system));
        self.add(name, &new.collect::<Vec<_>>(), create)
    }

    fn add(&mut self, name: &MailboxName, new: &[(BlobId, u32, FlagBits)], create: bool) -> Outcome {
        let exists = self.mailboxes.contains_key(name);
        if !exists && !create {
            return Err(Rejection::NoSuchMailbox);
        }
        if !self.has_room(new.iter().map(|(_, size, _)| *size)) {
            return Err(Rejection::OverQuota);
        }
        let modseq = self.step();
        if !exists {
            self.make(name);
        }
        let mailbox = self.by_name(name)?;
        let uids = new.iter().map(|(blob, size, flags)| {
            mailbox.receive(MessageModel {
                blob: *blob,
                size: *size,
                flags: *flags,
                modseq,
            })
        });
        let uids = set(uids.collect::<Vec<_>>());
        Ok(Reply::Appended(Appended {
            mailbox: mailbox.id,
            uid_validity: mailbox.validity(),
            uids,
            modseq: ModSeq(mailbox.highest),
        }))
    }

    /// The reply has no states: the questions show them.
    fn store(
        &mut self,
        (id, uids): (MailboxId, &UidSet),
        operation: FlagOperation,
        flags: &NamedFlags,
        since: Option<ModSeq>,
    ) -> Outcome {
        let next = self.modseq + 1;
        let mailbox = self.by_id(id)?;
        let (mut changed, mut modified) = (Vec::new(), Vec::new());
        let found = mailbox.named(uids);
        for (uid, message) in mailbox.messages.iter_mut().filter(|(uid, _)| found.contains(uid)) {
            if since.is_some_and(|since| message.modseq > since.0) {
                modified.push(*uid);
                continue;
            }
            let new = match operation {
                FlagOperation::Replace => flags.system,
                FlagOperation::Add => message.flags.with(flags.system),
                FlagOperation::Remove => message.flags.without(flags.system),
            };
            if new != message.flags {
                (message.flags, message.modseq) = (new, next);
                changed.push(*uid);
            }
        }
        let missing = uids
            .intersection(&set(1..mailbox.uid_next))
            .difference(&set(found));
        if !changed.is_empty() {
            mailbox.highest = next;
        }
        let modseq = ModSeq(mailbox.highest);
        self.modseq = if changed.is_empty() { next - 1 } else { next };
        Ok(Reply::Stored(Stored {
            modseq,
            changed: set(changed),
            modified: set(modified),
            missing,
            states: Vec::new(),
        }))
    }

    fn transfer(&mut self, (id, uids): (MailboxId, &UidSet), to: &MailboxName, keep: bool) -> Outcome {
        let source = self.by_id(id)?;
        let found = source.named(uids);
        let messages: Vec<_> = found
            .iter()
            .filter_map(|uid| source.messages.get(uid).copied())
            .collect();
        if !self.mailboxes.contains_key(to) {
            return Err(Rejection::NoSuchMailbox);
        }
        if keep && !self.has_room(messages.iter().map(|message| message.size)) {
            return Err(Rejection::OverQuota);
        }
        if !found.is_empty() {
            self.step();
        }
        let modseq = self.modseq;
        if !keep {
            self.by_id(id)?.lose(&found, modseq);
        }
        let target = self.by_name(to)?;
        let given = messages
            .into_iter()
            .map(|message| target.receive(MessageModel { modseq, ..message }));
        let given = set(given.collect::<Vec<_>>());
        Ok(Reply::Copied(Copied {
            target: target.id,
            uid_validity: target.validity(),
            source: set(found),
            uids: given,
            modseq: ModSeq(target.highest),
        }))
    }

    fn expunge(&mut self, id: MailboxId, uids: Option<&UidSet>) -> Outcome {
        let next = self.modseq + 1;
        let mailbox = self.by_id(id)?;
        let all = UidSet::range(Uid::MIN, Uid::MAX);
        let mut gone = mailbox.named(uids.unwrap_or(&all));
        gone.retain(|uid| {
            let message = mailbox.messages.get(uid);
            message.is_some_and(|message| message.flags.has(SystemFlag::Deleted))
        });
        mailbox.lose(&gone, next);
        let modseq = ModSeq(mailbox.highest);
        self.modseq = if gone.is_empty() { next - 1 } else { next };
        Ok(Reply::Expunged(Expunged {
            uids: set(gone),
            modseq,
        }))
    }
}

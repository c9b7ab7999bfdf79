//! The naive model: maps of plain structs, everything recounted from scratch.

use std::collections::{BTreeMap, BTreeSet};

use mailstore::account::QuotaLimits;
use mailstore::flags::{FlagBits, FlagOperation, Keyword, NamedFlags, SystemFlag};
use mailstore::mailbox::SpecialUse;
use mailstore::name::MailboxName;
use mailstore::reply::{Appended, Copied, Expunged, Stored};
use mailstore::{MailboxId, ModSeq, Rejection, Reply, Uid, UidSet, UidValidity};

type Outcome = Result<Reply, Rejection>;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NaiveMessage {
    /// Names of flags, system flags as `\Seen` and the like, keywords in lower case.
    pub flags: BTreeSet<String>,
    pub modseq: u64,
    pub size: u32,
    pub email: u64,
}

#[derive(Clone, Debug)]
pub struct NaiveMailbox {
    pub id: u32,
    pub uid_validity: u32,
    pub uid_next: u32,
    pub first_recent: u32,
    pub highest: u64,
    pub special_use: u8,
    /// Spellings as first given, in order.
    pub keywords: Vec<Keyword>,
    pub messages: BTreeMap<u32, NaiveMessage>,
}

#[derive(Clone, Debug, Default)]
pub struct Naive {
    pub mailboxes: BTreeMap<MailboxName, NaiveMailbox>,
    pub subscribed: BTreeSet<MailboxName>,
    pub limits: QuotaLimits,
    pub suspended: bool,
    pub modseq: u64,
    pub uid_validity: u32,
    pub next_id: u32,
}

pub fn flag_name(flag: SystemFlag) -> String {
    format!("\\{flag:?}")
}

fn names(flags: &NamedFlags) -> BTreeSet<String> {
    let system = flags.system.system_flags().map(flag_name);
    let keywords = flags.keywords.iter().map(|word| word.as_str().to_lowercase());
    system.chain(keywords).collect()
}

pub fn names_of(bits: FlagBits, table: &[Keyword]) -> BTreeSet<String> {
    let system = bits.system_flags().map(flag_name);
    let keywords = bits.keyword_indexes().filter_map(|index| table.get(index));
    system
        .chain(keywords.map(|word| word.as_str().to_lowercase()))
        .collect()
}

fn set(uids: impl IntoIterator<Item = u32>) -> UidSet {
    uids.into_iter().filter_map(Uid::new).collect()
}

impl NaiveMailbox {
    fn learn(&mut self, keywords: &[Keyword]) {
        for keyword in keywords {
            if !self.keywords.contains(keyword) {
                self.keywords.push(keyword.clone());
            }
        }
    }

    fn named(&self, uids: &UidSet) -> Vec<u32> {
        let known = self.messages.keys().copied();
        known
            .filter(|uid| Uid::new(*uid).is_some_and(|uid| uids.contains(uid)))
            .collect()
    }

    pub fn recent(&self) -> usize {
        self.messages.range(self.first_recent..).count()
    }

    fn receive(&mut self, message: NaiveMessage) -> u32 {
        let uid = self.uid_next;
        self.uid_next += 1;
        self.highest = message.modseq;
        self.messages.insert(uid, message);
        uid
    }

    fn validity(&self) -> UidValidity {
        UidValidity::new(self.uid_validity).expect("not zero")
    }
}

impl Naive {
    pub fn usage(&self) -> (u64, u64) {
        let all = self
            .mailboxes
            .values()
            .flat_map(|mailbox| mailbox.messages.values());
        all.fold((0, 0), |(bytes, count), message| {
            (bytes + u64::from(message.size), count + 1)
        })
    }

    fn has_room(&self, sizes: &[u32]) -> bool {
        let (bytes, count) = self.usage();
        let bytes = bytes + sizes.iter().map(|size| u64::from(*size)).sum::<u64>();
        let count = count + sizes.len() as u64;
        self.limits.storage_bytes.is_none_or(|limit| bytes <= limit)
            && self.limits.messages.is_none_or(|limit| count <= limit)
    }

    fn by_id(&mut self, id: u32) -> Result<&mut NaiveMailbox, Rejection> {
        let found = self.mailboxes.values_mut().find(|mailbox| mailbox.id == id);
        found.ok_or(Rejection::NoSuchMailbox)
    }

    fn step(&mut self) -> u64 {
        self.modseq += 1;
        self.modseq
    }

    fn make(&mut self, name: &MailboxName, special_use: u8) -> u32 {
        if let Some(parent) = name
            .parent()
            .filter(|parent| !self.mailboxes.contains_key(parent))
        {
            self.make(&parent, 0);
        }
        let id = self.next_id;
        self.next_id += 1;
        self.uid_validity += 1;
        let mailbox = NaiveMailbox {
            id,
            uid_validity: self.uid_validity,
            uid_next: 1,
            first_recent: 1,
            highest: self.modseq,
            special_use,
            keywords: Vec::new(),
            messages: BTreeMap::new(),
        };
        self.mailboxes.insert(name.clone(), mailbox);
        id
    }

    pub fn create(&mut self, name: &MailboxName, special_use: SpecialUse) -> Outcome {
        if self.mailboxes.contains_key(name) {
            return Err(Rejection::MailboxExists);
        }
        let mut taken = self.mailboxes.values().map(|mailbox| mailbox.special_use);
        if taken.any(|taken| taken & special_use.0 != 0) {
            return Err(Rejection::SpecialUseTaken);
        }
        self.step();
        let mailbox = MailboxId(self.make(name, special_use.0));
        Ok(Reply::Created { mailbox })
    }

    pub fn delete(&mut self, name: &MailboxName) -> Outcome {
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

    pub fn rename(&mut self, from: &MailboxName, to: &MailboxName) -> Outcome {
        if from.is_inbox() {
            return self.rename_inbox(to);
        }
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
        let mut after = self.clone();
        let taken: Vec<_> = moved
            .iter()
            .filter_map(|name| Some((name.rebased(from, to)?, after.mailboxes.remove(name)?)))
            .collect();
        for (name, mailbox) in taken {
            if after.mailboxes.insert(name, mailbox).is_some() {
                return Err(Rejection::MailboxExists);
            }
        }
        *self = after;
        self.step();
        if let Some(parent) = to.parent().filter(|parent| !self.mailboxes.contains_key(parent)) {
            self.make(&parent, 0);
        }
        Ok(Reply::Done)
    }

    fn rename_inbox(&mut self, to: &MailboxName) -> Outcome {
        if self.mailboxes.contains_key(to) {
            return Err(Rejection::MailboxExists);
        }
        let old = self.mailboxes.remove(&MailboxName::inbox());
        let old = old.ok_or(Rejection::NoSuchMailbox)?;
        self.step();
        self.make(&MailboxName::inbox(), 0);
        if let Some(parent) = to.parent().filter(|parent| !self.mailboxes.contains_key(parent)) {
            self.make(&parent, 0);
        }
        self.mailboxes.insert(to.clone(), old);
        Ok(Reply::Done)
    }

    pub fn subscribe(&mut self, name: &MailboxName, on: bool) -> Outcome {
        let changed = if on {
            self.subscribed.insert(name.clone())
        } else {
            self.subscribed.remove(name)
        };
        if changed {
            self.step();
        }
        Ok(Reply::Done)
    }

    /// `emails` names each message.
    pub fn append(
        &mut self,
        name: &MailboxName,
        messages: &[(u32, NamedFlags)],
        create: bool,
        first_email: u64,
    ) -> Outcome {
        let exists = self.mailboxes.contains_key(name);
        if !exists && !create {
            return Err(Rejection::NoSuchMailbox);
        }
        let sizes: Vec<u32> = messages.iter().map(|(size, _)| *size).collect();
        if !self.has_room(&sizes) {
            return Err(Rejection::OverQuota);
        }
        if !exists || !messages.is_empty() {
            self.step();
        }
        if !exists {
            self.make(name, 0);
        }
        let modseq = self.modseq;
        let mailbox = self.mailboxes.get_mut(name).ok_or(Rejection::NoSuchMailbox)?;
        let mut uids = Vec::new();
        for ((size, flags), email) in messages.iter().zip(first_email..) {
            mailbox.learn(&flags.keywords);
            uids.push(mailbox.receive(NaiveMessage {
                flags: names(flags),
                modseq,
                size: *size,
                email,
            }));
        }
        Ok(Reply::Appended(Appended {
            mailbox: MailboxId(mailbox.id),
            uid_validity: mailbox.validity(),
            uids: set(uids),
            modseq: ModSeq(mailbox.highest),
        }))
    }

    /// The reply has no states.
    pub fn store(
        &mut self,
        (id, uids): (u32, &UidSet),
        operation: FlagOperation,
        flags: &NamedFlags,
        since: Option<u64>,
    ) -> Outcome {
        let next = self.modseq + 1;
        let mailbox = self.by_id(id)?;
        let named = names(flags);
        let (mut changed, mut modified) = (Vec::new(), Vec::new());
        let found = mailbox.named(uids);
        for uid in &found {
            let Some(message) = mailbox.messages.get_mut(uid) else {
                continue;
            };
            if since.is_some_and(|since| message.modseq > since) {
                modified.push(*uid);
                continue;
            }
            let new: BTreeSet<String> = match operation {
                FlagOperation::Replace => named.clone(),
                FlagOperation::Add => &message.flags | &named,
                FlagOperation::Remove => &message.flags - &named,
            };
            if new != message.flags {
                message.flags = new;
                message.modseq = next;
                changed.push(*uid);
            }
        }
        let once = set(1..mailbox.uid_next);
        let missing = uids.intersection(&once).difference(&set(found));
        if !changed.is_empty() {
            mailbox.highest = next;
            if operation != FlagOperation::Remove {
                mailbox.learn(&flags.keywords);
            }
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

    pub fn transfer(&mut self, (id, uids): (u32, &UidSet), to: &MailboxName, keep: bool) -> Outcome {
        let source = self.by_id(id)?;
        let found = source.named(uids);
        let table = source.keywords.clone();
        let messages: Vec<_> = found
            .iter()
            .filter_map(|uid| source.messages.get(uid).cloned())
            .collect();
        if !self.mailboxes.contains_key(to) {
            return Err(Rejection::NoSuchMailbox);
        }
        let sizes: Vec<u32> = messages.iter().map(|message| message.size).collect();
        if keep && !self.has_room(&sizes) {
            return Err(Rejection::OverQuota);
        }
        if !found.is_empty() {
            self.step();
        }
        let modseq = self.modseq;
        if !keep && !found.is_empty() {
            let source = self.by_id(id)?;
            source.messages.retain(|uid, _| !found.contains(uid));
            source.highest = modseq;
        }
        let target = self.mailboxes.get_mut(to).ok_or(Rejection::NoSuchMailbox)?;
        let mut given = Vec::new();
        for message in messages {
            let used = table
                .iter()
                .filter(|word| message.flags.contains(&word.as_str().to_lowercase()));
            target.learn(&used.cloned().collect::<Vec<_>>());
            given.push(target.receive(NaiveMessage { modseq, ..message }));
        }
        Ok(Reply::Copied(Copied {
            target: MailboxId(target.id),
            uid_validity: target.validity(),
            source: set(found),
            uids: set(given),
            modseq: ModSeq(target.highest),
        }))
    }

    pub fn expunge(&mut self, id: u32, uids: Option<&UidSet>) -> Outcome {
        let next = self.modseq + 1;
        let mailbox = self.by_id(id)?;
        let all = UidSet::range(Uid::MIN, Uid::MAX);
        let mut gone = mailbox.named(uids.unwrap_or(&all));
        let deleted = flag_name(SystemFlag::Deleted);
        gone.retain(|uid| {
            mailbox
                .messages
                .get(uid)
                .is_some_and(|message| message.flags.contains(&deleted))
        });
        mailbox.messages.retain(|uid, _| !gone.contains(uid));
        if !gone.is_empty() {
            mailbox.highest = next;
        }
        let modseq = ModSeq(mailbox.highest);
        self.modseq = if gone.is_empty() { next - 1 } else { next };
        Ok(Reply::Expunged(Expunged {
            uids: set(gone),
            modseq,
        }))
    }

    pub fn claim_recent(&mut self, id: u32, below: Option<Uid>) -> Outcome {
        let mailbox = self.by_id(id)?;
        let end = below.map_or(mailbox.uid_next, |below| below.get().min(mailbox.uid_next));
        let first = mailbox.first_recent;
        if mailbox.recent() == 0 || end <= first {
            return Ok(Reply::RecentClaimed { first: None });
        }
        mailbox.first_recent = end;
        Ok(Reply::RecentClaimed {
            first: Uid::new(first),
        })
    }
}

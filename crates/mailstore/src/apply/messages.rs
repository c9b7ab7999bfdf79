//! Messages of a mailbox while an entry changes them: finding, adding, changing, removing, counting.

use super::Stop;
use super::workspace::{WorkEvent, Workspace};
use crate::error::{DecodeError, Rejection, TableError};
use crate::flags::{FlagBits, SystemFlag};
use crate::ids::{BlobId, MailboxId, ModSeq, Uid};
use crate::layout::block;
use crate::layout::fixed::Removed;
use crate::layout::hot::HotBlock;
use crate::layout::key;
use crate::mailbox::Mailbox;
use crate::message::{EmailId, MessageRecord, MessageState};
use crate::time::InternalDate;
use crate::uid_set::UidSet;

const MISSING: DecodeError = DecodeError::Missing("message");
const COUNTS: DecodeError = DecodeError::Invalid("mailbox counters");

/// A message on its way into a mailbox.
pub(super) struct Incoming {
    pub(super) blob: BlobId,
    pub(super) size: u32,
    pub(super) internal_date: InternalDate,
    pub(super) email_id: EmailId,
    pub(super) flags: FlagBits,
}

impl Workspace<'_> {
    /// Returns the stored states of those messages that exist, ascending. What the entry has changed so
    /// far does not show.
    pub(super) fn select(&self, id: MailboxId, uids: &UidSet) -> Result<Vec<MessageState>, TableError> {
        let mut states = Vec::new();
        for (first, last) in block::runs(uids) {
            let mut failed = None;
            let range = key::hot_blocks(id, first, last);
            self.stored().scan(&range.start, &range.end, &mut |key, row| {
                let found = key::block_in(key).and_then(|block| HotBlock::decode(block, row));
                match found {
                    Ok(found) => {
                        let named = |state: &MessageState| uids.contains(state.uid);
                        states.extend(found.states.into_iter().filter(named));
                        true
                    }
                    Err(error) => {
                        failed = Some(error);
                        false
                    }
                }
            })?;
            if let Some(error) = failed {
                return Err(error.into());
            }
        }
        Ok(states)
    }

    /// Returns the record of a message that exists.
    pub(super) fn record(&mut self, id: MailboxId, uid: Uid) -> Result<MessageRecord, TableError> {
        let record = self.fixed(id, block::of(uid))?.get(uid);
        Ok(*record.ok_or(MISSING)?)
    }

    /// Gives a message that exists another state.
    pub(super) fn change(&mut self, id: MailboxId, new: MessageState) -> Result<(), Stop> {
        let block = self.hot(id, block::of(new.uid))?;
        let old = *block.get(new.uid).ok_or(MISSING)?;
        block.set(new);
        let mailbox = &mut self.mailbox_mut(id)?.mailbox;
        count_flags(mailbox, old.flags, Count::Less)?;
        count_flags(mailbox, new.flags, Count::More)?;
        Ok(())
    }

    /// Adds messages under new UIDs, which it returns: one range, in the order given.
    pub(super) fn add(
        &mut self,
        id: MailboxId,
        messages: Vec<Incoming>,
        modseq: ModSeq,
    ) -> Result<UidSet, Stop> {
        let (first, last) = self.take_uids(id, messages.len())?;
        let saved = self.counters.log_time;
        let mut uid = Some(first);
        for message in messages {
            let this = uid.ok_or(Rejection::UidsExhausted)?;
            uid = this.next();
            let (flags, size) = (message.flags, message.size);
            self.hot(id, block::of(this))?.set(MessageState {
                uid: this,
                flags,
                modseq,
            });
            self.fixed_mut(id, block::of(this))?.set(MessageRecord {
                uid: this,
                blob: message.blob,
                size,
                internal_date: message.internal_date,
                saved,
                email_id: message.email_id,
            });
            let mailbox = &mut self.mailbox_mut(id)?.mailbox;
            mailbox.messages = mailbox.messages.checked_add(1).ok_or(COUNTS)?;
            mailbox.recent = mailbox.recent.checked_add(1).ok_or(COUNTS)?;
            mailbox.size_bytes = mailbox.size_bytes.checked_add(u64::from(size)).ok_or(COUNTS)?;
            count_flags(mailbox, flags, Count::More)?;
        }
        self.touch(id, modseq)?;
        Ok(UidSet::range(first, last))
    }

    /// Takes the next UIDs of a mailbox, at least one.
    fn take_uids(&mut self, id: MailboxId, count: usize) -> Result<(Uid, Uid), Stop> {
        let mailbox = &mut self.mailbox_mut(id)?.mailbox;
        let first = mailbox.uid_next.ok_or(Rejection::UidsExhausted)?;
        let last = u32::try_from(count)
            .ok()
            .and_then(|count| first.get().checked_add(count.checked_sub(1)?))
            .and_then(Uid::new)
            .ok_or(Rejection::UidsExhausted)?;
        mailbox.uid_next = last.next();
        Ok((first, last))
    }

    /// Takes messages that exist out of a mailbox and enters them into its expunge log.
    pub(super) fn remove(
        &mut self,
        id: MailboxId,
        uids: impl Iterator<Item = Uid>,
        modseq: ModSeq,
    ) -> Result<(), Stop> {
        let mut removed = Vec::new();
        for uid in uids {
            let block = block::of(uid);
            let state = self.hot(id, block)?.remove(uid).ok_or(MISSING)?;
            let record = self.fixed_mut(id, block)?.remove(uid).ok_or(MISSING)?;
            let mailbox = &mut self.mailbox_mut(id)?.mailbox;
            mailbox.messages = mailbox.messages.checked_sub(1).ok_or(COUNTS)?;
            if mailbox.first_recent_uid.is_some_and(|first| uid >= first) {
                mailbox.recent = mailbox.recent.checked_sub(1).ok_or(COUNTS)?;
            }
            let size = u64::from(record.size);
            mailbox.size_bytes = mailbox.size_bytes.checked_sub(size).ok_or(COUNTS)?;
            count_flags(mailbox, state.flags, Count::Less)?;
            removed.push(Removed { state, record });
        }
        self.log_removed(id, &removed, modseq)?;
        self.touch(id, modseq)
    }

    /// Notes that a mailbox changed.
    pub(super) fn touch(&mut self, id: MailboxId, modseq: ModSeq) -> Result<(), Stop> {
        self.mailbox_mut(id)?.mailbox.highest_modseq = modseq;
        self.tell(WorkEvent::Mailbox(id));
        Ok(())
    }

    /// Adds to the account's use, or refuses.
    pub(super) fn charge(&mut self, messages: usize, bytes: u64) -> Result<(), Rejection> {
        let (usage, limits) = (&mut self.counters.usage, &self.profile.limits);
        let storage_bytes = usage.storage_bytes.saturating_add(bytes);
        let messages = usage.messages.saturating_add(messages as u64);
        if limits.storage_bytes.is_some_and(|limit| storage_bytes > limit)
            || limits.messages.is_some_and(|limit| messages > limit)
        {
            return Err(Rejection::OverQuota);
        }
        usage.storage_bytes = storage_bytes;
        usage.messages = messages;
        Ok(())
    }

    /// Takes from the account's use.
    pub(super) fn discharge(&mut self, messages: u64, bytes: u64) -> Result<(), TableError> {
        let usage = &mut self.counters.usage;
        usage.messages = usage.messages.checked_sub(messages).ok_or(COUNTS)?;
        usage.storage_bytes = usage.storage_bytes.checked_sub(bytes).ok_or(COUNTS)?;
        Ok(())
    }
}

#[derive(Clone, Copy)]
enum Count {
    More,
    Less,
}

fn count_flags(mailbox: &mut Mailbox, flags: FlagBits, count: Count) -> Result<(), DecodeError> {
    let counted = [
        (&mut mailbox.unseen, !flags.has(SystemFlag::Seen)),
        (&mut mailbox.deleted, flags.has(SystemFlag::Deleted)),
    ];
    for (counter, _) in counted.into_iter().filter(|(_, counts)| *counts) {
        *counter = match count {
            Count::More => counter.checked_add(1),
            Count::Less => counter.checked_sub(1),
        }
        .ok_or(COUNTS)?;
    }
    Ok(())
}

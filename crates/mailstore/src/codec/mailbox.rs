//! Mailboxes and messages.

use std::collections::BTreeMap;

use super::field::{
    all, bytes_of, each, email_id, fixed, keywords, name, optional, optional_uid, required, special_use,
    strings, uid, uid_validity,
};
use super::proto;
use crate::error::DecodeError;
use crate::flags::FlagBits;
use crate::ids::{BlobId, MailboxId, ModSeq, Uid};
use crate::mailbox::Mailbox;
use crate::message::{MessageRecord, MessageState};
use crate::query::{MailboxTree, TreeEntry};
use crate::time::Timestamp;
use crate::uid_set::UidSet;

impl From<&Mailbox> for proto::Mailbox {
    fn from(mailbox: &Mailbox) -> Self {
        Self {
            id: mailbox.id.0,
            name: mailbox.name.as_str().to_owned(),
            uid_validity: mailbox.uid_validity.get(),
            uid_next: mailbox.uid_next.map(Uid::get),
            highest_modseq: mailbox.highest_modseq.0,
            expunge_floor: mailbox.expunge_floor.0,
            first_recent_uid: mailbox.first_recent_uid.map(Uid::get),
            messages: mailbox.messages,
            recent: mailbox.recent,
            unseen: mailbox.unseen,
            deleted: mailbox.deleted,
            size_bytes: mailbox.size_bytes,
            special_use: u32::from(mailbox.special_use.0),
            keywords: strings(&mailbox.keywords),
            created: mailbox.created.0,
        }
    }
}

impl TryFrom<proto::Mailbox> for Mailbox {
    type Error = DecodeError;

    fn try_from(mailbox: proto::Mailbox) -> Result<Self, DecodeError> {
        Ok(Self {
            id: MailboxId(mailbox.id),
            name: name(&mailbox.name)?,
            uid_validity: uid_validity(mailbox.uid_validity)?,
            uid_next: optional_uid(mailbox.uid_next)?,
            highest_modseq: ModSeq(mailbox.highest_modseq),
            expunge_floor: ModSeq(mailbox.expunge_floor),
            first_recent_uid: optional_uid(mailbox.first_recent_uid)?,
            messages: mailbox.messages,
            recent: mailbox.recent,
            unseen: mailbox.unseen,
            deleted: mailbox.deleted,
            size_bytes: mailbox.size_bytes,
            special_use: special_use(mailbox.special_use)?,
            keywords: keywords(&mailbox.keywords)?,
            created: Timestamp(mailbox.created),
        })
    }
}

impl From<&TreeEntry> for proto::TreeEntry {
    fn from(entry: &TreeEntry) -> Self {
        Self {
            name: entry.name.as_str().to_owned(),
            mailbox: entry.mailbox.as_ref().map(proto::Mailbox::from),
            subscribed: entry.subscribed,
        }
    }
}

impl TryFrom<proto::TreeEntry> for TreeEntry {
    type Error = DecodeError;

    fn try_from(entry: proto::TreeEntry) -> Result<Self, DecodeError> {
        Ok(Self {
            name: name(&entry.name)?,
            mailbox: optional(entry.mailbox)?,
            subscribed: entry.subscribed,
        })
    }
}

impl From<&MailboxTree> for proto::MailboxTree {
    fn from(tree: &MailboxTree) -> Self {
        Self {
            entries: all(&tree.entries),
        }
    }
}

impl TryFrom<proto::MailboxTree> for MailboxTree {
    type Error = DecodeError;

    fn try_from(tree: proto::MailboxTree) -> Result<Self, DecodeError> {
        Ok(Self {
            entries: each(tree.entries)?,
        })
    }
}

impl From<&MessageRecord> for proto::MessageRecord {
    fn from(record: &MessageRecord) -> Self {
        Self {
            uid: record.uid.get(),
            blob: bytes_of(&record.blob.0),
            size: record.size,
            internal_date: Some((&record.internal_date).into()),
            saved: record.saved.0,
            email_id: bytes_of(&record.email_id.0),
        }
    }
}

impl TryFrom<proto::MessageRecord> for MessageRecord {
    type Error = DecodeError;

    fn try_from(record: proto::MessageRecord) -> Result<Self, DecodeError> {
        Ok(Self {
            uid: uid(record.uid)?,
            blob: BlobId(fixed(&record.blob, "blob")?),
            size: record.size,
            internal_date: required(record.internal_date, "internal_date")?,
            saved: Timestamp(record.saved),
            email_id: email_id(&record.email_id)?,
        })
    }
}

impl From<&[MessageState]> for proto::MessageStates {
    fn from(states: &[MessageState]) -> Self {
        let mut result = Self {
            uids: Some((&states.iter().map(|state| state.uid).collect::<UidSet>()).into()),
            ..Self::default()
        };
        let mut before = 0;
        let mut known = BTreeMap::new();
        for state in states {
            result
                .modseq_deltas
                .push(state.modseq.0.wrapping_sub(before).cast_signed());
            before = state.modseq.0;
            let index = *known.entry(state.flags).or_insert_with(|| {
                result.flags_low.push(half(state.flags.0));
                result.flags_high.push(half(state.flags.0 >> 64));
                result.flags_low.len() - 1
            });
            result.flags_index.push(u32::try_from(index).unwrap_or(u32::MAX));
        }
        result
    }
}

fn half(bits: u128) -> u64 {
    u64::try_from(bits & u128::from(u64::MAX)).unwrap_or_default()
}

/// Reads states in ascending order of UIDs.
pub(super) fn states(proto: Option<proto::MessageStates>) -> Result<Vec<MessageState>, DecodeError> {
    const WRONG: DecodeError = DecodeError::Invalid("message states");
    let proto = proto.ok_or(DecodeError::Missing("message states"))?;
    let uids: UidSet = required(proto.uids, "uids")?;
    let count = usize::try_from(uids.len()).map_err(|_| WRONG)?;
    // Compared before the set is walked: a range of all UIDs costs a few bytes to claim.
    if count != proto.modseq_deltas.len() || count != proto.flags_index.len() {
        return Err(WRONG);
    }
    if proto.flags_low.len() != proto.flags_high.len() {
        return Err(WRONG);
    }
    let columns = uids.iter().zip(proto.modseq_deltas).zip(proto.flags_index);
    let mut modseq = 0_u64;
    columns
        .map(|((uid, delta), index)| {
            modseq = modseq.wrapping_add(delta.cast_unsigned());
            let index = usize::try_from(index).map_err(|_| WRONG)?;
            let low = proto.flags_low.get(index).ok_or(WRONG)?;
            let high = proto.flags_high.get(index).ok_or(WRONG)?;
            Ok(MessageState {
                uid,
                flags: FlagBits(u128::from(*high) << 64 | u128::from(*low)),
                modseq: ModSeq(modseq),
            })
        })
        .collect()
}

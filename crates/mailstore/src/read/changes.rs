//! Mailboxes, and what changed in one.

use std::collections::HashMap;

use super::ReadError;
use crate::error::DecodeError;
use crate::ids::{MailboxId, ModSeq};
use crate::layout::hot::{HotBlock, HotHeader};
use crate::layout::row::{MailboxRow, NameRow};
use crate::layout::{gone, key};
use crate::mailbox::Mailbox;
use crate::message::MessageState;
use crate::query::{MailboxChanges, MailboxRef, MailboxTree, TreeEntry, Vanished};
use crate::rows::{ReadRows, RowsError};
use crate::uid_set::UidSet;

/// Looks at one row and tells whether to go on.
pub(super) type VisitRow<'a> = dyn FnMut(&[u8], &bytes::Bytes) -> Result<bool, DecodeError> + 'a;

/// Scans rows until `visit` fails.
pub(super) fn scan(
    rows: &dyn ReadRows,
    range: &key::KeyRange,
    visit: &mut VisitRow<'_>,
) -> Result<(), ReadError> {
    let mut failed = None;
    let scanned: Result<(), RowsError> = rows.scan(&range.start, &range.end, &mut |key, value| {
        visit(key, value).unwrap_or_else(|error| {
            failed = Some(error);
            false
        })
    });
    scanned?;
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

/// Returns all mailboxes and subscriptions, sorted by name. Levels of the hierarchy that have neither
/// a mailbox nor a subscription are not among them: they follow from the names below.
///
/// # Errors
/// When the tables fail.
pub fn mailbox_tree(rows: &dyn ReadRows) -> Result<MailboxTree, ReadError> {
    let mut mailboxes = HashMap::new();
    scan(rows, &key::mailboxes(), &mut |_, value| {
        let mailbox = MailboxRow::decode(value)?.mailbox;
        mailboxes.insert(mailbox.id, mailbox);
        Ok(true)
    })?;
    let mut entries = Vec::with_capacity(mailboxes.len());
    scan(rows, &key::names(), &mut |key, value| {
        let row = NameRow::decode(value)?;
        let missing = DecodeError::Missing("mailbox");
        let mailbox = row.mailbox.map(|id| mailboxes.remove(&id).ok_or(missing));
        entries.push(TreeEntry {
            name: key::name_in(key)?,
            mailbox: mailbox.transpose()?,
            subscribed: row.subscribed,
        });
        Ok(true)
    })?;
    Ok(MailboxTree { entries })
}

/// Returns one mailbox; `None` when there is none.
///
/// # Errors
/// When the tables fail.
pub fn mailbox(rows: &dyn ReadRows, mailbox: &MailboxRef) -> Result<Option<Mailbox>, ReadError> {
    let id = match mailbox {
        MailboxRef::Id(id) => Some(*id),
        MailboxRef::Name(name) => match rows.get(&key::name(name))? {
            Some(row) => NameRow::decode(&row)?.mailbox,
            None => None,
        },
    };
    let Some(id) = id else { return Ok(None) };
    match rows.get(&key::mailbox(id))? {
        Some(row) => Ok(Some(MailboxRow::decode(&row)?.mailbox)),
        None => Ok(None),
    }
}

/// Returns what changed in a mailbox after `since`; `None` when there is no such mailbox. Costs nothing
/// when nothing changed, and otherwise a look at the front of each block of 64 UIDs.
///
/// # Errors
/// When the tables fail.
pub fn changes(
    rows: &dyn ReadRows,
    reference: &MailboxRef,
    since: ModSeq,
) -> Result<Option<MailboxChanges>, ReadError> {
    let Some(mailbox) = mailbox(rows, reference)? else {
        return Ok(None);
    };
    let exact = since >= mailbox.expunge_floor;
    let mut changed = Vec::new();
    let mut present = UidSet::new();
    if since < mailbox.highest_modseq || !exact {
        let blocks = key::hot_blocks(mailbox.id, 0, u32::MAX);
        scan(rows, &blocks, &mut |key, value| {
            let block = key::block_in(key)?;
            let header = HotHeader::peek(value)?;
            if header.highest > since {
                let after = |state: &MessageState| state.modseq > since;
                let states = HotBlock::decode(block, value)?.states;
                changed.extend(states.into_iter().filter(after));
            }
            if !exact {
                for uid in header.presence.uids(block) {
                    present.insert(uid?);
                }
            }
            Ok(true)
        })?;
    }
    let vanished = if exact {
        Vanished::Exactly(logged(rows, mailbox.id, since)?)
    } else {
        Vanished::AllBut { present }
    };
    Ok(Some(MailboxChanges {
        mailbox,
        since,
        changed,
        vanished,
    }))
}

/// Returns the UIDs removed after `since`, as far as the expunge log reaches back; `None` when it does
/// not reach back so far, or when there is no such mailbox.
///
/// # Errors
/// When the tables fail.
pub fn expunged(rows: &dyn ReadRows, id: MailboxId, since: ModSeq) -> Result<Option<UidSet>, ReadError> {
    match mailbox(rows, &MailboxRef::Id(id))? {
        Some(mailbox) if since >= mailbox.expunge_floor => logged(rows, id, since).map(Some),
        Some(_) | None => Ok(None),
    }
}

fn logged(rows: &dyn ReadRows, id: MailboxId, since: ModSeq) -> Result<UidSet, ReadError> {
    let mut uids = UidSet::new();
    scan(rows, &key::gone_after(id, since), &mut |_, value| {
        gone::decode_into(value, &mut uids)?;
        Ok(true)
    })?;
    Ok(uids)
}

//! The tree of mailboxes.

use super::Stop;
use super::workspace::{WorkEvent, Workspace};
use crate::command::MailboxCommand;
use crate::error::{Rejection, TableError};
use crate::ids::{MailboxId, ModSeq, Uid, UidValidity};
use crate::layout::key;
use crate::layout::row::{MailboxRow, NameRow};
use crate::limits::{MAILBOXES_MAX, SUBSCRIPTIONS_MAX};
use crate::mailbox::{Mailbox, SpecialUse};
use crate::name::MailboxName;
use crate::reply::Reply;

pub(super) fn run(work: &mut Workspace<'_>, command: &MailboxCommand) -> Result<Reply, Stop> {
    match command {
        MailboxCommand::Create { name, special_use } => create(work, name, *special_use),
        MailboxCommand::Delete { name } => delete(work, name),
        MailboxCommand::Rename { from, to } if from.is_inbox() => rename_inbox(work, to),
        MailboxCommand::Rename { from, to } => rename(work, from, to),
        MailboxCommand::Subscribe { name, subscribed } => {
            if subscribe(work, name, *subscribed)? {
                work.step()?;
                work.tell(WorkEvent::Tree);
            }
            Ok(Reply::Done)
        }
    }
}

fn create(work: &mut Workspace<'_>, name: &MailboxName, special_use: SpecialUse) -> Result<Reply, Stop> {
    if work.name(name)?.mailbox.is_some() {
        return Err(Rejection::MailboxExists.into());
    }
    let modseq = work.step()?;
    let mailbox = make(work, name, special_use, modseq)?;
    Ok(Reply::Created { mailbox })
}

/// Makes a mailbox, and those above it that are missing (RFC 9051 §6.3.4).
pub(super) fn make(
    work: &mut Workspace<'_>,
    name: &MailboxName,
    special_use: SpecialUse,
    modseq: ModSeq,
) -> Result<MailboxId, Stop> {
    make_parents(work, name, modseq)?;
    // RFC 6154 §3: one mailbox of an account has a use.
    if work.counters.special_uses.0 & special_use.0 != 0 {
        return Err(Rejection::SpecialUseTaken.into());
    }
    work.counters.special_uses.0 |= special_use.0;
    make_one(work, name, special_use, modseq)
}

fn make_parents(work: &mut Workspace<'_>, name: &MailboxName, modseq: ModSeq) -> Result<(), Stop> {
    let mut missing = Vec::new();
    let mut parent = name.parent();
    while let Some(name) = parent {
        if work.name(&name)?.mailbox.is_some() {
            break;
        }
        parent = name.parent();
        missing.push(name);
    }
    for name in missing.iter().rev() {
        make_one(work, name, SpecialUse::NONE, modseq)?;
    }
    Ok(())
}

fn make_one(
    work: &mut Workspace<'_>,
    name: &MailboxName,
    special_use: SpecialUse,
    modseq: ModSeq,
) -> Result<MailboxId, Stop> {
    let counters = &mut work.counters;
    if counters.mailboxes >= MAILBOXES_MAX {
        return Err(Rejection::TooManyMailboxes.into());
    }
    // Both counters outlast any account: they end after four thousand million mailboxes.
    let id = MailboxId(counters.next_mailbox);
    let next = id.0.checked_add(1).ok_or(Rejection::TooManyMailboxes)?;
    let uid_validity = counters
        .uid_validity
        .get()
        .checked_add(1)
        .and_then(UidValidity::new);
    let uid_validity = uid_validity.ok_or(Rejection::TooManyMailboxes)?;
    (counters.next_mailbox, counters.uid_validity) = (next, uid_validity);
    counters.mailboxes += 1;
    let created = counters.log_time;
    work.add_mailbox(MailboxRow {
        mailbox: Mailbox {
            id,
            name: name.clone(),
            uid_validity,
            uid_next: Some(Uid::MIN),
            highest_modseq: modseq,
            expunge_floor: modseq,
            first_recent_uid: Some(Uid::MIN),
            messages: 0,
            recent: 0,
            unseen: 0,
            deleted: 0,
            size_bytes: 0,
            special_use,
            keywords: Vec::new(),
            created,
        },
        log_rows: 0,
        log_ranges: 0,
    });
    let subscribed = work.name(name)?.subscribed;
    let mailbox = Some(id);
    work.set_name(name.clone(), NameRow { mailbox, subscribed });
    work.tell(WorkEvent::Tree);
    Ok(id)
}

/// Deletes a mailbox and its messages. Below a mailbox with children its name stays as a level of the
/// hierarchy without a mailbox, which LIST shows as such (RFC 3501 §6.3.4) and which cannot be deleted.
fn delete(work: &mut Workspace<'_>, name: &MailboxName) -> Result<Reply, Stop> {
    if name.is_inbox() {
        return Err(Rejection::Inbox.into());
    }
    let row = work.name(name)?;
    let Some(id) = row.mailbox else {
        let below = mailboxes_below(work, name)?;
        return Err(if below.is_empty() {
            Rejection::NoSuchMailbox.into()
        } else {
            Rejection::MailboxHasChildren.into()
        });
    };
    let mailbox = &work.mailbox(id)?.mailbox;
    let (messages, bytes, uses) = (mailbox.messages, mailbox.size_bytes, mailbox.special_use);
    work.step()?;
    work.discharge(u64::from(messages), bytes)?;
    work.counters.special_uses.0 &= !uses.0;
    work.counters.mailboxes = work.counters.mailboxes.saturating_sub(1);
    work.remove_mailbox(id);
    work.set_name(name.clone(), NameRow { mailbox: None, ..row });
    work.tell(WorkEvent::Deleted(id));
    work.tell(WorkEvent::Tree);
    Ok(Reply::Done)
}

/// Renames a mailbox, or a level without one, and everything below it (RFC 9051 §6.3.6). Ids,
/// UIDVALIDITY, UIDs and subscriptions stay as they are; subscriptions are to names.
fn rename(work: &mut Workspace<'_>, from: &MailboxName, to: &MailboxName) -> Result<Reply, Stop> {
    if to.is_inbox() {
        return Err(Rejection::Inbox.into());
    }
    if to.is_below(from) {
        return Err(Rejection::RenameBelowItself.into());
    }
    let mut moved = mailboxes_below(work, from)?;
    moved.extend(work.name(from)?.mailbox.map(|id| (from.clone(), id)));
    if moved.is_empty() {
        return Err(Rejection::NoSuchMailbox.into());
    }
    if from == to || work.name(to)?.mailbox.is_some() {
        return Err(Rejection::MailboxExists.into());
    }
    let modseq = work.step()?;
    for (name, _) in &moved {
        let row = work.name(name)?;
        work.set_name(name.clone(), NameRow { mailbox: None, ..row });
    }
    for (name, id) in &moved {
        let rest = name.as_str().strip_prefix(from.as_str()).unwrap_or_default();
        let name = MailboxName::parse(&format!("{to}{rest}")).map_err(Rejection::Name)?;
        give_name(work, &name, *id)?;
    }
    make_parents(work, to, modseq)?;
    work.tell(WorkEvent::Tree);
    Ok(Reply::Done)
}

/// RENAME of INBOX (RFC 9051 §6.3.6): its messages are then in a mailbox of the new name, and INBOX is
/// empty. The mailbox itself takes the new name, with its id, UIDs and UIDVALIDITY, and INBOX becomes a
/// new mailbox with a greater UIDVALIDITY: so a mailbox id keeps one UIDVALIDITY for ever, and nothing
/// is copied. What lies below INBOX stays there.
fn rename_inbox(work: &mut Workspace<'_>, to: &MailboxName) -> Result<Reply, Stop> {
    if to.is_inbox() || work.name(to)?.mailbox.is_some() {
        return Err(Rejection::MailboxExists.into());
    }
    let inbox = MailboxName::inbox();
    let id = work.name(&inbox)?.mailbox.ok_or(Rejection::NoSuchMailbox)?;
    let modseq = work.step()?;
    make_one(work, &inbox, SpecialUse::NONE, modseq)?;
    make_parents(work, to, modseq)?;
    give_name(work, to, id)?;
    Ok(Reply::Done)
}

fn give_name(work: &mut Workspace<'_>, name: &MailboxName, id: MailboxId) -> Result<(), Stop> {
    let row = work.name(name)?;
    if row.mailbox.is_some() {
        return Err(Rejection::MailboxExists.into());
    }
    let mailbox = Some(id);
    work.set_name(name.clone(), NameRow { mailbox, ..row });
    work.mailbox_mut(id)?.mailbox.name = name.clone();
    Ok(())
}

/// Returns the stored mailboxes below a name.
fn mailboxes_below(
    work: &Workspace<'_>,
    name: &MailboxName,
) -> Result<Vec<(MailboxName, MailboxId)>, TableError> {
    let mut found = Vec::new();
    let mut failed: Result<(), TableError> = Ok(());
    let range = key::names_below(name);
    work.stored().scan(&range.start, &range.end, &mut |key, value| {
        match NameRow::decode(value).and_then(|row| Ok((key::name_in(key)?, row.mailbox))) {
            Ok((name, mailbox)) => found.extend(mailbox.map(|id| (name, id))),
            Err(error) => failed = Err(error.into()),
        }
        failed.is_ok()
    })?;
    failed.map(|()| found)
}

/// Subscribes or unsubscribes a name; tells whether that changed anything.
pub(super) fn subscribe(
    work: &mut Workspace<'_>,
    name: &MailboxName,
    subscribed: bool,
) -> Result<bool, Stop> {
    let row = work.name(name)?;
    if row.subscribed == subscribed {
        return Ok(false);
    }
    let count = &mut work.counters.subscriptions;
    if subscribed && *count >= SUBSCRIPTIONS_MAX {
        return Err(Rejection::TooManyMailboxes.into());
    }
    *count = if subscribed {
        *count + 1
    } else {
        count.saturating_sub(1)
    };
    work.set_name(name.clone(), NameRow { subscribed, ..row });
    Ok(true)
}

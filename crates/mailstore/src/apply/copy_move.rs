//! COPY and MOVE within one account.

use super::messages::Incoming;
use super::workspace::Workspace;
use super::{Stop, keywords};
use crate::error::Rejection;
use crate::ids::MailboxId;
use crate::limits::COMMAND_MESSAGES_MAX;
use crate::message::MessageState;
use crate::name::MailboxName;
use crate::reply::{Copied, Reply};
use crate::uid_set::UidSet;

/// Copies messages: all or none (RFC 9051 §6.4.7). Flags, keywords, INTERNALDATE and EMAILID are kept.
pub(super) fn copy(
    work: &mut Workspace<'_>,
    source: MailboxId,
    uids: &UidSet,
    target: &MailboxName,
) -> Result<Reply, Stop> {
    let (states, target) = find(work, source, uids, target)?;
    let incoming = incoming(work, source, &states, target)?;
    let bytes = incoming.iter().map(|message| u64::from(message.size)).sum();
    work.charge(incoming.len(), bytes)?;
    arrive(work, &states, target, incoming)
}

/// Moves messages in one step (RFC 6851 §3.3): no reader ever sees one in both mailboxes or in neither.
/// Within one mailbox the messages get new UIDs.
pub(super) fn r#move(
    work: &mut Workspace<'_>,
    source: MailboxId,
    uids: &UidSet,
    target: &MailboxName,
) -> Result<Reply, Stop> {
    let (states, target) = find(work, source, uids, target)?;
    let incoming = incoming(work, source, &states, target)?;
    let reply = arrive(work, &states, target, incoming)?;
    if !states.is_empty() {
        let modseq = work.counters.modseq;
        work.remove(source, states.iter().map(|state| state.uid), modseq)?;
    }
    Ok(reply)
}

fn find(
    work: &mut Workspace<'_>,
    source: MailboxId,
    uids: &UidSet,
    target: &MailboxName,
) -> Result<(Vec<MessageState>, MailboxId), Stop> {
    work.mailbox(source)?;
    let target = work.name(target)?.mailbox.ok_or(Rejection::NoSuchMailbox)?;
    let states = work.select(source, uids)?;
    if states.len() > COMMAND_MESSAGES_MAX {
        return Err(Rejection::TooManyMessages.into());
    }
    Ok((states, target))
}

fn incoming(
    work: &mut Workspace<'_>,
    source: MailboxId,
    states: &[MessageState],
    target: MailboxId,
) -> Result<Vec<Incoming>, Stop> {
    let table = work.mailbox(source)?.mailbox.keywords.clone();
    let mut incoming = Vec::with_capacity(states.len());
    for state in states {
        let record = work.record(source, state.uid)?;
        let flags = if source == target {
            state.flags
        } else {
            keywords::translated(&table, &mut work.mailbox_mut(target)?.mailbox, state.flags)?
        };
        incoming.push(Incoming {
            blob: record.blob,
            size: record.size,
            internal_date: record.internal_date,
            email_id: record.email_id,
            flags,
        });
    }
    Ok(incoming)
}

fn arrive(
    work: &mut Workspace<'_>,
    states: &[MessageState],
    target: MailboxId,
    incoming: Vec<Incoming>,
) -> Result<Reply, Stop> {
    let (uids, modseq) = if incoming.is_empty() {
        (UidSet::new(), work.mailbox(target)?.mailbox.highest_modseq)
    } else {
        let modseq = work.step()?;
        (work.add(target, incoming, modseq)?, modseq)
    };
    Ok(Reply::Copied(Copied {
        target,
        uid_validity: work.mailbox(target)?.mailbox.uid_validity,
        source: states.iter().map(|state| state.uid).collect(),
        uids,
        modseq,
    }))
}

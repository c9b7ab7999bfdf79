//! APPEND and delivery.

use super::messages::Incoming;
use super::workspace::Workspace;
use super::{Stop, keywords, mailbox};
use crate::error::Rejection;
use crate::limits::APPEND_MESSAGES_MAX;
use crate::mailbox::SpecialUse;
use crate::message::NewMessage;
use crate::name::MailboxName;
use crate::reply::{Appended, Reply};
use crate::uid_set::UidSet;

/// Adds messages: all or none (RFC 3502 §6.3.11, RFC 9051 §6.3.12).
pub(super) fn append(
    work: &mut Workspace<'_>,
    name: &MailboxName,
    messages: &[NewMessage],
    create: bool,
) -> Result<Reply, Stop> {
    if messages.len() > APPEND_MESSAGES_MAX {
        return Err(Rejection::TooManyMessages.into());
    }
    let found = work.name(name)?.mailbox;
    let modseq = match found {
        Some(id) if messages.is_empty() => work.mailbox(id)?.mailbox.highest_modseq,
        _ => work.step()?,
    };
    let id = match found {
        Some(id) => id,
        None if create => mailbox::make(work, name, SpecialUse::NONE, modseq)?,
        None => return Err(Rejection::NoSuchMailbox.into()),
    };
    let bytes = messages.iter().map(|message| u64::from(message.size)).sum();
    work.charge(messages.len(), bytes)?;
    let mut incoming = Vec::with_capacity(messages.len());
    for message in messages {
        incoming.push(Incoming {
            blob: message.blob,
            size: message.size,
            internal_date: message.internal_date,
            email_id: message.email_id,
            flags: keywords::bits_adding(&mut work.mailbox_mut(id)?.mailbox, &message.flags)?,
        });
    }
    let uids = if incoming.is_empty() {
        UidSet::new()
    } else {
        work.add(id, incoming, modseq)?
    };
    Ok(Reply::Appended(Appended {
        mailbox: id,
        uid_validity: work.mailbox(id)?.mailbox.uid_validity,
        uids,
        modseq,
    }))
}

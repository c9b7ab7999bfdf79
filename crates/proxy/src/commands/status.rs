//! STATUS (RFC 3501 §6.3.10), with what EXPUNGE would free (RFC 9208 §5.1).

use futures::StreamExt;
use imap_wire::response::{StatusResponse, StatusValue};
use imap_wire::types::{MailboxName, StatusItem};
use mailstore::flags::SystemFlag;
use mailstore::mailbox::Mailbox;
use mailstore::query::{MailboxRef, MessageParts};
use mailstore::search::{SearchKey, SearchProgram};
use mailstore::{ModSeq, StoreError, Uid, UidSet};

use crate::account_store::AccountStore;
use crate::answer::{Answer, CommandResult, Failure};
use crate::connection::Connection;
use crate::convert;
use crate::session::selected::{Expunges, Selected};

pub(super) async fn status(
    connection: &mut Connection,
    mailbox: &MailboxName,
    items: &[StatusItem],
) -> CommandResult {
    let name = convert::mailbox_name(mailbox)?;
    let store = connection.store()?;
    if connection
        .session
        .selected()
        .is_some_and(|selected| selected.name == name)
    {
        connection.sync(Expunges::Told).await?;
    }
    // Nothing changes after the greatest modification sequence: this asks for the counts alone.
    let changes = store.changes(&MailboxRef::Name(name), ModSeq::MAX).await?;
    note_condstore(connection, items);
    write(connection, mailbox, items, &changes.mailbox).await?;
    Ok(Answer::ok("Counted"))
}

/// RFC 7162 §3.1.7: asking for HIGHESTMODSEQ enables CONDSTORE.
pub(super) fn note_condstore(connection: &mut Connection, items: &[StatusItem]) {
    if items.contains(&StatusItem::HighestModSeq) {
        connection.enable_condstore();
    }
}

/// Appends the STATUS response of a mailbox.
pub(super) async fn write(
    connection: &mut Connection,
    name: &MailboxName,
    items: &[StatusItem],
    mailbox: &Mailbox,
) -> Result<(), Failure> {
    let deleted_bytes = if items.contains(&StatusItem::DeletedStorage) {
        deleted_bytes(&*connection.store()?, mailbox).await?
    } else {
        0
    };
    let names = connection.session.enabled.names();
    let limit = connection.services.options.command.append_bytes_max;
    let id = convert::mailbox_id(mailbox.id);
    let selected = connection
        .session
        .selected()
        .filter(|selected| selected.mailbox == mailbox.id);
    let value = |item: &StatusItem| match item {
        StatusItem::MailboxId => Some(StatusValue::MailboxId(&id)),
        StatusItem::AppendLimit => Some(StatusValue::AppendLimit(Some(limit))),
        StatusItem::HighestModSeq => Some(StatusValue::HighestModSeq(highest_modseq(mailbox, selected))),
        StatusItem::DeletedStorage => Some(StatusValue::DeletedStorage(deleted_bytes)),
        other => count(*other, mailbox),
    };
    let values: Vec<StatusValue<'_>> = items.iter().filter_map(value).collect();
    let response = StatusResponse {
        mailbox: name,
        values: &values,
    };
    response.encode(connection.out(), names);
    Ok(())
}

/// Returns how many octets EXPUNGE would free (RFC 9208 §5.1). Not counted with the mailbox: hardly any
/// client asks, and few messages are `\\Deleted` at a time.
async fn deleted_bytes(store: &AccountStore, mailbox: &Mailbox) -> Result<u64, StoreError> {
    let last = match mailbox.uid_next {
        Some(next) => Uid::new(next.get() - 1),
        None => Some(Uid::MAX),
    };
    let Some(last) = last.filter(|_| mailbox.deleted > 0) else {
        return Ok(0);
    };
    let program = SearchProgram {
        key: SearchKey::Flag(SystemFlag::Deleted),
        within: UidSet::range(Uid::MIN, last),
    };
    let deleted = store.search(mailbox.id, &program).await?.uids;
    let parts = MessageParts::default();
    let mut batches = store.messages(mailbox.id, &deleted, parts).await?;
    let mut bytes = 0;
    while let Some(batch) = batches.next().await {
        let sizes = batch?.into_iter().map(|answer| u64::from(answer.record.size));
        bytes += sizes.sum::<u64>();
    }
    Ok(bytes)
}

/// Of the selected mailbox no more is said than the session was told (RELIABILITY 22).
fn highest_modseq(mailbox: &Mailbox, selected: Option<&Selected>) -> imap_wire::types::ModSeq {
    let told = selected.map(Selected::complete_modseq);
    convert::wire_modseq(told.map_or(mailbox.highest_modseq, |told| told.min(mailbox.highest_modseq)))
}

fn count(item: StatusItem, mailbox: &Mailbox) -> Option<StatusValue<'static>> {
    Some(match item {
        StatusItem::Messages => StatusValue::Messages(mailbox.messages),
        StatusItem::Recent => StatusValue::Recent(mailbox.recent),
        StatusItem::UidNext => StatusValue::UidNext(convert::wire_uid(mailbox.uid_next.unwrap_or(Uid::MAX))),
        StatusItem::UidValidity => StatusValue::UidValidity(convert::wire_uid_validity(mailbox.uid_validity)),
        StatusItem::Unseen => StatusValue::Unseen(mailbox.unseen),
        StatusItem::Size => StatusValue::Size(mailbox.size_bytes),
        StatusItem::Deleted => StatusValue::Deleted(mailbox.deleted),
        // Those that need more than the mailbox.
        StatusItem::DeletedStorage
        | StatusItem::HighestModSeq
        | StatusItem::MailboxId
        | StatusItem::AppendLimit => return None,
    })
}

//! SELECT and EXAMINE (RFC 3501 §6.3.1, §6.3.2), with CONDSTORE and QRESYNC (RFC 7162 §3.1.8, §3.2.5).

use std::sync::Arc;

use imap_wire::command::{QResync, Select};
use imap_wire::response::{self, Condition, Expunged, ResponseCode, Status};
use mailstore::query::{MailboxRef, Vanished};
use mailstore::{Uid, UidSet};

use crate::account_store::AccountStore;
use crate::answer::{Answer, CommandResult, Failure};
use crate::cache::snapshot::Snapshot;
use crate::connection::Connection;
use crate::connection::sync::claim_recent;
use crate::convert;
use crate::session::report;
use crate::session::selected::{Access, Selected};

pub(super) async fn select(connection: &mut Connection, select: Select, access: Access) -> CommandResult {
    if select.qresync.is_some() && !connection.session.enabled.qresync {
        // RFC 7162 §3.2.5: the client must have enabled it.
        return Ok(Answer::bad("Enable QRESYNC first"));
    }
    leave(connection)?;
    if select.condstore || select.qresync.is_some() {
        connection.enable_condstore();
    }
    let name = convert::mailbox_name(&select.mailbox)?;
    let store = connection.store()?;
    let snapshot = connection.services.views.open(&store, &name).await?;
    let recent = recent(&store, &snapshot, access).await;
    let resync = match &select.qresync {
        Some(known) => Some(resync(&store, &snapshot, known).await?),
        None => None,
    };
    let selected = Selected::open(name, &snapshot, access, recent);
    describe(&selected, &snapshot, connection.out());
    if let Some(resync) = resync {
        tell_resync(connection, &selected, &snapshot, &resync).await?;
    }
    connection.login_mut()?.selected = Some(selected);
    Ok(match access {
        Access::ReadWrite => Answer::ok("Selected").with_plain(ResponseCode::ReadWrite),
        Access::ReadOnly => Answer::ok("Examined").with_plain(ResponseCode::ReadOnly),
    })
}

/// Leaves the mailbox that is selected. What follows `[CLOSED]` is about the new one
/// (RFC 7162 §3.2.11). A SELECT that fails leaves none selected (RFC 3501 §6.3.1).
fn leave(connection: &mut Connection) -> Result<(), Failure> {
    let login = connection.login_mut()?;
    login.saved = UidSet::new();
    if login.selected.take().is_some() {
        let closed = untagged_ok(ResponseCode::Closed, "Previous mailbox is closed");
        closed.encode(connection.out());
    }
    Ok(())
}

async fn recent(store: &Arc<AccountStore>, snapshot: &Snapshot, access: Access) -> UidSet {
    let mailbox = snapshot.mailbox();
    let (Some(first), Some(last)) = (mailbox.first_recent_uid, snapshot.sequence().last_uid()) else {
        return UidSet::new();
    };
    if first > last {
        return UidSet::new();
    }
    match access {
        Access::ReadWrite => claim_recent(store, mailbox.id, last).await,
        Access::ReadOnly => UidSet::range(first, last),
    }
}

/// Appends the responses that describe a mailbox.
fn describe(selected: &Selected, snapshot: &Snapshot, out: &mut Vec<u8>) {
    let mailbox = snapshot.mailbox();
    report::encode_flag_list(&mailbox.keywords, selected.access, out);
    response::exists(out, snapshot.sequence().count());
    response::recent(out, selected.recent_count());
    let unseen = snapshot
        .first_unseen()
        .and_then(|uid| snapshot.sequence().number(uid));
    if let Some(number) = unseen.and_then(convert::wire_seq) {
        untagged_ok(ResponseCode::Unseen(number), "First message without \\Seen").encode(out);
    }
    let validity = convert::wire_uid_validity(mailbox.uid_validity);
    untagged_ok(ResponseCode::UidValidity(validity), "UIDs are valid").encode(out);
    let next = convert::wire_uid(mailbox.uid_next.unwrap_or(Uid::MAX));
    untagged_ok(ResponseCode::UidNext(next), "Next UID").encode(out);
    let highest = convert::wire_modseq(snapshot.modseq());
    untagged_ok(
        ResponseCode::HighestModSeq(highest),
        "Highest modification sequence",
    )
    .encode(out);
    let id = convert::mailbox_id(mailbox.id);
    untagged_ok(ResponseCode::MailboxId(&id), "Mailbox id").encode(out);
}

fn untagged_ok<'a>(code: ResponseCode<'a>, text: &'a str) -> Status<'a> {
    Status {
        tag: None,
        condition: Condition::Ok,
        code: Some(code),
        text,
    }
}

/// What a client that was here before is told (RFC 7162 §3.2.5).
struct Resync {
    vanished: UidSet,
    known: UidSet,
    since: mailstore::ModSeq,
}

async fn resync(store: &AccountStore, snapshot: &Snapshot, known: &QResync) -> Result<Resync, Failure> {
    let mailbox = snapshot.mailbox();
    let since = convert::modseq(known.mod_seq);
    let last = mailbox.uid_next.and_then(|next| Uid::new(next.get() - 1));
    let last = if mailbox.uid_next.is_none() {
        Some(Uid::MAX)
    } else {
        last
    };
    let all = last.map_or_else(UidSet::new, |last| UidSet::range(Uid::MIN, last));
    let mut resync = Resync {
        vanished: UidSet::new(),
        known: match &known.known_uids {
            Some(set) => convert::uid_set(set, last).intersection(&all),
            None => all,
        },
        since,
    };
    if convert::wire_uid_validity(mailbox.uid_validity) != known.uid_validity {
        // The client's UIDs mean nothing any more; it sees that from UIDVALIDITY.
        resync.known = UidSet::new();
        return Ok(resync);
    }
    let present = snapshot.sequence().uids();
    let changes = store.changes(&MailboxRef::Id(mailbox.id), since).await?;
    let gone = match changes.vanished {
        Vanished::Exactly(gone) => gone,
        Vanished::AllBut { .. } => without_matched(snapshot, known, &resync.known),
    };
    // What went after the snapshot was taken is told later, like every other news.
    resync.vanished = gone.intersection(&resync.known).difference(&present);
    Ok(resync)
}

/// Takes off the UIDs below the last pair of number and UID on which client and server agree: nothing
/// that the client knew there is gone (RFC 7162 §3.2.5.2).
fn without_matched(snapshot: &Snapshot, known: &QResync, uids: &UidSet) -> UidSet {
    let Some((numbers, matched)) = &known.sequence_match else {
        return uids.clone();
    };
    let (Some(numbers), Some(matched)) = (numbers.closed(), matched.closed()) else {
        return uids.clone();
    };
    let pairs = numbers.flatten().zip(matched.flatten());
    let agreed = pairs
        .filter_map(|(number, uid)| Some((number, Uid::new(uid)?)))
        .take_while(|(number, uid)| snapshot.sequence().uid(*number) == Some(*uid))
        .last();
    match agreed {
        Some((_, uid)) => uids.difference(&UidSet::range(Uid::MIN, uid)),
        None => uids.clone(),
    }
}

async fn tell_resync(
    connection: &mut Connection,
    selected: &Selected,
    snapshot: &Snapshot,
    resync: &Resync,
) -> Result<(), Failure> {
    let enabled = connection.session.enabled;
    response::vanished(
        connection.out(),
        Expunged::Earlier,
        convert::wire_ranges(&resync.vanished),
    );
    let names = report::flag_names(snapshot.mailbox(), selected.recent());
    let mut walk = snapshot.sequence().walk();
    let changed = |state: &&mailstore::message::MessageState| {
        state.modseq > resync.since && resync.known.contains(state.uid)
    };
    for state in snapshot.view().messages().iter().filter(changed) {
        if let Some(number) = walk.number(state.uid) {
            report::encode_state(number, state, names, enabled, connection.out());
            connection.client.transport.checkpoint().await?;
        }
    }
    Ok(())
}

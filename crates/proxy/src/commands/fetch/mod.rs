//! FETCH (RFC 3501 §6.4.5), with CHANGEDSINCE and VANISHED (RFC 7162 §3.1.4, §3.2.6).

mod content;
mod pieces;
mod plan;
mod reader;
mod write;

use std::sync::Arc;

use imap_wire::command::{Addressing, Fetch};
use imap_wire::response::{self, Expunged, ResponseCode};
use mailstore::command::MessageCommand;
use mailstore::flags::{FlagBits, FlagOperation, NamedFlags, SystemFlag};
use mailstore::message::MessageState;
use mailstore::query::{MailboxRef, Vanished};
use mailstore::{ModSeq, Reply, Uid, UidSet};

use super::message_set;
use crate::answer::{Answer, CommandResult, Failure};
use crate::cache::snapshot::Snapshot;
use crate::connection::Connection;
use crate::convert;
use crate::session::selected::Expunges;
use plan::Plan;

pub(super) async fn fetch(connection: &mut Connection, fetch: Fetch) -> CommandResult {
    if fetch.vanished && !connection.session.enabled.qresync {
        // RFC 7162 §3.2.6.
        return Ok(Answer::bad("Enable QRESYNC first"));
    }
    let mut plan = Plan::new(&fetch.items);
    plan.uid |= fetch.addressing == Addressing::Uid || connection.session.enabled.qresync;
    plan.modseq |= fetch.changed_since.is_some();
    if plan.modseq {
        connection.enable_condstore();
    }
    let expunges = match fetch.addressing {
        Addressing::Sequence => Expunges::Held,
        Addressing::Uid => Expunges::Told,
    };
    let view = if plan.needs_view() {
        Some(connection.sync_view(expunges).await?)
    } else {
        connection.sync(expunges).await?;
        None
    };
    let named = message_set::resolve(connection.login()?, &fetch.set, fetch.addressing.into())?;
    if let (true, Some(since)) = (fetch.vanished, fetch.changed_since) {
        tell_vanished(connection, &fetch, convert::modseq(since)).await?;
    }
    let mut job = Job::new(plan, view);
    let uids = job.restrict(&named, fetch.changed_since.map(convert::modseq));
    job.mark_seen(connection, &uids).await?;
    let mut complete = true;
    if job.plan.needs_record() {
        let tally = content::fetch(connection, &job, &uids).await?;
        if tally.unreadable > 0 {
            return Ok(incomplete(tally.unreadable));
        }
        complete = tally.answered == uids.len();
    } else {
        write::states(connection, &job, &uids).await?;
    }
    Ok(answer(&fetch, &job, &named, complete))
}

/// RFC 5530 §3: the messages that can be read were answered; for the others the client may try again.
fn incomplete(unreadable: u64) -> Answer {
    let whose = if unreadable == 1 {
        "1 message".to_owned()
    } else {
        format!("{unreadable} messages")
    };
    let text = format!("Content of {whose} is not available at present");
    Answer::no(ResponseCode::Unavailable, text)
}

/// RFC 5530 §3: messages that are gone, which the client has not been told, are left out of the answer
/// and no reason to refuse the others.
fn answer(fetch: &Fetch, job: &Job, named: &UidSet, complete: bool) -> Answer {
    let answer = Answer::ok("Fetched");
    let by_number = fetch.addressing == Addressing::Sequence;
    let gone_from = |view: &Arc<Snapshot>| !named.difference(&view.sequence().uids()).is_empty();
    let gone = job.view.as_ref().is_some_and(gone_from);
    if by_number && (gone || !complete) {
        return answer.with_plain(ResponseCode::ExpungeIssued);
    }
    answer
}

/// One FETCH under way.
pub(super) struct Job {
    pub(super) plan: Plan,
    /// Flags and modification sequences as of the beginning, where they are needed.
    pub(super) view: Option<Arc<Snapshot>>,
    /// Messages that this FETCH has marked as seen, in ascending order.
    seen: Vec<MessageState>,
}

impl Job {
    fn new(plan: Plan, view: Option<Arc<Snapshot>>) -> Self {
        Self {
            plan,
            view,
            seen: Vec::new(),
        }
    }

    /// Returns which of the named messages are answered.
    fn restrict(&self, named: &UidSet, changed_since: Option<ModSeq>) -> UidSet {
        let Some(view) = &self.view else {
            return named.clone();
        };
        let Some(since) = changed_since else {
            return named.intersection(&view.sequence().uids());
        };
        let mut changed = UidSet::new();
        for (first, last) in named.ranges() {
            let states = view.view().range(first, last).iter();
            changed.extend(states.filter(|state| state.modseq > since).map(|state| state.uid));
        }
        changed
    }

    /// Returns the state to answer with, and whether the client must hear of its flags although it did
    /// not ask.
    pub(super) fn state(&self, uid: Uid) -> (Option<MessageState>, bool) {
        if let Ok(index) = self.seen.binary_search_by_key(&uid, |state| state.uid) {
            return (self.seen.get(index).copied(), true);
        }
        let view = self.view.as_ref();
        (view.and_then(|view| view.view().get(uid)).copied(), false)
    }

    /// Sets `\Seen` on all messages whose body is read, by one change (RFC 3501 §6.4.5). A mailbox
    /// opened by EXAMINE is not changed.
    async fn mark_seen(&mut self, connection: &mut Connection, uids: &UidSet) -> Result<(), Failure> {
        let selected = connection.selected()?;
        let (Some(view), true) = (&self.view, self.plan.sets_seen && selected.is_read_write()) else {
            return Ok(());
        };
        let mut unseen = UidSet::new();
        for (first, last) in uids.ranges() {
            let states = view.view().range(first, last).iter();
            unseen.extend(
                states
                    .filter(|state| !state.flags.has(SystemFlag::Seen))
                    .map(|state| state.uid),
            );
        }
        if unseen.is_empty() {
            return Ok(());
        }
        let command = MessageCommand::Store {
            mailbox: selected.mailbox,
            uids: unseen,
            operation: FlagOperation::Add,
            flags: NamedFlags {
                system: FlagBits::system(SystemFlag::Seen),
                keywords: Vec::new(),
            },
            unchanged_since: None,
        };
        let Reply::Stored(mut stored) = connection.store()?.change_messages(command).await? else {
            return Err(super::unexpected_reply());
        };
        stored.states.sort_unstable_by_key(|state| state.uid);
        self.seen = stored.states;
        connection.selected_mut()?.note_own_change(stored.modseq);
        Ok(())
    }
}

/// Tells which of the named UIDs are gone since then, known to this client or not (RFC 7162 §3.2.6).
async fn tell_vanished(connection: &mut Connection, fetch: &Fetch, since: ModSeq) -> Result<(), Failure> {
    let imap_wire::types::MessageSet::Numbers(set) = &fetch.set else {
        return Ok(());
    };
    let selected = connection.selected()?;
    let mailbox = MailboxRef::Id(selected.mailbox);
    let changes = connection.store()?.changes(&mailbox, since).await?;
    let Some(last) = changes.mailbox.uid_next.and_then(|next| Uid::new(next.get() - 1)) else {
        return Ok(());
    };
    let named = convert::uid_set(set, Some(last)).intersection(&UidSet::range(Uid::MIN, last));
    let gone = match &changes.vanished {
        Vanished::Exactly(gone) => named.intersection(gone),
        Vanished::AllBut { present } => named.difference(present),
    };
    // What is still in the client's numbering is told by a response of its own, not as EARLIER.
    let gone = gone.difference(&connection.selected()?.sequence().uids());
    response::vanished(connection.out(), Expunged::Earlier, convert::wire_ranges(&gone));
    Ok(())
}

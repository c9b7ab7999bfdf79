//! STORE (RFC 3501 §6.4.6), with UNCHANGEDSINCE (RFC 7162 §3.1.3).

use std::sync::Arc;

use imap_wire::command::{Addressing, Store};
use imap_wire::response::{FetchWriter, ResponseCode};
use mailstore::command::MessageCommand;
use mailstore::flags::{FlagBits, FlagOperation, NamedFlags};
use mailstore::mailbox::Mailbox;
use mailstore::message::MessageState;
use mailstore::reply::Stored;
use mailstore::{Reply, Uid, UidSet};

use super::message_set;
use crate::answer::{Answer, Code, CommandResult, Failure};
use crate::cache::snapshot::Snapshot;
use crate::connection::Connection;
use crate::convert;
use crate::session::report;
use crate::session::selected::Expunges;

pub(super) async fn store(connection: &mut Connection, store: Store) -> CommandResult {
    connection.writable()?;
    if store.unchanged_since.is_some() {
        connection.enable_condstore();
    }
    // What others did before must be told first: afterwards it could not be told from our own change.
    let before = connection.sync_view(told_by(store.addressing)).await?;
    let uids = message_set::resolve(connection.login()?, &store.set, store.addressing.into())?;
    let flags = convert::named_flags(&store.flags);
    let operation = convert::flag_operation(store.action);
    let stored = submit(connection, &uids, operation, &flags, store.unchanged_since).await?;
    connection.selected_mut()?.note_own_change(stored.modseq);
    let mailbox = current_keywords(connection, &before, &stored).await?;
    let change = Change {
        operation,
        flags: &flags,
        before: &before,
    };
    tell(connection, &store, &mailbox, &stored, &change).await?;
    answer(connection, &store, &stored)
}

/// Expunges may be told before UID STORE is answered; sequence numbers must hold still otherwise.
fn told_by(addressing: Addressing) -> Expunges {
    match addressing {
        Addressing::Sequence => Expunges::Held,
        Addressing::Uid => Expunges::Told,
    }
}

async fn submit(
    connection: &Connection,
    uids: &UidSet,
    operation: FlagOperation,
    flags: &NamedFlags,
    unchanged_since: Option<imap_wire::types::ModSeq>,
) -> Result<Stored, Failure> {
    let command = MessageCommand::Store {
        mailbox: connection.selected()?.mailbox,
        uids: uids.clone(),
        operation,
        flags: flags.clone(),
        unchanged_since: unchanged_since.map(convert::modseq),
    };
    match connection.store()?.change_messages(command).await? {
        Reply::Stored(stored) => Ok(stored),
        _ => Err(super::unexpected_reply()),
    }
}

/// Returns the mailbox with every keyword that the answer will name. A new one is told in FLAGS first.
async fn current_keywords(
    connection: &mut Connection,
    before: &Snapshot,
    stored: &Stored,
) -> Result<Arc<Mailbox>, Failure> {
    let known = before.mailbox().keywords.len();
    let beyond = |state: &MessageState| state.flags.keyword_indexes().any(|index| index >= known);
    if !stored.states.iter().any(beyond) {
        return Ok(Arc::clone(before.mailbox()));
    }
    let store = connection.store()?;
    let mailbox = connection.selected()?.mailbox;
    let snapshot = connection.services.views.refresh(&store, mailbox).await?;
    let selected = connection.selected_mut()?;
    let access = selected.access;
    if selected.note_keywords(snapshot.mailbox().keywords.len()) {
        report::encode_flag_list(&snapshot.mailbox().keywords, access, connection.out());
    }
    Ok(Arc::clone(snapshot.mailbox()))
}

/// What was asked for, to tell whether a message became exactly that.
struct Change<'a> {
    operation: FlagOperation,
    flags: &'a NamedFlags,
    before: &'a Snapshot,
}

/// Tells the new flags. With `.SILENT` only what the client cannot know: flags that somebody else
/// changed between our look and our change, and modification sequences (RFC 7162 §3.1.3).
async fn tell(
    connection: &mut Connection,
    store: &Store,
    mailbox: &Mailbox,
    stored: &Stored,
    change: &Change<'_>,
) -> Result<(), Failure> {
    let enabled = connection.session.enabled;
    let selected = connection.selected()?;
    let (sequence, recent) = (Arc::clone(selected.sequence()), selected.recent().clone());
    let names = report::flag_names(mailbox, &recent);
    for state in &stored.states {
        let Some(number) = sequence.number(state.uid).and_then(convert::wire_seq) else {
            continue;
        };
        let flags = !store.silent || !change.explains(state, mailbox);
        let changed = stored.changed.contains(state.uid) || stored.modified.contains(state.uid);
        let modseq = enabled.condstore && (flags || changed);
        if !flags && !modseq {
            continue;
        }
        let out = connection.out();
        let mut writer = FetchWriter::begin(out, number);
        if store.addressing == Addressing::Uid || enabled.qresync {
            writer.uid(out, convert::wire_uid(state.uid));
        }
        if flags {
            writer.flags(out, names.of(state));
        }
        if modseq {
            writer.mod_seq(out, convert::wire_modseq(state.modseq));
        }
        writer.end(out);
        connection.client.transport.checkpoint().await?;
    }
    Ok(())
}

impl Change<'_> {
    /// Tells whether the client can work out these flags from what it was told and what it asked for.
    fn explains(&self, state: &MessageState, mailbox: &Mailbox) -> bool {
        let Some(before) = self.before.view().get(state.uid) else {
            return false;
        };
        let named = self.named_bits(mailbox);
        let expected = match self.operation {
            FlagOperation::Replace => named,
            FlagOperation::Add => before.flags.with(named),
            FlagOperation::Remove => before.flags.without(named),
        };
        expected == state.flags
    }

    fn named_bits(&self, mailbox: &Mailbox) -> FlagBits {
        let index = |keyword| mailbox.keywords.iter().position(|known| known == keyword);
        let keywords = self.flags.keywords.iter().filter_map(index);
        keywords.fold(self.flags.system, |bits, index| {
            bits.with(FlagBits::keyword(index))
        })
    }
}

fn answer(connection: &Connection, store: &Store, stored: &Stored) -> CommandResult {
    let selected = connection.selected()?;
    let answer = Answer::ok("Stored");
    if !stored.modified.is_empty() {
        // RFC 7162 §3.1.3: the messages that failed the test, numbered as the command was.
        let set = match store.addressing {
            Addressing::Uid => convert::wire_ranges(&stored.modified).collect(),
            Addressing::Sequence => {
                let number = |uid: Uid| selected.sequence().number(uid);
                let numbers = stored.modified.iter().filter_map(number);
                imap_wire::response::ranges(numbers.filter_map(std::num::NonZeroU32::new)).collect()
            }
        };
        return Ok(answer.with(Code::Modified(set)));
    }
    let by_number = store.addressing == Addressing::Sequence;
    if by_number && !stored.missing.is_empty() {
        // RFC 5530 §3: some were gone, which the client has not been told yet; the others are done.
        return Ok(answer.with_plain(ResponseCode::ExpungeIssued));
    }
    Ok(answer)
}

//! The one function that changes the model.
//!
//! [`apply`] is deterministic: rows and entry in, rows and outcome out. It rejects bad input as a value
//! and then changes nothing but the account's index, its log time and the record of the request. An
//! error means that the tables cannot be used any more, never that the entry was bad.
//!
//! Each family of commands works on a workspace, which reads rows once, keeps what changes in
//! memory, and is written back only when the command was accepted.

mod account;
mod address;
mod append;
mod arrival;
mod copy_move;
mod expunge;
mod header;
mod keywords;
mod mailbox;
mod messages;
mod recent;
mod requests;
mod retention;
mod store;
#[cfg(test)]
mod tests;
mod workspace;

use crate::command::{AccountCommand, Command, Entry, MessageCommand, Subject};
use crate::error::{DecodeError, Rejection, TableError};
use crate::event::Event;
use crate::ids::AccountId;
use crate::reply::Reply;
use crate::rows::{MemoryRows, ReadRows, Rows, RowsError};
use workspace::{Changes, Workspace};

/// Why an entry could not be applied.
pub type ApplyError = TableError;

/// What an entry brought about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Applied {
    /// The answer to who asked. For an entry that the rows hold already (a replay), nobody asks any
    /// more, and this is [`Rejection::OutcomeUnknown`].
    pub reply: Result<Reply, Rejection>,
    /// What it means to those who watch.
    pub events: Vec<Event>,
}

impl Applied {
    fn without_events(reply: Result<Reply, Rejection>) -> Self {
        let events = Vec::new();
        Self { reply, events }
    }
}

/// Why a command stops: refused, or the tables failed.
enum Stop {
    Rejected(Rejection),
    Failed(TableError),
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<TableError> for Stop {
    fn from(error: TableError) -> Self {
        Self::Failed(error)
    }
}

impl From<RowsError> for Stop {
    fn from(error: RowsError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<DecodeError> for Stop {
    fn from(error: DecodeError) -> Self {
        Self::Failed(error.into())
    }
}

/// Applies one committed entry to the rows of its subject, in a group that owns every slot.
///
/// # Errors
/// See [`apply_in_group`].
pub fn apply(rows: &mut dyn Rows, index: u64, entry: &Entry) -> Result<Applied, ApplyError> {
    apply_in_group(&MemoryRows::new(), rows, index, entry)
}

/// Applies one committed entry to the rows of its subject, after it has asked the header of the group
/// whether the subject's slot is there. For an entry of the header both are the same rows.
///
/// Entries at or below the index that the subject's rows record are passed over, so that a log can be
/// replayed onto rows that are further on. An entry for an account that does not exist changes nothing.
///
/// # Errors
/// When the table engine fails or a row is corrupt. The rows may then hold part of the entry and must
/// be thrown away.
pub fn apply_in_group(
    header: &dyn ReadRows,
    rows: &mut dyn Rows,
    index: u64,
    entry: &Entry,
) -> Result<Applied, ApplyError> {
    let Some(slot) = entry.subject.slot() else {
        return header::apply(rows, index, &entry.command);
    };
    if let Command::Rows(command) = &entry.command {
        return arrival::apply(header, rows, index, (slot, command));
    }
    if let Err(rejection) = header::check_change(header, slot)? {
        return Ok(Applied::without_events(Err(rejection)));
    }
    apply_to_subject(rows, index, entry)
}

fn apply_to_subject(rows: &mut dyn Rows, index: u64, entry: &Entry) -> Result<Applied, ApplyError> {
    match (&entry.subject, &entry.command) {
        (Subject::Header, _) => Ok(Applied::without_events(Err(Rejection::SlotStep))),
        (Subject::Address(address), Command::Address(command)) => {
            address::apply(rows, index, entry.time, (address, command))
        }
        (Subject::Address(_), _) => Ok(Applied::without_events(Err(Rejection::NoSuchAddress))),
        (Subject::Account(id), command) => {
            let Some((applied, changes)) = apply_to_account(rows, index, entry, (*id, command))? else {
                return Ok(Applied::without_events(Err(Rejection::NoSuchAccount)));
            };
            changes.write(rows)?;
            Ok(applied)
        }
    }
}

/// Returns `None` for an account that does not exist.
fn apply_to_account(
    rows: &dyn Rows,
    index: u64,
    entry: &Entry,
    (id, command): (AccountId, &Command),
) -> Result<Option<(Applied, Changes)>, TableError> {
    let mut work = match (Workspace::load(rows)?, command) {
        (Some(work), _) => work,
        (None, Command::Account(AccountCommand::Create(account))) => {
            account::workspace_for(rows, (id, account), entry.time)
        }
        (None, _) => return Ok(None),
    };
    if index <= work.counters.index {
        let skipped = Applied::without_events(Err(Rejection::OutcomeUnknown));
        return Ok(Some((skipped, Changes::default())));
    }
    work.counters.index = index;
    work.counters.log_time = work.counters.log_time.max(entry.time);
    if let Some(request) = &entry.request
        && let Some(reply) = requests::recorded(&mut work, request, entry)?
    {
        retention::prune(&mut work, entry.time)?;
        return Ok(Some((Applied::without_events(reply), work.finish())));
    }
    let before = work.checkpoint();
    let reply = match run(&mut work, command) {
        Ok(reply) => Ok(reply),
        Err(Stop::Failed(error)) => return Err(error),
        Err(Stop::Rejected(rejection)) => {
            work.roll_back(before);
            if work.is_new() {
                return Ok(Some((
                    Applied::without_events(Err(rejection)),
                    Changes::default(),
                )));
            }
            Err(rejection)
        }
    };
    if !work.is_purged() {
        if let Some(request) = &entry.request {
            requests::record(&mut work, request, &reply);
        }
        retention::prune(&mut work, entry.time)?;
    }
    let events = work.take_events(id);
    Ok(Some((Applied { reply, events }, work.finish())))
}

fn run(work: &mut Workspace<'_>, command: &Command) -> Result<Reply, Stop> {
    match command {
        Command::Address(_) => Err(Rejection::NoSuchAddress.into()),
        Command::Slots(_) | Command::Rows(_) => Err(Rejection::SlotStep.into()),
        Command::Account(command) => account::run(work, command),
        Command::Mailbox(command) => {
            work.check_delivers()?;
            mailbox::run(work, command)
        }
        Command::Message(command @ MessageCommand::Append { .. }) => {
            work.check_delivers()?;
            run_on_messages(work, command)
        }
        Command::Message(command) => {
            work.check_active()?;
            run_on_messages(work, command)
        }
    }
}

fn run_on_messages(work: &mut Workspace<'_>, command: &MessageCommand) -> Result<Reply, Stop> {
    match command {
        MessageCommand::Append {
            mailbox,
            messages,
            create,
        } => append::append(work, mailbox, messages, *create),
        MessageCommand::Store {
            mailbox,
            uids,
            operation,
            flags,
            unchanged_since,
        } => store::store(
            work,
            *mailbox,
            uids,
            &store::Change {
                operation: *operation,
                flags,
                unchanged_since: *unchanged_since,
            },
        ),
        MessageCommand::Copy {
            mailbox,
            uids,
            target,
        } => copy_move::copy(work, *mailbox, uids, target),
        MessageCommand::Move {
            mailbox,
            uids,
            target,
        } => copy_move::r#move(work, *mailbox, uids, target),
        MessageCommand::Expunge { mailbox, uids } => expunge::expunge(work, *mailbox, uids.as_ref()),
        MessageCommand::ClaimRecent { mailbox, below } => recent::claim(work, *mailbox, *below),
    }
}

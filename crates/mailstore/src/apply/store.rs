//! STORE.

use super::workspace::Workspace;
use super::{Stop, keywords};
use crate::error::Rejection;
use crate::flags::{FlagBits, FlagOperation, NamedFlags};
use crate::ids::{MailboxId, ModSeq, Uid};
use crate::limits::COMMAND_MESSAGES_MAX;
use crate::message::MessageState;
use crate::reply::{Reply, Stored};
use crate::uid_set::UidSet;

/// What STORE does to each message.
pub(super) struct Change<'a> {
    pub(super) operation: FlagOperation,
    pub(super) flags: &'a NamedFlags,
    pub(super) unchanged_since: Option<ModSeq>,
}

impl Change<'_> {
    fn applied_to(&self, old: FlagBits, named: FlagBits) -> FlagBits {
        match self.operation {
            FlagOperation::Replace => named,
            FlagOperation::Add => old.with(named),
            FlagOperation::Remove => old.without(named),
        }
    }
}

/// Changes flags. A message whose flags are already as asked keeps its modification sequence, and a
/// command that changes no message takes none (RFC 7162 §3.1.3 compares per message).
pub(super) fn store(
    work: &mut Workspace<'_>,
    id: MailboxId,
    uids: &UidSet,
    change: &Change<'_>,
) -> Result<Reply, Stop> {
    let mut mailbox = work.mailbox(id)?.mailbox.clone();
    let named = match change.operation {
        FlagOperation::Remove => keywords::bits_known(&mailbox, change.flags),
        FlagOperation::Replace | FlagOperation::Add => keywords::bits_adding(&mut mailbox, change.flags)?,
    };
    let mut states = work.select(id, uids)?;
    if states.len() > COMMAND_MESSAGES_MAX {
        return Err(Rejection::TooManyMessages.into());
    }
    let mut stored = Stored {
        modseq: mailbox.highest_modseq,
        changed: UidSet::new(),
        modified: UidSet::new(),
        missing: missing(uids, &states, mailbox.uid_next),
        states: Vec::new(),
    };
    let mut step = None;
    for state in &mut states {
        if change.unchanged_since.is_some_and(|since| state.modseq > since) {
            stored.modified.insert(state.uid);
            continue;
        }
        let flags = change.applied_to(state.flags, named);
        if flags != state.flags {
            let modseq = match step {
                Some(modseq) => modseq,
                None => *step.insert(work.step()?),
            };
            *state = MessageState {
                flags,
                modseq,
                ..*state
            };
            work.change(id, *state)?;
            stored.changed.insert(state.uid);
        }
    }
    if let Some(modseq) = step {
        stored.modseq = modseq;
        work.mailbox_mut(id)?.mailbox.keywords = mailbox.keywords;
        work.touch(id, modseq)?;
    }
    stored.states = states;
    Ok(Reply::Stored(stored))
}

/// Returns the UIDs named that existed once and do not any more.
fn missing(uids: &UidSet, states: &[MessageState], next: Option<Uid>) -> UidSet {
    let last = match next {
        Some(next) => Uid::new(next.get() - 1),
        None => Some(Uid::MAX),
    };
    let Some(last) = last else { return UidSet::new() };
    let existing: UidSet = states.iter().map(|state| state.uid).collect();
    uids.intersection(&UidSet::range(Uid::MIN, last))
        .difference(&existing)
}

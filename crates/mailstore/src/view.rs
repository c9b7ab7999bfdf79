//! The messages of one mailbox in compact form, brought up to date by what changed.

use crate::ids::{ModSeq, Uid};
use crate::message::MessageState;
use crate::query::{MailboxChanges, Vanished};
use crate::uid_set::UidSet;

/// UIDs, flags and modification sequences of a mailbox, ascending by UID. About 32 bytes a message.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct MailboxView {
    messages: Vec<MessageState>,
    modseq: ModSeq,
}

impl MailboxView {
    /// Returns the modification sequence that the view is at: ask for changes since this.
    #[must_use]
    pub fn modseq(&self) -> ModSeq {
        self.modseq
    }

    /// Returns all messages, ascending by UID.
    #[must_use]
    pub fn messages(&self) -> &[MessageState] {
        &self.messages
    }

    /// Returns the message with this UID.
    #[must_use]
    pub fn get(&self, uid: Uid) -> Option<&MessageState> {
        let index = self
            .messages
            .binary_search_by_key(&uid, |message| message.uid)
            .ok()?;
        self.messages.get(index)
    }

    /// Returns the messages from `first` to `last`, both included.
    #[must_use]
    pub fn range(&self, first: Uid, last: Uid) -> &[MessageState] {
        let begin = self.messages.partition_point(|message| message.uid < first);
        let end = self.messages.partition_point(|message| message.uid <= last);
        self.messages.get(begin..end).unwrap_or_default()
    }

    /// Returns the UIDs of all messages.
    #[must_use]
    pub fn uids(&self) -> UidSet {
        self.messages.iter().map(|message| message.uid).collect()
    }

    /// Brings the view up to date. Changes that start after the view's own modification sequence do not
    /// fit; the view is left alone and `false` returned.
    pub fn update(&mut self, changes: &MailboxChanges) -> bool {
        if changes.since > self.modseq {
            return false;
        }
        match &changes.vanished {
            Vanished::Exactly(gone) if gone.is_empty() => {}
            Vanished::Exactly(gone) => self.messages.retain(|message| !gone.contains(message.uid)),
            Vanished::AllBut { present } => {
                self.messages.retain(|message| present.contains(message.uid));
            }
        }
        self.merge(&changes.changed);
        self.modseq = changes.mailbox.highest_modseq.max(self.modseq);
        true
    }

    fn merge(&mut self, changed: &[MessageState]) {
        let last = self.messages.last().map(|message| message.uid);
        let known = changed.partition_point(|message| Some(message.uid) <= last);
        let (updated, added) = changed.split_at(known);
        let mut missing = Vec::new();
        for state in updated {
            match self
                .messages
                .binary_search_by_key(&state.uid, |message| message.uid)
            {
                Ok(index) => self.messages[index] = *state,
                // Only a view that was told of an expunge too early lacks a UID below its last.
                Err(_) => missing.push(*state),
            }
        }
        self.messages.extend_from_slice(added);
        if !missing.is_empty() {
            self.messages.append(&mut missing);
            self.messages.sort_unstable_by_key(|message| message.uid);
        }
    }
}

//! What a client knows of the mailbox that it has selected.

use std::collections::BTreeSet;

use history::{Fetched, Response};

/// A message as a client knows it.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub uid: u32,
    /// Flags and the mod-sequence at which they were so.
    pub state: Option<(BTreeSet<String>, u64)>,
}

/// A selected mailbox.
#[derive(Clone, Debug, Default)]
pub struct View {
    pub name: String,
    pub validity: u32,
    pub messages: Vec<Known>,
    /// Up to which mod-sequence everything was told.
    pub modseq: u64,
    /// The largest mod-sequence that was told at all.
    pub told: u64,
}

impl View {
    pub fn hear(&mut self, line: &str) {
        match Response::parse(line) {
            Response::Exists(count) => {
                let count = usize::try_from(count).unwrap_or_default();
                self.messages.resize(count, Known::default());
            }
            Response::Expunge(number) => {
                let place = usize::try_from(number).unwrap_or_default().wrapping_sub(1);
                if place < self.messages.len() {
                    self.messages.remove(place);
                }
            }
            Response::Vanished { earlier: false, uids } => {
                self.messages.retain(|known| !uids.contains(known.uid));
            }
            Response::Fetch(fetched) => self.fetched(*fetched),
            Response::Code(name, words) if name == "UIDVALIDITY" => {
                self.validity = words.parse().unwrap_or_default();
            }
            Response::Code(name, words) if name == "HIGHESTMODSEQ" => {
                self.promised(words.parse().unwrap_or_default());
            }
            _ => {}
        }
    }

    fn fetched(&mut self, fetched: Fetched) {
        let place = usize::try_from(fetched.number)
            .unwrap_or_default()
            .wrapping_sub(1);
        let Some(known) = self.messages.get_mut(place) else {
            return;
        };
        known.uid = fetched.uid.unwrap_or(known.uid);
        match (fetched.flags, fetched.modseq) {
            (Some(flags), Some(modseq)) => known.state = Some((flags, modseq)),
            (None, None) => {}
            // Flags without their mod-sequence, or the other way round: what was known does not hold any more.
            (Some(_), None) | (None, Some(_)) => known.state = None,
        }
        self.told = self.told.max(fetched.modseq.unwrap_or_default());
    }

    /// Notes that the server promises to have told everything up to here.
    pub fn promised(&mut self, modseq: u64) {
        self.modseq = self.modseq.max(modseq);
    }

    /// Notes that the server has told everything that it had to tell.
    pub fn told_all(&mut self) {
        self.modseq = self.modseq.max(self.told);
    }

    /// Returns the UIDs that are known.
    pub fn uids(&self) -> Vec<u32> {
        let uids = self.messages.iter().map(|known| known.uid);
        uids.filter(|uid| *uid != 0).collect()
    }

    /// Returns the sequence number of a message.
    pub fn number(&self, uid: u32) -> Option<u32> {
        let place = self.messages.iter().position(|known| known.uid == uid)?;
        u32::try_from(place + 1).ok()
    }

    pub fn known(&self, uid: u32) -> Option<&Known> {
        self.messages.iter().find(|known| known.uid == uid)
    }
}

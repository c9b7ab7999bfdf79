//! What a session has been told of its selected mailbox, and what it is to be told next.

use std::sync::Arc;

use mailstore::mailbox::Mailbox;
use mailstore::message::MessageState;
use mailstore::name::MailboxName;
use mailstore::query::{MailboxChanges, Vanished};
use mailstore::{MailboxId, ModSeq, UidSet, UidValidity};
use smallvec::SmallVec;

use super::sequence_map::SequenceMap;
use crate::cache::snapshot::Snapshot;

/// Whether a mailbox was opened by SELECT or by EXAMINE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    ReadWrite,
    ReadOnly,
}

/// Whether messages may be told as gone now. During FETCH, STORE and SEARCH they may not, because the
/// client may have sent a command that uses sequence numbers already (RFC 9051 §7.5.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Expunges {
    Told,
    Held,
}

/// The selected mailbox as the client knows it: UIDs as ranges and one modification sequence. Flags are
/// not kept.
#[derive(Clone, Debug)]
pub(crate) struct Selected {
    pub(crate) mailbox: MailboxId,
    pub(crate) name: MailboxName,
    pub(crate) uid_validity: UidValidity,
    pub(crate) access: Access,
    told: Arc<SequenceMap>,
    /// Messages that are gone and have not been told as gone.
    gone: UidSet,
    /// Changes of flags are told up to this.
    modseq: ModSeq,
    /// Everything is told up to this: what HIGHESTMODSEQ may say (RFC 7162 §3.2.4, RELIABILITY 22).
    complete_modseq: ModSeq,
    /// How many keywords of the mailbox's table FLAGS has listed.
    keywords_told: usize,
    recent: UidSet,
    /// Changes that this session made and was told of by the command that made them.
    own: SmallVec<[ModSeq; 2]>,
}

/// What has happened in the mailbox since the session was last told.
#[derive(Clone, Debug)]
pub(crate) struct News {
    pub(crate) mailbox: Arc<Mailbox>,
    modseq: ModSeq,
    /// Messages whose flags changed, among others perhaps.
    changed: Vec<MessageState>,
    gone: UidSet,
    added: UidSet,
    /// Messages among the added ones that are recent for this session.
    pub(crate) recent: UidSet,
    /// What exists now, where it is at hand.
    present: Option<Arc<SequenceMap>>,
}

/// What is to be told, in the order of the fields.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Report {
    /// Messages that are gone, with the numbers that they had.
    pub(crate) gone: Vec<Gone>,
    /// EXISTS.
    pub(crate) exists: Option<u32>,
    /// RECENT.
    pub(crate) recent: Option<u32>,
    /// Whether the list of keywords grew.
    pub(crate) keywords: bool,
    /// Messages whose flags changed, by number, ascending.
    pub(crate) flags: Vec<(u32, MessageState)>,
}

/// A range of consecutive messages that are gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Gone {
    pub(crate) first: mailstore::Uid,
    pub(crate) last: mailstore::Uid,
    /// Sequence number of `first` before any of them was removed.
    pub(crate) number: u32,
}

impl Gone {
    pub(crate) fn count(&self) -> u32 {
        self.last.get() - self.first.get() + 1
    }
}

impl Selected {
    /// Opens a mailbox: everything in the snapshot is about to be told.
    pub(crate) fn open(name: MailboxName, snapshot: &Snapshot, access: Access, recent: UidSet) -> Self {
        let mailbox = snapshot.mailbox();
        Self {
            mailbox: mailbox.id,
            name,
            uid_validity: mailbox.uid_validity,
            access,
            told: Arc::clone(snapshot.sequence()),
            gone: UidSet::new(),
            modseq: snapshot.modseq(),
            complete_modseq: snapshot.modseq(),
            keywords_told: mailbox.keywords.len(),
            recent,
            own: SmallVec::new(),
        }
    }

    pub(crate) fn is_read_write(&self) -> bool {
        self.access == Access::ReadWrite
    }

    /// Returns the numbering that the client uses.
    pub(crate) fn sequence(&self) -> &Arc<SequenceMap> {
        &self.told
    }

    /// Returns the modification sequence from which to ask for news.
    pub(crate) fn modseq(&self) -> ModSeq {
        self.modseq
    }

    /// Returns what HIGHESTMODSEQ may say to this client.
    pub(crate) fn complete_modseq(&self) -> ModSeq {
        self.complete_modseq
    }

    pub(crate) fn recent(&self) -> &UidSet {
        &self.recent
    }

    pub(crate) fn recent_count(&self) -> u32 {
        if self.recent.is_empty() {
            return 0;
        }
        let recent = self.recent.intersection(&self.told.uids()).len();
        u32::try_from(recent).unwrap_or(u32::MAX)
    }

    /// Notes a change that the client hears of, or asked not to hear of, from the command that made
    /// it, so that it is not told again.
    pub(crate) fn note_own_change(&mut self, modseq: ModSeq) {
        self.own.push(modseq);
    }

    /// Notes how many keywords the client is about to be told of, and tells whether there are new ones.
    pub(crate) fn note_keywords(&mut self, count: usize) -> bool {
        let new = count > self.keywords_told;
        self.keywords_told = self.keywords_told.max(count);
        new
    }

    /// Takes in what has happened and returns what is to be told of it now.
    pub(crate) fn tell(&mut self, news: News, expunges: Expunges) -> Report {
        let gone = merged(&self.gone, &news.gone);
        let before = Arc::clone(&self.told);
        let mut report = Report::default();
        let removed = match expunges {
            Expunges::Told => {
                report.gone = numbered(&before, &gone);
                self.gone = UidSet::new();
                gone
            }
            Expunges::Held => {
                self.gone = gone;
                UidSet::new()
            }
        };
        self.renumber(&news, &removed);
        if !news.added.is_empty() {
            report.exists = Some(self.told.count());
            self.recent = merged(&self.recent, &news.recent);
            report.recent = Some(self.recent_count());
        }
        report.keywords = self.note_keywords(news.mailbox.keywords.len());
        report.flags = self.changed_flags(&news);
        self.modseq = self.modseq.max(news.modseq);
        if self.gone.is_empty() {
            self.complete_modseq = self.modseq;
        }
        self.own.clear();
        report
    }

    fn renumber(&mut self, news: &News, removed: &UidSet) {
        if removed.is_empty() && news.added.is_empty() {
            return;
        }
        self.recent = self.recent.difference(removed);
        self.told = match &news.present {
            Some(present) if self.gone.is_empty() => Arc::clone(present),
            _ => {
                let uids = merged(&self.told.uids().difference(removed), &news.added);
                Arc::new(SequenceMap::new(&uids))
            }
        };
    }

    /// New messages are left out: the client knows none of their flags and will ask for what it wants.
    fn changed_flags(&self, news: &News) -> Vec<(u32, MessageState)> {
        let mut walk = self.told.walk();
        let known = |state: &&MessageState| {
            !self.own.contains(&state.modseq)
                && !news.added.contains(state.uid)
                && !self.gone.contains(state.uid)
        };
        let numbered = |state: &MessageState| walk.number(state.uid).map(|number| (number, *state));
        news.changed.iter().filter(known).filter_map(numbered).collect()
    }
}

impl News {
    /// Compares what the session knows with a snapshot.
    pub(crate) fn from_snapshot(selected: &Selected, snapshot: &Snapshot) -> Self {
        let mut news = Self {
            mailbox: Arc::clone(snapshot.mailbox()),
            modseq: snapshot.modseq(),
            changed: Vec::new(),
            gone: UidSet::new(),
            added: UidSet::new(),
            recent: UidSet::new(),
            present: Some(Arc::clone(snapshot.sequence())),
        };
        if snapshot.modseq() > selected.modseq {
            let changed = |state: &&MessageState| state.modseq > selected.modseq;
            news.changed = snapshot
                .view()
                .messages()
                .iter()
                .filter(changed)
                .copied()
                .collect();
        }
        if !Arc::ptr_eq(snapshot.sequence(), &selected.told) {
            let (told, present) = (selected.told.uids(), snapshot.sequence().uids());
            news.gone = told.difference(&present);
            news.added = present.difference(&told);
        }
        news
    }

    /// Takes an answer that was asked from the session's own modification sequence on.
    pub(crate) fn from_changes(selected: &Selected, changes: &MailboxChanges) -> Self {
        let told = selected.told.uids();
        let gone = match &changes.vanished {
            Vanished::Exactly(gone) => told.intersection(gone),
            Vanished::AllBut { present } => told.difference(present),
        };
        let now: UidSet = changes.changed.iter().map(|state| state.uid).collect();
        Self {
            modseq: changes.mailbox.highest_modseq,
            added: now.difference(&told),
            gone,
            recent: UidSet::new(),
            present: None,
            changed: changes.changed.clone(),
            mailbox: Arc::new(changes.mailbox.clone()),
        }
    }

    /// Returns the messages that are new to the session.
    pub(crate) fn added(&self) -> &UidSet {
        &self.added
    }
}

/// Returns the union; shares nothing and copies only ranges.
fn merged(one: &UidSet, other: &UidSet) -> UidSet {
    let mut set = one.clone();
    for (first, last) in other.ranges() {
        set.insert_range(first, last);
    }
    set
}

/// Numbers what is gone, run by run: a range of UIDs may have been told with holes in it.
fn numbered(told: &SequenceMap, gone: &UidSet) -> Vec<Gone> {
    let mut walk = told.walk();
    let known = told.uids().intersection(gone);
    let run = |(first, last)| {
        let number = walk.number(first)?;
        Some(Gone { first, last, number })
    };
    known.ranges().filter_map(run).collect()
}

//! What a round of records says, sorted by what it is about.

use std::collections::{BTreeMap, BTreeSet};

use crate::carry::Carry;
use crate::names::{Account, Key, Mailbox};
use crate::record::FlagChange;
use crate::response::Content;

/// The time of a command and where it was recorded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    pub invoked: u64,
    /// After when it cannot take effect.
    pub completed: u64,
    pub record: usize,
}

/// The largest of what was known at each time.
#[derive(Debug, Default)]
pub struct Timeline {
    /// Time, value, record; after `settle` in order of time, with the largest value so far.
    points: Vec<(u64, u64, usize)>,
}

impl Timeline {
    pub fn add(&mut self, at: u64, value: u64, record: usize) {
        self.points.push((at, value, record));
    }

    pub fn settle(&mut self) {
        self.points.sort_unstable();
        let mut largest: Option<(u64, usize)> = None;
        for (_, value, record) in &mut self.points {
            if largest.is_some_and(|(known, _)| known >= *value) {
                (*value, *record) = largest.unwrap_or_default();
            }
            largest = Some((*value, *record));
        }
    }

    /// Returns the largest value that was known before a time, and where.
    pub fn before(&self, time: u64) -> Option<(u64, usize)> {
        let end = self.points.partition_point(|(at, ..)| *at < time);
        let (_, value, record) = self.points.get(end.checked_sub(1)?)?;
        Some((*value, *record))
    }
}

/// Where a message comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    Append,
    Copy(Key),
    Move(Key),
}

/// A message that an acknowledged command made under a UID.
#[derive(Clone, Debug)]
pub struct Creation {
    pub key: Key,
    pub origin: Origin,
    /// Its token, where the command names it.
    pub token: Option<String>,
    /// The flags that it was given.
    pub flags: Option<BTreeSet<String>>,
    pub span: Span,
}

/// A command that may have removed messages.
#[derive(Clone, Copy, Debug)]
pub struct Removal {
    pub span: Span,
    /// Whether it takes only what is marked `\Deleted`.
    pub marked_only: bool,
    /// Whether it has removed the message for certain.
    pub certain: bool,
}

/// A STORE as one message meets it.
#[derive(Clone, Debug)]
pub struct Store {
    pub change: FlagChange,
    pub flags: BTreeSet<String>,
    pub since: Option<u64>,
    /// Whether the message stands in MODIFIED.
    pub modified: bool,
    /// Whether it was acknowledged while the message was in the session's view.
    pub certain: bool,
    /// The record of the same session that was not yet answered when this one was sent.
    pub after: Option<usize>,
    pub span: Span,
}

impl Store {
    /// Says whether it may have changed anything.
    pub fn may_apply(&self) -> bool {
        !self.modified
    }
}

/// What was seen of a message.
#[derive(Clone, Debug)]
pub struct Seen {
    pub key: Key,
    pub flags: Option<BTreeSet<String>>,
    pub modseq: Option<u64>,
    pub date: Option<String>,
    pub email_id: Option<String>,
    pub size: Option<u64>,
    pub body: Option<Content>,
    pub token: Option<String>,
    /// Whether the command asked for it, so that it was true at some instant of the command.
    pub asked: bool,
    /// Whether it is part of the last look at everything.
    pub dump: bool,
    pub after: Option<usize>,
    pub span: Span,
}

/// A flag that SEARCH looked for.
#[derive(Clone, Debug)]
pub struct Searched {
    pub key: Key,
    pub flag: String,
    pub found: bool,
    pub span: Span,
}

/// All messages of a mailbox at some instant of a span.
#[derive(Clone, Debug)]
pub struct View {
    pub mailbox: Mailbox,
    pub uids: Vec<u32>,
    pub dump: bool,
    pub span: Span,
}

/// Counters of a mailbox at some instant of a span.
#[derive(Clone, Debug)]
pub struct Counters {
    pub mailbox: Mailbox,
    pub uid_next: Option<u64>,
    pub highest: Option<u64>,
    pub messages: Option<u64>,
    pub unseen: Option<u64>,
    pub dump: bool,
    pub span: Span,
}

/// An answer to what changed since.
#[derive(Clone, Debug)]
pub struct Since {
    pub mailbox: Mailbox,
    /// Messages whose mod-sequence is above this are wanted.
    pub above: u64,
    pub found: BTreeSet<u32>,
    /// What the session knew of.
    pub view: Vec<u32>,
    pub span: Span,
}

/// An attempt to put a message somewhere whose UID no answer named.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// Whether it was acknowledged: there is a copy, or was.
    pub certain: bool,
    pub span: Span,
}

/// A COPY or MOVE without an answer.
#[derive(Clone, Debug)]
pub struct OpenTransfer {
    pub sources: Vec<Key>,
}

/// A MOVE as a message meets it.
#[derive(Clone, Copy, Debug)]
pub struct Transfer {
    pub from: Key,
    /// Where it went; nothing when there was no answer.
    pub to: Option<Key>,
    pub span: Span,
}

/// What IDLE told.
#[derive(Clone, Debug)]
pub struct Watch {
    pub mailbox: Mailbox,
    pub process: String,
    pub told: Vec<u64>,
    pub span: Span,
}

/// A message whose going a resynchronisation did not tell, or whose state it told wrongly.
#[derive(Clone, Debug)]
pub struct Resynced {
    pub key: Key,
    pub why: &'static str,
    /// When the resynchronisation began.
    pub began: u64,
    /// When the mod-sequence was told up to which the client was said to know everything.
    pub claimed: u64,
    pub record: usize,
}

/// What a round of records says.
#[derive(Debug, Default)]
pub struct Facts {
    pub creations: Vec<Creation>,
    pub removals: BTreeMap<Key, Vec<Removal>>,
    /// Commands that may have removed anything in a mailbox.
    pub sweeps: BTreeMap<Mailbox, Vec<Removal>>,
    pub stores: BTreeMap<Key, Vec<Store>>,
    pub seen: Vec<Seen>,
    pub searched: Vec<Searched>,
    pub views: Vec<View>,
    pub counters: Vec<Counters>,
    pub since: Vec<Since>,
    /// When a message was first said to be gone, and where.
    pub gone: BTreeMap<Key, (u64, usize)>,
    /// Messages that a FETCH named and left out, with the end of the command.
    pub unanswered: Vec<(Key, Span)>,
    /// By account and token.
    pub attempts: BTreeMap<(Account, String), Vec<Attempt>>,
    pub open_transfers: Vec<OpenTransfer>,
    pub moves: Vec<Transfer>,
    pub copied: BTreeSet<Key>,
    /// Tokens of each refused APPEND, and what each refused COPY and MOVE named.
    pub refused: BTreeSet<String>,
    pub refused_sources: BTreeSet<Key>,
    pub watches: Vec<Watch>,
    pub resynced: Vec<Resynced>,
    /// Size and hash of each token, as whoever made it says.
    pub contents: BTreeMap<String, (u64, String)>,
    /// Accounts that each token was sent to.
    pub owners: BTreeMap<String, BTreeSet<Account>>,
    /// Read-write sessions that saw a message as recent.
    pub recent: BTreeMap<Key, BTreeSet<(String, u32)>>,
    /// Messages that may have been marked `\\Deleted` when they came.
    pub inherits_mark: BTreeSet<Key>,
}

impl Facts {
    /// Notes that a message is said to be gone.
    pub fn gone_at(&mut self, key: Key, at: u64, record: usize) {
        let known = self.gone.entry(key).or_insert((at, record));
        if at < known.0 {
            *known = (at, record);
        }
    }

    /// Finds the messages that a copy or move may have brought with the mark of their source.
    pub fn pass_marks_on(&mut self, carry: &Carry) {
        let mut copies: BTreeMap<Key, Vec<Key>> = BTreeMap::new();
        let mut marked: Vec<Key> = Vec::new();
        for creation in &self.creations {
            match creation.origin {
                Origin::Copy(source) | Origin::Move(source) => {
                    copies.entry(source).or_default().push(creation.key);
                    let carried = carry.live.get(&source);
                    if carried.is_some_and(|live| live.flags.contains("\\Deleted")) {
                        marked.push(source);
                    }
                }
                Origin::Append => {
                    if creation
                        .flags
                        .as_ref()
                        .is_some_and(|flags| flags.contains("\\Deleted"))
                    {
                        self.inherits_mark.insert(creation.key);
                        marked.push(creation.key);
                    }
                }
            }
        }
        marked.extend(
            self.stores
                .keys()
                .filter(|key| self.first_marked(carry, **key).is_some()),
        );
        while let Some(source) = marked.pop() {
            for copy in copies.remove(&source).unwrap_or_default() {
                self.inherits_mark.insert(copy);
                marked.push(copy);
            }
        }
    }

    /// Says whether something may have removed a message before a time.
    pub fn removable(&self, carry: &Carry, key: Key, before: u64) -> bool {
        self.removals_of(carry, key)
            .any(|removal| removal.span.invoked < before)
    }

    /// Returns the commands that may have removed a message.
    pub fn removals_of<'a>(&'a self, carry: &'a Carry, key: Key) -> impl Iterator<Item = &'a Removal> + 'a {
        let named = self.removals.get(&key).into_iter().flatten();
        let sweeps = self.sweeps.get(&key.mailbox).into_iter().flatten();
        let marked = self.first_marked(carry, key);
        named.chain(sweeps).filter(move |removal| {
            let end = removal.span.completed;
            !removal.marked_only || marked.is_some_and(|since| since <= end)
        })
    }

    /// Returns from when on a message may have been marked `\Deleted`.
    fn first_marked(&self, carry: &Carry, key: Key) -> Option<u64> {
        let at_birth = |flags: &BTreeSet<String>| flags.contains("\\Deleted");
        let carried = carry.live.get(&key).is_some_and(|live| at_birth(&live.flags));
        if carried || self.inherits_mark.contains(&key) {
            return Some(0);
        }
        let stores = self.stores.get(&key).into_iter().flatten();
        let marking = stores.filter(|store| {
            store.may_apply() && store.change != FlagChange::Remove && store.flags.contains("\\Deleted")
        });
        marking.map(|store| store.span.invoked).min()
    }
}

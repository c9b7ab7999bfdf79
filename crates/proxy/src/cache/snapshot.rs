//! A mailbox at one modification sequence, shared by the sessions of this process.

use std::sync::Arc;

use mailstore::flags::SystemFlag;
use mailstore::mailbox::Mailbox;
use mailstore::query::{MailboxChanges, Vanished};
use mailstore::view::MailboxView;
use mailstore::{ModSeq, Uid};

use crate::session::sequence_map::SequenceMap;

/// The messages of a mailbox with their flags, as of one answer of the storage.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    mailbox: Arc<Mailbox>,
    view: MailboxView,
    sequence: Arc<SequenceMap>,
    first_unseen: Option<Uid>,
}

impl Snapshot {
    /// Makes a snapshot of an answer that holds every message, or `None` of one that does not.
    pub(crate) fn new(changes: &MailboxChanges) -> Option<Self> {
        let mut view = MailboxView::default();
        let complete = changes.since == ModSeq::ZERO && view.update(changes);
        complete.then(|| Self {
            mailbox: Arc::new(changes.mailbox.clone()),
            sequence: Arc::new(SequenceMap::new(&view.uids())),
            first_unseen: first_unseen(&changes.mailbox, &view),
            view,
        })
    }

    pub(crate) fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    pub(crate) fn view(&self) -> &MailboxView {
        &self.view
    }

    /// Returns the UIDs that exist, numbered.
    pub(crate) fn sequence(&self) -> &Arc<SequenceMap> {
        &self.sequence
    }

    /// Returns the modification sequence that the snapshot is of.
    pub(crate) fn modseq(&self) -> ModSeq {
        self.view.modseq()
    }

    /// Returns the first message without `\Seen`, for SELECT (RFC 3501 §6.3.1).
    pub(crate) fn first_unseen(&self) -> Option<Uid> {
        self.first_unseen
    }

    /// Tells whether an answer can be put on top of this snapshot.
    pub(crate) fn fits(&self, changes: &MailboxChanges) -> bool {
        self.mailbox.id == changes.mailbox.id
            && self.mailbox.uid_validity == changes.mailbox.uid_validity
            && changes.since <= self.modseq()
    }

    /// Brings a shared snapshot up to date with an answer that [`fits`](Self::fits). An answer that is
    /// older than the snapshot changes nothing: another session's question overtook it, and what it
    /// found is as good.
    pub(crate) fn update(shared: &mut Arc<Self>, changes: &MailboxChanges) {
        let newest = changes.mailbox.highest_modseq;
        if newest < shared.modseq() || (newest == shared.modseq() && *shared.mailbox == changes.mailbox) {
            return;
        }
        let snapshot = Arc::make_mut(shared);
        let unchanged = changes.changed.is_empty()
            && matches!(&changes.vanished, Vanished::Exactly(gone) if gone.is_empty());
        snapshot.view.update(changes);
        snapshot.mailbox = Arc::new(changes.mailbox.clone());
        if unchanged {
            return;
        }
        let sequence = SequenceMap::new(&snapshot.view.uids());
        if *snapshot.sequence != sequence {
            snapshot.sequence = Arc::new(sequence);
        }
        snapshot.first_unseen = first_unseen(&snapshot.mailbox, &snapshot.view);
    }
}

fn first_unseen(mailbox: &Mailbox, view: &MailboxView) -> Option<Uid> {
    if mailbox.unseen == 0 {
        return None;
    }
    let unseen = view
        .messages()
        .iter()
        .find(|message| !message.flags.has(SystemFlag::Seen));
    unseen.map(|message| message.uid)
}

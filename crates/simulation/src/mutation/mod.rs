//! Defects that are put into nodes and proxies on purpose, to show that the checkers find them.

mod content;
mod disk;
mod replication;

use std::sync::Arc;
use std::time::Duration;

use ::disk::Disk;
use consensus::GroupOptions;
use mailstore::query::{MailboxChanges, Vanished};
use storage_node::{Content, ContentPlacement, Replication};

use self::content::{LeaderOnly, MutatedContent};
use self::disk::LazyDisk;
use self::replication::{LastStore, MutatedReplication};

/// A defect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutation {
    /// Syncs of the log do nothing.
    SkipLogSync,
    /// Some changes are acknowledged before they are committed.
    AcknowledgeEarly,
    /// Some content is acknowledged and not kept.
    LoseBlob,
    /// Syncs of the content do nothing.
    SkipContentSync,
    /// Content is acknowledged when the leader alone has it.
    ContentOnLeaderOnly,
    /// Content is collected without a look at what names it.
    SweepBlindly,
    /// Some messages are acknowledged under the UID of another.
    ReuseUid,
    /// The first message after a start is acknowledged under the UID of another.
    ReuseUidAfterCrash,
    /// Some changes are committed twice, without the request id that would tell.
    RetryBlindly,
    /// Each attempt at a change has a request id of its own.
    RetryUnderNewId,
    /// Nodes answer questions without knowing whether they lead.
    ServeFollowerReads,
    /// A voter that was started again forgets what it promised.
    VoteAtOnce,
    /// Of two changes of flags the one with the later clock wins.
    LastWriteByClock,
    /// MOVE is a copy, and a removal a moment later.
    MoveInTwoSteps,
    /// One expunged message of several is not told.
    SwallowExpunge,
}

/// What a defect knows of the node that it is put into.
#[derive(Clone, Default)]
pub(crate) struct MutatedNode {
    /// Whether the process was started before on this machine.
    pub(crate) restarted: bool,
    /// Shared by all nodes.
    pub(crate) last_store: LastStore,
}

impl Mutation {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::SkipLogSync,
        Self::AcknowledgeEarly,
        Self::LoseBlob,
        Self::SkipContentSync,
        Self::ContentOnLeaderOnly,
        Self::SweepBlindly,
        Self::ReuseUid,
        Self::ReuseUidAfterCrash,
        Self::RetryBlindly,
        Self::RetryUnderNewId,
        Self::ServeFollowerReads,
        Self::VoteAtOnce,
        Self::LastWriteByClock,
        Self::MoveInTwoSteps,
        Self::SwallowExpunge,
    ];

    pub(crate) fn of_disk(mutation: Option<Self>, disk: Arc<dyn Disk>) -> Arc<dyn Disk> {
        match mutation {
            Some(Self::SkipLogSync) => Arc::new(LazyDisk { disk, lazy: "wal/" }),
            Some(Self::SkipContentSync) => Arc::new(LazyDisk { disk, lazy: "blobs/" }),
            _ => disk,
        }
    }

    pub(crate) fn of_replication(
        mutation: Option<Self>,
        inner: Arc<dyn Replication>,
        node: &MutatedNode,
    ) -> Arc<dyn Replication> {
        match mutation {
            Some(
                mutation @ (Self::AcknowledgeEarly
                | Self::ReuseUid
                | Self::ReuseUidAfterCrash
                | Self::RetryBlindly
                | Self::ServeFollowerReads
                | Self::LastWriteByClock
                | Self::MoveInTwoSteps),
            ) => Arc::new(MutatedReplication::new(inner, mutation, node)),
            _ => inner,
        }
    }

    pub(crate) fn of_content(mutation: Option<Self>, inner: Arc<dyn Content>) -> Arc<dyn Content> {
        match mutation {
            Some(mutation @ (Self::LoseBlob | Self::SweepBlindly)) => {
                Arc::new(MutatedContent::new(inner, mutation))
            }
            _ => inner,
        }
    }

    pub(crate) fn of_placement(
        mutation: Option<Self>,
        inner: Arc<dyn ContentPlacement>,
    ) -> Arc<dyn ContentPlacement> {
        match mutation {
            Some(Self::ContentOnLeaderOnly) => Arc::new(LeaderOnly(inner)),
            _ => inner,
        }
    }

    /// Lets a voter that was started again wait for hardly anything before it votes.
    pub(crate) fn of_groups(mutation: Option<Self>, groups: GroupOptions, restarted: bool) -> GroupOptions {
        match mutation {
            Some(Self::VoteAtOnce) if restarted => GroupOptions {
                heartbeat_interval: Duration::from_millis(30),
                election_timeout_min: Duration::from_millis(60),
                election_timeout_max: Duration::from_millis(90),
                ..groups
            },
            _ => groups,
        }
    }
}

/// Returns the answer without one of the messages that are gone.
pub(crate) fn without_one_expunge(mut changes: MailboxChanges) -> MailboxChanges {
    if let Vanished::Exactly(gone) = &mut changes.vanished
        && let Some(last) = gone.last()
    {
        *gone = gone.difference(&std::iter::once(last).collect());
    }
    changes
}

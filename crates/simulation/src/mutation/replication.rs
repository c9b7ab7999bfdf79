//! Replicas that do not keep their word.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mailstore::command::{Command, Entry, MailboxCommand, MessageCommand, Subject};
use mailstore::flags::{FlagBits, FlagOperation, NamedFlags, SystemFlag};
use mailstore::ports::GroupStatus;
use mailstore::reply::Appended;
use mailstore::time::Timestamp;
use mailstore::{AccountId, GroupId, Reply, StoreError, UidSet};
use parking_lot::Mutex;
use storage_node::{NamedBlobs, Question, Replication};
use tokio_util::task::TaskTracker;

use super::{MutatedNode, Mutation};

/// Replicas that do not keep their word.
pub(super) struct MutatedReplication {
    inner: Arc<dyn Replication>,
    mutation: Mutation,
    entries: AtomicU64,
    late: TaskTracker,
    /// Whether the process was started before on this machine.
    restarted: bool,
    last_store: LastStore,
}

/// The latest time of a change of flags, by account; shared by all nodes, as if it stood in the entries.
pub(crate) type LastStore = Arc<Mutex<BTreeMap<AccountId, Timestamp>>>;

impl MutatedReplication {
    pub(super) fn new(inner: Arc<dyn Replication>, mutation: Mutation, node: &MutatedNode) -> Self {
        Self {
            inner,
            mutation,
            entries: AtomicU64::new(0),
            late: TaskTracker::new(),
            restarted: node.restarted,
            last_store: Arc::clone(&node.last_store),
        }
    }

    /// Tells whether it is this entry's turn.
    fn strikes(&self) -> bool {
        self.entries.fetch_add(1, Ordering::Relaxed) % 8 == 7
    }
}

impl MutatedReplication {
    /// Returns a change of flags that changes nothing, if the clock of an earlier one was ahead.
    fn unless_later_was_stored(&self, mut entry: Entry) -> Entry {
        let (Subject::Account(account), Command::Message(MessageCommand::Store { uids, .. })) =
            (&entry.subject, &mut entry.command)
        else {
            return entry;
        };
        let mut last = self.last_store.lock();
        let last = last.entry(*account).or_insert(entry.time);
        if entry.time < *last {
            *uids = UidSet::new();
        }
        *last = entry.time.max(*last);
        entry
    }

    /// Copies messages, and removes them a moment later.
    async fn move_in_two_steps(&self, group: GroupId, entry: Entry) -> Result<Reply, StoreError> {
        let Command::Message(MessageCommand::Move {
            mailbox,
            uids,
            target,
        }) = entry.command.clone()
        else {
            return self.inner.propose(group, entry).await;
        };
        let step = |command| Entry {
            command: Command::Message(command),
            request: None,
            ..entry.clone()
        };
        let copied = Entry {
            request: entry.request,
            ..step(MessageCommand::Copy {
                mailbox,
                uids: uids.clone(),
                target,
            })
        };
        let reply = self.inner.propose(group, copied).await?;
        tokio::time::sleep(Duration::from_millis(30)).await;
        let deleted = NamedFlags {
            system: FlagBits::system(SystemFlag::Deleted),
            keywords: Vec::new(),
        };
        let marked = step(MessageCommand::Store {
            mailbox,
            uids: uids.clone(),
            operation: FlagOperation::Add,
            flags: deleted,
            unchanged_since: None,
        });
        drop(self.inner.propose(group, marked).await);
        let expunged = step(MessageCommand::Expunge {
            mailbox,
            uids: Some(uids),
        });
        drop(self.inner.propose(group, expunged).await);
        Ok(reply)
    }
}

fn is_append(entry: &Entry) -> bool {
    matches!(entry.command, Command::Message(MessageCommand::Append { .. }))
}

fn is_subscription(entry: &Entry) -> bool {
    matches!(
        entry.command,
        Command::Mailbox(MailboxCommand::Subscribe { .. } | MailboxCommand::Delete { .. })
    )
}

fn under_another_uid(reply: Reply) -> Reply {
    match reply {
        Reply::Appended(appended) if appended.uids.first() > Some(mailstore::Uid::MIN) => {
            let earlier = appended
                .uids
                .iter()
                .filter_map(|uid| mailstore::Uid::new(uid.get() - 1));
            let uids: UidSet = earlier.collect();
            Reply::Appended(Appended { uids, ..appended })
        }
        other => other,
    }
}

#[async_trait]
impl Replication for MutatedReplication {
    fn groups(&self) -> Vec<GroupId> {
        self.inner.groups()
    }

    fn leads(&self, group: GroupId) -> bool {
        self.inner.leads(group)
    }

    async fn propose(&self, group: GroupId, entry: Entry) -> Result<Reply, StoreError> {
        let of_client = entry.request.is_some();
        match self.mutation {
            Mutation::AcknowledgeEarly if of_client && is_subscription(&entry) => {
                let inner = Arc::clone(&self.inner);
                self.late.spawn(async move {
                    tokio::time::sleep(Duration::from_millis(30)).await;
                    // Nobody waits for what becomes of it: that is the defect.
                    drop(inner.propose(group, entry).await);
                });
                Ok(Reply::Done)
            }
            Mutation::ReuseUid if of_client && self.strikes() => {
                self.inner.propose(group, entry).await.map(under_another_uid)
            }
            Mutation::RetryBlindly if of_client && self.strikes() => {
                let again = Entry {
                    request: None,
                    ..entry.clone()
                };
                let first = self.inner.propose(group, entry).await;
                drop(self.inner.propose(group, again).await);
                first
            }
            Mutation::ReuseUidAfterCrash if of_client && self.restarted && is_append(&entry) => {
                let first = self.entries.fetch_add(1, Ordering::Relaxed) == 0;
                let reply = self.inner.propose(group, entry).await;
                if first { reply.map(under_another_uid) } else { reply }
            }
            Mutation::LastWriteByClock if of_client => {
                let entry = self.unless_later_was_stored(entry);
                self.inner.propose(group, entry).await
            }
            Mutation::MoveInTwoSteps if of_client => self.move_in_two_steps(group, entry).await,
            _ => self.inner.propose(group, entry).await,
        }
    }

    async fn read_barrier(&self, group: GroupId) -> Result<(), StoreError> {
        match self.mutation {
            Mutation::ServeFollowerReads => Ok(()),
            _ => self.inner.read_barrier(group).await,
        }
    }

    async fn ask(&self, group: GroupId, subject: &Subject, question: Question) -> Result<(), StoreError> {
        self.inner.ask(group, subject, question).await
    }

    async fn accounts(
        &self,
        group: GroupId,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        self.inner.accounts(group, after, limit).await
    }

    async fn named_blobs(&self, group: GroupId) -> Result<NamedBlobs, StoreError> {
        self.inner.named_blobs(group).await
    }

    fn status(&self) -> Vec<GroupStatus> {
        self.inner.status()
    }
}

//! The replication port.

use async_trait::async_trait;
use consensus::{LeaderHint, MailMachine, Role, Subject as SubjectName, account_of, mail_subject};
use mailstore::codec;
use mailstore::command::{Entry, Subject};
use mailstore::ports::{GroupStatus, LeaderStatus};
use mailstore::{AccountId, GroupId, Rejection, Reply, StoreError, read};

use super::Replicas;
use crate::content::NamedBlobs;
use crate::replication::{Question, Replication};
use crate::slots::refusal;
use crate::tables::damaged;

impl Replicas {
    pub(crate) fn group(
        &self,
        group: GroupId,
    ) -> Result<std::sync::Arc<consensus::Group<MailMachine>>, StoreError> {
        self.inner
            .groups
            .get(group)
            .map_err(|error| self.store_error(&error))
    }

    fn describe(&self, replica: &consensus::Group<MailMachine>) -> GroupStatus {
        let (status, group) = (replica.status(), replica.id());
        let placement = self.placement();
        let leader = match &status.leader {
            _ if status.role == Role::Leader && !replica.hears_majority() => LeaderStatus::Unknown,
            _ if status.role == Role::Leader => LeaderStatus::Local,
            Some(LeaderHint { node: Some(node), .. }) => match placement.name(*node) {
                Some(name) => LeaderStatus::Remote(name.to_owned()),
                None => LeaderStatus::Unknown,
            },
            Some(LeaderHint { node: None, .. }) | None => LeaderStatus::Unknown,
        };
        let hosts = status.voters.iter().filter_map(|voter| status.members.get(voter));
        let names = hosts.filter_map(|node| placement.name(*node).map(str::to_owned));
        GroupStatus {
            group,
            leader,
            term: status.term,
            last_log_index: status.last_index.unwrap_or(0),
            applied_index: status.applied.map_or(0, |position| position.index),
            snapshot_index: status.snapshot.map_or(0, |position| position.index),
            voters: names.collect(),
        }
    }
}

#[async_trait]
impl Replication for Replicas {
    fn groups(&self) -> Vec<GroupId> {
        self.inner.groups.all().iter().map(|group| group.id()).collect()
    }

    fn leads(&self, group: GroupId) -> bool {
        self.inner
            .groups
            .get(group)
            .is_ok_and(|group| group.status().role == Role::Leader)
    }

    async fn propose(&self, group: GroupId, entry: Entry) -> Result<Reply, StoreError> {
        let group = self.group(group)?;
        let slot = entry.subject.slot();
        let committed = group.propose(codec::encode_entry(&entry)).await;
        let committed = committed.map_err(|error| self.store_error(&error))?;
        match (committed.reply, slot) {
            (Ok(reply), _) => Ok(reply),
            (Err(rejection @ (Rejection::SlotMoving | Rejection::WrongGroup)), Some(slot)) => {
                let refused = group.read(SubjectName::header(), move |header| {
                    refusal(header, slot, rejection)
                });
                let refused = refused.await.map_err(|error| self.store_error(&error))?;
                Err(refused.map_err(damaged)?)
            }
            (Err(rejection), _) => Err(rejection.into()),
        }
    }

    async fn read_barrier(&self, group: GroupId) -> Result<(), StoreError> {
        let barrier = self.group(group)?.read_barrier().await;
        barrier.map(|_| ()).map_err(|error| self.store_error(&error))
    }

    async fn ask(&self, group: GroupId, subject: &Subject, question: Question) -> Result<(), StoreError> {
        let group = self.group(group)?;
        let slot = subject.slot();
        let asked = group.read_with_header(mail_subject(subject), move |header, rows| {
            if let Some(slot) = slot
                && let Err(rejection) = read::check_slot(header, slot)?
            {
                return refusal(header, slot, rejection).map(Some);
            }
            question(rows);
            Ok(None)
        });
        let refused = asked.await.map_err(|error| self.store_error(&error))?;
        refused.map_err(damaged)?.map_or(Ok(()), Err)
    }

    async fn accounts(
        &self,
        group: GroupId,
        after: Option<AccountId>,
        limit: usize,
    ) -> Result<Vec<AccountId>, StoreError> {
        let name = |id: [u8; 16]| -> SubjectName { mail_subject(&Subject::Account(AccountId(id))) };
        let first = name(after.map_or([0; 16], |after| after.0));
        // The list includes its first name, which was given before.
        let listed = self
            .group(group)?
            .subjects_between(first, name([0xff; 16]), limit + 1)
            .await;
        let listed = listed.map_err(|error| self.store_error(&error))?;
        let accounts = listed
            .iter()
            .filter_map(account_of)
            .filter(|account| Some(*account) != after);
        Ok(accounts.take(limit).collect())
    }

    async fn named_blobs(&self, group: GroupId) -> Result<NamedBlobs, StoreError> {
        self.named_blobs_of(group).await
    }

    fn status(&self) -> Vec<GroupStatus> {
        self.inner
            .groups
            .all()
            .iter()
            .map(|group| self.describe(group))
            .collect()
    }
}

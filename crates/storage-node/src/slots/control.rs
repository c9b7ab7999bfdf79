//! What a node answers to those who move slots.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use consensus::{Group, MailMachine, Subject as SubjectName, mail_subject, subject_of};
use mailstore::command::{Command, Entry, Subject};
use mailstore::rows::ReadRows;
use mailstore::slots::{RowsCommand, SlotCommand, SlotSet};
use mailstore::time::Timestamp;
use mailstore::{GroupId, Reply, StoreError, TableError, codec, read};
use rpc::{ContentProgress, CopyProgress, SlotControl, SlotMove, SlotSubject, SubjectRows};
use tokio::time::Instant;

use crate::replicas::Replicas;
use crate::tables::damaged;

/// Rows that are given in one answer, in octets. What is not larger is read in one moment.
const ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// How long one call clears slots.
const CLEAR_TIME_MAX: Duration = Duration::from_secs(2);

impl Replicas {
    /// Returns a replica that leads its group and has applied what was committed before the call.
    pub(super) async fn leading(&self, id: GroupId) -> Result<Arc<Group<MailMachine>>, StoreError> {
        let group = self.group(id)?;
        let barrier = group.read_barrier().await;
        barrier.map_err(|error| self.store_error(&error))?;
        Ok(group)
    }

    /// Commits a command that no clock has anything to do with.
    pub(super) async fn commit(
        &self,
        group: &Group<MailMachine>,
        subject: Subject,
        command: Command,
    ) -> Result<Reply, StoreError> {
        let entry = Entry {
            subject,
            request: None,
            time: Timestamp(0),
            command,
        };
        let committed = group.propose(codec::encode_entry(&entry)).await;
        let committed = committed.map_err(|error| self.store_error(&error))?;
        committed.reply.map_err(StoreError::from)
    }

    /// Lists the subjects in slots with what a question finds in the rows of each.
    pub(super) async fn subjects_in<T, Q>(
        &self,
        group: &Group<MailMachine>,
        slots: SlotSet,
        question: Q,
    ) -> Result<Vec<(Subject, u64, T)>, StoreError>
    where
        T: Send + 'static,
        Q: Fn(&dyn ReadRows) -> Result<T, TableError> + Send + 'static,
    {
        let wanted = move |name: &SubjectName| slot_of(name).is_some_and(|slot| slots.contains(slot));
        let found = group.subjects_where(wanted, move |rows| question(rows)).await;
        let found = found.map_err(|error| self.store_error(&error))?;
        let subjects = found.into_iter().filter_map(|(name, index, answer)| {
            let subject = subject_of(&name)?;
            Some(answer.map(|answer| (subject, index, answer)))
        });
        subjects.collect::<Result<_, TableError>>().map_err(damaged)
    }

    /// Removes rows of a subject until none is left. What was removed before a rejection stays so.
    async fn clear(&self, group: &Group<MailMachine>, subject: &Subject) -> Result<(), StoreError> {
        loop {
            let remove = Command::Rows(RowsCommand::Remove);
            let reply = self.commit(group, subject.clone(), remove).await?;
            if reply != (Reply::RowsRemoved { more: true }) {
                return Ok(());
            }
        }
    }
}

fn slot_of(name: &SubjectName) -> Option<mailstore::Slot> {
    subject_of(name)?.slot()
}

#[async_trait]
impl SlotControl for Replicas {
    async fn take_slot_step(&self, group: GroupId, command: SlotCommand) -> Result<(), StoreError> {
        let group = self.group(group)?;
        self.commit(&group, Subject::Header, Command::Slots(command))
            .await
            .map(drop)
    }

    async fn slot_subjects(&self, group: GroupId, slots: SlotSet) -> Result<Vec<SlotSubject>, StoreError> {
        let group = self.leading(group).await?;
        let found = self.subjects_in(&group, slots, |rows| read::exists(rows)).await?;
        let there = found.into_iter().filter(|(_, _, exists)| *exists);
        Ok(there
            .map(|(subject, index, _)| SlotSubject { subject, index })
            .collect())
    }

    async fn subject_rows(
        &self,
        group: GroupId,
        subject: Subject,
        after: Option<Bytes>,
    ) -> Result<SubjectRows, StoreError> {
        let group = self.leading(group).await?;
        let piece = group.piece_of(mail_subject(&subject), after, ANSWER_BYTES).await;
        let piece = piece.map_err(|error| self.store_error(&error))?;
        Ok(SubjectRows {
            index: piece.index,
            rows: piece.rows,
            is_last: piece.is_last,
        })
    }

    async fn copy_slots(&self, slots: SlotMove, urgent: bool) -> Result<CopyProgress, StoreError> {
        self.copy_arriving(&slots, urgent).await
    }

    async fn fetch_slot_content(&self, slots: SlotMove, upto: u64) -> Result<ContentProgress, StoreError> {
        self.fetch_arriving(&slots, upto).await
    }

    async fn clear_slots(&self, group: GroupId, slots: SlotSet) -> Result<bool, StoreError> {
        let until = Instant::now() + CLEAR_TIME_MAX;
        let group = self.leading(group).await?;
        let has_rows = |rows: &dyn ReadRows| Ok(read::exists(rows)? || read::arrival(rows)?.is_some());
        for (subject, _, has_rows) in self.subjects_in(&group, slots, has_rows).await? {
            if has_rows {
                if Instant::now() >= until {
                    return Ok(false);
                }
                self.clear(&group, &subject).await?;
            }
        }
        Ok(true)
    }
}

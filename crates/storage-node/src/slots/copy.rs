//! Copies of accounts and address records, taken by the leader of the target.
//!
//! Each call compares what lies in the slots at both groups, and copies what differs. So a pass needs to know nothing of
//! the passes before it, whoever made them.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use consensus::{Group, MailMachine};
use futures::{StreamExt, stream};
use mailstore::command::{Command, Subject};
use mailstore::slots::{InstallRows, RowsCommand, pieces};
use mailstore::{Rejection, StoreError, read};
use rpc::{CopyProgress, SlotMove, SubjectRows};
use tokio::time::Instant;

use crate::replicas::Replicas;

/// How long one call copies.
const COPY_TIME_MAX: Duration = Duration::from_secs(3);
/// Subjects that are copied at one time.
const COPIES_MAX: usize = 8;

impl Replicas {
    /// See [`rpc::SlotControl::copy_slots`].
    pub(super) async fn copy_arriving(
        &self,
        slots: &SlotMove,
        urgent: bool,
    ) -> Result<CopyProgress, StoreError> {
        let until = Instant::now() + COPY_TIME_MAX;
        let group = self.leading(slots.to).await?;
        let work = self.differing(&group, slots).await?;
        let copies = stream::iter(work).map(|subject| {
            let group = &group;
            async move {
                if Instant::now() >= until {
                    return Ok(false);
                }
                self.copy_subject(group, slots, subject, urgent).await
            }
        });
        let copies: Vec<Result<bool, StoreError>> = copies.buffer_unordered(COPIES_MAX).collect().await;
        let mut progress = CopyProgress::default();
        for copied in copies {
            match copied? {
                true => progress.copied += 1,
                false => progress.remaining += 1,
            }
        }
        progress.upto = group.status().applied.map_or(0, |applied| applied.index);
        Ok(progress)
    }

    /// Returns what the target lacks, has in another state, or has and should not.
    async fn differing(
        &self,
        group: &Group<MailMachine>,
        slots: &SlotMove,
    ) -> Result<Vec<Subject>, StoreError> {
        let there = self.at_slot_leader(slots.from, |source| async move {
            source.slot_subjects(slots.from, slots.slots.clone()).await
        });
        let there = there.await?;
        let moving = slots.moving;
        let here = self.subjects_in(group, slots.slots.clone(), move |rows| {
            let arrival = read::arrival(rows)?.filter(|arrival| arrival.moving == moving);
            let complete = arrival.filter(|arrival| arrival.complete);
            let has_rows = arrival.is_some() || read::exists(rows)?;
            Ok((complete.map(|arrival| arrival.source_index), has_rows))
        });
        let here = here.await?.into_iter();
        let mut here: BTreeMap<Subject, (Option<u64>, bool)> =
            here.map(|(subject, _, found)| (subject, found)).collect();
        let mut differing = Vec::new();
        for listed in there {
            let found = here.remove(&listed.subject);
            if found.and_then(|(index, _)| index) != Some(listed.index) {
                differing.push(listed.subject);
            }
        }
        let surplus = here.into_iter().filter(|(_, (_, has_rows))| *has_rows);
        differing.extend(surplus.map(|(subject, _)| subject));
        Ok(differing)
    }

    /// Copies one subject. Returns whether it was: not when it changed meanwhile, or another copy came between.
    async fn copy_subject(
        &self,
        group: &Group<MailMachine>,
        slots: &SlotMove,
        subject: Subject,
        urgent: bool,
    ) -> Result<bool, StoreError> {
        let copy = self.slot_work().new_copy(group.status().term);
        let mut number = 0;
        let mut after: Option<Bytes> = None;
        let mut copied_at = None;
        loop {
            let read = self.rows_of(slots, &subject, after).await?;
            let source_index = read.index.unwrap_or(0);
            if *copied_at.get_or_insert(source_index) != source_index {
                return Ok(false);
            }
            after = read.rows.last().map(|(key, _)| key.clone());
            let is_last = read.is_last;
            if !urgent {
                self.pay_for(bytes_of(&read)).await;
            }
            let pieces = pieces(read.rows);
            let last_of_these = pieces.len() - 1;
            for (place, rows) in pieces.into_iter().enumerate() {
                let piece = InstallRows {
                    moving: slots.moving,
                    copy,
                    source_index,
                    piece: number,
                    last: is_last && place == last_of_these,
                    rows,
                };
                let install = Command::Rows(RowsCommand::Install(piece));
                match self.commit(group, subject.clone(), install).await {
                    Ok(_) => number += 1,
                    // A first piece is refused only when the slot is not arriving.
                    Err(StoreError::Rejected(Rejection::SlotStep)) if number > 0 => return Ok(false),
                    Err(error) => return Err(error),
                }
            }
            if is_last {
                return Ok(true);
            }
        }
    }

    async fn rows_of(
        &self,
        slots: &SlotMove,
        subject: &Subject,
        after: Option<Bytes>,
    ) -> Result<SubjectRows, StoreError> {
        let after = &after;
        self.at_slot_leader(slots.from, |source| async move {
            source
                .subject_rows(slots.from, subject.clone(), after.clone())
                .await
        })
        .await
    }
}

fn bytes_of(read: &SubjectRows) -> u64 {
    let octets = read.rows.iter().map(|(key, value)| key.len() + value.len());
    octets.sum::<usize>() as u64
}

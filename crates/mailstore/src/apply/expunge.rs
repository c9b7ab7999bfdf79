//! EXPUNGE, and the log of what was removed.

use super::Stop;
use super::workspace::Workspace;
use crate::error::TableError;
use crate::flags::SystemFlag;
use crate::ids::{MailboxId, ModSeq, Uid};
use crate::layout::fixed::{EXPUNGED_CHUNK, Removed, encode_removed};
use crate::layout::gone::{self, Expiry};
use crate::layout::key;
use crate::limits::{EXPUNGE_LOG_RANGES_MAX, EXPUNGE_LOG_ROWS_MAX, EXPUNGED_RECORDS_MAX};
use crate::reply::{Expunged, Reply};
use crate::uid_set::UidSet;

/// Removes messages with `\Deleted`, of all or of the UIDs named (RFC 9051 §6.4.3, §6.4.9).
pub(super) fn expunge(work: &mut Workspace<'_>, id: MailboxId, uids: Option<&UidSet>) -> Result<Reply, Stop> {
    let mailbox = &work.mailbox(id)?.mailbox;
    let (size_before, highest) = (mailbox.size_bytes, mailbox.highest_modseq);
    let mut gone = UidSet::new();
    if mailbox.deleted > 0 {
        let all = UidSet::range(Uid::MIN, Uid::MAX);
        let states = work.select(id, uids.unwrap_or(&all))?;
        let deleted = states.iter().filter(|state| state.flags.has(SystemFlag::Deleted));
        gone = deleted.map(|state| state.uid).collect();
    }
    if gone.is_empty() {
        return Ok(Reply::Expunged(Expunged {
            uids: gone,
            modseq: highest,
        }));
    }
    let modseq = work.step()?;
    work.remove(id, gone.iter(), modseq)?;
    let freed = size_before - work.mailbox(id)?.mailbox.size_bytes;
    work.discharge(gone.len(), freed)?;
    Ok(Reply::Expunged(Expunged { uids: gone, modseq }))
}

impl Workspace<'_> {
    /// Enters removed messages, ascending by UID, into the mailbox's expunge log and keeps their
    /// records for sessions that have not been told.
    pub(super) fn log_removed(
        &mut self,
        id: MailboxId,
        removed: &[Removed],
        modseq: ModSeq,
    ) -> Result<(), Stop> {
        let uids: UidSet = removed.iter().map(|message| message.record.uid).collect();
        let ranges = u32::try_from(uids.ranges().len()).unwrap_or(u32::MAX);
        self.put(key::gone(id, modseq), gone::encode(&uids));
        let row = self.mailbox_mut(id)?;
        row.log_rows = row.log_rows.saturating_add(1);
        row.log_ranges = row.log_ranges.saturating_add(ranges);
        if is_full(row.log_rows, row.log_ranges) {
            self.trim_log(id, modseq)?;
        }
        self.keep_records(id, removed, modseq);
        Ok(())
    }

    /// Forgets the oldest rows of the expunge log and raises its floor: a client that knows less than
    /// the newest row forgotten cannot be told exactly any more.
    fn trim_log(&mut self, id: MailboxId, newest: ModSeq) -> Result<(), Stop> {
        let row = self.mailbox(id)?;
        let (mut rows, mut ranges) = (row.log_rows, row.log_ranges);
        let mut floor = None;
        let mut failed: Result<(), TableError> = Ok(());
        let log = key::gone_after(id, ModSeq::ZERO);
        self.stored().scan(&log.start, &log.end, &mut |key, value| {
            match key::gone_in(key).and_then(|modseq| Ok((modseq, gone::count(value)?))) {
                Ok((modseq, count)) => {
                    rows = rows.saturating_sub(1);
                    ranges = ranges.saturating_sub(count);
                    floor = Some(modseq);
                }
                Err(error) => failed = Err(error.into()),
            }
            failed.is_ok() && is_full(rows, ranges)
        })?;
        failed?;
        if is_full(rows, ranges) {
            // Even alone the new row is too much.
            self.delete(key::gone(id, newest));
            (rows, ranges, floor) = (0, 0, Some(newest));
        }
        if let Some(floor) = floor {
            self.delete_range(key::gone(id, ModSeq::ZERO)..key::gone(id, ModSeq(floor.0 + 1)));
            let row = self.mailbox_mut(id)?;
            (row.log_rows, row.log_ranges) = (rows, ranges);
            row.mailbox.expunge_floor = row.mailbox.expunge_floor.max(floor);
        }
        Ok(())
    }

    fn keep_records(&mut self, id: MailboxId, removed: &[Removed], modseq: ModSeq) {
        // The newest mail is what a session most likely still looks at.
        let bound = EXPUNGED_RECORDS_MAX as usize;
        let kept = removed
            .get(removed.len().saturating_sub(bound)..)
            .unwrap_or_default();
        for chunk in kept.chunks(EXPUNGED_CHUNK) {
            if let Some(first) = chunk.first() {
                self.put(key::expunged(id, modseq, first.record.uid), encode_removed(chunk));
            }
        }
        let removed_at = self.counters.log_time;
        let records = u32::try_from(kept.len()).unwrap_or(u32::MAX);
        let expiry = Expiry { removed_at, records };
        self.put(key::expiry(modseq, id), expiry.encode());
        self.counters.expunged_records = self.counters.expunged_records.saturating_add(records);
        self.counters.expunged_oldest.get_or_insert(removed_at);
        self.expunged_now = true;
    }
}

fn is_full(rows: u32, ranges: u32) -> bool {
    rows > EXPUNGE_LOG_ROWS_MAX || ranges > EXPUNGE_LOG_RANGES_MAX
}

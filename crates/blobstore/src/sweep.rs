//! Collecting blobs that nobody needs.

use std::sync::mpsc::{Receiver, sync_channel};

use crate::engine::{Change, Outcome};
use crate::queue::Job;
use crate::{BlobId, BlobInfo, BlobStore, Error, GroupId, Result, UnixSeconds};

/// How many blobs are looked at under one lock of the index, and removed with one write at most.
const PAGE_BLOBS: usize = 256;

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SweepReport {
    /// Blobs that were removed.
    pub removed: u64,
    /// Their bytes before compression.
    pub removed_bytes: u64,
    /// Blobs that were kept.
    pub kept: u64,
}

/// What one page of a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SweepPage {
    /// What became of its blobs.
    pub report: SweepReport,
    /// The blob behind which the next page begins; none if this was the last one.
    pub next: Option<BlobId>,
}

impl BlobStore {
    /// Returns the groups that have blobs, in ascending order.
    #[must_use]
    pub fn groups(&self) -> Vec<GroupId> {
        self.shared.index.read().groups()
    }

    /// Removes the group's blobs that were last touched before `older_than` and for which `live` is false.
    ///
    /// `live` must be true for every blob that metadata names at the applied index, and where that cannot be
    /// told. It is asked right before the removal, and the time of touch is compared again when the removal
    /// takes its place in the order of changes: an upload of the same bytes that comes first saves the blob, and
    /// one that comes later stores it anew. A reference that needs no upload can only be copied from another
    /// reference, which `live` sees.
    ///
    /// A removed blob is gone at once; the space that it took comes back by [`BlobStore::compaction_step`].
    /// Sweeping goes on below the reserve.
    ///
    /// # Errors
    /// [`Error::NoSpace`] if not even the few bytes that note the removals can be written, and those of the
    /// disk.
    pub fn sweep(
        &self,
        group: GroupId,
        live: &dyn Fn(&BlobId) -> bool,
        older_than: UnixSeconds,
    ) -> Result<SweepReport> {
        let (mut report, mut after) = (SweepReport::default(), None);
        loop {
            let page = self.sweep_page(group, after, live, older_than)?;
            report.removed += page.report.removed;
            report.removed_bytes += page.report.removed_bytes;
            report.kept += page.report.kept;
            after = page.next;
            if after.is_none() {
                return Ok(report);
            }
        }
    }

    /// As [`BlobStore::sweep`], for at most 256 blobs behind `after` in order of name, so that the caller can
    /// pause and stop in between. What it removes, it removes with one write and one sync.
    ///
    /// # Errors
    /// As [`BlobStore::sweep`].
    pub fn sweep_page(
        &self,
        group: GroupId,
        after: Option<BlobId>,
        live: &dyn Fn(&BlobId) -> bool,
        older_than: UnixSeconds,
    ) -> Result<SweepPage> {
        let blobs = self.list(group, after, PAGE_BLOBS);
        let next = blobs.last().map(|last| last.blob);
        let removable = |info: &BlobInfo| info.touched < older_than && !live(&info.blob);
        let (dead, kept): (Vec<_>, Vec<_>) = blobs.into_iter().partition(removable);
        let mut report = SweepReport {
            kept: kept.len() as u64,
            ..SweepReport::default()
        };
        for (info, outcome) in dead.iter().zip(self.remove_all(group, &dead, older_than)?) {
            if outcome.recv().unwrap_or(Err(Error::Closed))? == Outcome::Done {
                report.removed += 1;
                report.removed_bytes += info.len;
            } else {
                report.kept += 1;
            }
        }
        Ok(SweepPage { report, next })
    }

    /// Queues the removal of all these blobs as one batch.
    fn remove_all(
        &self,
        group: GroupId,
        dead: &[BlobInfo],
        unless_touched_since: UnixSeconds,
    ) -> Result<Vec<Receiver<Result<Outcome>>>> {
        let (jobs, outcomes): (Vec<_>, Vec<_>) = dead
            .iter()
            .map(|info| {
                let (sender, receiver) = sync_channel(1);
                let done = Box::new(move |result| {
                    // The page waits for every removal unless an earlier one failed; then nobody wants to know.
                    let _ = sender.send(result);
                });
                let change = Change::Delete {
                    key: (group, info.blob),
                    unless_touched_since,
                };
                (Job { change, done }, receiver)
            })
            .unzip();
        if !jobs.is_empty() {
            self.shared.submit_all(jobs)?;
        }
        Ok(outcomes)
    }
}

//! Content that a replica's rows name and that is not here.
//!
//! Rows reach a new replica by log and snapshot, content does not. So the replica looks through its rows, again and
//! again through those that have changed, and fetches what they name from the other replicas. Only when nothing is
//! missing may it vote, since a voter is counted on to have what the rows name.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use consensus::{Group, MailMachine, ReplicaId, Role, SettledRows, account_of};
use futures::{StreamExt, stream};
use mailstore::{BlobId, GroupId, StoreError};
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Replicas;

/// Blobs of one group that are fetched at one time.
const FETCHES_MAX: usize = 4;
/// How often replicas that do not vote yet are looked after.
const FILL_INTERVAL: Duration = Duration::from_secs(1);

/// How far the content of each group has been looked after.
#[derive(Default)]
pub(super) struct Fills {
    groups: Mutex<BTreeMap<GroupId, Arc<tokio::sync::Mutex<Fill>>>>,
    /// What each replica was last seen to lack, for whoever asks while it is being looked after.
    lacking: Mutex<BTreeMap<GroupId, (ReplicaId, usize)>>,
}

/// How far the content of one group has been looked after.
#[derive(Default)]
pub(super) struct Fill {
    /// The replica whose rows were looked through.
    replica: ReplicaId,
    /// All rows up to this entry have been looked through.
    checked: Option<u64>,
    /// Content that they name and that is not here.
    missing: BTreeSet<BlobId>,
}

/// What a replica has of the content that its rows name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Filled {
    pub(super) checked: Option<u64>,
    pub(super) missing: usize,
}

impl Fills {
    fn of(&self, group: GroupId) -> Arc<tokio::sync::Mutex<Fill>> {
        Arc::clone(self.groups.lock().entry(group).or_default())
    }

    /// Forgets a group that has no replica here any more.
    pub(super) fn forget(&self, group: GroupId) {
        self.groups.lock().remove(&group);
        self.lacking.lock().remove(&group);
    }

    fn note(&self, group: GroupId, fill: &Fill) {
        let seen = (fill.replica, fill.missing.len());
        self.lacking.lock().insert(group, seen);
    }

    /// Returns how many blobs a replica was last seen to lack, `None` when nobody has looked.
    pub(super) fn lacking(&self, group: GroupId, replica: ReplicaId) -> Option<usize> {
        let seen = self.lacking.lock().get(&group).copied();
        seen.filter(|(of, _)| *of == replica).map(|(_, missing)| missing)
    }
}

impl Fill {
    /// Begins anew when another replica runs than the one whose rows were looked through.
    fn turn_to(&mut self, replica: ReplicaId) {
        if self.replica != replica {
            *self = Self {
                replica,
                ..Self::default()
            };
        }
    }

    fn filled(&self) -> Filled {
        Filled {
            checked: self.checked,
            missing: self.missing.len(),
        }
    }
}

impl Replicas {
    /// Looks through the rows that have changed since the last time, and fetches what they name and is not here.
    /// It may be given up at any point: what was fetched is kept.
    ///
    /// # Errors
    /// [`StoreError::NotLeader`] when no replica of the group runs here, [`StoreError::Unavailable`] while a
    /// snapshot replaces its rows.
    pub(super) async fn fill(&self, id: GroupId) -> Result<Filled, StoreError> {
        let fill = self.inner.fills.of(id);
        let mut fill = fill.lock().await;
        let group = self.group(id)?;
        fill.turn_to(group.replica());
        self.look_through(&group, &mut fill).await?;
        self.inner.fills.note(id, &fill);
        self.fetch(id, &mut fill).await;
        self.inner.fills.note(id, &fill);
        Ok(fill.filled())
    }

    /// Returns how far the content of a group has been looked after, without doing any of it.
    pub(super) async fn filled(&self, id: GroupId) -> Result<Filled, StoreError> {
        let fill = self.inner.fills.of(id);
        let mut fill = fill.lock().await;
        fill.turn_to(self.group(id)?.replica());
        Ok(fill.filled())
    }

    async fn look_through(&self, group: &Arc<Group<MailMachine>>, fill: &mut Fill) -> Result<(), StoreError> {
        let unsettled = StoreError::Unavailable("the replica is catching up");
        let before = self.settled(group).await?.ok_or_else(|| unsettled.clone())?;
        let changed = group.subjects_changed(fill.checked).await;
        let changed = changed.map_err(|error| self.store_error(&error))?;
        let mut missing = BTreeSet::new();
        for account in changed.iter().filter_map(account_of) {
            let named = self.named_by(group, account).await?;
            missing.extend(
                named
                    .into_iter()
                    .filter(|blob| !self.inner.content.has_blob(group.id(), *blob)),
            );
        }
        // Another replica may run in the place of one that failed, and a snapshot may have replaced the rows.
        let same = Arc::ptr_eq(group, &self.group(group.id())?);
        let after = self.settled(group).await?;
        if !same || after.is_none_or(|after| after.snapshot != before.snapshot) {
            return Err(unsettled);
        }
        if fill.checked.is_none() {
            fill.missing.clear();
        }
        fill.missing.extend(missing);
        fill.checked = Some(before.applied.index);
        Ok(())
    }

    async fn settled(&self, group: &Group<MailMachine>) -> Result<Option<SettledRows>, StoreError> {
        let settled = group.settled_rows().await;
        settled.map_err(|error| self.store_error(&error))
    }

    async fn fetch(&self, group: GroupId, fill: &mut Fill) {
        let missing: Vec<BlobId> = fill.missing.iter().copied().collect();
        let fetches = stream::iter(missing).map(|blob| async move {
            let fetched = self.inner.content.fetch_missing(group, blob).await;
            let size = self.inner.content.size_of(group, blob).unwrap_or(0);
            self.inner.pace.spend(size).await;
            (blob, fetched)
        });
        let mut fetches = std::pin::pin!(fetches.buffer_unordered(FETCHES_MAX));
        let mut failed = false;
        while let Some((blob, fetched)) = fetches.next().await {
            match fetched {
                Ok(()) => {
                    fill.missing.remove(&blob);
                    self.inner.fills.note(group, fill);
                }
                Err(error) => {
                    tracing::warn!(group = group.0, %blob, %error, "content is missing and could not be fetched");
                    failed = true;
                }
            }
        }
        if failed {
            // Perhaps nothing names it any more: all rows are asked again.
            fill.checked = None;
        }
    }

    /// Lets replicas that do not vote yet fetch what they lack, until `stop`.
    pub async fn fill_learners(&self, stop: CancellationToken) {
        let mut due = tokio::time::interval(FILL_INTERVAL);
        due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let work = async {
                due.tick().await;
                self.fill_learners_once().await;
            };
            // What is cut off is begun again at the next start.
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = work => {}
            }
        }
    }

    async fn fill_learners_once(&self) {
        for group in self.inner.groups.all() {
            if group.status().role != Role::Learner {
                continue;
            }
            if let Err(error) = self.fill(group.id()).await {
                tracing::debug!(group = group.id().0, %error, "content is looked after later");
            }
        }
    }
}

/// Bounds the speed at which content is fetched.
pub(super) struct Pace {
    bytes_per_second: NonZeroU64,
    /// When all that was fetched so far has been paid for.
    paid_at: Mutex<Option<Instant>>,
}

impl Pace {
    pub(super) fn new(bytes_per_second: NonZeroU64) -> Self {
        Self {
            bytes_per_second,
            paid_at: Mutex::default(),
        }
    }

    /// Waits until as much time has passed as so many octets may take.
    pub(super) async fn spend(&self, bytes: u64) {
        let until = self.book(bytes, Instant::now());
        tokio::time::sleep_until(until).await;
    }

    /// Returns when the next octets may be fetched, after so many.
    fn book(&self, bytes: u64, now: Instant) -> Instant {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.bytes_per_second.get());
        let takes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let mut paid_at = self.paid_at.lock();
        let until = paid_at.map_or(now, |paid_at| paid_at.max(now)) + takes;
        *paid_at = Some(until);
        until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_more_is_fetched_in_a_second_than_may_be() {
        let pace = Pace::new(NonZeroU64::new(1000).expect("not zero"));
        let second = Duration::from_secs(1);
        let now = tokio::time::Instant::now();
        assert_eq!(pace.book(500, now), now + second / 2);
        assert_eq!(
            pace.book(1500, now),
            now + second * 2,
            "behind what was booked before"
        );
        let later = now + second * 5;
        assert_eq!(
            pace.book(1000, later),
            later + second,
            "a pause is not made up for"
        );
    }
}

//! Content that rows in arriving slots name. It is named within a group, so every replica of the target needs it anew,
//! from whoever has it in the source.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use consensus::{Group, MailMachine, ReplicaId};
use futures::{StreamExt, stream};
use mailstore::command::Subject;
use mailstore::{AccountId, BlobId, StoreError};
use rpc::{ContentProgress, SlotMove};
use tokio::time::Instant;

use crate::replicas::Replicas;

/// How long a replica may take to apply what is known to be committed.
const APPLY_TIME_MAX: Duration = Duration::from_secs(2);
/// How long one call looks and fetches.
const FETCH_TIME_MAX: Duration = Duration::from_secs(3);
/// Blobs that are fetched at one time.
const FETCHES_MAX: usize = 4;

/// What has been looked through for one move.
#[derive(Default)]
pub(super) struct Looked {
    /// The replica whose rows were looked through.
    replica: ReplicaId,
    /// The entry that had last changed each account when it was looked through.
    accounts: BTreeMap<AccountId, u64>,
    /// Content that they named and that was not here.
    missing: BTreeSet<BlobId>,
}

impl Replicas {
    /// See [`rpc::SlotControl::fetch_slot_content`].
    pub(super) async fn fetch_arriving(
        &self,
        slots: &SlotMove,
        upto: u64,
    ) -> Result<ContentProgress, StoreError> {
        let until = Instant::now() + FETCH_TIME_MAX;
        let group = self.group(slots.to)?;
        let mut watch = group.watch();
        let applied = watch.wait_for(|status| status.applied.is_some_and(|applied| applied.index >= upto));
        let applied = tokio::time::timeout(APPLY_TIME_MAX, applied).await.is_ok();
        let looked = self.slot_work().looked(slots.to, slots.moving);
        let mut looked = looked.lock().await;
        if looked.replica != group.replica() {
            *looked = Looked {
                replica: group.replica(),
                ..Looked::default()
            };
        }
        let all = self
            .look_through_arriving(&group, slots, &mut looked, until)
            .await?;
        self.fetch_missing_of(slots, &mut looked, until).await;
        Ok(ContentProgress {
            looked: applied && all,
            missing: looked.missing.len() as u64,
        })
    }

    /// Looks through the accounts that have changed since they were. Returns whether that was all of them.
    async fn look_through_arriving(
        &self,
        group: &Arc<Group<MailMachine>>,
        slots: &SlotMove,
        looked: &mut Looked,
        until: Instant,
    ) -> Result<bool, StoreError> {
        let settled = async || {
            let settled = group.settled_rows().await;
            settled.map_err(|error| self.store_error(&error))
        };
        let unsettled = StoreError::Unavailable("the replica is catching up");
        let before = settled().await?.ok_or_else(|| unsettled.clone())?;
        let found = self.subjects_in(group, slots.slots.clone(), |_| Ok(())).await?;
        let (mut seen, mut missing) = (Vec::new(), BTreeSet::new());
        let mut all = true;
        for (subject, index, ()) in found {
            let Subject::Account(account) = subject else {
                continue;
            };
            if looked.accounts.get(&account) == Some(&index) {
                continue;
            }
            if Instant::now() >= until {
                all = false;
                break;
            }
            let named = self.named_by(group, account).await?.into_iter();
            missing.extend(named.filter(|blob| !self.content().has_blob(slots.to, *blob)));
            seen.push((account, index));
        }
        // Another replica may run in the place of one that failed, and a snapshot may have replaced the rows.
        let same = Arc::ptr_eq(group, &self.group(slots.to)?);
        if !same
            || settled()
                .await?
                .is_none_or(|after| after.snapshot != before.snapshot)
        {
            return Err(unsettled);
        }
        looked.accounts.extend(seen);
        looked.missing.extend(missing);
        Ok(all)
    }

    async fn fetch_missing_of(&self, slots: &SlotMove, looked: &mut Looked, until: Instant) {
        let (from, to) = (slots.from, slots.to);
        let missing: Vec<BlobId> = looked.missing.iter().copied().collect();
        let fetches = stream::iter(missing).map(|blob| async move {
            if Instant::now() >= until {
                return (blob, None);
            }
            let fetched = self.content().fetch_copy(to, blob, from).await;
            let size = self.content().size_of(to, blob).unwrap_or(0);
            self.pay_for(size).await;
            (blob, Some(fetched))
        });
        let mut fetches = std::pin::pin!(fetches.buffer_unordered(FETCHES_MAX));
        let mut failed = false;
        while let Some((blob, fetched)) = fetches.next().await {
            match fetched {
                Some(Ok(())) => drop(looked.missing.remove(&blob)),
                Some(Err(error)) => {
                    tracing::warn!(group = to.0, %blob, %error, "content of a moving account could not be fetched");
                    failed = true;
                }
                None => {}
            }
        }
        if failed {
            // Perhaps nothing names it any more: all rows are asked again.
            looked.accounts.clear();
            looked.missing.clear();
        }
    }
}

//! How fast snapshots leave a node.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use crate::NodeId;

/// The pace of all snapshots that a node sends: one at a time to each other node, and together not more than so many
/// bytes in a second.
#[derive(Debug)]
pub(crate) struct SnapshotPace {
    bytes_per_second: NonZeroU64,
    /// When all that was sent so far may have been sent.
    paid_until: Mutex<Instant>,
    turns: Mutex<BTreeMap<NodeId, Arc<tokio::sync::Mutex<()>>>>,
}

impl SnapshotPace {
    pub(crate) fn new(bytes_per_second: NonZeroU64) -> Self {
        Self {
            bytes_per_second,
            paid_until: Mutex::new(Instant::now()),
            turns: Mutex::default(),
        }
    }

    /// Waits until no other snapshot is sent to the node. None begins while what is returned is held.
    pub(super) async fn turn(&self, node: NodeId) -> OwnedMutexGuard<()> {
        let turns = Arc::clone(self.turns.lock().entry(node).or_default());
        turns.lock_owned().await
    }

    /// Waits until so many bytes may be sent.
    pub(super) async fn pass(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(self.bytes_per_second.get());
        let price = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        let begins = {
            let mut paid_until = self.paid_until.lock();
            let begins = (*paid_until).max(Instant::now());
            *paid_until = begins + price;
            begins
        };
        tokio::time::sleep_until(begins).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(bytes_per_second: u64) -> SnapshotPace {
        SnapshotPace::new(NonZeroU64::new(bytes_per_second).expect("not zero"))
    }

    #[tokio::test(start_paused = true)]
    async fn all_senders_share_the_pace_and_nothing_is_saved_up() {
        let pace = pace(1000);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let begun = tokio::time::Instant::now();
        let sender = || async {
            for _ in 0..10 {
                pace.pass(500).await;
            }
        };
        tokio::join!(sender(), sender());
        // The last piece need not be paid for before it goes.
        let elapsed = begun.elapsed();
        assert!((9.4..9.6).contains(&elapsed.as_secs_f64()), "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn one_snapshot_at_a_time_goes_to_a_node() {
        let pace = pace(1000);
        let first = pace.turn(NodeId(1)).await;
        drop(pace.turn(NodeId(2)).await);
        let second = pace.turn(NodeId(1));
        let waited = tokio::time::timeout(Duration::from_secs(60), second).await;
        assert!(waited.is_err(), "both at one time");
        drop(first);
        drop(pace.turn(NodeId(1)).await);
    }
}

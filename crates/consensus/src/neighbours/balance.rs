//! When a leader that is not the preferred one hands over.

use std::collections::BTreeMap;
use std::time::Duration;

use mailstore::GroupId;
use tokio::time::Instant;

use crate::ReplicaId;

/// The groups that are led here and would better be led elsewhere.
#[derive(Debug)]
pub(super) struct Balance {
    /// Since when the preferred replica could take over.
    ready: BTreeMap<GroupId, (ReplicaId, Instant)>,
    next_at: Instant,
}

impl Balance {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            ready: BTreeMap::new(),
            next_at: now,
        }
    }

    /// Takes the groups whose preferred replica could take over now, and returns the one to hand over: one that was
    /// in the list for long, and no sooner than an interval after the last one. It waits as long again before it is
    /// handed over once more.
    pub(super) fn choose(
        &mut self,
        now: Instant,
        ready: &BTreeMap<GroupId, ReplicaId>,
        (settled, interval): (Duration, Duration),
    ) -> Option<(GroupId, ReplicaId)> {
        self.ready
            .retain(|group, (replica, _)| ready.get(group) == Some(replica));
        for (group, replica) in ready {
            self.ready.entry(*group).or_insert((*replica, now));
        }
        if now < self.next_at {
            return None;
        }
        let settled = |(_, (_, since)): &(&GroupId, &(ReplicaId, Instant))| {
            now.saturating_duration_since(*since) >= settled
        };
        let oldest = self
            .ready
            .iter()
            .filter(settled)
            .min_by_key(|(_, (_, since))| *since);
        let (group, replica) = oldest.map(|(group, (replica, _))| (*group, *replica))?;
        self.ready.remove(&group);
        self.next_at = now + interval;
        Some((group, replica))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(1));

    #[tokio::test(start_paused = true)]
    async fn groups_are_handed_over_one_by_one_when_they_were_ready_for_long() {
        let begun = tokio::time::Instant::now();
        let mut balance = Balance::new(begun);
        let ready: BTreeMap<_, _> = [1, 2].map(|number| (GroupId(number), ReplicaId(9))).into();
        let mut handed_over = Vec::new();
        for tenths in 0..75 {
            let now = begun + Duration::from_millis(tenths * 100);
            if let Some((group, _)) = balance.choose(now, &ready, TIMES) {
                handed_over.push((tenths, group.0));
            }
        }
        assert_eq!(handed_over, [(50, 1), (60, 2)]);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_was_not_ready_meanwhile_waits_anew() {
        let begun = tokio::time::Instant::now();
        let mut balance = Balance::new(begun);
        let ready = BTreeMap::from([(GroupId(1), ReplicaId(9))]);
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert_eq!(balance.choose(at(0), &ready, TIMES), None);
        assert_eq!(balance.choose(at(4), &BTreeMap::new(), TIMES), None);
        assert_eq!(balance.choose(at(5), &ready, TIMES), None);
        assert_eq!(balance.choose(at(9), &ready, TIMES), None);
        let other = BTreeMap::from([(GroupId(1), ReplicaId(8))]);
        assert_eq!(balance.choose(at(10), &other, TIMES), None);
        assert_eq!(
            balance.choose(at(15), &other, TIMES),
            Some((GroupId(1), ReplicaId(8)))
        );
    }
}

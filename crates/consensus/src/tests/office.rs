//! Who leads: the preferred replica, when it can, and without those who write noticing much.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::testing::{Cluster, GROUP};
use crate::{GroupOptions, ReplicaId};

/// The most that a write may take longer because of a planned transfer.
const STALL_MAX: Duration = Duration::from_millis(100);

async fn started() -> (Cluster, u64, u64) {
    let cluster = Cluster::started(3, GroupOptions::default()).await;
    let leader = cluster.leader().await;
    let preferred = (1..=3).find(|number| *number != leader).expect("a follower");
    (cluster, leader, preferred)
}

fn prefer(cluster: &Cluster, preferred: u64) {
    for number in 1..=3 {
        cluster.group(number).prefer_leader(Some(ReplicaId(preferred)));
    }
}

/// Writes through whoever leads for a while, and returns the longest time that one write took.
async fn write_for(cluster: &Cluster, time: Duration) -> Duration {
    let (end, mut longest) = (tokio::time::Instant::now() + time, Duration::ZERO);
    while tokio::time::Instant::now() < end {
        let begun = tokio::time::Instant::now();
        'written: loop {
            for number in 1..=3 {
                if cluster.node(number).set("a", "k", "v").await.is_ok() {
                    break 'written;
                }
            }
            sleep(Duration::from_millis(1)).await;
        }
        longest = longest.max(begun.elapsed());
    }
    longest
}

#[tokio::test(start_paused = true)]
async fn a_leader_hands_over_to_the_preferred_replica_and_writes_hardly_wait() {
    let (cluster, leader, preferred) = started().await;
    prefer(&cluster, preferred);
    let longest = write_for(&cluster, Duration::from_secs(4)).await;
    assert_eq!(
        cluster.knows_to_lead(),
        Some(leader),
        "it is not ready for long enough"
    );
    assert!(longest < STALL_MAX, "{longest:?}");
    let longest = write_for(&cluster, Duration::from_secs(4)).await;
    assert_eq!(cluster.knows_to_lead(), Some(preferred));
    assert!(longest < STALL_MAX, "{longest:?}");
    let term = cluster.group(preferred).status().term;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(cluster.group(preferred).status().term, term, "it stays there");
}

#[tokio::test(start_paused = true)]
async fn a_parked_group_is_handed_over_too_and_parks_again() {
    let (cluster, _, preferred) = started().await;
    cluster.parked().await;
    prefer(&cluster, preferred);
    sleep(Duration::from_secs(8)).await;
    cluster.parked().await;
    assert_eq!(cluster.knows_to_lead(), Some(preferred));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_handed_over_to_a_node_that_is_away_or_wants_none() {
    let (cluster, leader, preferred) = started().await;
    cluster.switchboard.cut(preferred, true);
    prefer(&cluster, preferred);
    let longest = write_for(&cluster, Duration::from_secs(20)).await;
    assert!(longest < STALL_MAX, "{longest:?}");
    assert_eq!(cluster.knows_to_lead(), Some(leader));
    cluster.node(preferred).groups.decline_leadership(true);
    cluster.switchboard.cut(preferred, false);
    sleep(Duration::from_secs(20)).await;
    assert_eq!(cluster.leader().await, leader);
    cluster.node(preferred).groups.decline_leadership(false);
    sleep(Duration::from_secs(8)).await;
    assert_eq!(cluster.leader().await, preferred);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_stops_hands_over_to_one_that_is_well() {
    for away in [false, true] {
        let (cluster, leader, other) = started().await;
        let last = 6 - leader - other;
        // The first heartbeats have been answered.
        sleep(Duration::from_secs(2)).await;
        cluster.switchboard.cut(other, away);
        sleep(Duration::from_secs(1)).await;
        cluster.node(leader).groups.decline_leadership(true);
        let handed_over = cluster.node(leader).groups.hand_over();
        timeout(STALL_MAX, handed_over)
            .await
            .expect("it does not wait for who is away");
        let longest = write_for(&cluster, Duration::from_secs(1)).await;
        assert!(longest < STALL_MAX, "{longest:?}");
        let now = cluster.leader().await;
        assert!(now == last || (now == other && !away), "{now} leads");
        assert!(cluster.node(now).groups.get(GROUP).is_ok());
    }
}

//! How long nothing can be written after a leader has died.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::GroupOptions;
use crate::testing::Cluster;

/// The most that may pass. The leader's lease is 1.2 s of it.
const STALL_MAX: Duration = Duration::from_secs(2);

/// Returns the time until a write is acknowledged, by whichever node.
async fn stall(cluster: &Cluster, dead: u64, since: Instant) -> Duration {
    loop {
        for number in (1..=3).filter(|number| *number != dead) {
            let write = cluster.node(number).set("a", "k", "2");
            if let Ok(Ok(_)) = timeout(Duration::from_millis(50), write).await {
                return since.elapsed();
            }
        }
        sleep(Duration::from_millis(5)).await;
    }
}

/// Kills the leader after it has been in use for `used`, and looks for how long writes stall.
async fn kill_after(used: Duration) -> Duration {
    let cluster = Cluster::started(3, GroupOptions::default()).await;
    let leader = cluster.leader().await;
    cluster.node(leader).set("a", "k", "1").await.expect("committed");
    sleep(used).await;
    cluster.switchboard.cut(leader, true);
    stall(&cluster, leader, tokio::time::Instant::now()).await
}

async fn check(used: impl Iterator<Item = u64>) {
    let mut stalls = Vec::new();
    for used in used {
        stalls.push(kill_after(Duration::from_millis(used)).await);
    }
    stalls.sort();
    let longest = stalls.last().copied().unwrap_or_default();
    assert!(longest < STALL_MAX, "{longest:?}");
}

/// Without what nodes know of each other it takes up to 2.6 s.
#[tokio::test(start_paused = true)]
async fn writes_go_on_soon_after_the_leader_of_a_group_in_use_has_died() {
    check((0..40).map(|at| 500 + at * 37)).await;
}

#[tokio::test(start_paused = true)]
async fn writes_go_on_soon_after_the_leader_of_a_parked_group_has_died() {
    check((0..20).map(|at| 20_000 + at * 37)).await;
}

/// While the group is on its way from the one to the other.
#[tokio::test(start_paused = true)]
async fn writes_go_on_soon_after_a_leader_has_died_that_was_parking() {
    check((0..40).map(|at| 4800 + at * 23)).await;
}

/// A node that restarts withholds its votes, so there is a majority only after that.
#[tokio::test(start_paused = true)]
async fn writes_go_on_after_the_leader_died_and_another_restarted() {
    for used in [1000, 20_000] {
        let mut cluster = Cluster::started(3, GroupOptions::default()).await;
        let leader = cluster.leader().await;
        cluster.node(leader).set("a", "k", "1").await.expect("committed");
        sleep(Duration::from_millis(used)).await;
        cluster.switchboard.cut(leader, true);
        let since = tokio::time::Instant::now();
        let other = (1..=3).find(|number| *number != leader).expect("a follower");
        cluster.crash(other).await;
        cluster.node(other).start().await.expect("started");
        let stall = stall(&cluster, leader, since).await;
        let withheld = cluster.options.vote_withholding();
        assert!(
            stall >= withheld && stall < withheld + Duration::from_secs(1),
            "{stall:?}"
        );
    }
}

//! The leader's lease across restarts of those who granted it.

use std::time::Duration;

use crate::testing::Cluster;
use crate::{Error, GroupOptions, Role};

/// openraft forgets a granted lease when a voter restarts. If the voter then voted at once, a new leader could
/// commit a write while the old one, cut off, still answers reads by its lease. DESIGN.md §4.
#[tokio::test(start_paused = true)]
async fn a_restarted_follower_does_not_break_the_lease_that_it_granted() {
    for seed in [0, 7, 13, 19_u64] {
        let mut cluster = Cluster::started(3, GroupOptions::default()).await;
        let old = cluster.leader().await;
        cluster.node(old).set("a", "k", "old").await.expect("committed");
        // At different moments of the heartbeat.
        tokio::time::sleep(Duration::from_millis(500 + seed * 13)).await;
        cluster.switchboard.cut(old, true);
        for follower in (1..=3).filter(|number| *number != old) {
            cluster.crash(follower).await;
            cluster.node(follower).start().await.expect("started");
        }
        let mut rounds = 0;
        let new = loop {
            // Whenever the old leader answers, no other may have committed.
            let deposed = cluster.group(old);
            let answered = tokio::time::timeout(Duration::from_millis(5), deposed.read_barrier()).await;
            let leads = |number: &u64| *number != old && cluster.group(*number).status().role == Role::Leader;
            let new = (1..=3).find(leads);
            if let Some(new) = new {
                assert!(!matches!(answered, Ok(Ok(_))), "two leaders answer, seed {seed}");
                break new;
            }
            rounds += u32::from(matches!(answered, Ok(Ok(_))));
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        assert!(
            rounds > 0,
            "the old leader must have answered for a while, or nothing was tested"
        );
        while cluster.node(new).set("a", "k", "new").await.is_err() {
            // The two may still be settling who leads.
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert!(cluster.group(old).read_barrier().await.is_err());
        }
        assert!(cluster.node(old).get("a", "k").await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn votes_are_withheld_until_every_lease_has_run_out() {
    let options = GroupOptions::default();
    let withholding = options.vote_withholding();
    assert!(withholding > options.election_timeout_max);
    let mut cluster = Cluster::started(3, options).await;
    let old = cluster.leader().await;
    cluster.node(old).set("a", "k", "1").await.expect("committed");
    for number in 1..=3 {
        cluster.crash(number).await;
    }
    let started = tokio::time::Instant::now();
    for node in cluster.nodes.values() {
        node.start().await.expect("started");
    }
    assert!((1..=3).all(|number| cluster.group(number).withholds_votes()));
    cluster.leader().await;
    assert!(started.elapsed() >= withholding, "{:?}", started.elapsed());
    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn neither_a_single_voter_nor_a_new_replica_withholds() {
    let mut cluster = Cluster::started(1, GroupOptions::default()).await;
    cluster.node(1).set("a", "k", "1").await.expect("committed");
    cluster.crash(1).await;
    cluster.node(1).start().await.expect("started");
    assert!(!cluster.group(1).withholds_votes());
    let cluster = Cluster::new(3, GroupOptions::default());
    assert!(!cluster.node(2).start().await.expect("started").withholds_votes());
}

#[tokio::test(start_paused = true)]
async fn a_withheld_vote_is_refused_by_name_and_a_transfer_is_not() {
    let mut cluster = Cluster::started(3, GroupOptions::default()).await;
    let leader = cluster.leader().await;
    let restarted = (1..=3).find(|number| *number != leader).expect("a follower");
    cluster.crash(restarted).await;
    cluster.node(restarted).start().await.expect("started");
    let call = crate::PeerCall {
        group: crate::testing::GROUP,
        target: crate::ReplicaId(restarted),
        node: crate::NodeId(restarted),
        kind: crate::PeerCallKind::Vote,
        payload: crate::peer::vote_for_tests(99, leader),
    };
    assert!(matches!(
        cluster.node(restarted).groups.serve(call).await,
        Err(Error::VoteWithheld)
    ));
    // openraft hands over only to a replica whose log has moved since its start.
    cluster.node(leader).set("a", "k", "2").await.expect("committed");
    let applied = cluster.group(leader).status().applied;
    let mut watch = cluster.group(restarted).watch();
    watch
        .wait_for(|status| status.applied >= applied)
        .await
        .expect("applied");
    assert!(cluster.group(restarted).withholds_votes());
    cluster
        .group(leader)
        .transfer_leader(crate::ReplicaId(restarted))
        .await
        .expect("asked");
    watch
        .wait_for(|status| status.role == Role::Leader)
        .await
        .expect("it leads");
    assert!(
        cluster.group(restarted).withholds_votes(),
        "the transfer did not wait"
    );
}

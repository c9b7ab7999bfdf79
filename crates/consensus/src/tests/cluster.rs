//! Three voters: elections, failover, transfer, membership.

use std::time::Duration;

use crate::testing::Cluster;
use crate::{Error, GroupOptions, NodeId, ReplicaId, Role};

#[tokio::test(start_paused = true)]
async fn what_one_commits_all_apply() {
    let cluster = Cluster::started(3, GroupOptions::default()).await;
    let leader = cluster.leader().await;
    cluster.node(leader).set("a", "k", "1").await.expect("committed");
    for number in [1, 2, 3] {
        let mut watch = cluster.group(number).watch();
        let applied = cluster.group(leader).status().applied;
        watch
            .wait_for(|status| status.applied >= applied)
            .await
            .expect("applied");
        assert_eq!(
            cluster.node(number).peek("a", "k").await.expect("read"),
            Some("1".to_owned())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_follower_names_the_leader() {
    let cluster = Cluster::started(3, GroupOptions::default()).await;
    let leader = cluster.leader().await;
    let follower = (1..=3).find(|number| *number != leader).expect("a follower");
    cluster
        .group(follower)
        .watch()
        .wait_for(|status| status.leader.is_some())
        .await
        .expect("a leader is known");
    let Err(Error::NotLeader { hint: Some(hint) }) = cluster.node(follower).set("a", "k", "1").await else {
        panic!("a follower must not propose");
    };
    assert_eq!(
        (hint.replica, hint.node),
        (ReplicaId(leader), Some(NodeId(leader)))
    );
    assert!(matches!(
        cluster.node(follower).get("a", "k").await,
        Err(Error::NotLeader { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_group_survives_the_loss_of_its_leader_and_the_old_one_follows() {
    let cluster = Cluster::started(3, GroupOptions::default()).await;
    let old = cluster.leader().await;
    cluster.node(old).set("a", "k", "1").await.expect("committed");
    cluster.switchboard.cut(old, true);
    let lost_at = tokio::time::Instant::now();
    let new = cluster.leader().await;
    assert_ne!(new, old);
    assert!(
        lost_at.elapsed() < Duration::from_secs(5),
        "{:?}",
        lost_at.elapsed()
    );
    assert_eq!(
        cluster.node(new).set("a", "k", "2").await.expect("committed"),
        Some("1".to_owned())
    );
    // The old leader may still believe in itself, but it cannot answer.
    assert!(cluster.node(old).get("a", "k").await.is_err());
    cluster.switchboard.cut(old, false);
    let mut watch = cluster.group(old).watch();
    watch
        .wait_for(|status| status.role == Role::Follower)
        .await
        .expect("it follows");
    let applied = cluster.group(new).status().applied;
    watch
        .wait_for(|status| status.applied >= applied)
        .await
        .expect("applied");
    assert_eq!(
        cluster.node(old).peek("a", "k").await.expect("read"),
        Some("2".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn leadership_is_transferred_quickly() {
    let cluster = Cluster::started(3, GroupOptions::default()).await;
    let old = cluster.leader().await;
    let new = (1..=3).find(|number| *number != old).expect("a follower");
    cluster.node(old).set("a", "k", "1").await.expect("committed");
    let asked = tokio::time::Instant::now();
    cluster
        .group(old)
        .transfer_leader(ReplicaId(new))
        .await
        .expect("asked");
    let mut watch = cluster.group(new).watch();
    watch
        .wait_for(|status| status.role == Role::Leader)
        .await
        .expect("it leads");
    assert!(
        asked.elapsed() < Duration::from_millis(300),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(
        cluster.node(new).get("a", "k").await.expect("read"),
        Some("1".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn a_group_grows_from_one_voter_to_three_and_shrinks() {
    let cluster = Cluster::new(3, GroupOptions::default());
    for node in cluster.nodes.values() {
        node.start().await.expect("started");
    }
    let group = cluster.group(1);
    group
        .initialize([(ReplicaId(1), NodeId(1))].into())
        .await
        .expect("the group begins");
    cluster.leader().await;
    cluster.node(1).set("a", "k", "1").await.expect("committed");
    for number in [2, 3] {
        group
            .add_learner(ReplicaId(number), NodeId(number))
            .await
            .expect("it has caught up");
    }
    group
        .change_voters([1, 2, 3].map(ReplicaId))
        .await
        .expect("three voters");
    assert_eq!(group.status().voters.len(), 3);
    group
        .change_voters([1, 2].map(ReplicaId))
        .await
        .expect("two voters");
    assert_eq!(
        (group.status().voters.len(), group.status().learners.len()),
        (2, 0)
    );
    assert_eq!(
        cluster.node(2).peek("a", "k").await.expect("read"),
        Some("1".to_owned())
    );
    let again = group.initialize([(ReplicaId(1), NodeId(1))].into()).await;
    assert!(matches!(again, Err(Error::Membership { .. })));
}

/// The settings name the voters at each start, but only the first start begins the group, also when the log is
/// all that says so.
#[tokio::test(start_paused = true)]
async fn a_group_that_has_begun_is_not_begun_again() {
    let mut cluster = Cluster::new(3, GroupOptions::default());
    let voters = || {
        (1..=3)
            .map(|number| (ReplicaId(number), NodeId(number)))
            .collect()
    };
    for node in cluster.nodes.values() {
        node.start().await.expect("started");
    }
    assert!(cluster.group(1).begin(voters()).await.expect("begun"));
    assert!(!cluster.group(1).begin(voters()).await.expect("begun before"));
    cluster.leader().await;
    for number in 1..=3 {
        cluster.crash(number).await;
    }
    for node in cluster.nodes.values() {
        let started = node.start().await.expect("started");
        // At once: what the status says comes later.
        assert!(!started.begin(voters()).await.expect("begun before the crash"));
    }
    cluster.leader().await;
    assert!(matches!(
        Cluster::new(1, GroupOptions::default())
            .node(1)
            .start()
            .await
            .expect("started")
            .begin([(ReplicaId(2), NodeId(2))].into())
            .await,
        Err(Error::Membership { .. })
    ));
}

/// One message at a time goes to each follower, and takes all that was proposed while the last one was under way.
/// So what is proposed at once costs a few round trips, not one for each entry.
#[tokio::test(start_paused = true)]
async fn entries_that_are_proposed_together_travel_together() {
    let cluster = Cluster::started(3, GroupOptions::default()).await;
    let leader = cluster.leader().await;
    let began = tokio::time::Instant::now();
    let names: Vec<String> = (0..2000).map(|at| format!("s{at}")).collect();
    let proposals = names.iter().map(|name| cluster.node(leader).set(name, "k", "1"));
    for outcome in futures::future::join_all(proposals).await {
        outcome.expect("committed");
    }
    let round_trips = began.elapsed().as_millis() / (2 * crate::testing::LATENCY.as_millis());
    assert!(round_trips <= 10, "{round_trips} round trips");
}

#[tokio::test(start_paused = true)]
async fn a_minority_neither_writes_nor_reads() {
    let cluster = Cluster::started(3, GroupOptions::default()).await;
    let leader = cluster.leader().await;
    for number in (1..=3).filter(|number| *number != leader) {
        cluster.switchboard.cut(number, true);
    }
    let write = cluster.node(leader).set("a", "k", "1");
    assert!(
        tokio::time::timeout(Duration::from_secs(10), write)
            .await
            .is_err(),
        "nothing can be committed"
    );
    assert!(matches!(
        cluster.node(leader).get("a", "k").await,
        Err(Error::NoQuorum | Error::NotLeader { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn a_call_for_a_replaced_replica_is_refused() {
    let cluster = Cluster::started(1, GroupOptions::default()).await;
    let call = crate::PeerCall {
        group: crate::testing::GROUP,
        target: ReplicaId(9),
        node: NodeId(1),
        kind: crate::PeerCallKind::AppendEntries,
        payload: bytes::Bytes::new(),
    };
    let refused = cluster.node(1).groups.serve(call).await;
    assert!(matches!(
        refused,
        Err(Error::WrongReplica { target: ReplicaId(9) })
    ));
}

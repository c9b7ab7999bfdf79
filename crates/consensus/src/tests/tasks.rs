//! What a replica that has stopped leaves behind: nothing.

use std::time::Duration;

use kv::{Effect, Fault, Operation};

use crate::GroupOptions;
use crate::testing::Cluster;

/// Returns how many tasks there are once those that can go on have.
async fn alive() -> usize {
    tokio::time::sleep(Duration::from_millis(1)).await;
    tokio::runtime::Handle::current().metrics().num_alive_tasks()
}

async fn write(cluster: &Cluster, count: u32) {
    let leader = cluster.leader().await;
    for at in 0..count {
        let (subject, value) = (format!("s{}", at % 50), at.to_string());
        let set = cluster.node(leader).set(&subject, "k", &value);
        // A crash may be under way.
        drop(tokio::time::timeout(Duration::from_secs(1), set).await);
    }
}

#[tokio::test(start_paused = true)]
async fn tasks_do_not_grow_with_restarts_and_crashes_and_end_with_the_nodes() {
    let mut cluster = Cluster::started(3, GroupOptions::default()).await;
    write(&cluster, 20).await;
    let few = alive().await;
    for round in 0..4_u64 {
        for number in 1..=3 {
            if round % 2 == 0 {
                cluster.restart(number).await;
            } else {
                cluster.node(number).disk.cut_power_after(round);
                write(&cluster, 10).await;
                cluster.crash(number).await;
            }
            cluster.node(number).start().await.expect("started");
        }
        write(&cluster, 20).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        let now = alive().await;
        assert!(now <= few, "{now} tasks after round {round}, {few} at first");
    }
    for node in cluster.nodes.values() {
        node.groups.shutdown().await.expect("the node stops");
    }
    assert_eq!(alive().await, 0);
}

#[tokio::test(start_paused = true)]
async fn nodes_that_nobody_stopped_end_with_their_last_handle() {
    let cluster = Cluster::started(3, GroupOptions::default()).await;
    write(&cluster, 20).await;
    drop(cluster);
    // The longest wait of what openraft has under way then: one election timeout.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(alive().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_does_not_wait_for_the_end_leaves_nothing_behind() {
    let cluster = Cluster::started(3, GroupOptions::default()).await;
    write(&cluster, 20).await;
    for node in cluster.nodes.values() {
        let shutdown = node.groups.shutdown();
        assert!(
            futures::FutureExt::now_or_never(shutdown).is_none(),
            "it takes longer"
        );
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(alive().await, 0);
}

/// A snapshot is built by a task of its own, which openraft does not wait for.
#[tokio::test(start_paused = true)]
async fn a_snapshot_under_way_ends_before_its_replica_has_stopped() {
    let cluster = Cluster::started(1, GroupOptions::default()).await;
    write(&cluster, 500).await;
    let group = cluster.group(1);
    group.trigger_snapshot().await.expect("asked");
    // As far as the first steps of it.
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
    group.shutdown().await.expect("stopped");
    let then = cluster.node(1).disk.step_count();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        cluster.node(1).disk.step_count(),
        then,
        "something wrote after the end"
    );
    assert_eq!(
        group.status().snapshot,
        None,
        "it was finished before the end came"
    );
}

/// Nobody takes the report of a failure, and there is no room for more of them.
#[tokio::test(start_paused = true)]
async fn a_failure_that_nobody_hears_of_does_not_keep_a_node_from_stopping() {
    let cluster = Cluster::started(1, GroupOptions::default()).await;
    let effect = Effect::LoseBefore;
    for _ in 0..70 {
        // The replica has applied what it had before it leads.
        cluster.leader().await;
        cluster.node(1).tables.faults.push(Fault {
            skip: 0,
            operation: Some(Operation::ApplyBatch),
            shelf: None,
            effect,
        });
        let lost = cluster.node(1).set("a", "k", "1").await;
        assert!(lost.is_err(), "{lost:?}");
        let group = cluster.group(1);
        group
            .watch()
            .wait_for(|status| !status.is_running)
            .await
            .expect("it fails");
        let shelf = group.shelf();
        let groups = &cluster.node(1).groups;
        groups.rebuild_shelf(shelf).await.expect("rebuilt");
    }
    cluster.node(1).groups.shutdown().await.expect("the node stops");
    // What waits for its next look at a core that failed sees then that it is gone.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(alive().await, 0);
}

//! Snapshots under way, between replicas, and what is left of the log.

use std::num::NonZeroU64;
use std::time::Duration;

use disk::Disk;

use crate::testing::{Cluster, path};
use crate::{GroupOptions, NodeId, ReplicaId};

fn options() -> GroupOptions {
    GroupOptions {
        snapshot_log_bytes: 4096,
        kept_entries: 5,
        ..GroupOptions::default()
    }
}

async fn write(cluster: &Cluster, node: u64, entries: u32) {
    for at in 0..entries {
        let (subject, key) = (format!("s{}", at % 50), format!("k{at}"));
        cluster
            .node(node)
            .set(&subject, &key, "some value")
            .await
            .expect("committed");
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_is_purged_behind_a_snapshot() {
    let cluster = Cluster::started(1, options()).await;
    write(&cluster, 1, 500).await;
    let mut watch = cluster.group(1).watch();
    let status = watch
        .wait_for(|status| status.purged.is_some())
        .await
        .expect("purged");
    assert!(status.purged <= status.snapshot, "{status:?}");
    assert!(status.snapshot <= status.applied, "{status:?}");
    assert!(
        status.purged.is_some_and(|purged| purged.index > 100),
        "{status:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_replica_is_filled_by_a_snapshot() {
    let mut cluster = Cluster::new(2, options());
    let group = cluster.node(1).start().await.expect("started");
    group
        .initialize([(ReplicaId(1), NodeId(1))].into())
        .await
        .expect("begins");
    cluster.leader().await;
    write(&cluster, 1, 500).await;
    // One value larger than any piece of a message.
    let large = "x".repeat(500_000);
    cluster
        .node(1)
        .set("large", "k", &large)
        .await
        .expect("committed");
    group.trigger_snapshot().await.expect("asked");
    let position = group.status().applied;
    group
        .watch()
        .wait_for(|status| status.purged.is_some() && status.snapshot >= position)
        .await
        .expect("written");
    cluster.node(2).start().await.expect("started");
    group
        .add_learner(ReplicaId(2), NodeId(2))
        .await
        .expect("caught up");
    assert!(
        cluster.group(2).status().snapshot.is_some(),
        "it came without a snapshot"
    );
    assert_eq!(
        cluster.node(2).peek("large", "k").await.expect("read"),
        Some(large.clone())
    );
    // What came lies on its own disk: it survives there.
    cluster.crash(2).await;
    cluster.node(2).start().await.expect("started");
    assert_eq!(
        cluster.node(2).peek("large", "k").await.expect("read"),
        Some(large)
    );
    assert_eq!(
        cluster.node(2).peek("s3", "k3").await.expect("read"),
        Some("some value".to_owned())
    );
}

/// Clients are served by the same disk and network.
#[tokio::test(start_paused = true)]
async fn a_snapshot_is_sent_no_faster_than_it_may_be() {
    let options = GroupOptions {
        snapshot_bytes_per_second: NonZeroU64::new(50_000).expect("not zero"),
        ..options()
    };
    let cluster = Cluster::new(2, options);
    let group = cluster.node(1).start().await.expect("started");
    group
        .initialize([(ReplicaId(1), NodeId(1))].into())
        .await
        .expect("begins");
    cluster.leader().await;
    let large = "x".repeat(500_000);
    cluster
        .node(1)
        .set("large", "k", &large)
        .await
        .expect("committed");
    write(&cluster, 1, 100).await;
    group.trigger_snapshot().await.expect("asked");
    group
        .watch()
        .wait_for(|status| status.purged.is_some())
        .await
        .expect("written");
    cluster.node(2).start().await.expect("started");
    let begun = tokio::time::Instant::now();
    group
        .add_learner(ReplicaId(2), NodeId(2))
        .await
        .expect("caught up");
    let elapsed = begun.elapsed().as_secs_f64();
    assert!((8.0..20.0).contains(&elapsed), "{elapsed} s");
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_was_away_too_long_catches_up() {
    let cluster = Cluster::started(3, options()).await;
    let leader = cluster.leader().await;
    let away = (1..=3).find(|number| *number != leader).expect("a follower");
    cluster.switchboard.cut(away, true);
    write(&cluster, leader, 500).await;
    cluster.switchboard.cut(away, false);
    let applied = cluster.group(leader).status().applied;
    let mut watch = cluster.group(away).watch();
    let caught_up = watch.wait_for(|status| status.applied >= applied);
    tokio::time::timeout(Duration::from_secs(30), caught_up)
        .await
        .expect("in time")
        .expect("running");
    assert_eq!(
        cluster.node(away).peek("s49", "k499").await.expect("read"),
        Some("some value".to_owned())
    );
}

/// Subjects that do not change are not written again, and packs that are mostly garbage go away.
#[tokio::test(start_paused = true)]
async fn only_what_changed_is_written_and_old_packs_go() {
    let cluster = Cluster::started(1, options()).await;
    let large = "y".repeat(200_000);
    cluster
        .node(1)
        .set("still", "k", &large)
        .await
        .expect("committed");
    let used = || {
        let directory = path("snapshots/replica-1");
        let names = cluster.node(1).disk.list(&directory).expect("a directory");
        let length = |name: &String| {
            let file = cluster
                .node(1)
                .disk
                .open(&directory.join(name).expect("a name"))
                .expect("opens");
            file.len().expect("a length")
        };
        (names.len(), names.iter().map(length).sum::<u64>())
    };
    for _ in 0..20 {
        write(&cluster, 1, 60).await;
    }
    let (files, bytes) = used();
    assert!(files < 12, "{files} files");
    assert!((200_000..700_000).contains(&bytes), "{bytes} bytes");
}

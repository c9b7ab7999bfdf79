//! Damage to the files of one node of three while it is down (fault 6): repaired from the others where that can be,
//! named and refused where not, and served by nobody.

use std::path::{Path, PathBuf};
use std::time::Duration;

use cluster_tests::cluster::Cluster;
use cluster_tests::damage::{content_end, files, flip, scribble};
use cluster_tests::{Server, bulk, wait};

use super::Trial;

/// Small files, so that there are several of each kind.
fn trial(name: &'static str) -> Trial {
    Trial::begin_with(name, |_, options| {
        options
            .set("storage", "snapshot_log_bytes", "\"64KiB\"")
            .set("storage", "wal_segment_bytes", "\"1MiB\"")
            .set("storage", "blob_segment_bytes", "\"1MiB\"")
    })
}

/// Returns the files of a node that have content, below one of its directories.
fn content(node: &Server, directory: &str) -> Vec<PathBuf> {
    let mut found = files(&node.data().join(directory));
    found.retain(|file| content_end(file) > 0);
    assert!(!found.is_empty(), "no {directory} to damage");
    found
}

/// Stops a node that follows, does something to its files, and starts it again.
fn damage_follower(cluster: &mut Cluster, damage: impl Fn(&mut Server)) -> usize {
    let follower = (cluster.leader() + 1) % cluster.nodes.len();
    let node = cluster.nodes.get_mut(follower).expect("invariant: one of three");
    node.kill();
    damage(node);
    node.restart();
    follower
}

/// Lets a certain node lead.
fn let_lead(cluster: &mut Cluster, wanted: usize) {
    cluster.settle();
    let to = format!("node-{}", wanted + 1);
    wait::until("the node leads", || {
        let leader = cluster.leader();
        let node = cluster.nodes.get(leader).expect("invariant: one of three");
        // A follower that is a little behind is asked again.
        let _ = node.administer(&["group", "transfer-leader", "1", "--to", &to], "");
        (cluster.leader() == wanted).then_some(())
    });
}

#[test]
fn damaged_bodies_are_fetched_from_others() {
    let mut trial = trial("a bit flipped in each file of bodies of a node, which leads then");
    trial.suffer(|cluster, probe| {
        let follower = damage_follower(cluster, |node| {
            for file in content(node, "blobs") {
                flip(&file);
            }
        });
        probe.wait_for_writes(3);
        let_lead(cluster, follower);
        probe.wait_for_writes(3);
    });
    trial.conclude(Duration::from_secs(29));
}

#[test]
fn damaged_tables_are_filled_again() {
    let mut trial = trial("scribbles over all tables of a node, which leads then");
    let access = trial.cluster.access().clone();
    trial.suffer(|cluster, probe| {
        bulk::fill_log(&access, 20);
        let follower = damage_follower(cluster, |node| {
            for file in content(node, "tables") {
                for at in (0..content_end(&file)).step_by(3_001) {
                    scribble(&file, at, &[0xa5; 300]);
                }
            }
        });
        probe.wait_for_writes(3);
        let_lead(cluster, follower);
        probe.wait_for_writes(3);
    });
    trial.conclude(Duration::from_secs(29));
}

fn without_tables(data: &Path) {
    std::fs::remove_dir_all(data.join("tables")).expect("tables to delete");
}

/// What cannot be told from acknowledged changes is not guessed at. The others go on.
#[test]
fn a_damaged_log_and_a_damaged_snapshot_are_named() {
    let mut trial = trial("a bit flipped in the log, then in the snapshots, of a node");
    let access = trial.cluster.access().clone();
    trial.suffer(|cluster, probe| {
        bulk::fill_log(&access, 40);
        let follower = (cluster.leader() + 1) % cluster.nodes.len();
        let node = cluster.nodes.get_mut(follower).expect("invariant: one of three");
        node.kill();
        let segments = content(node, "log").into_iter();
        let mut segments = segments.filter(|file| file.extension().is_some_and(|end| end == "wal"));
        let log = segments.next_back().expect("a segment of the log");
        flip(&log);
        let refused = node.try_restart().expect_err("damage must not be served");
        assert!(refused.contains("the log is damaged: segment "), "{refused}");
        probe.wait_for_writes(3);
        // The same bit again: it is as it was.
        flip(&log);
        let snapshots = content(node, "snapshots");
        snapshots.iter().for_each(|file| flip(file));
        without_tables(&node.data());
        if let Err(refused) = node.try_restart() {
            assert!(refused.contains("snapshot"), "{refused}");
            snapshots.iter().for_each(|file| flip(file));
            node.restart();
        }
        probe.wait_for_writes(3);
    });
    trial.conclude(Duration::from_secs(29));
}

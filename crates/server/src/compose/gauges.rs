//! What can be read off the parts at any time, as metrics.

use std::fs;
use std::path::Path;

use cluster::Router;
use mailstore::ports::{GroupStatus, LeaderStatus};
use observability::Metrics;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use storage_node::Replication;

use super::Site;
use super::storage::{Storage, reserve};

/// Registers what tells about the process's parts whenever somebody asks.
pub fn observe(metrics: &Metrics, site: &Site, storage: Option<&Storage>, routers: Vec<Router>) {
    let meter = metrics.meter("server");
    observe_requests(&meter, routers.clone());
    meter
        .u64_observable_gauge("facteur_spool")
        .with_callback(move |observer| {
            observer.observe(routers.first().map_or(0, Router::spooled_bytes), &[]);
        })
        .build();
    if let Some(storage) = storage {
        observe_groups(&meter, storage);
        observe_disk(&meter, site, storage);
    }
}

fn observe_requests(meter: &Meter, routers: Vec<Router>) {
    let counted = routers.clone();
    meter
        .u64_observable_gauge("facteur_storage_requests")
        .with_callback(move |observer| {
            let counts = counted.iter().map(Router::requests);
            let (running, waiting) = counts.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
            observer.observe(running as u64, &[KeyValue::new("state", "running")]);
            observer.observe(waiting as u64, &[KeyValue::new("state", "waiting")]);
        })
        .build();
    meter
        .u64_observable_counter("facteur_storage_requests_refused")
        .with_callback(move |observer| {
            observer.observe(routers.iter().map(|router| router.requests().2).sum(), &[])
        })
        .build();
}

fn observe_groups(meter: &Meter, storage: &Storage) {
    let replicas = storage.replicas.clone();
    meter
        .u64_observable_gauge("facteur_groups")
        .with_callback(move |observer| {
            let counts = Counts::of(&replicas.status());
            observer.observe(counts.led, &[KeyValue::new("role", "leader")]);
            observer.observe(counts.followed, &[KeyValue::new("role", "follower")]);
        })
        .build();
    let replicas = storage.replicas.clone();
    meter
        .u64_observable_gauge("facteur_groups_without_leader")
        .with_callback(move |observer| observer.observe(Counts::of(&replicas.status()).leaderless, &[]))
        .build();
    let replicas = storage.replicas.clone();
    meter
        .u64_observable_gauge("facteur_groups_parked")
        .with_callback(move |observer| observer.observe(replicas.parked(), &[]))
        .build();
    let replicas = storage.replicas.clone();
    meter
        .u64_observable_counter("facteur_leader_changes")
        .with_callback(move |observer| observer.observe(replicas.came_to_lead(), &[]))
        .build();
}

fn observe_disk(meter: &Meter, site: &Site, storage: &Storage) {
    let blobs = storage.blobs.clone();
    meter
        .u64_observable_gauge("facteur_blob_size")
        .with_callback(move |observer| observer.observe(blobs.live_bytes(), &[]))
        .build();
    let log = site.data.join("log");
    meter
        .u64_observable_gauge("facteur_wal_size")
        .with_callback(move |observer| observer.observe(files_bytes(&log), &[]))
        .build();
    let data = site.data.path().to_owned();
    let reserved = reserve(site).map_or(0, |reserve| reserve.content);
    meter
        .u64_observable_gauge("facteur_disk")
        .with_callback(move |observer| {
            let Ok(stat) = rustix::fs::statvfs(&data) else {
                return;
            };
            let kinds = [
                ("total", stat.f_blocks.saturating_mul(stat.f_frsize)),
                ("free", stat.f_bavail.saturating_mul(stat.f_frsize)),
                ("reserve", reserved),
            ];
            for (kind, bytes) in kinds {
                observer.observe(bytes, &[KeyValue::new("kind", kind)]);
            }
        })
        .build();
}

/// Replicas by what they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    led: u64,
    followed: u64,
    leaderless: u64,
}

impl Counts {
    fn of(groups: &[GroupStatus]) -> Self {
        let mut counts = Self::default();
        for group in groups {
            match group.leader {
                LeaderStatus::Local => counts.led += 1,
                LeaderStatus::Remote(_) => counts.followed += 1,
                LeaderStatus::Unknown => {
                    counts.followed += 1;
                    counts.leaderless += 1;
                }
            }
        }
        counts
    }
}

/// Returns what the files of a directory take; one that goes away meanwhile takes nothing.
fn files_bytes(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let lengths = entries.filter_map(|entry| entry.metadata().ok());
    lengths.filter(fs::Metadata::is_file).map(|file| file.len()).sum()
}

#[cfg(test)]
mod tests {
    use mailstore::GroupId;

    use super::*;

    #[test]
    fn replicas_are_counted_by_what_they_are() {
        let group = |leader| GroupStatus {
            group: GroupId(1),
            leader,
            term: 1,
            last_log_index: 0,
            applied_index: 0,
            snapshot_index: 0,
            voters: Vec::new(),
        };
        let remote = || LeaderStatus::Remote("node-2".to_owned());
        let groups = [remote(), LeaderStatus::Local, LeaderStatus::Unknown, remote()];
        let counts = Counts::of(&groups.map(group));
        assert_eq!(
            counts,
            Counts {
                led: 1,
                followed: 3,
                leaderless: 1
            }
        );
    }

    #[test]
    fn files_are_added_up_and_directories_are_not() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("a"), [0; 10]).expect("written");
        fs::write(directory.path().join("b"), [0; 5]).expect("written");
        fs::create_dir(directory.path().join("c")).expect("made");
        assert_eq!(files_bytes(directory.path()), 15);
        assert_eq!(files_bytes(Path::new("/nonexistent")), 0);
    }
}

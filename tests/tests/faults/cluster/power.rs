//! Loss of power of one node and of all at once (fault 3). What a disk may keep of writes that were torn or reordered
//! (fault 4) is decided in process, by `disk::SimDisk` and the simulation: no file system can be told to do it.

use std::time::Duration;

use cluster_tests::Server;
use cluster_tests::disk::{Disk, FileSystem};
use cluster_tests::network::Party;

use super::Trial;

#[test]
fn nothing_acknowledged_is_lost_with_the_power() {
    let disks = [0, 1, 2].map(|_| Disk::make(FileSystem::Ext4, 256));
    let mut trial = Trial::begin_with(
        "loss of power of the leader, then of all nodes",
        |party, options| {
            let Party::Node(index) = party else {
                return options;
            };
            options
                .data(&disks[index].path().join("data"))
                .set("storage", "snapshot_log_bytes", "\"256KiB\"")
                .set("storage", "wal_segment_bytes", "\"4MiB\"")
                .set("storage", "blob_segment_bytes", "\"8MiB\"")
        },
    );
    trial.suffer(|cluster, probe| {
        let leader = cluster.with_leader(|node| {
            node.signal(rustix::process::Signal::STOP);
        });
        disks[leader].cut_power();
        let node = cluster.nodes.get_mut(leader).expect("invariant: one of three");
        node.kill();
        disks[leader].power_up();
        probe.wait_for_writes(5);
        node.restart();
        probe.wait_for_writes(3);
    });
    trial.suffer(|cluster, probe| {
        for disk in &disks {
            disk.cut_power();
        }
        cluster.nodes.iter_mut().for_each(Server::kill);
        for disk in &disks {
            disk.power_up();
        }
        cluster.revive_nodes();
        probe.wait_for_writes(3);
    });
    trial.conclude(Duration::from_secs(29));
}

//! Disks that run full, of one node of three and of all (fault 7).

use cluster_tests::cluster::{Cluster, Plan};
use cluster_tests::disk::{Disk, FileSystem};
use cluster_tests::imap::Status;
use cluster_tests::network::Party;
use cluster_tests::{Imap, log, mail, wait};

const MIB: u64 = 1 << 20;
/// Messages that are tried; space is looked at from time to time, not with each.
const TRIES: usize = 30;

fn cluster(disks: &[Disk; 3]) -> Cluster {
    let plan = Plan {
        nodes: 3,
        proxies: 1,
        apart: false,
    };
    Cluster::build(plan, |party, options| {
        let options = options.set("storage", "groups", "1");
        let Party::Node(index) = party else {
            return options;
        };
        options
            .data(&disks[index].path().join("data"))
            .set("storage", "reserve_bytes", "\"32MiB\"")
            .set("storage", "wal_segment_bytes", "\"1MiB\"")
            .set("storage", "blob_segment_bytes", "\"4MiB\"")
    })
}

/// Sends messages until one is refused, and says how many were not.
fn taken(client: &mut Imap) -> usize {
    let message = mail::incompressible_message("More", 100_000);
    (0..TRIES)
        .take_while(|_| {
            let answer = client.append("INBOX", "", &message).expect("the session stays");
            let passing = answer.text.starts_with("[UNAVAILABLE]") || answer.text.starts_with("[LIMIT]");
            assert!(answer.status == Status::Ok || passing, "{}", answer.text);
            answer.status == Status::Ok
        })
        .count()
}

#[test]
fn mail_goes_on_while_one_disk_is_full_and_waits_while_all_are() {
    let disks = [0, 1, 2].map(|_| Disk::make(FileSystem::Ext4, 256));
    let mut cluster = cluster(&disks);
    let mut client = Imap::login(cluster.access());
    let first = mail::message("First", "there was space");
    client.deposit(&first);
    let leader = cluster.leader();
    let follower = (leader + 1) % 3;
    let filler = disks[follower].fill_up_to(8 * MIB);
    let count = taken(&mut client);
    log::note(&format!(
        "{count} of {TRIES} messages taken with a follower's disk full"
    ));
    assert_eq!(count, TRIES, "one full disk of three stops mail");
    drop(filler);
    let filler = disks[leader].fill_up_to(8 * MIB);
    log::note(&format!(
        "{} of {TRIES} messages taken with the leader's disk full",
        taken(&mut client)
    ));
    client.ok("SELECT INBOX");
    client.ok("UID STORE 1 +FLAGS.SILENT (\\Seen)");
    assert!(
        client
            .ok("UID FETCH 1 (BODY.PEEK[])")
            .fetched()
            .iter()
            .all(|seen| seen.body == first)
    );
    drop(filler);
    wait::until("space to be noticed", || {
        (taken(&mut client) == TRIES).then_some(())
    });
    let fillers: Vec<_> = disks.iter().map(|disk| disk.fill_up_to(8 * MIB)).collect();
    assert!(taken(&mut client) < TRIES, "there was no space for it");
    client.ok("UID STORE 1 +FLAGS.SILENT (\\Answered)");
    client.ok("UID STORE 2:* +FLAGS.SILENT (\\Deleted)");
    client.ok("EXPUNGE");
    drop(fillers);
    wait::until("space to be noticed", || (taken(&mut client) > 0).then_some(()));
    assert!(
        cluster.nodes.iter_mut().all(|node| node.runs()),
        "a node has ended"
    );
}

//! Replicas that are moved from node to node while the group is written to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use blobstore::{BlobStore, BlobStoreOptions};
use consensus::{NodeId, ReplicaId};
use disk::{Disk, DiskPath, SimDisk};
use mailstore::time::Timestamp;
use mailstore::{BlobId, GroupId, StoreError};
use rpc::GroupControl;
use simulation::{Session, World, WorldOptions};
use storage_node::{Content, GroupReplicas, NamedBlobs, Placement, PlacementEpoch, Replicas, Replication};
use wal::{Log, Wal, WalOptions};

use crate::support::{DEMO, PASSWORD, inbox, mail, mailbox_id, no_flags};

/// How often something is tried until it comes true, and the pause in between.
const TRIES: u32 = 400;
const PAUSE: Duration = Duration::from_millis(50);

/// Four machines and one group, which has its replicas on the first three; and what was written to it.
struct Stage {
    world: World,
    group: GroupId,
    written: BTreeMap<u32, Vec<u8>>,
}

/// The members that a placement names, by the number of their node.
type Members = BTreeMap<u64, ReplicaId>;

impl Stage {
    async fn new() -> (Self, Session) {
        let mut world = World::new(&WorldOptions {
            machines: 4,
            groups: 1,
            ..WorldOptions::single(7)
        });
        world.boot_all().await.expect("empty disks start");
        world.add_account(DEMO, PASSWORD).await.expect("an account");
        let session = world.session(DEMO, PASSWORD).await.expect("a login");
        let group = running(&world, 1).groups()[0];
        let written = BTreeMap::new();
        (
            Self {
                world,
                group,
                written,
            },
            session,
        )
    }

    /// Returns the members that the group began with.
    fn first_members(&self) -> Members {
        let first = |node| (node, ReplicaId((u64::from(self.group.0) << 32) | node));
        [1, 2, 3].map(first).into()
    }

    fn replicas(&self, node: u64) -> Replicas {
        running(&self.world, node)
    }

    /// Returns what a node is told when the group has these members.
    fn placement(&self, epoch: u64, this: u64, members: &Members) -> Placement {
        let told = self
            .world
            .running("node-3")
            .expect("it runs")
            .replicas
            .placement();
        let replicas = members.iter().map(|(node, replica)| (*replica, NodeId(*node)));
        let group = GroupReplicas {
            replicas: replicas.collect(),
            founder: None,
        };
        Placement {
            epoch: PlacementEpoch(epoch),
            this: NodeId(this),
            nodes: told.nodes.clone(),
            groups: [(self.group, group)].into(),
        }
    }

    /// Tells every node that the group has these members.
    async fn place(&self, epoch: u64, members: &Members) {
        for node in 1..=4 {
            let placement = self.placement(epoch, node, members);
            self.replicas(node).adopt(placement).await.expect("adopted");
        }
    }

    /// Returns the node that leads the group, once one does.
    async fn leader(&self) -> Replicas {
        until("a node leads", async || {
            for node in 1..=4 {
                let Some(running) = self.world.running(&name(node)) else {
                    continue;
                };
                if running.replicas.read_barrier(self.group).await.is_ok() {
                    return Some(running.replicas.clone());
                }
            }
            None
        })
        .await
    }

    /// Asks the leader to change the voters until it has.
    async fn change_voters(&self, members: &Members) {
        let voters: Vec<u64> = members.values().map(|replica| replica.0).collect();
        until("the voters are changed", async || {
            let leader = self.leader().await;
            leader.change_voters(self.group, voters.clone()).await.ok()
        })
        .await;
    }

    async fn add_learner(&self, node: u64, replica: ReplicaId) {
        until("the learner is added", async || {
            let leader = self.leader().await;
            leader.add_learner(self.group, replica.0, node).await.ok()
        })
        .await;
    }

    /// Lets one of the first nodes lead, where clients look for the leader that know the first placement only.
    async fn lead_from_where_it_was(&self) {
        until("the leader hands over", async || {
            let leader = self.leader().await;
            if leader.placement().this == NodeId(4) {
                let to = self.first_members()[&2];
                leader.transfer_leader(self.group, to.0).await.ok();
                return None;
            }
            Some(())
        })
        .await;
    }

    /// Waits until a member holds everything that is committed now, and its content.
    async fn complete(&self, node: u64) {
        let leader = self.leader().await;
        let view = leader.group_status(self.group).await.expect("a leader");
        let upto = view.committed_index.expect("something is committed");
        until("a member is complete", async || {
            let progress = self.replicas(node).replica_progress(self.group, upto).await;
            progress.ok().filter(|progress| progress.is_complete(upto))
        })
        .await;
    }

    /// Does one step of moving the group's first replica to the fourth node; `STEPS` of them move it.
    async fn step(&self, step: u32) {
        let mut with_new = self.first_members();
        with_new.insert(4, ReplicaId(NEW));
        let mut moved = with_new.clone();
        moved.remove(&1);
        match step {
            0 => self.place(1, &with_new).await,
            1 => self.add_learner(4, ReplicaId(NEW)).await,
            2 => self.change_voters(&moved).await,
            3 => {
                for node in moved.keys() {
                    self.complete(*node).await;
                }
            }
            _ => self.place(2, &moved).await,
        }
    }

    /// Checks that a node has the content of all messages, byte for byte.
    fn assert_content(&self, node: u64) {
        let running = self.world.running(&name(node)).expect("it runs");
        for octets in self.written.values() {
            let blob = BlobId(*blake3::hash(octets).as_bytes());
            let found = running.content.read(self.group, blob, 0, u32::MAX);
            assert_eq!(found.expect("it is there"), octets[..], "node {node}");
        }
    }

    /// Checks that clients find all messages.
    async fn assert_nothing_lost(&self) {
        self.lead_from_where_it_was().await;
        let session = self.world.session(DEMO, PASSWORD).await.expect("a login");
        let mailbox = mailbox_id(&session, "INBOX").await;
        for (uid, octets) in &self.written {
            let found = session.content(mailbox, crate::support::uid(*uid)).await;
            assert_eq!(found.expect("read").as_ref(), Some(octets), "UID {uid}");
        }
    }

    /// Moves the group, and writes to it until it is moved. Returns what was written.
    async fn write_while_moving(&self, session: &mut Session) -> BTreeMap<u32, Vec<u8>> {
        let moving = async {
            for step in 0..STEPS {
                self.step(step).await;
                tokio::time::sleep(PAUSE).await;
            }
        };
        let mut moving = std::pin::pin!(moving);
        let mut written = BTreeMap::new();
        loop {
            let write = write_one(session, self.written.len() + written.len());
            tokio::select! {
                biased;
                () = &mut moving => return written,
                (uid, octets) = write => drop(written.insert(uid, octets)),
            }
        }
    }

    async fn write(&mut self, session: &mut Session, count: usize) {
        for _ in 0..count {
            let (uid, octets) = write_one(session, self.written.len()).await;
            self.written.insert(uid, octets);
        }
    }
}

/// The replica that a group is moved to.
const NEW: u64 = 1 << 60;
const STEPS: u32 = 5;

/// Tries until something is there.
async fn until<T>(what: &str, mut attempt: impl AsyncFnMut() -> Option<T>) -> T {
    let mut tries = 0;
    loop {
        if let Some(found) = attempt().await {
            return found;
        }
        tries += 1;
        assert!(tries < TRIES, "{what}: not in time");
        tokio::time::sleep(PAUSE).await;
    }
}

fn name(node: u64) -> String {
    format!("node-{node}")
}

fn running(world: &World, node: u64) -> Replicas {
    world.running(&name(node)).expect("it runs").replicas.clone()
}

async fn write_one(session: &mut Session, number: usize) -> (u32, Vec<u8>) {
    let octets = mail(&format!("m{number}"), &"text ".repeat(200));
    let appended = session.append(&inbox(), &octets, no_flags()).await;
    let uids = appended.expect("appended").uids;
    (uids.iter().next().expect("one message").get(), octets)
}

/// Returns what is on a disk that no node uses: files but those of empty logs, groups of the log, groups of content.
fn left_on(disk: &SimDisk) -> (Vec<String>, usize, usize) {
    disk.restart();
    let path = |text: &str| DiskPath::new(text).expect("a path");
    let first = ReplicaId((1 << 32) | 1);
    let snapshots = disk
        .list(&path(&format!("snapshots/replica-{first}")))
        .unwrap_or_default();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let wal = Wal::open(Arc::clone(&shared), path("wal"), WalOptions::default()).expect("opens");
    let blobs = blobstore::Engine::open(shared, path("blobs"), BlobStoreOptions::default());
    let blobs = BlobStore::inline(blobs.expect("opens").0);
    (snapshots, Log::inline(wal).groups().len(), blobs.groups().len())
}

#[tokio::test(start_paused = true)]
async fn a_group_is_moved_under_writes_and_nothing_is_lost() {
    let (mut stage, mut session) = Stage::new().await;
    stage.write(&mut session, 30).await;
    let more = stage.write_while_moving(&mut session).await;
    assert!(more.len() > 10, "{} writes went on meanwhile", more.len());
    stage.written.extend(more);
    stage.assert_nothing_lost().await;
    for node in [2, 3, 4] {
        stage.complete(node).await;
        stage.assert_content(node);
    }
    let view = stage
        .leader()
        .await
        .group_status(stage.group)
        .await
        .expect("a leader");
    let nodes: Vec<u64> = view.members.iter().map(|member| member.node).collect();
    assert_eq!((nodes, view.changing), (vec![2, 3, 4], false));
    assert!(stage.replicas(1).groups().is_empty());
    stage.world.stop("node-1").await.expect("stops");
    assert_eq!(left_on(&stage.world.machine("node-1").disk), (Vec::new(), 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_mover_that_is_cut_off_begins_again_and_nodes_restart_in_between() {
    for crashed_after in 0..STEPS {
        let (mut stage, mut session) = Stage::new().await;
        stage.write(&mut session, 5).await;
        for step in 0..=crashed_after {
            stage.step(step).await;
        }
        for node in 1..=4 {
            stage.world.cut_power(&name(node)).await;
            stage.world.boot(&name(node)).await.expect("it starts again");
        }
        for step in 0..STEPS {
            stage.step(step).await;
        }
        stage.lead_from_where_it_was().await;
        let mut session = stage.world.session(DEMO, PASSWORD).await.expect("a login");
        stage.write(&mut session, 3).await;
        stage.assert_nothing_lost().await;
        stage.complete(4).await;
        stage.assert_content(4);
        stage.world.stop("node-1").await.expect("stops");
        let left = left_on(&stage.world.machine("node-1").disk);
        assert_eq!(left, (Vec::new(), 0, 0), "cut off after step {crashed_after}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_dies_while_voters_change_leaves_a_group_that_goes_on() {
    let mut cut_off = 0;
    for delay in 1..16 {
        let (mut stage, mut session) = Stage::new().await;
        stage.write(&mut session, 3).await;
        stage.step(0).await;
        stage.step(1).await;
        let leader = stage.leader().await.placement().this.0;
        let change = stage.step(2);
        // The time in which the change is at one step or another.
        let changed = tokio::time::timeout(Duration::from_millis(delay), change).await;
        cut_off += u32::from(changed.is_err());
        stage.world.cut_power(&name(leader)).await;
        stage.world.boot(&name(leader)).await.expect("it starts again");
        for step in 0..STEPS {
            stage.step(step).await;
        }
        stage.assert_nothing_lost().await;
        stage.assert_content(4);
    }
    assert!((3..15).contains(&cut_off), "{cut_off} changes were cut off");
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_is_cut_off_anywhere_is_completed_by_the_next_start() {
    let mut completed = false;
    for steps in (0..).step_by(2) {
        let (mut stage, mut session) = Stage::new().await;
        stage.write(&mut session, 5).await;
        for step in 0..STEPS - 1 {
            stage.step(step).await;
        }
        let mut moved = stage.first_members();
        moved.remove(&1);
        moved.insert(4, ReplicaId(NEW));
        stage.world.machine("node-1").disk.cut_power_after(steps);
        let told = stage.placement(2, 1, &moved);
        let adopted = stage.replicas(1).adopt(told.clone()).await;
        stage.world.cut_power("node-1").await;
        stage.world.boot("node-1").await.expect("it starts again");
        stage.replicas(1).adopt(told).await.expect("adopted again");
        assert!(stage.replicas(1).groups().is_empty());
        stage.world.stop("node-1").await.expect("stops");
        let left = left_on(&stage.world.machine("node-1").disk);
        assert_eq!(left, (Vec::new(), 0, 0), "cut off after {steps} steps");
        if adopted.is_ok() {
            completed = true;
            break;
        }
    }
    assert!(completed);
}

#[tokio::test(start_paused = true)]
async fn a_wiped_node_comes_back_under_a_new_replica() {
    let (mut stage, mut session) = Stage::new().await;
    stage.write(&mut session, 10).await;
    stage.world.cut_power("node-2").await;
    let mut members = stage.first_members();
    members.insert(2, ReplicaId(NEW));
    let told = stage.placement(1, 2, &members);
    let machine = stage.world.machine_mut("node-2");
    machine.disk = SimDisk::new(99);
    machine.told = Some(told);
    stage.world.boot("node-2").await.expect("an empty disk starts");
    stage.place(1, &members).await;
    stage.add_learner(2, ReplicaId(NEW)).await;
    stage.change_voters(&members).await;
    stage.write(&mut session, 3).await;
    stage.complete(2).await;
    stage.assert_nothing_lost().await;
    stage.assert_content(2);
    let view = stage
        .replicas(2)
        .group_status(stage.group)
        .await
        .expect("a replica");
    assert_eq!(view.replica, NEW);
    // It counts: the group goes on without another voter.
    stage.world.cut_power("node-3").await;
    stage.write(&mut session, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_learner_that_lacks_content_may_not_vote() {
    let (mut stage, mut session) = Stage::new().await;
    stage.write(&mut session, 3).await;
    for node in [1, 2, 3] {
        let running = stage.world.running(&name(node)).expect("it runs");
        let lost = running
            .content
            .reconcile(stage.group, &NamedBlobs::default(), Timestamp(u64::MAX));
        assert_eq!(lost.expect("the disk works").removed, 3);
    }
    stage.step(0).await;
    stage.step(1).await;
    let leader = stage.leader().await;
    let committed = leader
        .group_status(stage.group)
        .await
        .expect("a leader")
        .committed_index;
    let progress = stage
        .replicas(4)
        .replica_progress(stage.group, committed.unwrap_or(0))
        .await;
    assert_eq!(progress.expect("a replica").missing_blobs, 3);
    let voters: Vec<u64> = leader
        .group_status(stage.group)
        .await
        .expect("a leader")
        .members
        .iter()
        .filter(|member| member.node != 1)
        .map(|member| member.replica)
        .collect();
    let refused = leader.change_voters(stage.group, voters.clone()).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    // Whoever has the content gives it back.
    for octets in stage.written.values() {
        session.upload(octets).await.expect("stored");
    }
    stage.step(2).await;
    stage.assert_content(4);
}

#[tokio::test(start_paused = true)]
async fn an_older_placement_is_not_taken_even_after_a_restart() {
    let (mut stage, mut session) = Stage::new().await;
    stage.write(&mut session, 1).await;
    for step in 0..STEPS {
        stage.step(step).await;
    }
    stage.world.cut_power("node-1").await;
    stage.world.boot("node-1").await.expect("it starts");
    assert!(
        stage.replicas(1).groups().is_empty(),
        "what left does not come back"
    );
    let older = stage.placement(1, 1, &stage.first_members());
    assert!(!stage.replicas(1).adopt(older).await.expect("looked at"));
    assert!(stage.replicas(1).groups().is_empty());
}

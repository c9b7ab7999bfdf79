//! Seeded runs of three nodes under crashes, loss of power and partitions; then the faults stop, and the
//! cluster must heal and agree.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;

use crate::testing::{Cluster, GROUP, Registers};
use crate::{GroupOptions, LogPosition, Role};

const KEYS: u64 = 5;

/// How long a writer waits before it gives a write up as unknown.
const PATIENCE: Duration = Duration::from_millis(400);

/// A small generator, so that a seed is a history.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d).rotate_left(17) % bound
    }
}

struct Run {
    cluster: Cluster,
    random: Random,
    /// The number written next, rising over all keys.
    next: u64,
    /// The newest acknowledged number of each key.
    acknowledged: BTreeMap<u64, u64>,
    answered: u64,
    /// How often a replica was found to be parked.
    parked: u64,
}

impl Run {
    async fn begin(seed: u64, options: GroupOptions) -> Self {
        let cluster = Cluster::started(3, options).await;
        let random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        Self {
            cluster,
            random,
            next: 1,
            acknowledged: BTreeMap::new(),
            answered: 0,
            parked: 0,
        }
    }

    /// Writes every key once through some node, while a fault may strike.
    async fn step(&mut self) {
        let is_parked = |number: &u64| self.cluster.group(*number).is_parked();
        self.parked += (1..=3).filter(is_parked).count() as u64;
        let through = self.contact();
        let group = self.cluster.node(through).groups.get(GROUP).ok();
        let writes: Vec<_> = (0..KEYS).map(|key| (key, self.next + key)).collect();
        self.next += KEYS;
        let proposals = writes.iter().map(|(key, number)| {
            let entry = Registers::set(
                &format!("s{}", key % 3),
                &format!("k{key}"),
                &format!("{number:010}"),
            );
            let group = group.clone();
            async move {
                let committed = tokio::time::timeout(PATIENCE, group?.propose(entry)).await;
                committed.ok()?.ok().map(|committed| committed.reply)
            }
        });
        let (replies, ()) = tokio::join!(join_all(proposals), self.strike());
        for ((key, number), reply) in writes.into_iter().zip(replies) {
            let Some(old) = reply else { continue };
            self.answered += 1;
            let old = old.map_or(0, |old| old.parse::<u64>().expect("a number"));
            let newest = self.acknowledged.insert(key, number).unwrap_or(0);
            assert!(
                old >= newest,
                "key {key}: {newest} was acknowledged, but {old} was overwritten by {number}"
            );
        }
    }

    /// Chooses the node to write through: mostly one that thinks it leads.
    fn contact(&mut self) -> u64 {
        let leads = |number: &u64| self.cluster.group(*number).status().role == Role::Leader;
        let leader = (1..=3).find(leads);
        let any = 1 + self.random.below(3);
        if self.random.below(4) == 0 {
            any
        } else {
            leader.unwrap_or(any)
        }
    }

    async fn strike(&mut self) {
        let moment = Duration::from_millis(self.random.below(8));
        let target = 1 + self.random.below(3);
        tokio::time::sleep(moment).await;
        match self.random.below(24) {
            0 | 1 => self.cluster.switchboard.cut(target, true),
            2 | 3 => (1..=3).for_each(|number| self.cluster.switchboard.cut(number, false)),
            4 => self.restart(target).await,
            5 => {
                // Power fails everywhere at once.
                for number in 1..=3 {
                    self.restart(number).await;
                }
            }
            6 => {
                let leader = self.cluster.group(target);
                let _ = leader
                    .transfer_leader(crate::ReplicaId(1 + self.random.below(3)))
                    .await;
            }
            _ => {}
        }
    }

    async fn restart(&mut self, number: u64) {
        self.cluster.crash(number).await;
        self.cluster.node(number).start().await.expect("it starts");
    }

    /// Ends the faults and checks what became of the data.
    async fn heal(&mut self) {
        (1..=3).for_each(|number| self.cluster.switchboard.cut(number, false));
        let at = self.write_barrier().await;
        for number in 1..=3 {
            let mut watch = self.cluster.group(number).watch();
            let applied = watch.wait_for(|status| status.applied >= Some(at));
            tokio::time::timeout(Duration::from_secs(60), applied)
                .await
                .expect("it heals")
                .expect("it runs");
        }
        for key in 0..KEYS {
            let (subject, name) = (format!("s{}", key % 3), format!("k{key}"));
            let mut values = Vec::new();
            for number in 1..=3 {
                values.push(
                    self.cluster
                        .node(number)
                        .peek(&subject, &name)
                        .await
                        .expect("readable"),
                );
            }
            assert!(
                values.windows(2).all(|pair| pair.first() == pair.last()),
                "replicas differ: {values:?}"
            );
            let value = values
                .pop()
                .flatten()
                .map_or(0, |value| value.parse::<u64>().expect("a number"));
            let newest = self.acknowledged.get(&key).copied().unwrap_or(0);
            assert!(
                value >= newest,
                "key {key}: {newest} was acknowledged and {value} is there"
            );
        }
    }

    async fn write_barrier(&self) -> LogPosition {
        for _ in 0..200 {
            let leader = self.cluster.group(self.cluster.leader().await);
            let written = leader.propose(Registers::set("barrier", "k", "x"));
            if let Ok(Ok(committed)) = tokio::time::timeout(PATIENCE, written).await {
                return committed.at;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the cluster does not heal");
    }
}

fn options() -> GroupOptions {
    GroupOptions {
        snapshot_log_bytes: 3000,
        kept_entries: 3,
        ..GroupOptions::default()
    }
}

/// Runs with pauses of up to `pause_max` milliseconds between the steps.
async fn run(seed: u64, options: GroupOptions, pause_max: u64) -> Run {
    let mut run = Run::begin(seed, options).await;
    for _ in 0..120 {
        run.step().await;
        // Sometimes long enough for votes that are withheld and for elections.
        let pause = Duration::from_millis(20 + run.random.below(pause_max));
        tokio::time::sleep(pause).await;
    }
    run.heal().await;
    assert!(
        run.answered > 50,
        "seed {seed} tested little: {} writes",
        run.answered
    );
    run
}

#[tokio::test(start_paused = true)]
async fn nothing_acknowledged_is_lost_under_crashes_and_partitions() {
    for seed in 1..=3 {
        run(seed, options(), 300).await;
    }
}

/// Groups are parked as soon as nothing happens for a moment, so that every fault meets them parked, awake, and on
/// the way from one to the other.
#[tokio::test(start_paused = true)]
async fn nothing_acknowledged_is_lost_when_groups_are_parked_all_the_time() {
    for seed in 11..=16 {
        let options = GroupOptions {
            park_after: Duration::from_millis(50),
            ..options()
        };
        let run = run(seed, options, 900).await;
        assert!(run.parked > 20, "seed {seed} was parked {} times", run.parked);
    }
}

//! What the process says of itself to machines that watch it.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use mailstore::ports::{GroupStatus, LeaderStatus};
use observability::{GroupHealth, Health, State};
use storage_node::{Replicas, Replication};

/// How far the process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Log and tables are being read.
    Starting,
    /// Clients are served.
    Serving,
    /// Sessions are asked to end.
    Stopping,
}

/// The phase, shared with those who ask.
#[derive(Clone, Debug)]
pub struct Progress(Arc<AtomicU8>);

impl Default for Progress {
    fn default() -> Self {
        Self(Arc::new(AtomicU8::new(Phase::Starting as u8)))
    }
}

impl Progress {
    /// Says how far the process is now.
    pub fn set(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Relaxed);
    }

    fn ready(&self) -> State {
        let phase = self.0.load(Ordering::Relaxed);
        if phase == Phase::Serving as u8 {
            State::Good
        } else if phase == Phase::Stopping as u8 {
            State::Bad("stopping".to_owned())
        } else {
            State::Bad("starting".to_owned())
        }
    }
}

/// The replicas of this process, once they are open.
pub type Opened = Arc<OnceLock<Replicas>>;

/// Returns what is told about this process and the replicas in it. It is ready when its listeners stand and every
/// group that it has a replica of has a leader.
///
/// A replica that fails ends the process, so whoever answers lives.
pub fn health(progress: Progress, replicas: Opened) -> Health {
    let status = move || replicas.get().map(Replication::status).unwrap_or_default();
    of_groups(progress, status)
}

fn of_groups(
    progress: Progress,
    status: impl Fn() -> Vec<GroupStatus> + Clone + Send + Sync + 'static,
) -> Health {
    let groups = status.clone();
    Health::new(
        || State::Good,
        move || match progress.ready() {
            State::Good => led(&status()),
            not_yet @ State::Bad(_) => not_yet,
        },
        move || groups().iter().map(group_health).collect(),
    )
}

/// Says whether every group has a leader.
fn led(groups: &[GroupStatus]) -> State {
    let leaderless = groups
        .iter()
        .filter(|group| group.leader == LeaderStatus::Unknown);
    let named: Vec<String> = leaderless.map(|group| group.group.0.to_string()).collect();
    match named.is_empty() {
        true => State::Good,
        false => State::Bad(format!("no leader: group {}", named.join(", "))),
    }
}

fn group_health(status: &GroupStatus) -> GroupHealth {
    let (role, leader) = match &status.leader {
        LeaderStatus::Local => ("leader", None),
        LeaderStatus::Remote(name) => ("follower", number(name)),
        LeaderStatus::Unknown => ("follower", None),
    };
    GroupHealth {
        group: status.group.0,
        role,
        leader,
        writable: status.leader != LeaderStatus::Unknown,
    }
}

/// Returns the number in the name of a storage node.
fn number(name: &str) -> Option<u64> {
    name.strip_prefix("node-")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use mailstore::GroupId;

    use super::*;

    #[test]
    fn only_who_serves_is_ready() {
        let progress = Progress::default();
        let health = health(progress.clone(), Opened::default());
        assert_eq!(health.ready(), State::Bad("starting".to_owned()));
        progress.set(Phase::Serving);
        assert_eq!(health.ready(), State::Good);
        progress.set(Phase::Stopping);
        assert_eq!(health.ready(), State::Bad("stopping".to_owned()));
        assert_eq!(
            health.live(),
            State::Good,
            "stopping is no reason to be restarted"
        );
    }

    fn group(number: u32, leader: LeaderStatus) -> GroupStatus {
        GroupStatus {
            group: GroupId(number),
            leader,
            term: 1,
            last_log_index: 0,
            applied_index: 0,
            snapshot_index: 0,
            voters: Vec::new(),
        }
    }

    #[test]
    fn who_has_a_group_without_leader_is_not_ready() {
        let progress = Progress::default();
        progress.set(Phase::Serving);
        let check = |leaders: [LeaderStatus; 3], expected: State| {
            let groups: Vec<_> = (1..)
                .zip(leaders)
                .map(|(number, leader)| group(number, leader))
                .collect();
            let health = of_groups(progress.clone(), move || groups.clone());
            assert_eq!(health.ready(), expected);
            assert_eq!(
                health.live(),
                State::Good,
                "a majority elsewhere is missing, not this process"
            );
        };
        let remote = || LeaderStatus::Remote("node-2".to_owned());
        check([LeaderStatus::Local, remote(), LeaderStatus::Local], State::Good);
        check(
            [LeaderStatus::Unknown, remote(), LeaderStatus::Unknown],
            State::Bad("no leader: group 1, 3".to_owned()),
        );
    }

    #[test]
    fn a_group_without_leader_takes_no_changes() {
        let check = |leader, role, number, writable| {
            let health = group_health(&group(3, leader));
            assert_eq!(
                (health.role, health.leader, health.writable),
                (role, number, writable)
            );
        };
        check(LeaderStatus::Local, "leader", None, true);
        check(
            LeaderStatus::Remote("node-2".to_owned()),
            "follower",
            Some(2),
            true,
        );
        check(LeaderStatus::Unknown, "follower", None, false);
    }
}

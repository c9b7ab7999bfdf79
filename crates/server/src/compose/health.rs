//! What the process says of itself to machines that watch it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

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

/// Returns what is told about this process and the replicas in it.
///
/// A replica that fails ends the process, so whoever answers lives.
pub fn health(progress: Progress, replicas: Option<Replicas>) -> Health {
    let groups = move || {
        let status = replicas.as_ref().map(Replication::status).unwrap_or_default();
        status.iter().map(group_health).collect()
    };
    Health::new(|| State::Good, move || progress.ready(), groups)
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
        let health = health(progress.clone(), None);
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

    #[test]
    fn a_group_without_leader_takes_no_changes() {
        let check = |leader, role, number, writable| {
            let status = GroupStatus {
                group: GroupId(3),
                leader,
                term: 1,
                last_log_index: 0,
                applied_index: 0,
                snapshot_index: 0,
                voters: Vec::new(),
            };
            let health = group_health(&status);
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

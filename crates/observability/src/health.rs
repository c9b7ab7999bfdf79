//! Whether the process lives, may be given work, and how its replication groups are.

use std::sync::Arc;

/// The answer to one question about health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// All is well.
    Good,
    /// Something is wrong; the reason is for an operator and names no person.
    Bad(String),
}

/// How one replication group is, seen from this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupHealth {
    /// The group's number.
    pub group: u32,
    /// What this process's replica is: `leader`, `follower`, `learner` or `stopped`.
    pub role: &'static str,
    /// The node that leads, if it is known.
    pub leader: Option<u64>,
    /// Whether a majority answers, so that the group can take changes.
    pub writable: bool,
}

type Check = Arc<dyn Fn() -> State + Send + Sync>;
type GroupsCheck = Arc<dyn Fn() -> Vec<GroupHealth> + Send + Sync>;

/// The three questions, answered by callbacks that must not block.
///
/// They are apart because they have different consequences: a process that is not live is restarted, one that is not
/// ready gets no new connections, and a group without a majority is for an operator to see, because restarting a
/// healthy process would only make it worse.
#[derive(Clone)]
pub struct Health {
    live: Check,
    ready: Check,
    groups: GroupsCheck,
}

impl Health {
    /// Returns the health that these callbacks tell.
    pub fn new(
        live: impl Fn() -> State + Send + Sync + 'static,
        ready: impl Fn() -> State + Send + Sync + 'static,
        groups: impl Fn() -> Vec<GroupHealth> + Send + Sync + 'static,
    ) -> Self {
        Self {
            live: Arc::new(live),
            ready: Arc::new(ready),
            groups: Arc::new(groups),
        }
    }

    /// Says whether the process works at all.
    pub fn live(&self) -> State {
        (self.live)()
    }

    /// Says whether the process may be given work.
    pub fn ready(&self) -> State {
        (self.ready)()
    }

    /// Tells how each group is.
    pub fn groups(&self) -> Vec<GroupHealth> {
        (self.groups)()
    }
}

//! Times, sizes and policies of a group.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use openraft::{Config, SnapshotPolicy};

use crate::{Error, Result};

/// Leaves room for what clients want from a disk and a network of today.
const SNAPSHOT_BYTES_PER_SECOND: NonZeroU64 = NonZeroU64::new(64 * 1024 * 1024).expect("not zero");

/// How a group behaves. The same on every node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupOptions {
    /// How often a leader without anything to say says so.
    pub heartbeat_interval: Duration,
    /// After how long a follower that hears nothing may campaign, at the least.
    pub election_timeout_min: Duration,
    /// The same at the most. It is also the leader's lease.
    pub election_timeout_max: Duration,
    /// How often nodes that share a group make sure that the other lives. One that was not heard of three times is
    /// taken for dead.
    pub ping_interval: Duration,
    /// After how long a group that nobody uses sends no heartbeats any more, because those pings stand in for them.
    pub park_after: Duration,
    /// For how long the preferred replica of a group must be able to lead before another one hands over to it.
    pub balance_after: Duration,
    /// How much time is between two groups that a node hands over so.
    pub balance_interval: Duration,
    /// How many bytes of snapshots a node sends in a second, at the most.
    pub snapshot_bytes_per_second: NonZeroU64,
    /// How a leader makes sure that it still leads before it answers a question.
    pub read_policy: ReadPolicy,
    /// The largest entry that may be proposed, in bytes.
    pub entry_bytes_max: usize,
    /// The most entries in one message to a follower. The log limits its bytes.
    pub message_entries_max: u64,
    /// After how many bytes of applied entries a snapshot is written and the log purged. A group whose
    /// snapshots are large waits for up to sixteen times as much.
    pub snapshot_log_bytes: u64,
    /// How many entries stay in the log behind a snapshot, so that a follower that lags a little needs no
    /// snapshot.
    pub kept_entries: u64,
    /// The deadline for one piece of a snapshot, and for installing it.
    pub snapshot_timeout: Duration,
}

/// How a leader makes sure that it still leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadPolicy {
    /// By its lease, asking a quorum only when the lease has run out. Rests on clocks that run at nearly the
    /// same speed: within the lease of one `election_timeout_max`, plus a tenth after a restart.
    Lease,
    /// By asking a quorum each time. Rests on no clock.
    ReadIndex,
}

impl Default for GroupOptions {
    fn default() -> Self {
        Self {
            heartbeat_interval: Duration::from_millis(250),
            election_timeout_min: Duration::from_millis(900),
            election_timeout_max: Duration::from_millis(1200),
            ping_interval: Duration::from_millis(200),
            park_after: Duration::from_secs(5),
            balance_after: Duration::from_secs(5),
            balance_interval: Duration::from_millis(250),
            snapshot_bytes_per_second: SNAPSHOT_BYTES_PER_SECOND,
            read_policy: ReadPolicy::Lease,
            entry_bytes_max: 1024 * 1024,
            message_entries_max: 512,
            snapshot_log_bytes: 16 * 1024 * 1024,
            kept_entries: 1000,
            snapshot_timeout: Duration::from_secs(40),
        }
    }
}

impl GroupOptions {
    /// Returns for how long a replica withholds votes after a restart: until every lease that it may have
    /// granted before has run out, and a tenth more for clocks that differ.
    pub fn vote_withholding(&self) -> Duration {
        self.election_timeout_max.saturating_mul(11) / 10
    }

    /// Returns by how much one replica lets another go first when both may campaign: long enough for a vote to be
    /// asked for and given.
    pub(crate) fn turn(&self) -> Duration {
        self.heartbeat_interval / 2
    }

    /// Returns openraft's form of the options.
    pub(crate) fn config(&self, campaigns_at_once: bool) -> Result<Arc<Config>> {
        let config = Config {
            cluster_name: "facteur".to_owned(),
            heartbeat_interval: millis(self.heartbeat_interval),
            election_timeout_min: millis(self.election_timeout_min),
            election_timeout_max: millis(self.election_timeout_max),
            install_snapshot_timeout: millis(self.snapshot_timeout),
            max_payload_entries: self.message_entries_max,
            max_append_entries: Some(self.message_entries_max),
            snapshot_policy: SnapshotPolicy::Never,
            max_in_snapshot_log_to_keep: self.kept_entries,
            api_channel_size: Some(4096),
            notification_channel_size: Some(4096),
            state_machine_channel_size: Some(256),
            enable_elect: campaigns_at_once,
            enable_pre_vote: Some(true),
            // A leader sends entries while its own disk still writes them. If it crashed then and went on
            // leading the same term, it could put other entries at the same places of its log.
            enable_leader_restore: Some(false),
            ..Config::default()
        };
        let valid = config.validate().map_err(|error| Error::Options {
            detail: error.to_string(),
        })?;
        Ok(Arc::new(valid))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

//! The storage node: log, tables, blobs, replication, logins.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use auth::{HashParameters, LimiterOptions, LoginCacheOptions, RateLimit};
use blobstore::BlobStoreOptions;
use consensus::{GroupOptions, ReadPolicy};
use directory::Directory;
use kv::{BootId, KvError, ShelfCount, SledOptions};
use settings::Settings;
use storage_node::{ControllerOptions, NodeOptions, SessionLimits};
use wal::WalOptions;

use crate::compose::maintenance::ScrubPace;

/// How often tables write out what they buffer, so that less is replayed after a crash of the process.
const TABLE_FLUSH_INTERVAL: Duration = Duration::from_secs(5);
/// How often the controller looks at nodes and groups.
const CONTROLLER_INTERVAL: Duration = Duration::from_secs(1);
/// Changes of groups that one node takes part in at one time, so that clients are served meanwhile.
const CHANGES_PER_NODE_MAX: usize = 2;
/// Work for each thread that blocks that may wait before more is refused.
const WAITING_PER_THREAD: usize = 64;

/// Free space below which the parts refuse to grow, each less than the one before: first what adds to the mail is
/// refused. Nearly all that is kept free is for the changes that go on then, so that flags can be set, mail moved
/// and room made for long; when that is used up all changes are refused, and the rest is for votes and tidying up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// New mail, mailboxes and accounts are refused.
    pub content: u64,
    /// Changes of any kind are refused.
    pub entries: u64,
    /// The log refuses entries.
    pub log: u64,
}

impl Reserve {
    /// Returns the reserve on a disk of this size.
    pub fn of(settings: &Settings, disk_bytes: u64) -> Self {
        let share = disk_bytes / 100 * u64::from(settings.storage.reserve_percent);
        let content = settings.storage.reserve_bytes.bytes().max(share);
        Self {
            content,
            entries: content / 8,
            log: content / 16,
        }
    }
}

/// Returns the options of the log, with a reserve of its own default.
pub fn wal(settings: &Settings) -> WalOptions {
    WalOptions {
        segment_bytes: settings.storage.wal_segment_bytes.bytes(),
        batch_bytes_max: settings.storage.wal_batch_bytes_max.as_usize(),
        ..WalOptions::default()
    }
}

/// Returns the options of the blob store.
pub fn blobs(settings: &Settings, reserve: Reserve, salt: u64) -> BlobStoreOptions {
    BlobStoreOptions {
        segment_bytes: settings.storage.blob_segment_bytes.bytes(),
        upload_buffer_bytes_max: settings.limits.append_memory_bytes_max.as_usize(),
        blob_bytes_max: message_bytes_max(settings),
        reserve_bytes: reserve.content,
        salt,
        ..BlobStoreOptions::default()
    }
}

/// Returns the count of shelves.
///
/// # Errors
/// When there are too many.
pub fn shelves(settings: &Settings) -> Result<ShelfCount, KvError> {
    ShelfCount::new(u16::try_from(settings.storage.shelves).unwrap_or(u16::MAX))
}

/// Returns the options of the table engine in `directory`, in this run of the kernel.
///
/// # Errors
/// When there are too many shelves.
pub fn sled(settings: &Settings, directory: PathBuf, boot_id: BootId) -> Result<SledOptions, KvError> {
    let shelves = shelves(settings)?;
    Ok(SledOptions {
        directory,
        shelves,
        cache_bytes_per_shelf: settings.storage.cache_bytes.bytes() / u64::from(shelves.get()),
        flush_interval: Some(TABLE_FLUSH_INTERVAL),
        boot_id,
    })
}

/// Returns how replication groups behave.
pub fn groups(settings: &Settings) -> GroupOptions {
    let cluster = &settings.cluster;
    GroupOptions {
        heartbeat_interval: cluster.heartbeat_interval,
        election_timeout_min: cluster.election_timeout_min,
        election_timeout_max: cluster.election_timeout_max,
        read_policy: match cluster.read_policy {
            settings::ReadPolicy::Lease => ReadPolicy::Lease,
            settings::ReadPolicy::ReadIndex => ReadPolicy::ReadIndex,
        },
        snapshot_log_bytes: settings.storage.snapshot_log_bytes.bytes(),
        ..GroupOptions::default()
    }
}

/// Returns how the controller works, with what the cluster begins with.
pub fn controller(settings: &Settings, founding: Option<Box<Directory>>) -> ControllerOptions {
    ControllerOptions {
        interval: CONTROLLER_INTERVAL,
        node_gone_after: settings.cluster.node_gone_after,
        changes_per_node_max: CHANGES_PER_NODE_MAX,
        founding,
    }
}

/// Returns the options of the node of this name.
pub fn node(settings: &Settings, name: &str) -> NodeOptions {
    let (limits, auth) = (&settings.limits, &settings.auth);
    let readers = blocking_threads(settings);
    NodeOptions {
        name: name.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        message_bytes_max: message_bytes_max(settings),
        search_budget: limits.command_cpu_max,
        content_readers: readers,
        content_readers_waiting: readers * WAITING_PER_THREAD,
        hashers: count(auth.hash_threads),
        hashers_waiting: count(auth.hash_queue_max),
        sessions: SessionLimits {
            per_account_and_peer: count(limits.connections_per_user_and_ip_max),
            per_account: count(limits.sessions_per_account_max),
            ..SessionLimits::default()
        },
        hash: hash(settings),
        exchange: auth::Limits {
            message_bytes_max: auth.sasl_bytes_max.as_usize(),
        },
        limiter: limiter(settings),
        login_cache: auth.login_cache.then(|| LoginCacheOptions {
            entries_max: count(auth.login_cache_entries_max),
            lifetime: auth.login_cache_ttl,
        }),
        blob_grace: settings.storage.blob_retention,
    }
}

/// Returns how new passwords are hashed.
pub fn hash(settings: &Settings) -> HashParameters {
    let auth = &settings.auth;
    HashParameters {
        argon2_kib: u32::try_from(auth.argon2_memory.bytes() / 1024).unwrap_or(u32::MAX),
        argon2_passes: auth.argon2_passes,
        argon2_lanes: auth.argon2_parallelism,
        scram_iterations: auth.scram_iterations,
    }
}

fn limiter(settings: &Settings) -> LimiterOptions {
    let a_minute = |failures_max| RateLimit {
        failures_max,
        window: Duration::from_secs(60),
    };
    LimiterOptions {
        per_user: a_minute(settings.auth.failures_per_user_and_minute_max),
        per_address: a_minute(settings.auth.failures_per_ip_and_minute_max),
        entries_max: NonZeroUsize::new(100_000).unwrap_or(NonZeroUsize::MIN),
        ..LimiterOptions::default()
    }
}

/// Returns the largest message that is stored: one that was delivered is longer by its trace fields than it came in.
pub fn message_bytes_max(settings: &Settings) -> u64 {
    let append = settings.limits.append_bytes_max.bytes();
    let delivered = settings.lmtp.message_bytes_max.bytes();
    append.max(delivered.saturating_add(lmtp::TRACE_BYTES_MAX))
}

/// Returns how everything on disk is read and checked by and by; nothing when it never is.
pub fn scrub(settings: &Settings) -> Option<ScrubPace> {
    let storage = &settings.storage;
    (!storage.scrub_interval.is_zero()).then(|| ScrubPace {
        interval: storage.scrub_interval,
        bytes_per_second_max: storage.scrub_bytes_per_second_max.bytes(),
    })
}

/// Returns how many calls may block at one time.
pub fn blocking_threads(settings: &Settings) -> usize {
    count(settings.server.blocking_threads)
}

/// Returns the writes of content that are prepared at one time, and how many may wait.
pub fn content_writers(settings: &Settings) -> (usize, usize) {
    let writers = blocking_threads(settings);
    (writers, writers * WAITING_PER_THREAD)
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_reserve_holds_and_mail_is_refused_before_changes() {
        let mut settings = Settings::default();
        settings.storage.reserve_bytes = "1GiB".parse().expect("a size");
        settings.storage.reserve_percent = 5;
        let gib = 1 << 30;
        let reserve = |disk_bytes| Reserve::of(&settings, disk_bytes);
        assert_eq!(reserve(10 * gib).content, gib);
        assert!(reserve(100 * gib).content > 4 * gib);
        let Reserve {
            content,
            entries,
            log,
        } = reserve(100 * gib);
        assert!(content > entries && entries > log && log > 0);
    }

    #[test]
    fn the_cache_is_shared_by_the_shelves() {
        let settings = Settings::default();
        let sled = sled(&settings, PathBuf::new(), BootId::new("boot")).expect("valid");
        let whole = sled.cache_bytes_per_shelf * u64::from(sled.shelves.get());
        assert_eq!(whole, settings.storage.cache_bytes.bytes());
    }

    /// RFC 1870 §6.1: what is announced as SIZE is taken.
    #[test]
    fn the_largest_message_that_is_announced_can_be_stored() {
        let mut settings = Settings::default();
        settings.limits.append_bytes_max = "1MiB".parse().expect("a size");
        settings.lmtp.message_bytes_max = "2MiB".parse().expect("a size");
        let announced = crate::options::lmtp::lmtp(&settings, "x").message_bytes_max;
        assert_eq!(announced, 2 * 1024 * 1024);
        assert!(message_bytes_max(&settings) >= announced + lmtp::TRACE_BYTES_MAX);
        settings.limits.append_bytes_max = "3MiB".parse().expect("a size");
        assert_eq!(message_bytes_max(&settings), 3 * 1024 * 1024);
    }

    #[test]
    fn memory_of_a_hash_is_counted_in_kibibytes() {
        let mut settings = Settings::default();
        settings.auth.argon2_memory = "19MiB".parse().expect("a size");
        assert_eq!(hash(&settings).argon2_kib, 19 * 1024);
    }

    #[test]
    fn a_switched_off_login_cache_is_none() {
        let mut settings = Settings::default();
        assert!(node(&settings, "node-1").login_cache.is_some());
        settings.auth.login_cache = false;
        assert!(node(&settings, "node-1").login_cache.is_none());
    }
}

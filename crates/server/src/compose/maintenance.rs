//! Work that the process does by itself while it serves.

use std::time::Duration;

use blobstore::{BlobId, BlobStore, CompactionStep, Error as BlobError, GroupId};
use observability::Metrics;
use opentelemetry::metrics::Counter;
use storage_node::Replicas;
use tls::{Reload, TlsError};
use tokio_util::sync::CancellationToken;

use crate::exit::{Exit, Failure, OrExit, chain};

/// How often garbage is looked for among the blobs.
const COMPACTION_INTERVAL: Duration = Duration::from_secs(60);
/// How long after the start everything is read, which has better things to do.
const SCRUB_DELAY: Duration = Duration::from_secs(10 * 60);
/// Read in one go.
const SCRUB_STEP_BYTES: u64 = 1024 * 1024;

/// Repairs replicas that lost their tables until `stop`.
///
/// # Errors
/// When a replica cannot be repaired here. The process then stops, since its disk or a replicated entry is at fault,
/// and serving on would only hide it.
pub async fn repair_replicas(replicas: Replicas, stop: CancellationToken) -> Result<(), Failure> {
    loop {
        // Waiting for a failure is receiving from a queue; a repair that is cut off is begun again at the next start.
        let repaired = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            repaired = replicas.repair_next_failure() => repaired,
        };
        repaired.or_exit(Exit::Software, "stopped")?;
    }
}

/// Copies live blobs out of segments that are mostly garbage until `stop`.
///
/// # Errors
/// When the store has failed for good: what is durable is unknown then, and only a start finds it out. Anything else
/// is tried again later.
pub async fn compact_blobs(blobs: BlobStore, stop: CancellationToken) -> Result<(), Failure> {
    let mut ticks = tokio::time::interval(COMPACTION_INTERVAL);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            _ = ticks.tick() => {}
        }
        while compaction_step(&blobs).await? && !stop.is_cancelled() {}
    }
}

/// Does one step and says whether there is more to do.
async fn compaction_step(blobs: &BlobStore) -> Result<bool, Failure> {
    let blobs = blobs.clone();
    let step = tokio::task::spawn_blocking(move || blobs.compaction_step()).await;
    match step.or_exit(Exit::Software, "compaction")? {
        Ok(CompactionStep::Idle) => Ok(false),
        Ok(CompactionStep::Copied(_) | CompactionStep::Removed(_)) => Ok(true),
        Err(error @ BlobError::Poisoned { .. }) => Err(error).or_exit(Exit::Io, "blobs"),
        Err(error) => {
            tracing::warn!(error = chain(&error), "blobs cannot be compacted now");
            Ok(false)
        }
    }
}

/// How everything on disk is read and checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrubPace {
    /// From the end of one round to the beginning of the next.
    pub interval: Duration,
    /// Speed of a round.
    pub bytes_per_second_max: u64,
}

/// Returns what counts the blobs that are found to be bad. It stands at zero until then, so that whoever watches it
/// sees it rise.
pub fn damage_counter(metrics: Option<&Metrics>) -> Option<Counter<u64>> {
    let counter = metrics?
        .meter("server")
        .u64_counter("facteur_blobs_damaged")
        .build();
    counter.add(0, &[]);
    Some(counter)
}

/// Reads every blob and compares it with its name, round after round until `stop`. A bad one is not served from then
/// on.
///
/// # Errors
/// None: what is bad is named in the log, and everything else goes on being served.
pub async fn scrub_blobs(
    (blobs, damaged): (BlobStore, Option<Counter<u64>>),
    pace: ScrubPace,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let mut pause = SCRUB_DELAY;
    let mut after = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
        let blobs = blobs.clone();
        let step = tokio::task::spawn_blocking(move || scrub_step(&blobs, after)).await;
        let step = step.or_exit(Exit::Software, "check of the blobs")?;
        if let Some(damaged) = &damaged {
            damaged.add(step.damaged, &[]);
        }
        after = step.after;
        pause = match after {
            Some(_) => Duration::from_secs_f64(step.bytes as f64 / pace.bytes_per_second_max.max(1) as f64),
            None => pace.interval,
        };
    }
}

/// A part of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ScrubStep {
    /// The last blob that was read; none at the end of a round.
    after: Option<(GroupId, BlobId)>,
    /// What was read.
    bytes: u64,
    /// Blobs that are bad.
    damaged: u64,
}

/// Reads the next blobs behind `after`.
fn scrub_step(blobs: &BlobStore, after: Option<(GroupId, BlobId)>) -> ScrubStep {
    let mut step = ScrubStep {
        after: None,
        bytes: 0,
        damaged: 0,
    };
    for ((group, blob), verified) in blobs.scrub(after) {
        // A bad one has no length any more.
        step.bytes += blobs.len(group, &blob).unwrap_or(0);
        if let Err(error) = verified {
            tracing::error!(
                group = group.0,
                error = chain(&error),
                "a body of a message cannot be read and is not served"
            );
            step.damaged += 1;
        }
        if step.bytes >= SCRUB_STEP_BYTES {
            step.after = Some((group, blob));
            return step;
        }
    }
    step
}

/// Looks at the certificate files every `period` until `stop`.
///
/// # Errors
/// None: certificates that cannot be read leave those in use.
pub async fn watch_certificates<F>(period: Duration, check: F, stop: CancellationToken) -> Result<(), Failure>
where
    F: Fn() -> Result<Reload, TlsError> + Send + Sync + 'static,
{
    tls::watch(period, stop, check).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use blobstore::{BlobStoreOptions, Engine, UnixSeconds};
    use disk::SimDisk;

    use super::*;
    use crate::data_dir::place;

    const GROUP: GroupId = GroupId(1);

    /// Twenty bodies that cannot be compressed, of 64 KiB and a bit.
    fn store(disk: &SimDisk) -> (BlobStore, Vec<BlobId>) {
        let opened = Engine::open(
            Arc::new(disk.clone()),
            place("blobs"),
            BlobStoreOptions::default(),
        );
        let blobs = BlobStore::inline(opened.expect("opened").0);
        let body = |seed: u8| {
            let mut body = vec![0; 65_537];
            blake3::Hasher::new_derive_key("body")
                .update(&[seed])
                .finalize_xof()
                .fill(&mut body);
            body
        };
        let names = (0..20).map(|seed| blobs.put(GROUP, &body(seed), UnixSeconds(1)).expect("stored"));
        let names = names.collect();
        (blobs, names)
    }

    /// Takes steps until a round is over; returns what was read in how many steps, and what was bad.
    fn round(blobs: &BlobStore) -> (u64, u32, u64) {
        let (mut bytes, mut steps, mut damaged) = (0, 0, 0);
        let mut after = None;
        loop {
            let step = scrub_step(blobs, after);
            (bytes, steps, damaged) = (bytes + step.bytes, steps + 1, damaged + step.damaged);
            after = step.after;
            if after.is_none() {
                return (bytes, steps, damaged);
            }
        }
    }

    #[test]
    fn a_round_reads_everything_in_steps_and_finds_what_is_bad() {
        let disk = SimDisk::new(7);
        let (blobs, names) = store(&disk);
        assert_eq!(round(&blobs), (20 * 65_537, 2, 0));
        let segment = place("blobs").join("0000000000000001.blobs").expect("a name");
        assert!(disk.flip_bits(&segment, 200_000, 1));
        let (_, _, damaged) = round(&blobs);
        assert_eq!(damaged, 1);
        let served = names.iter().filter(|name| blobs.contains(GROUP, name)).count();
        assert_eq!(served, 19);
    }
}

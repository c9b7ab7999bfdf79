//! Work that the process does by itself while it serves.

use std::time::Duration;

use blobstore::{BlobStore, CompactionStep, Error as BlobError, ScrubStep};
use observability::Metrics;
use opentelemetry::metrics::Counter;
use storage_node::{Replicas, StoredContent};
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

/// Fetches the content that new replicas lack until `stop`.
///
/// # Errors
/// None: what cannot be fetched is tried again.
pub async fn fill_learners(replicas: Replicas, stop: CancellationToken) -> Result<(), Failure> {
    replicas.fill_learners(stop).await;
    Ok(())
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

/// Waits for a failure of the disk under the bodies of messages, or for `stop`.
///
/// # Errors
/// When a write or a flush has failed. What is durable is unknown then; nothing more may be acknowledged, and only a
/// start finds out what is there.
pub async fn watch_content(content: StoredContent, stop: CancellationToken) -> Result<(), Failure> {
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        () = content.failed() => Err(Failure::new(Exit::Io, "blobs: a write or a flush has failed")),
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

impl ScrubPace {
    /// Returns the pause after so many bytes that keeps the speed.
    fn pause_after(self, bytes: u64) -> Duration {
        let micros = bytes.saturating_mul(1_000_000) / self.bytes_per_second_max.max(1);
        Duration::from_micros(micros)
    }
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
/// on; the node fetches it from another replica where there is one.
///
/// # Errors
/// None: what is bad is named in the log, and everything else goes on being served.
pub async fn scrub_blobs(
    (blobs, damaged): (BlobStore, Option<Counter<u64>>),
    pace: ScrubPace,
    stop: CancellationToken,
) -> Result<(), Failure> {
    let (mut pause, mut scrub) = (SCRUB_DELAY, blobs.scrub(None));
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
        let step = tokio::task::spawn_blocking(move || (scrub.step(SCRUB_STEP_BYTES), scrub)).await;
        let (step, read_so_far) = step.or_exit(Exit::Software, "check of the blobs")?;
        let step = step.unwrap_or_else(|error| {
            tracing::warn!(error = chain(&error), "a blob cannot be checked now");
            ScrubStep {
                bytes: SCRUB_STEP_BYTES,
                ..ScrubStep::default()
            }
        });
        tell(&step, damaged.as_ref());
        (pause, scrub) = match step.done {
            true => (pace.interval, blobs.scrub(None)),
            false => (pace.pause_after(step.bytes), read_so_far),
        };
    }
}

/// Names what is bad.
fn tell(step: &ScrubStep, damaged: Option<&Counter<u64>>) {
    for (group, blob) in &step.corrupt {
        tracing::error!(
            group = group.0,
            %blob,
            "a body of a message has gone bad and is not served"
        );
    }
    if let Some(damaged) = damaged {
        damaged.add(u64::try_from(step.corrupt.len()).unwrap_or(u64::MAX), &[]);
    }
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

    use blobstore::{BlobStoreOptions, Engine, GroupId, UnixSeconds};
    use disk::SimDisk;

    use super::*;
    use crate::data_dir::place;

    #[test]
    fn pauses_keep_the_speed() {
        let pace = ScrubPace {
            interval: Duration::ZERO,
            bytes_per_second_max: 4 * SCRUB_STEP_BYTES,
        };
        assert_eq!(pace.pause_after(SCRUB_STEP_BYTES), Duration::from_millis(250));
        assert_eq!(pace.pause_after(0), Duration::ZERO);
    }

    /// Waits for the round that reads everything, on a clock that stands still while threads work.
    #[tokio::test(start_paused = true)]
    async fn a_round_finds_what_is_bad_and_counts_it() {
        let disk = SimDisk::new(7);
        let opened = Engine::open(
            Arc::new(disk.clone()),
            place("blobs"),
            BlobStoreOptions::default(),
        );
        let blobs = BlobStore::inline(opened.expect("opened").0);
        let mut body = vec![0; 65_537];
        let mut noise = blake3::Hasher::new().finalize_xof();
        noise.fill(&mut body);
        let blob = blobs.put(GroupId(1), &body, UnixSeconds(1)).expect("stored");
        let segment = place("blobs").join("0000000000000001.blobs").expect("a name");
        assert!(disk.flip_bits(&segment, 20_000, 1));
        let metrics = Metrics::new().expect("made");
        let damaged = damage_counter(Some(&metrics));
        let stop = CancellationToken::new();
        let pace = ScrubPace {
            interval: Duration::from_secs(3600),
            bytes_per_second_max: 1,
        };
        let rounds = scrub_blobs((blobs.clone(), damaged), pace, stop.clone());
        let over = async {
            tokio::time::sleep(SCRUB_DELAY + Duration::from_secs(1800)).await;
            stop.cancel();
        };
        let (ended, ()) = tokio::join!(rounds, over);
        ended.expect("an end in order");
        assert!(!blobs.contains(GroupId(1), &blob));
        let text = metrics.text().expect("written");
        assert!(text.contains("facteur_blobs_damaged_total 1\n"), "{text}");
    }
}

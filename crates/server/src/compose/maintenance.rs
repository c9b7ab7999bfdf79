//! Work that the process does by itself while it serves.

use std::time::Duration;

use blobstore::{BlobStore, CompactionStep, Error as BlobError};
use storage_node::Replicas;
use tls::{Reload, TlsError};
use tokio_util::sync::CancellationToken;

use crate::exit::{Exit, Failure, OrExit, chain};

/// How often garbage is looked for among the blobs.
const COMPACTION_INTERVAL: Duration = Duration::from_secs(60);

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

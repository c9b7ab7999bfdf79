//! Noticing that certificate files have changed, without a restart.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::error::TlsError;

/// What a look at the files found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reload {
    /// The same certificates as before.
    Unchanged,
    /// New certificates, which handshakes use from now on.
    Replaced,
}

/// What tells a changed file from an unchanged one without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: SystemTime,
    bytes: u64,
}

/// The stamps of a set of files; `None` for a file that is not there, which whoever reads it judges.
pub(crate) type Stamps = Vec<Option<Stamp>>;

impl Stamp {
    /// Follows symbolic links, because mounted secrets are swapped by renaming a link.
    fn of(path: &Path) -> Result<Option<Self>, TlsError> {
        let stamp = fs::metadata(path).and_then(|metadata| {
            let (modified, bytes) = (metadata.modified()?, metadata.len());
            Ok(Self { modified, bytes })
        });
        match stamp {
            Ok(stamp) => Ok(Some(stamp)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(TlsError::ReadFile {
                path: path.to_owned(),
                source,
            }),
        }
    }

    pub(crate) fn of_all(paths: impl IntoIterator<Item = impl AsRef<Path>>) -> Result<Stamps, TlsError> {
        paths.into_iter().map(|path| Self::of(path.as_ref())).collect()
    }
}

/// Calls `check` every `period` until `stop` is cancelled; a failure is logged and the certificates
/// in use stay in use.
///
/// `check` is [`MailServer::reload_if_changed`](crate::MailServer::reload_if_changed) or the like; it
/// reads files, so it runs on the blocking pool. The caller owns the future and the task it runs in.
pub async fn watch<F>(period: Duration, stop: CancellationToken, check: F)
where
    F: Fn() -> Result<Reload, TlsError> + Send + Sync + 'static,
{
    let check = Arc::new(check);
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let check = Arc::clone(&check);
        match tokio::task::spawn_blocking(move || check()).await {
            Ok(Ok(Reload::Unchanged)) => {}
            Ok(Ok(Reload::Replaced)) => tracing::info!("certificates reloaded"),
            Ok(Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "certificates not reloaded"
                );
            }
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "certificate check failed"
                );
            }
        }
    }
}

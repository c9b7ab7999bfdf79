//! How a machine's log is written: beside everything else, and as slowly as its disk is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use wal::{Log, Wal};

/// How long a disk takes to make the log durable. Shared by the machine's lives.
#[derive(Clone, Debug, Default)]
pub struct SlowDisk {
    millis: Arc<AtomicU64>,
}

impl SlowDisk {
    /// Sets how long each write takes from now on; zero for a disk without faults.
    pub fn set(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.millis.store(millis, Ordering::Relaxed);
    }

    fn time(&self) -> Duration {
        Duration::from_millis(self.millis.load(Ordering::Relaxed))
    }

    /// Returns a log, and the task that writes it, which ends when it is dropped.
    pub(crate) fn write(&self, wal: Wal) -> (Arc<Log>, Arc<JoinSet<()>>) {
        let waiting = Arc::new(Notify::new());
        let log = {
            let waiting = Arc::clone(&waiting);
            Arc::new(Log::stepped(wal, move || waiting.notify_one()))
        };
        let (written, slow) = (Arc::downgrade(&log), self.clone());
        let write = async move {
            loop {
                waiting.notified().await;
                let time = slow.time();
                if time > Duration::ZERO {
                    tokio::time::sleep(time).await;
                }
                let Some(log) = written.upgrade() else { return };
                log.step();
            }
        };
        let mut writer = JoinSet::new();
        writer.spawn(write);
        (log, Arc::new(writer))
    }
}

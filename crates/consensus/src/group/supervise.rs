//! What a replica needs done beside openraft's own work.

use std::future::Future;
use std::sync::Arc;

use super::Group;
use crate::Error;
use crate::machine::Machine;

impl<M: Machine> Group<M> {
    /// Lets the replica campaign once its votes are no longer withheld and when its leader is dead, and asks for
    /// snapshots when they are due. Returns why the replica stopped, `None` when it was asked to.
    pub(crate) async fn supervise(self: Arc<Self>) -> Option<Error> {
        let watch = self.watch();
        let cause = tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            error = self.machine.applier.failed() => Some(error),
            error = self.failed(watch) => Some(error),
            () = self.resume_campaigning() => None,
            () = self.campaign_when_due() => None,
            () = self.take_snapshots() => None,
        };
        // A replica that is asked to stop tells so by its status too, and that may be seen first.
        cause.filter(|_| !self.stop.is_cancelled())
    }

    /// Waits for something, but no longer than until the replica is asked to stop.
    pub(crate) async fn unless_stopping(&self, waited: impl Future<Output = ()>) {
        // Nobody asks any more what it was waiting for.
        let _ = self.stop.run_until_cancelled(waited).await;
    }

    async fn failed(&self, mut watch: super::GroupWatch) -> Error {
        // The channel closes when openraft is gone, for whichever reason.
        let _ = watch.wait_for(|status| !status.is_running).await;
        self.stop_cause()
    }

    async fn resume_campaigning(&self) {
        if let Some(until) = self.withheld_until {
            tokio::time::sleep_until(until).await;
            self.raft.runtime_config().elect(true);
        }
        // The end of this is not the end of the supervision.
        std::future::pending().await
    }

    async fn take_snapshots(&self) {
        loop {
            self.machine.applier.snapshot_due().await;
            if self.trigger_snapshot().await.is_err() {
                // openraft has stopped, which is told by its status.
                std::future::pending().await
            }
        }
    }
}

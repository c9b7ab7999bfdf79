//! What openraft's tasks hold of a replica, so that their end can be waited for.
//!
//! openraft's shutdown waits for its main task and its replication streams. It does not wait for the worker that
//! applies entries, for a snapshot that is being built, or for heartbeats and requests for votes under way. Were a
//! replica started again while one of those still runs, two of them would write the same tables and files. So each
//! thing that openraft is given carries a [`Hold`], and a replica has stopped when all holds are gone.

use std::future::Future;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::{Error, Result};

/// All that openraft was given of one replica.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    given: TaskTracker,
    ended: CancellationToken,
}

/// One thing that openraft was given, and each copy of it.
#[derive(Debug, Clone)]
pub(crate) struct Hold {
    _given: TaskTrackerToken,
    ended: CancellationToken,
}

impl Holds {
    /// Returns one more hold.
    pub(crate) fn hold(&self) -> Hold {
        Hold {
            _given: self.given.token(),
            ended: self.ended.clone(),
        }
    }

    /// Asks whoever has a hold to end, without waiting for it.
    pub(crate) fn end(&self) {
        self.ended.cancel();
    }

    /// Asks whoever has a hold to end, and waits until nobody has one.
    pub(crate) async fn released(&self) {
        self.end();
        self.given.close();
        self.given.wait().await;
    }
}

impl Hold {
    /// Fails when the replica has ended.
    pub(crate) fn check(&self) -> Result<()> {
        if self.ended.is_cancelled() {
            Err(Error::Stopped)
        } else {
            Ok(())
        }
    }

    /// Waits for something, but no longer than the replica lasts. What is waited for is dropped then, and must
    /// bear it.
    pub(crate) async fn unless_ended<T>(&self, waited: impl Future<Output = Result<T>>) -> Result<T> {
        let outcome = self.ended.run_until_cancelled(waited).await;
        outcome.unwrap_or(Err(Error::Stopped))
    }
}

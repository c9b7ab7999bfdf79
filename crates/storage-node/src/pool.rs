//! The pool for work that blocks: table reads, content reads, password hashes.

use std::sync::Arc;

use mailstore::StoreError;
use tokio::sync::Semaphore;

use crate::environment::BlockingWork;

/// A bounded pool. Work beyond `running` waits; work beyond `waiting` is refused.
#[derive(Clone)]
pub(crate) struct Pool {
    place: BlockingWork,
    running: Arc<Semaphore>,
    admitted: Arc<Semaphore>,
}

impl Pool {
    pub(crate) fn new(place: BlockingWork, running: usize, waiting: usize) -> Self {
        Self {
            place,
            running: Arc::new(Semaphore::new(running.max(1))),
            admitted: Arc::new(Semaphore::new(running.max(1) + waiting)),
        }
    }

    /// Runs the work on a thread for blocking calls, or here where the environment has no threads.
    ///
    /// # Errors
    /// [`StoreError::Overloaded`] when too much is waiting.
    pub(crate) async fn run<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce() -> T + Send + 'static,
    {
        let admitted = Arc::clone(&self.admitted)
            .try_acquire_owned()
            .map_err(|_| StoreError::Overloaded)?;
        let running = Arc::clone(&self.running).acquire_owned().await;
        if self.place == BlockingWork::Inline {
            return Ok(work());
        }
        let task = tokio::task::spawn_blocking(move || {
            let result = work();
            drop((running, admitted));
            result
        });
        task.await
            .map_err(|error| StoreError::Internal(format!("blocking work failed: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_beyond_the_bounds_is_refused() {
        let pool = Pool::new(BlockingWork::Threads, 1, 1);
        let (release, blocked) = std::sync::mpsc::sync_channel::<()>(0);
        let first = pool.run(move || blocked.recv().is_ok());
        let second = pool.run(|| true);
        let third = async {
            let refused = pool.run(|| true).await;
            release.send(()).expect("the first job waits");
            refused
        };
        let (first, second, third) = futures::join!(biased_first(first), second, third);
        assert_eq!(
            (first, second, third),
            (Ok(true), Ok(true), Err(StoreError::Overloaded))
        );
    }

    async fn biased_first<T>(work: impl Future<Output = T>) -> T {
        work.await
    }
}

//! Where calls that block run.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::Error;

/// Decides where calls run that block on a disk or a table engine.
#[derive(Debug, Clone)]
pub enum Blocking {
    /// On the calling task: for simulation, where disk and tables are in memory and order must not depend on
    /// threads.
    Inline,
    /// On threads of their own, at most so many at once.
    Threads(Arc<Semaphore>),
}

impl Blocking {
    /// Returns a pool of at most `threads_max` threads at once.
    pub fn threads(threads_max: usize) -> Self {
        Self::Threads(Arc::new(Semaphore::new(threads_max)))
    }

    /// Runs a call that blocks.
    pub async fn run<T, F>(&self, call: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        match self {
            Self::Inline => Ok(call()),
            Self::Threads(permits) => {
                // The semaphore is never closed; if it were, the pool would be gone.
                let _permit = permits.acquire().await.map_err(|_| Error::Stopped)?;
                let finished = tokio::task::spawn_blocking(call).await;
                finished.map_err(|error| Error::Failed {
                    detail: format!("a blocking call: {error}"),
                })
            }
        }
    }
}

//! The process that this one belongs to, told by a lock that it holds on a file for as long as it runs. The kernel
//! releases the lock however it ends, so that a process that it started does not outlive it even when it was killed.

use std::fs::File;
use std::io;
use std::path::Path;

use tokio::sync::oneshot;

use crate::exit::{Exit, Failure, OrExit};

/// The process that this one belongs to.
pub struct Owner {
    /// Gives the lock once the owner has it no more.
    lock: Option<oneshot::Receiver<io::Result<File>>>,
    /// Shared by all that belonged to the owner, so that the next one is kept out until they have ended.
    _held: Option<File>,
}

impl Owner {
    /// Begins to watch the owner that holds the lock on this file.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn watch(lock_file: &Path) -> Result<Self, Failure> {
        let file = File::open(lock_file).or_exit(Exit::Io, lock_file.display())?;
        let (sender, receiver) = oneshot::channel();
        // Not a thread of the runtime, whose end would wait for it.
        let waiting = std::thread::Builder::new()
            .name("owner".to_owned())
            .spawn(move || {
                let locked = wait_for_lock(&file).map(|()| file);
                // Whoever asked may have ended.
                let _ = sender.send(locked);
            });
        waiting.or_exit(Exit::Software, "thread that watches the owner")?;
        Ok(Self {
            lock: Some(receiver),
            _held: None,
        })
    }

    /// Waits until the owner is gone. It is told once. Cancel safe.
    pub async fn gone(&mut self) {
        let Some(lock) = &mut self.lock else {
            return std::future::pending().await;
        };
        // A lock that cannot be waited for tells nothing of the owner; better to end than to stay for ever.
        self._held = lock.await.ok().and_then(Result::ok);
        self.lock = None;
        tracing::info!("the process that this one belongs to has ended");
    }
}

fn wait_for_lock(file: &File) -> io::Result<()> {
    loop {
        match file.lock_shared() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    /// Says whether a future has nothing to give yet.
    fn is_pending(future: impl Future<Output = ()>) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        pin!(future).poll(&mut context).is_pending()
    }

    #[tokio::test]
    async fn the_end_of_the_owner_is_told_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("LOCK");
        let held = File::create(&path).expect("made");
        held.lock().expect("locked");
        let mut owner = Owner::watch(&path).expect("watched");
        assert!(is_pending(owner.gone()));
        drop(held);
        owner.gone().await;
        assert!(is_pending(owner.gone()));
        let next = File::open(&path).expect("opened");
        assert!(
            next.try_lock().is_err(),
            "those that belonged to the last one still run"
        );
        drop(owner);
        next.try_lock().expect("free");
    }

    #[test]
    fn an_owner_without_a_lock_file_is_none() {
        let failure = Owner::watch(Path::new("/nonexistent/LOCK"))
            .err()
            .expect("refused");
        assert_eq!(failure.exit(), Exit::Io);
    }
}

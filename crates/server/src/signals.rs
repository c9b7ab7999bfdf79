//! What the operating system asks of the process, and the end of the process that it belongs to.

use std::path::Path;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::{Exit, Failure, OrExit};
use crate::owner::Owner;

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// End in order (SIGTERM, SIGINT, or the owner is gone).
    Stop,
    /// Read certificates and the log level again (SIGHUP).
    Reload,
}

/// The signals that are listened to.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    owner: Option<Owner>,
}

impl Signals {
    /// Begins to listen. From now on these signals do not end the process by themselves.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).or_exit(Exit::Software, "signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hangup: listen(SignalKind::hangup())?,
            owner: None,
        })
    }

    /// Asks the process to stop, once, when no other process holds the lock on this file any more.
    ///
    /// # Errors
    /// When the file cannot be watched.
    pub fn stop_with_owner(&mut self, lock_file: &Path) -> Result<(), Failure> {
        self.owner = Some(Owner::watch(lock_file)?);
        Ok(())
    }

    /// Waits for the next request. Cancel safe, as the signals are.
    pub async fn next(&mut self) -> Request {
        tokio::select! {
            _ = self.terminate.recv() => Request::Stop,
            _ = self.interrupt.recv() => Request::Stop,
            _ = self.hangup.recv() => Request::Reload,
            () = gone(&mut self.owner) => Request::Stop,
        }
    }

    /// Waits for a request to stop, passing over others.
    pub async fn stop(&mut self) {
        while self.next().await != Request::Stop {}
    }
}

/// Waits for the end of the owner, where there is one.
async fn gone(owner: &mut Option<Owner>) {
    match owner {
        Some(owner) => owner.gone().await,
        None => std::future::pending().await,
    }
}

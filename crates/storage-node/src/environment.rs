//! What a node takes from outside itself: time, randomness and threads. Entries carry the first two into
//! the log, so this is the only place that a simulation has to replace.

use mailstore::message::EmailId;
use mailstore::time::Timestamp;

/// Time and randomness.
pub trait Environment: Send + Sync + 'static {
    /// Returns the wall clock's time.
    fn now(&self) -> Timestamp;

    /// Fills the buffer with unpredictable octets.
    fn fill_random(&self, buffer: &mut [u8]);

    /// Says where work runs that blocks on a disk or takes long.
    fn blocking_work(&self) -> BlockingWork {
        BlockingWork::Threads
    }
}

/// Where work runs that blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BlockingWork {
    /// On threads of their own.
    Threads,
    /// On the calling task: for simulation, where the order of things must not depend on threads.
    Inline,
}

/// Returns `N` random octets.
pub(crate) fn random<const N: usize>(environment: &dyn Environment) -> [u8; N] {
    let mut octets = [0; N];
    environment.fill_random(&mut octets);
    octets
}

/// Returns a new EMAILID.
pub(crate) fn random_email_id(environment: &dyn Environment) -> EmailId {
    EmailId(random(environment))
}

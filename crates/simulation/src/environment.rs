//! Simulated time and randomness.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use mailstore::time::Timestamp;
use parking_lot::Mutex;
use storage_node::{BlockingWork, Environment};
use tokio::time::Instant;

use crate::random::Random;

/// 2026-01-01T00:00:00Z, when every world begins.
const EPOCH: Timestamp = Timestamp(1_767_225_600_000);

/// A wall clock that goes with tokio's paused time, and can be set wrong; randomness from a seed.
pub struct SimEnvironment {
    origin: Instant,
    error_millis: AtomicI64,
    random: Mutex<Random>,
}

impl SimEnvironment {
    /// Returns an environment whose clock shows the epoch of all worlds at `origin`.
    #[must_use]
    pub fn new(origin: Instant, random: Random) -> Self {
        Self {
            origin,
            error_millis: AtomicI64::new(0),
            random: Mutex::new(random),
        }
    }

    /// Sets the wall clock forward, as an operator does; monotonic time does not notice.
    pub fn set_clock_forward(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.error_millis.fetch_add(millis, Ordering::Relaxed);
    }

    /// Sets the wall clock right.
    pub fn set_clock_right(&self) {
        self.error_millis.store(0, Ordering::Relaxed);
    }

    /// Sets the wall clock back.
    pub fn set_clock_back(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.error_millis.fetch_sub(millis, Ordering::Relaxed);
    }
}

impl Environment for SimEnvironment {
    fn now(&self) -> Timestamp {
        let elapsed = u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX);
        let right = EPOCH.0.saturating_add(elapsed);
        Timestamp(right.saturating_add_signed(self.error_millis.load(Ordering::Relaxed)))
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        self.random.lock().fill(buffer);
    }

    fn blocking_work(&self) -> BlockingWork {
        BlockingWork::Inline
    }
}

impl proxy::Environment for SimEnvironment {
    fn now(&self) -> Timestamp {
        Environment::now(self)
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        Environment::fill_random(self, bytes);
    }
}

//! The wall clock and randomness, behind a trait so that tests and simulations decide them.

use mailstore::time::Timestamp;

/// What the proxy asks its surroundings for. Timers are not among it: they are the runtime's, whose
/// time tests can stop.
pub trait Environment: Send + Sync {
    /// Returns the wall-clock time.
    fn now(&self) -> Timestamp;

    /// Fills a buffer with random octets.
    fn fill_random(&self, bytes: &mut [u8]);
}

/// Draws a number between 0 and 1.
pub(crate) fn random_share(environment: &dyn Environment) -> f64 {
    let mut bytes = [0; 4];
    environment.fill_random(&mut bytes);
    f64::from(u32::from_le_bytes(bytes)) / f64::from(u32::MAX)
}

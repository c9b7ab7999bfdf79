//! The machine's clock and randomness, handed to every part that asks for them.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use mailstore::time::Timestamp;
use rand::RngCore;

/// The real clock and the real randomness. The one place of the product where both are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Machine;

impl Machine {
    /// Returns the time of the wall clock.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the driver that reads the clock for everybody else"
    )]
    pub fn time() -> SystemTime {
        SystemTime::now()
    }

    /// Returns the time of the wall clock as entries hold it.
    pub fn timestamp() -> Timestamp {
        let since = Self::time().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// Returns `N` unpredictable octets.
    pub fn random<const N: usize>() -> [u8; N] {
        let mut octets = [0; N];
        rand::rng().fill_bytes(&mut octets);
        octets
    }

    /// Returns the clock that the router asks.
    pub fn clock() -> cluster::Clock {
        Arc::new(Self::timestamp)
    }
}

impl storage_node::Environment for Machine {
    fn now(&self) -> Timestamp {
        Self::timestamp()
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        rand::rng().fill_bytes(buffer);
    }
}

impl lmtp::Environment for Machine {
    fn now(&self) -> Timestamp {
        Self::timestamp()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

impl proxy::Environment for Machine {
    fn now(&self) -> Timestamp {
        Self::timestamp()
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

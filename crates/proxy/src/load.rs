//! How much the process has taken on, and when it takes no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Says whether so much waits for the storage that nobody new should be let in.
pub type OverloadSign = Arc<dyn Fn() -> bool + Send + Sync>;

/// What connections hold together, and what waits behind them.
pub(crate) struct Load {
    buffered: Arc<AtomicUsize>,
    buffered_max: usize,
    pub(crate) storage: Option<OverloadSign>,
}

/// Octets that one connection holds, counted for as long as this lives.
pub(crate) struct Held {
    all: Arc<AtomicUsize>,
    own: usize,
}

impl Load {
    pub(crate) fn new(buffered_max: usize) -> Self {
        Self {
            buffered: Arc::default(),
            buffered_max,
            storage: None,
        }
    }

    /// Returns the limit that is reached, by its name in metrics. Those who are in go on.
    pub(crate) fn reached(&self) -> Option<&'static str> {
        if self.buffered.load(Ordering::Relaxed) >= self.buffered_max {
            return Some("memory");
        }
        let waits = self.storage.as_ref().is_some_and(|sign| sign());
        waits.then_some("storage-requests")
    }

    /// Begins to count what a connection holds.
    pub(crate) fn hold(&self) -> Held {
        Held {
            all: Arc::clone(&self.buffered),
            own: 0,
        }
    }
}

impl Held {
    /// Says how much it is now.
    pub(crate) fn set(&mut self, octets: usize) {
        let before = std::mem::replace(&mut self.own, octets);
        if octets >= before {
            self.all.fetch_add(octets - before, Ordering::Relaxed);
        } else {
            self.all.fetch_sub(before - octets, Ordering::Relaxed);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.set(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_counted_and_given_back() {
        let load = Load::new(100);
        let (mut one, mut other) = (load.hold(), load.hold());
        one.set(60);
        assert_eq!(load.reached(), None);
        other.set(40);
        assert_eq!(load.reached(), Some("memory"));
        one.set(10);
        assert_eq!(load.reached(), None);
        drop((one, other));
        assert_eq!(load.buffered.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_storage_that_is_behind_is_a_limit() {
        let mut load = Load::new(100);
        load.storage = Some(Arc::new(|| true));
        assert_eq!(load.reached(), Some("storage-requests"));
    }
}

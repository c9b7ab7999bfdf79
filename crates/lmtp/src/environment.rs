//! The wall clock and randomness, behind a trait so that tests and simulations decide them.

use mailstore::time::Timestamp;

/// What the role asks its surroundings for. Timers are not among it: they are the runtime's, whose time
/// tests can stop.
pub trait Environment: Send + Sync {
    /// Returns the wall-clock time.
    fn now(&self) -> Timestamp;

    /// Fills a buffer with random octets.
    fn fill_random(&self, bytes: &mut [u8]);
}

/// Names one transaction, in the log and in `Received:`, and in the storage, which knows a repeated
/// commit by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TransactionName([u8; 10]);

impl TransactionName {
    pub(crate) fn new(environment: &dyn Environment) -> Self {
        let mut name = [0; 10];
        environment.fill_random(&mut name);
        Self(name)
    }

    /// Returns the id of the commit: the milliseconds since the epoch in six octets, then the name. The
    /// storage refuses ids that are too old to be told from repeated ones, so the time is that of the
    /// end of the message: a slow sender must not be refused for its slowness.
    pub(crate) fn commit_id(self, now: Timestamp) -> [u8; 16] {
        let mut id = [0; 16];
        let (time, name) = id.split_at_mut(6);
        let [_, _, milliseconds @ ..] = now.0.to_be_bytes();
        time.copy_from_slice(&milliseconds);
        name.copy_from_slice(&self.0);
        id
    }
}

impl std::fmt::Display for TransactionName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0
            .iter()
            .try_for_each(|octet| write!(formatter, "{octet:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_named_by_its_time_and_its_transaction() {
        let name = TransactionName([9; 10]);
        let id = name.commit_id(Timestamp(258));
        assert_eq!(id, [0, 0, 0, 0, 1, 2, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9]);
        assert_eq!(name.to_string(), "09090909090909090909");
    }
}

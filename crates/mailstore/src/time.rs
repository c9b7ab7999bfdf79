//! Points in time as they stand in entries and rows.

/// Milliseconds since 1970-01-01T00:00:00Z. Chosen by the leader, never read here from a clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Returns the whole seconds since the epoch.
    #[must_use]
    pub const fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// Returns the time `duration` earlier, or the epoch.
    #[must_use]
    pub fn before(self, duration: std::time::Duration) -> Self {
        Self(
            self.0
                .saturating_sub(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
        )
    }
}

/// A message's INTERNALDATE (RFC 9051 §2.3.3): an instant and the zone offset it was given in, which a
/// FETCH gives back unchanged.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct InternalDate {
    /// Seconds since the epoch; may be negative.
    pub seconds: i64,
    /// Offset from UTC in minutes.
    pub zone_minutes: i16,
}

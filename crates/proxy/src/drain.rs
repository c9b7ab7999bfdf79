//! The end of the role: sessions are told one after the other, so that their clients do not all come to the other
//! proxies at once.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// The part of the drain's time in which sessions are told; the rest is for commands under way.
const TELLING: f64 = 0.75;
/// Time for each connection: where there are few, nobody waits for nothing.
const PER_CONNECTION: Duration = Duration::from_millis(5);

/// When connections end.
#[derive(Default)]
pub(crate) struct Drain {
    begun: CancellationToken,
    plan: OnceLock<Plan>,
}

#[derive(Clone, Copy)]
struct Plan {
    begun: Instant,
    /// The time in which sessions are told.
    telling: Duration,
    /// When commands are cut off.
    limit: Instant,
}

impl Drain {
    /// Begins to end so many connections within this time. Only the first call counts.
    pub(crate) fn begin(&self, connections: usize, time: Duration) {
        let begun = Instant::now();
        let each = PER_CONNECTION.saturating_mul(u32::try_from(connections).unwrap_or(u32::MAX));
        self.plan.get_or_init(|| Plan {
            begun,
            telling: time.mul_f64(TELLING).min(each),
            limit: begun + time,
        });
        self.begun.cancel();
    }

    /// Waits until the end has begun. Cancel safe.
    pub(crate) async fn begun(&self) {
        self.begun.cancelled().await;
    }

    /// Waits until the end has begun and come to a session of this place between 0 and 1. Cancel safe.
    pub(crate) async fn comes_to(&self, place: f64) {
        self.begun.cancelled().await;
        if let Some(plan) = self.plan.get() {
            sleep_until(plan.begun + plan.telling.mul_f64(place.clamp(0.0, 1.0))).await;
        }
    }

    /// Returns when commands are cut off, once the end has begun.
    pub(crate) fn limit(&self) -> Option<Instant> {
        self.plan.get().map(|plan| plan.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told_after(connections: usize, place: f64) -> Duration {
        let (drain, begun) = (Drain::default(), tokio::time::Instant::now());
        drain.begin(connections, Duration::from_secs(40));
        drain.comes_to(place).await;
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn many_sessions_are_spread_over_the_time_and_few_do_not_wait() {
        assert_eq!(told_after(1_000_000, 0.0).await, Duration::ZERO);
        assert_eq!(told_after(1_000_000, 0.5).await, Duration::from_secs(15));
        assert_eq!(told_after(1_000_000, 1.0).await, Duration::from_secs(30));
        assert_eq!(told_after(2, 1.0).await, Duration::from_millis(10));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_told_before() {
        let waited = tokio::time::timeout(Duration::from_secs(3600), Drain::default().comes_to(0.0)).await;
        assert!(waited.is_err());
    }
}

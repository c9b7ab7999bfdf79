//! A clock that does not jump.

use std::time::Duration;

use mailstore::time::Timestamp;
use parking_lot::Mutex;
use tokio::time::Instant;

/// Of the time that goes by, the share by which the clock goes faster or slower to get to where the wall clock is.
const CORRECTION: u32 = 20;

/// Goes evenly from where the wall clock was at first, and approaches it when it is set: an hour in a day. Tokens,
/// and the ages of requests, are told by this clock, so that a wall clock that is set while sessions are open ends
/// none of them and refuses none of their changes.
pub(crate) struct SteadyClock(Mutex<State>);

struct State {
    shown: Timestamp,
    at: Instant,
}

impl SteadyClock {
    pub(crate) fn new(wall: Timestamp) -> Self {
        Self(Mutex::new(State {
            shown: wall,
            at: Instant::now(),
        }))
    }

    /// Returns the time when the wall clock shows `wall`.
    pub(crate) fn at(&self, wall: Timestamp) -> Timestamp {
        let mut state = self.0.lock();
        let elapsed = state.at.elapsed();
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let step = millis(elapsed);
        // What is less than a millisecond counts the next time, and the correction only when it is one.
        if step >= u64::from(CORRECTION) {
            let even = state.shown.0.saturating_add(step);
            let most = step / u64::from(CORRECTION);
            let shown = wall.0.clamp(even.saturating_sub(most), even.saturating_add(most));
            state.shown = Timestamp(shown);
            state.at += Duration::from_millis(step);
            return state.shown;
        }
        Timestamp(state.shown.0.saturating_add(step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: u64 = 1_700_000_000_000;
    const HOUR: u64 = 3_600_000;

    /// Returns what the clock shows after `steps` looks a second apart, from its start, with a wall clock that is
    /// wrong by so much.
    async fn shown(clock: &SteadyClock, begun: Instant, error: i64, steps: u32) -> i64 {
        let mut shown = 0;
        for _ in 0..steps {
            tokio::time::advance(Duration::from_secs(1)).await;
            let right = START + u64::try_from(begun.elapsed().as_millis()).unwrap();
            let told = clock.at(Timestamp(right.saturating_add_signed(error)));
            shown = i64::try_from(told.0).unwrap() - i64::try_from(right).unwrap();
        }
        shown
    }

    #[tokio::test(start_paused = true)]
    async fn a_wall_clock_that_is_set_is_approached_slowly_both_ways() {
        let (clock, begun) = (SteadyClock::new(Timestamp(START)), Instant::now());
        assert_eq!(shown(&clock, begun, 0, 100).await, 0);
        let hour = i64::try_from(HOUR).unwrap();
        assert_eq!(shown(&clock, begun, hour, 60).await, 3000);
        assert_eq!(shown(&clock, begun, -hour, 120).await, -3000);
        assert_eq!(shown(&clock, begun, 0, 3600).await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn it_never_goes_back() {
        let clock = SteadyClock::new(Timestamp(START));
        let mut last = Timestamp(0);
        for wall in (0..1000_u64).map(|step| START - step * 50) {
            tokio::time::advance(Duration::from_millis(7)).await;
            let now = clock.at(Timestamp(wall));
            assert!(now >= last, "{now:?} after {last:?}");
            last = now;
        }
    }
}

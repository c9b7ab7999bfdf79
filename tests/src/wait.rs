//! Waiting on conditions.

use std::time::{Duration, Instant};

/// Time between two looks at a condition.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Time in which whatever a test waits for must have happened; it is there for hung programs, not for slow ones.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Looks until there is something to see and returns it.
///
/// # Panics
/// When [`LIMIT`] has passed; the message says `what` was waited for.
pub fn until<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    let found = within(LIMIT, probe);
    assert!(found.is_some(), "waited {LIMIT:?} in vain for {what}");
    found.expect("invariant: asserted above")
}

/// Lets time pass that is the fault itself, as that for which a machine stands still. What a test waits for is a
/// condition instead.
pub fn pass(time: Duration) {
    std::thread::sleep(time);
}

/// Looks until there is something to see, or the time is over.
pub fn within<T>(limit: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = probe() {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

//! Slowing down those who guess passwords.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use lru::LruCache;
use mailstore::address::Address;

use crate::network::Network;

/// How many failures are borne, and how fast they are forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Failures within one `window` before attempts are refused.
    pub failures_max: u32,
    /// The time in which that many failures are forgotten again, evenly.
    pub window: Duration,
}

/// How a [`FailureLimiter`] behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimiterOptions {
    /// Per user name, whoever tries.
    pub per_user: RateLimit,
    /// Per address; an IPv6 /64 counts as one.
    pub per_address: RateLimit,
    /// Where many users come from few addresses, such as the cloud that fetches mail for Outlook's
    /// mobile program: only the user counts there.
    pub exempt: Vec<Network>,
    /// The answer to a failed attempt is held back this long, doubled with each further one ...
    pub delay_base: Duration,
    /// ... up to this long.
    pub delay_max: Duration,
    /// Most users, and most addresses, that are remembered; the longest unused goes first.
    pub entries_max: NonZeroUsize,
}

impl Default for LimiterOptions {
    /// Ten failures a minute for a user. An address gets more, because a whole office or a webmail
    /// may sit behind it.
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self {
            per_user: RateLimit {
                failures_max: 10,
                window: minute,
            },
            per_address: RateLimit {
                failures_max: 50,
                window: minute,
            },
            exempt: Vec::new(),
            delay_base: Duration::from_millis(250),
            delay_max: Duration::from_secs(4),
            entries_max: NonZeroUsize::new(100_000).unwrap_or(NonZeroUsize::MIN),
        }
    }
}

/// Whether an attempt may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Yes. Should it fail, hold the answer back for so long.
    Allowed {
        /// How long.
        failure_delay: Duration,
    },
    /// No, not for that long. Answer at once, without checking anything.
    Refused {
        /// How long.
        retry_after: Duration,
    },
}

/// Counts failed logins by user and by address. `now` is always the time since any fixed point, on
/// a clock that does not jump.
///
/// Failures against a user do not lock that user out from where he has logged in before, so guessing
/// at an account is no way to shut its owner out.
#[derive(Debug)]
pub struct FailureLimiter {
    options: LimiterOptions,
    users: LruCache<Address, Score>,
    addresses: LruCache<IpAddr, Score>,
    /// Where users have logged in from.
    familiar: LruCache<(Address, IpAddr), ()>,
}

impl FailureLimiter {
    /// Returns a limiter that has seen nothing.
    pub fn new(options: LimiterOptions) -> Self {
        let entries_max = options.entries_max;
        Self {
            options,
            users: LruCache::new(entries_max),
            addresses: LruCache::new(entries_max),
            familiar: LruCache::new(entries_max),
        }
    }

    /// Returns whether `user` may try from `peer`.
    pub fn admit(&mut self, user: &Address, peer: IpAddr, now: Duration) -> Admission {
        let user_failures = failures(&mut self.users, user, self.options.per_user, now);
        let (familiar, address_failures) = match self.client(peer) {
            Some(client) => (
                self.familiar.contains(&(user.clone(), client)),
                failures(&mut self.addresses, &client, self.options.per_address, now),
            ),
            None => (false, 0.0),
        };
        let user_wait = if familiar {
            Duration::ZERO
        } else {
            self.options.per_user.wait(user_failures)
        };
        let retry_after = user_wait.max(self.options.per_address.wait(address_failures));
        if retry_after > Duration::ZERO {
            return Admission::Refused { retry_after };
        }
        Admission::Allowed {
            failure_delay: self.delay(user_failures.max(address_failures)),
        }
    }

    /// Counts a failed attempt.
    pub fn record_failure(&mut self, user: &Address, peer: IpAddr, now: Duration) {
        add(&mut self.users, user.clone(), self.options.per_user, now);
        if let Some(client) = self.client(peer) {
            add(&mut self.addresses, client, self.options.per_address, now);
        }
    }

    /// Takes note of a login. The user's failures are forgotten; those of the address are not, or one
    /// account of his own would let an attacker guess at all the others.
    pub fn record_success(&mut self, user: &Address, peer: IpAddr) {
        self.users.pop(user);
        if let Some(client) = self.client(peer) {
            self.familiar.put((user.clone(), client), ());
        }
    }

    /// Returns what to count `peer` as; nothing where an address says nothing about who is behind it.
    fn client(&self, peer: IpAddr) -> Option<IpAddr> {
        let exempt = self.options.exempt.iter().any(|network| network.contains(peer));
        (!exempt).then(|| Network::of_client(peer))
    }

    fn delay(&self, failures: f64) -> Duration {
        let doublings = failures.clamp(0.0, 30.0);
        self.options
            .delay_base
            .mul_f64(doublings.exp2())
            .min(self.options.delay_max)
    }
}

/// Failures that have not been forgotten yet.
#[derive(Debug, Clone, Copy)]
struct Score {
    failures: f64,
    at: Duration,
}

impl Score {
    fn decayed(self, limit: RateLimit, now: Duration) -> f64 {
        let forgotten = now.saturating_sub(self.at).as_secs_f64() * limit.forgotten_per_second();
        (self.failures - forgotten).max(0.0)
    }
}

impl RateLimit {
    fn forgotten_per_second(self) -> f64 {
        let window = self.window.as_secs_f64();
        if window > 0.0 {
            f64::from(self.failures_max) / window
        } else {
            f64::MAX
        }
    }

    /// Returns the time until another failure can be borne.
    fn wait(self, failures: f64) -> Duration {
        let excess = failures + 1.0 - f64::from(self.failures_max.max(1));
        // A hair's breadth of rounding must not refuse the last attempt that is allowed.
        if excess <= 1e-9 {
            return Duration::ZERO;
        }
        Duration::try_from_secs_f64(excess / self.forgotten_per_second()).unwrap_or(self.window)
    }
}

fn failures<K: Hash + Eq>(scores: &mut LruCache<K, Score>, key: &K, limit: RateLimit, now: Duration) -> f64 {
    scores.get(key).map_or(0.0, |score| score.decayed(limit, now))
}

fn add<K: Hash + Eq>(scores: &mut LruCache<K, Score>, key: K, limit: RateLimit, now: Duration) {
    let before = scores.get(&key).map_or(0.0, |score| score.decayed(limit, now));
    scores.put(
        key,
        Score {
            failures: before + 1.0,
            at: now,
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::login_name;

    const LIMIT: RateLimit = RateLimit {
        failures_max: 10,
        window: Duration::from_secs(60),
    };

    fn limiter() -> FailureLimiter {
        FailureLimiter::new(LimiterOptions {
            per_user: LIMIT,
            per_address: RateLimit {
                failures_max: 20,
                ..LIMIT
            },
            entries_max: NonZeroUsize::new(4).unwrap(),
            ..LimiterOptions::default()
        })
    }

    fn user(name: &str) -> Address {
        login_name(name).unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn is_refused(limiter: &mut FailureLimiter, name: &str, peer: &str, now: u64) -> bool {
        matches!(
            limiter.admit(&user(name), ip(peer), at(now)),
            Admission::Refused { .. }
        )
    }

    fn fail(limiter: &mut FailureLimiter, name: &str, peer: &str, times: u32) {
        (0..times).for_each(|_| limiter.record_failure(&user(name), ip(peer), at(0)));
    }

    #[test]
    fn ten_failures_a_minute_are_borne_per_user() {
        let mut limiter = limiter();
        fail(&mut limiter, "a", "192.0.2.1", 9);
        assert!(!is_refused(&mut limiter, "a", "192.0.2.2", 0));
        fail(&mut limiter, "a", "192.0.2.1", 1);
        let refused = limiter.admit(&user("a"), ip("192.0.2.2"), at(0));
        assert_eq!(refused, Admission::Refused { retry_after: at(6) });
        assert!(!is_refused(&mut limiter, "a", "192.0.2.2", 6));
        assert!(!is_refused(&mut limiter, "b", "192.0.2.2", 0));
    }

    #[test]
    fn an_address_is_refused_whatever_user_it_tries() {
        let mut limiter = limiter();
        for name in ["a", "b", "c"] {
            fail(&mut limiter, name, "2001:db8::1", 7);
        }
        assert!(is_refused(&mut limiter, "d", "2001:db8::ffff", 0));
        assert!(!is_refused(&mut limiter, "d", "2001:db8:0:1::1", 0));
        assert!(!is_refused(&mut limiter, "d", "2001:db8::1", 60));
    }

    #[test]
    fn a_mapped_address_is_its_ipv4_address() {
        let mut limiter = limiter();
        fail(&mut limiter, "a", "192.0.2.1", 20);
        assert!(is_refused(&mut limiter, "b", "::ffff:192.0.2.1", 0));
        assert!(!is_refused(&mut limiter, "b", "::ffff:192.0.2.2", 0));
    }

    #[test]
    fn guessing_does_not_lock_the_owner_out() {
        let mut limiter = limiter();
        limiter.record_success(&user("a"), ip("198.51.100.7"));
        fail(&mut limiter, "a", "192.0.2.1", 15);
        assert!(is_refused(&mut limiter, "a", "192.0.2.1", 0));
        assert!(is_refused(&mut limiter, "a", "203.0.113.1", 0));
        assert!(!is_refused(&mut limiter, "a", "198.51.100.7", 0));
    }

    #[test]
    fn a_login_clears_the_user_but_not_the_address() {
        let mut limiter = limiter();
        fail(&mut limiter, "a", "192.0.2.1", 20);
        limiter.record_success(&user("a"), ip("192.0.2.1"));
        assert!(!is_refused(&mut limiter, "a", "198.51.100.7", 0));
        assert!(is_refused(&mut limiter, "a", "192.0.2.1", 0));
    }

    #[test]
    fn exempt_addresses_count_per_user_alone() {
        let exempt = vec!["192.0.2.0/24".parse().unwrap()];
        let mut limiter = FailureLimiter::new(LimiterOptions {
            exempt,
            ..limiter().options
        });
        fail(&mut limiter, "a", "192.0.2.1", 30);
        assert!(!is_refused(&mut limiter, "b", "192.0.2.1", 0));
        limiter.record_success(&user("b"), ip("192.0.2.1"));
        fail(&mut limiter, "b", "192.0.2.2", 10);
        assert!(is_refused(&mut limiter, "b", "192.0.2.1", 0));
    }

    #[test]
    fn answers_are_held_back_longer_with_each_failure() {
        let mut limiter = limiter();
        let mut delay = |failures| {
            fail(&mut limiter, "a", "192.0.2.1", failures);
            match limiter.admit(&user("a"), ip("192.0.2.1"), at(0)) {
                Admission::Allowed { failure_delay } => failure_delay,
                Admission::Refused { .. } => Duration::MAX,
            }
        };
        assert_eq!(delay(0), Duration::from_millis(250));
        assert_eq!(delay(1), Duration::from_millis(500));
        assert_eq!(delay(1), Duration::from_millis(1000));
        assert_eq!(delay(5), Duration::from_secs(4));
    }

    #[test]
    fn memory_is_bounded() {
        let mut limiter = limiter();
        for number in 0..100 {
            limiter.record_failure(&user(&format!("u{number}")), ip("192.0.2.1"), at(0));
            limiter.record_success(&user(&format!("v{number}")), ip("192.0.2.1"));
        }
        assert_eq!(
            (
                limiter.users.len(),
                limiter.addresses.len(),
                limiter.familiar.len()
            ),
            (4, 1, 4)
        );
    }
}

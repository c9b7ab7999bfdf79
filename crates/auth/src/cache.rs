//! Remembering passwords that matched, so that a client that logs in for every page does not cost a
//! hash every time.

use std::num::NonZeroUsize;
use std::time::Duration;

use lru::LruCache;

use crate::exchange::{PasswordCheck, Verdict};
use crate::secret::Secret;

/// How much a [`LoginCache`] remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginCacheOptions {
    /// Most entries; none switches the cache off.
    pub entries_max: usize,
    /// How long a match is remembered.
    pub lifetime: Duration,
}

impl Default for LoginCacheOptions {
    fn default() -> Self {
        Self {
            entries_max: 10_000,
            lifetime: Duration::from_secs(600),
        }
    }
}

/// Matches of the recent past. Only matches: a failed attempt always costs a hash.
///
/// An entry is a keyed hash of name, password and stored hash together. So it says nothing without
/// the key, which never leaves the process; one user's entry cannot serve another; and a changed
/// password, which changes the stored hash, leaves its old entries unreachable.
#[derive(Debug)]
pub struct LoginCache {
    key: Secret<[u8; 32]>,
    lifetime: Duration,
    /// Digest to expiry. Absent when switched off.
    entries: Option<LruCache<[u8; 32], Duration>>,
}

impl LoginCache {
    /// Returns an empty cache with a random key of its own.
    pub fn new(key: Secret<[u8; 32]>, options: LoginCacheOptions) -> Self {
        let entries = NonZeroUsize::new(options.entries_max).map(LruCache::new);
        Self {
            key,
            lifetime: options.lifetime,
            entries,
        }
    }

    /// Returns a positive verdict when this very check has matched lately. `now` is the time since any
    /// fixed point, on a clock that does not jump.
    pub fn recall(&mut self, check: &PasswordCheck, now: Duration) -> Option<Verdict> {
        let digest = self.digest(check);
        let entries = self.entries.as_mut()?;
        let expires = *entries.get(&digest)?;
        if now >= expires {
            entries.pop(&digest);
            return None;
        }
        check.genuine.then_some(Verdict { matched: true })
    }

    /// Remembers a check that matched; forgets nothing and stores nothing for one that did not.
    pub fn remember(&mut self, check: &PasswordCheck, verdict: Verdict, now: Duration) {
        let digest = self.digest(check);
        if let Some(entries) = self.entries.as_mut().filter(|_| verdict.matched && check.genuine) {
            entries.put(digest, now.saturating_add(self.lifetime));
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        if let Some(entries) = &mut self.entries {
            entries.clear();
        }
    }

    fn digest(&self, check: &PasswordCheck) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(self.key.expose());
        for field in [check.name.as_str(), check.password.expose(), check.hash.as_str()] {
            // Counted, so that no two triples run together to the same bytes.
            hasher.update(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(field.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::login_name;
    use crate::password::tests::cheap;
    use crate::password::{PasswordHash, Salts};
    use crate::verifiers::Verifiers;

    const MATCH: Verdict = Verdict { matched: true };
    const MISS: Verdict = Verdict { matched: false };

    fn hash(salt: u8) -> PasswordHash {
        let salts = Salts {
            password: [salt; 16],
            scram: [0; 16],
        };
        Verifiers::derive("pencil", &cheap(), &salts)
            .unwrap()
            .password
            .unwrap()
    }

    fn check(name: &str, password: &str) -> PasswordCheck {
        let (name, password) = (login_name(name).unwrap(), Secret::new(password.to_owned()));
        PasswordCheck {
            name,
            password,
            hash: hash(1),
            genuine: true,
        }
    }

    fn cache(entries_max: usize) -> LoginCache {
        let lifetime = Duration::from_secs(10);
        LoginCache::new(
            Secret::new([4; 32]),
            LoginCacheOptions {
                entries_max,
                lifetime,
            },
        )
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_match_is_recalled_until_it_expires() {
        let mut cache = cache(10);
        cache.remember(&check("a", "pencil"), MATCH, at(0));
        assert_eq!(cache.recall(&check("a", "pencil"), at(9)), Some(MATCH));
        assert_eq!(cache.recall(&check("a", "pencil"), at(10)), None);
        assert_eq!(cache.recall(&check("a", "pencil"), at(9)), None);
    }

    #[test]
    fn only_the_whole_identity_is_recalled() {
        let mut cache = cache(10);
        cache.remember(&check("ab", "cd"), MATCH, at(0));
        assert_eq!(cache.recall(&check("a", "bcd"), at(1)), None);
        assert_eq!(cache.recall(&check("ab", "ce"), at(1)), None);
        assert_eq!(cache.recall(&check("b", "cd"), at(1)), None);
        let changed = PasswordCheck {
            hash: hash(2),
            ..check("ab", "cd")
        };
        assert_eq!(cache.recall(&changed, at(1)), None);
    }

    #[test]
    fn failures_and_pretended_users_are_not_remembered() {
        let mut cache = cache(10);
        cache.remember(&check("a", "pencil"), MISS, at(0));
        assert_eq!(cache.recall(&check("a", "pencil"), at(1)), None);
        let pretended = PasswordCheck {
            genuine: false,
            ..check("a", "pencil")
        };
        cache.remember(&pretended, MATCH, at(0));
        assert_eq!(cache.recall(&pretended, at(1)), None);
        assert_eq!(cache.recall(&check("a", "pencil"), at(1)), None);
    }

    #[test]
    fn the_cache_is_bounded_and_can_be_off() {
        let mut small = cache(1);
        small.remember(&check("a", "pencil"), MATCH, at(0));
        small.remember(&check("b", "pencil"), MATCH, at(0));
        assert_eq!(small.recall(&check("a", "pencil"), at(1)), None);
        assert_eq!(small.recall(&check("b", "pencil"), at(1)), Some(MATCH));
        small.clear();
        assert_eq!(small.recall(&check("b", "pencil"), at(1)), None);
        let mut off = cache(0);
        off.remember(&check("a", "pencil"), MATCH, at(0));
        assert_eq!(off.recall(&check("a", "pencil"), at(1)), None);
    }
}

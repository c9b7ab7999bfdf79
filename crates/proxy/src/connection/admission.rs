//! How many connections are taken, in all and from one address.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::Arc;

use mailstore::AccountId;
use parking_lot::Mutex;

use crate::options::ConnectionLimits;

/// Counts connections against their limits. Never by address alone after login: a whole office, or a
/// webmail server, may stand behind one (PROTOCOL §2.15).
pub(crate) struct Admission {
    limits: ConnectionLimits,
    total: Arc<Mutex<Counters<()>>>,
    before_login: Arc<Mutex<Counters<IpAddr>>>,
    logged_in: Arc<Mutex<Counters<(AccountId, IpAddr)>>>,
}

type Counters<K> = HashMap<K, usize>;

/// A place that is counted for as long as this is held.
pub(crate) struct Place {
    release: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Admission {
    pub(crate) fn new(limits: ConnectionLimits) -> Self {
        Self {
            limits,
            total: Arc::default(),
            before_login: Arc::default(),
            logged_in: Arc::default(),
        }
    }

    /// Takes a new connection in, or `None` when there are too many.
    pub(crate) fn connect(&self) -> Option<Place> {
        take(&self.total, (), self.limits.total_max)
    }

    /// Counts the connections that there are.
    pub(crate) fn connections(&self) -> usize {
        self.total.lock().get(&()).copied().unwrap_or_default()
    }

    /// Counts a connection that has not logged in yet.
    pub(crate) fn before_login(&self, peer: IpAddr) -> Option<Place> {
        take(&self.before_login, peer, self.limits.before_login_per_peer_max)
    }

    /// Counts a session.
    pub(crate) fn log_in(&self, account: AccountId, peer: IpAddr) -> Option<Place> {
        take(
            &self.logged_in,
            (account, peer),
            self.limits.per_account_and_peer_max,
        )
    }
}

fn take<K>(counters: &Arc<Mutex<Counters<K>>>, key: K, limit: usize) -> Option<Place>
where
    K: Eq + Hash + Copy + Send + Sync + 'static,
{
    let mut counts = counters.lock();
    let count = counts.entry(key).or_default();
    if *count >= limit {
        return None;
    }
    *count += 1;
    drop(counts);
    let counters = Arc::clone(counters);
    Some(Place {
        release: Some(Box::new(move || give_back(&counters, &key))),
    })
}

fn give_back<K: Eq + Hash>(counters: &Mutex<Counters<K>>, key: &K) {
    let mut counts = counters.lock();
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            release();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn places_are_bounded_and_given_back() {
        let limits = ConnectionLimits {
            total_max: 3,
            before_login_per_peer_max: 1,
            per_account_and_peer_max: 2,
        };
        let admission = Admission::new(limits);
        let (one, other) = (
            IpAddr::from(Ipv4Addr::new(127, 0, 0, 1)),
            IpAddr::from([127, 0, 0, 2]),
        );
        let place = admission.before_login(one);
        assert!(place.is_some());
        assert!(admission.before_login(one).is_none());
        assert!(admission.before_login(other).is_some());
        drop(place);
        assert!(admission.before_login(one).is_some());
        let connections: Vec<_> = (0..4).map_while(|_| admission.connect()).collect();
        assert_eq!(connections.len(), 3);
        drop(connections);
        assert!(admission.connect().is_some());
    }
}

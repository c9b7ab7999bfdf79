//! The session registry: who is logged in to the accounts that this node leads. Soft state; a proxy
//! registers its sessions again with whichever node leads next.

mod ended;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use auth::TOKEN_LIFETIME;
use bytes::Bytes;
use ended::Ended;
use futures::StreamExt;
use mailstore::ports::{BoxStream, SessionInfo, SessionNotice};
use mailstore::{AccountId, SessionId};
use parking_lot::{Mutex, RwLock};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Notices that may wait for one session. A session that does not take them is ended.
const NOTICES_PER_SESSION_MAX: usize = 4;

/// How long a session may stand without anyone asking for its notices: its proxy died, or never learned
/// of the login. A proxy that asks later is registered again.
const UNSUBSCRIBED_MAX: Duration = Duration::from_secs(60);

/// Bounds of the registry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionLimits {
    /// Sessions of one account from one client address.
    pub per_account_and_peer: usize,
    /// Sessions of one account.
    pub per_account: usize,
    /// Sessions of the node.
    pub total: usize,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            per_account_and_peer: 30,
            per_account: 500,
            total: 200_000,
        }
    }
}

/// Which bound a new session would pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TooManySessions;

/// Who is logged in.
#[derive(Default)]
pub(crate) struct SessionRegistry {
    state: Mutex<State>,
    // Apart from the state, since every call looks here.
    ended: RwLock<Ended>,
    limits: SessionLimits,
}

#[derive(Default)]
struct State {
    sessions: BTreeMap<SessionId, Registered>,
    accounts: BTreeMap<AccountId, BTreeSet<SessionId>>,
}

struct Registered {
    info: SessionInfo,
    since: Instant,
    /// `None` until the proxy has asked for notices.
    notices: Option<mpsc::Sender<SessionNotice>>,
}

impl Registered {
    fn is_abandoned(&self, now: Instant) -> bool {
        self.notices.is_none() && now.saturating_duration_since(self.since) >= UNSUBSCRIBED_MAX
    }
}

impl SessionRegistry {
    pub(crate) fn new(limits: SessionLimits) -> Self {
        Self {
            state: Mutex::default(),
            ended: RwLock::default(),
            limits,
        }
    }

    /// Registers a new session.
    pub(crate) fn register(&self, info: SessionInfo) -> Result<(), TooManySessions> {
        let mut state = self.state.lock();
        let now = Instant::now();
        state.expire(info.account, now);
        if !state.has_room(&info, self.limits) {
            return Err(TooManySessions);
        }
        state.insert(info, now);
        Ok(())
    }

    /// Registers a session that was let in before, here or at another node. Only the bound of the node holds
    /// for it: refusing it would end a session that is within its account's bounds.
    pub(crate) fn register_again(&self, info: SessionInfo) -> Result<(), TooManySessions> {
        let mut state = self.state.lock();
        if state.sessions.len() >= self.limits.total {
            return Err(TooManySessions);
        }
        state.insert(info, Instant::now());
        Ok(())
    }

    /// Forgets the sessions that nobody asked the notices of.
    pub(crate) fn expire(&self) {
        let mut state = self.state.lock();
        let now = Instant::now();
        let accounts: Vec<AccountId> = state.accounts.keys().copied().collect();
        for account in accounts {
            state.expire(account, now);
        }
    }

    /// Tells whether the session is registered.
    pub(crate) fn contains(&self, session: SessionId) -> bool {
        self.state.lock().sessions.contains_key(&session)
    }

    /// Returns the session's notices, or `None` when it is not registered. The session ends when the
    /// stream is dropped.
    pub(crate) fn notices(self: &Arc<Self>, session: SessionId) -> Option<BoxStream<SessionNotice>> {
        let (sender, queue) = mpsc::channel(NOTICES_PER_SESSION_MAX);
        self.state.lock().sessions.get_mut(&session)?.notices = Some(sender.clone());
        let leave = Leave {
            registry: Arc::clone(self),
            session,
            notices: sender.downgrade(),
        };
        let stream = futures::stream::unfold((queue, leave), |(mut queue, leave)| async move {
            let notice = queue.recv().await?;
            Some((notice, (queue, leave)))
        });
        Some(stream.boxed())
    }

    /// Keeps the sessions of these accounts and forgets all others, whose proxies hear the end of the notices and
    /// register elsewhere.
    pub(crate) fn retain(&self, keeps: impl Fn(AccountId) -> bool) {
        let mut state = self.state.lock();
        let gone: Vec<SessionId> = state
            .accounts
            .iter()
            .filter(|(account, _)| !keeps(**account))
            .flat_map(|(_, sessions)| sessions.iter().copied())
            .collect();
        for session in gone {
            state.remove(session);
        }
    }

    /// Forgets the session, which may not come back.
    pub(crate) fn end(&self, session: SessionId) {
        self.ended.write().insert(session, TOKEN_LIFETIME);
        self.state.lock().remove(session);
    }

    /// Tells whether the session was ended here while its token still holds.
    pub(crate) fn has_ended(&self, session: SessionId) -> bool {
        self.ended.read().contains(session)
    }

    /// Tells sessions of an account, one or all, why they are over, and forgets them. They may not come back.
    /// Returns how many.
    pub(crate) fn kick(&self, account: AccountId, only: Option<SessionId>, reason: &'static str) -> u64 {
        let mut state = self.state.lock();
        let sessions: Vec<SessionId> = state
            .accounts
            .get(&account)
            .into_iter()
            .flatten()
            .copied()
            .filter(|session| only.is_none_or(|only| only == *session))
            .collect();
        for session in &sessions {
            self.ended.write().insert(*session, TOKEN_LIFETIME);
            if let Some(Registered {
                notices: Some(notices),
                ..
            }) = state.remove(*session)
            {
                // A full queue ends the session too, since its sender is dropped here.
                let _ = notices.try_send(SessionNotice::Ended(reason));
            }
        }
        sessions.len() as u64
    }

    /// Gives every session a new token, made by `mint`. Sessions that do not take it are forgotten.
    pub(crate) fn renew(&self, mint: impl Fn(&SessionInfo) -> Bytes) {
        let mut state = self.state.lock();
        let stuck: Vec<SessionId> = state
            .sessions
            .values()
            .filter_map(|registered| {
                let notices = registered.notices.as_ref()?;
                let renewed = SessionNotice::TokenRenewed(mint(&registered.info));
                notices
                    .try_send(renewed)
                    .is_err()
                    .then_some(registered.info.session)
            })
            .collect();
        for session in stuck {
            state.remove(session);
        }
    }

    /// Lists sessions, of one account or of all.
    pub(crate) fn list(&self, account: Option<AccountId>) -> Vec<SessionInfo> {
        let state = self.state.lock();
        let sessions = state.sessions.values().map(|registered| &registered.info);
        sessions
            .filter(|info| account.is_none_or(|account| account == info.account))
            .cloned()
            .collect()
    }

    /// Counts the sessions.
    pub(crate) fn len(&self) -> u64 {
        self.state.lock().sessions.len() as u64
    }
}

impl State {
    fn insert(&mut self, info: SessionInfo, since: Instant) {
        let sessions = self.accounts.entry(info.account).or_default();
        sessions.insert(info.session);
        let registered = Registered {
            since,
            notices: None,
            info,
        };
        self.sessions.insert(registered.info.session, registered);
    }

    /// Forgets the sessions of an account that nobody asked the notices of.
    fn expire(&mut self, account: AccountId, now: Instant) {
        let of_account = self.accounts.get(&account).into_iter().flatten().copied();
        let abandoned: Vec<SessionId> = of_account
            .filter(|session| {
                self.sessions
                    .get(session)
                    .is_some_and(|session| session.is_abandoned(now))
            })
            .collect();
        for session in abandoned {
            self.remove(session);
        }
    }

    fn has_room(&self, info: &SessionInfo, limits: SessionLimits) -> bool {
        let of_account = self.accounts.get(&info.account);
        let from_peer = of_account
            .into_iter()
            .flatten()
            .filter(|session| {
                self.sessions
                    .get(session)
                    .is_some_and(|other| other.info.peer == info.peer)
            })
            .count();
        self.sessions.len() < limits.total
            && of_account.map_or(0, BTreeSet::len) < limits.per_account
            && from_peer < limits.per_account_and_peer
    }

    fn remove(&mut self, session: SessionId) -> Option<Registered> {
        let registered = self.sessions.remove(&session)?;
        if let Some(sessions) = self.accounts.get_mut(&registered.info.account) {
            sessions.remove(&session);
            if sessions.is_empty() {
                self.accounts.remove(&registered.info.account);
            }
        }
        Some(registered)
    }
}

/// Ends the session when its notices are not read any more.
struct Leave {
    registry: Arc<SessionRegistry>,
    session: SessionId,
    notices: mpsc::WeakSender<SessionNotice>,
}

impl Drop for Leave {
    fn drop(&mut self) {
        let mut state = self.registry.state.lock();
        // A proxy that asked again holds a newer stream, which this one must not take down with it.
        let registered = state.sessions.get(&self.session);
        let current = registered.and_then(|registered| registered.notices.as_ref());
        if let Some((current, own)) = current.zip(self.notices.upgrade())
            && current.same_channel(&own)
        {
            state.remove(self.session);
        }
    }
}

#[cfg(test)]
mod tests {
    use mailstore::address::Address;
    use mailstore::time::Timestamp;

    use super::*;

    fn info(session: u8, peer: &str) -> SessionInfo {
        SessionInfo {
            session: SessionId([session; 16]),
            account: AccountId([9; 16]),
            address: Address::parse("demo@example.org").expect("an address"),
            protocol: "imap".into(),
            peer: peer.into(),
            proxy: "proxy-1".into(),
            since: Timestamp(0),
        }
    }

    #[tokio::test]
    async fn a_kicked_session_hears_why_and_is_gone() {
        let registry = Arc::new(SessionRegistry::default());
        registry.register(info(1, "::1")).expect("there is room");
        let mut notices = registry.notices(SessionId([1; 16])).expect("it is registered");
        assert_eq!(registry.kick(AccountId([9; 16]), None, "kicked"), 1);
        assert_eq!(notices.next().await, Some(SessionNotice::Ended("kicked")));
        assert_eq!(notices.next().await, None);
        assert_eq!(registry.len(), 0);
    }

    #[tokio::test]
    async fn a_session_that_is_served_elsewhere_hears_the_end_and_no_reason() {
        let registry = Arc::new(SessionRegistry::default());
        registry.register(info(1, "::1")).expect("there is room");
        let mut notices = registry.notices(SessionId([1; 16])).expect("it is registered");
        registry.retain(|account| account == AccountId([9; 16]));
        assert!(registry.contains(SessionId([1; 16])));
        registry.retain(|_| false);
        assert_eq!(notices.next().await, None);
        assert!(!registry.contains(SessionId([1; 16])));
    }

    #[test]
    fn the_bound_is_for_each_account_and_client_address() {
        let limits = SessionLimits {
            per_account_and_peer: 2,
            per_account: 3,
            total: 100,
        };
        let registry = SessionRegistry::new(limits);
        let outcomes = [(1, "a"), (2, "a"), (3, "a"), (4, "b"), (5, "c")]
            .map(|(session, peer)| registry.register(info(session, peer)).is_ok());
        assert_eq!(outcomes, [true, true, false, true, false]);
    }

    #[test]
    fn a_session_that_was_let_in_before_is_no_new_one() {
        let limits = SessionLimits {
            per_account_and_peer: 2,
            per_account: 2,
            total: 4,
        };
        let registry = SessionRegistry::new(limits);
        let outcomes = [1, 2, 3, 4, 5].map(|session| registry.register_again(info(session, "a")).is_ok());
        assert_eq!(outcomes, [true, true, true, true, false]);
        assert_eq!(registry.register(info(6, "b")), Err(TooManySessions));
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_that_nobody_asked_for_is_forgotten_and_locks_nobody_out() {
        let limits = SessionLimits {
            per_account_and_peer: 2,
            ..SessionLimits::default()
        };
        let registry = Arc::new(SessionRegistry::new(limits));
        registry.register(info(1, "a")).expect("there is room");
        let _notices = registry.notices(SessionId([1; 16])).expect("it is registered");
        registry.register(info(2, "a")).expect("there is room");
        assert_eq!(registry.register(info(3, "a")), Err(TooManySessions));
        tokio::time::advance(UNSUBSCRIBED_MAX).await;
        assert_eq!(registry.register(info(3, "a")), Ok(()));
        assert!(!registry.contains(SessionId([2; 16])));
        tokio::time::advance(UNSUBSCRIBED_MAX).await;
        registry.expire();
        let left: Vec<_> = registry.list(None).iter().map(|info| info.session).collect();
        assert_eq!(left, [SessionId([1; 16])]);
    }

    #[tokio::test]
    async fn a_stream_of_notices_that_was_replaced_ends_nothing() {
        let registry = Arc::new(SessionRegistry::default());
        let session = SessionId([1; 16]);
        registry.register(info(1, "::1")).expect("there is room");
        let old = registry.notices(session).expect("it is registered");
        let new = registry.notices(session).expect("it is registered");
        drop(old);
        assert!(registry.contains(session));
        drop(new);
        assert!(!registry.contains(session));
    }

    #[test]
    fn a_session_that_takes_no_notices_is_ended() {
        let registry = Arc::new(SessionRegistry::default());
        registry.register(info(1, "::1")).expect("there is room");
        let _notices = registry.notices(SessionId([1; 16])).expect("it is registered");
        (0..=NOTICES_PER_SESSION_MAX).for_each(|_| registry.renew(|_| Bytes::new()));
        assert!(!registry.contains(SessionId([1; 16])));
    }
}

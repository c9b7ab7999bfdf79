//! The session registry: who is logged in to the accounts that this node leads. Soft state; a proxy
//! registers its sessions again with whichever node leads next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use mailstore::ports::{BoxStream, SessionInfo, SessionNotice};
use mailstore::{AccountId, SessionId};
use parking_lot::Mutex;
use tokio::sync::mpsc;

/// Notices that may wait for one session. A session that does not take them is ended.
const NOTICES_PER_SESSION_MAX: usize = 4;

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
    limits: SessionLimits,
}

#[derive(Default)]
struct State {
    sessions: BTreeMap<SessionId, Registered>,
    accounts: BTreeMap<AccountId, BTreeSet<SessionId>>,
}

struct Registered {
    info: SessionInfo,
    /// `None` until the proxy has asked for notices.
    notices: Option<mpsc::Sender<SessionNotice>>,
}

impl SessionRegistry {
    pub(crate) fn new(limits: SessionLimits) -> Self {
        Self {
            state: Mutex::default(),
            limits,
        }
    }

    /// Registers a session.
    pub(crate) fn register(&self, info: SessionInfo) -> Result<(), TooManySessions> {
        let mut state = self.state.lock();
        if !state.has_room(&info, self.limits) {
            return Err(TooManySessions);
        }
        state
            .accounts
            .entry(info.account)
            .or_default()
            .insert(info.session);
        state
            .sessions
            .insert(info.session, Registered { info, notices: None });
        Ok(())
    }

    /// Tells whether the session is registered.
    pub(crate) fn contains(&self, session: SessionId) -> bool {
        self.state.lock().sessions.contains_key(&session)
    }

    /// Returns the session's notices, or `None` when it is not registered. The session ends when the
    /// stream is dropped.
    pub(crate) fn notices(self: &Arc<Self>, session: SessionId) -> Option<BoxStream<SessionNotice>> {
        let (sender, queue) = mpsc::channel(NOTICES_PER_SESSION_MAX);
        self.state.lock().sessions.get_mut(&session)?.notices = Some(sender);
        let leave = Leave {
            registry: Arc::clone(self),
            session,
        };
        let stream = futures::stream::unfold((queue, leave), |(mut queue, leave)| async move {
            let notice = queue.recv().await?;
            Some((notice, (queue, leave)))
        });
        Some(stream.boxed())
    }

    /// Forgets the session.
    pub(crate) fn end(&self, session: SessionId) {
        self.state.lock().remove(session);
    }

    /// Tells sessions of an account, one or all, why they are over, and forgets them. Returns how many.
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
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.registry.end(self.session);
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
    fn a_session_that_takes_no_notices_is_ended() {
        let registry = Arc::new(SessionRegistry::default());
        registry.register(info(1, "::1")).expect("there is room");
        let _notices = registry.notices(SessionId([1; 16])).expect("it is registered");
        (0..=NOTICES_PER_SESSION_MAX).for_each(|_| registry.renew(|_| Bytes::new()));
        assert!(!registry.contains(SessionId([1; 16])));
    }
}

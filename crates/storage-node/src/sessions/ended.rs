//! Sessions that were ended here and whose tokens have not run out: nobody may come back with one.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use mailstore::SessionId;
use tokio::time::Instant;

/// Sessions that are remembered; more than a node ends in the life of a token. Beyond it the oldest are forgotten.
const ENDED_MAX: usize = 200_000;

/// The sessions that were ended lately, the oldest first.
#[derive(Default)]
pub(super) struct Ended {
    order: VecDeque<(Instant, SessionId)>,
    sessions: BTreeSet<SessionId>,
}

impl Ended {
    /// Remembers a session for the life of a token that was made this moment.
    pub(super) fn insert(&mut self, session: SessionId, token_lifetime: Duration) {
        let now = Instant::now();
        self.forget(now);
        if self.sessions.insert(session) {
            self.order.push_back((now + token_lifetime, session));
        }
        if self.order.len() > ENDED_MAX {
            self.pop();
        }
    }

    /// Says whether a session was ended here.
    pub(super) fn contains(&self, session: SessionId) -> bool {
        self.sessions.contains(&session)
    }

    fn forget(&mut self, now: Instant) {
        while self.order.front().is_some_and(|(until, _)| *until <= now) {
            self.pop();
        }
    }

    fn pop(&mut self) {
        if let Some((_, session)) = self.order.pop_front() {
            self.sessions.remove(&session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Duration = Duration::from_secs(600);

    #[tokio::test(start_paused = true)]
    async fn a_session_is_remembered_for_the_life_of_its_token() {
        let mut ended = Ended::default();
        let session = |number: u8| SessionId([number; 16]);
        ended.insert(session(1), LIFETIME);
        tokio::time::advance(LIFETIME / 2).await;
        ended.insert(session(2), LIFETIME);
        assert!(ended.contains(session(1)) && ended.contains(session(2)));
        tokio::time::advance(LIFETIME / 2).await;
        ended.insert(session(3), LIFETIME);
        assert!(!ended.contains(session(1)) && ended.contains(session(2)));
    }
}

//! How often and how long a call is tried again.

use std::time::Duration;

use mailstore::StoreError;
use mailstore::ids::SessionId;
use tokio::time::Instant;

/// How long a call is tried before the caller hears that the storage is not available.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// The whole time.
    pub total: Duration,
    /// The first pause; doubled after each round in which no node could answer, with jitter.
    pub pause_min: Duration,
    /// The longest pause.
    pub pause_max: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            total: Duration::from_secs(30),
            pause_min: Duration::from_millis(20),
            pause_max: Duration::from_millis(500),
        }
    }
}

/// Tells whether a call that failed so may succeed at another node, or at the same one later.
pub(crate) fn may_pass(error: &StoreError) -> bool {
    error.is_retryable() || matches!(error, StoreError::NotLeader { .. })
}

/// The attempts at one call.
pub(crate) struct Attempts {
    deadline: Instant,
    pause: Duration,
    patience: Patience,
    /// The session that calls, if one does.
    session: Option<SessionId>,
}

impl Attempts {
    pub(crate) fn new(patience: Patience) -> Self {
        Self {
            deadline: Instant::now() + patience.total,
            pause: patience.pause_min,
            patience,
            session: None,
        }
    }

    /// Makes the attempts those of a session.
    pub(crate) fn of_session(self, session: SessionId) -> Self {
        Self {
            session: Some(session),
            ..self
        }
    }

    pub(crate) fn session(&self) -> Option<SessionId> {
        self.session
    }

    /// Returns when the call is given up.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Gives the call more time, which was not the storage's to use.
    pub(crate) fn extend(&mut self, time: Duration) {
        self.deadline += time;
    }

    /// Waits before the next attempt, for half of the pause and this share of the other half.
    ///
    /// # Errors
    /// When patience has ended.
    pub(crate) async fn pause(&mut self, jitter: f64) -> Result<(), StoreError> {
        if Instant::now() + self.pause >= self.deadline {
            return Err(StoreError::Unavailable("no leader answered in time"));
        }
        tokio::time::sleep(self.pause.mul_f64(0.5 + 0.5 * jitter)).await;
        self.pause = (self.pause * 2).min(self.patience.pause_max);
        Ok(())
    }
}

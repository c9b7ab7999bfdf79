//! The port that logs in: real SASL exchanges on cheap hashes.

use async_trait::async_trait;
use auth::{
    Exchange, ExchangeOptions, HashParameters, Limits, Mechanism, Pretender, Salts, ServerNonce, Step,
};
use bytes::Bytes;
use futures::StreamExt;
use mailstore::ports::{
    Authentication, BoxStream, Caller, Login, LoginFailure, LoginRequest, SaslExchange, SaslOutcome,
    SessionNotice,
};
use mailstore::{SessionId, StoreError};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::MemoryStore;

/// Notices that a session may be behind.
const NOTICES_MAX: usize = 4;

/// Hashes that cost next to nothing.
pub(super) fn parameters() -> HashParameters {
    HashParameters {
        argon2_kib: 8,
        argon2_passes: 1,
        argon2_lanes: 1,
        scram_iterations: 64,
    }
}

pub(super) fn salts() -> Salts {
    Salts {
        password: [1; 16],
        scram: [2; 16],
    }
}

struct MemoryExchange {
    store: MemoryStore,
    exchange: Exchange,
    request: LoginRequest,
}

#[async_trait]
impl Authentication for MemoryStore {
    async fn begin_login(&self, request: LoginRequest) -> Result<Box<dyn SaslExchange>, StoreError> {
        if let Some(fault) = self.state.lock().faults.pop() {
            return Err(fault);
        }
        let internal = |error: &dyn std::fmt::Display| StoreError::Internal(error.to_string());
        let mechanism: Mechanism = request.mechanism.parse().map_err(|error| internal(&error))?;
        let pretender = Pretender::new([7; 32].into(), parameters()).map_err(|error| internal(&error))?;
        let exchange = Exchange::new(ExchangeOptions {
            mechanism,
            binding: request.binding.clone(),
            nonce: ServerNonce::new([3; 18]),
            pretender,
            limits: Limits::default(),
        });
        Ok(Box::new(MemoryExchange {
            store: self.clone(),
            exchange,
            request,
        }))
    }

    async fn session_notices(&self, caller: &Caller) -> Result<BoxStream<SessionNotice>, StoreError> {
        let (sender, notices) = mpsc::channel(NOTICES_MAX);
        let mut state = self.state.lock();
        let session = state
            .sessions
            .get_mut(&caller.session)
            .ok_or(StoreError::Unauthorized)?;
        *session = Some(sender);
        Ok(ReceiverStream::new(notices).boxed())
    }

    async fn logout(&self, caller: &Caller) {
        self.state.lock().sessions.remove(&caller.session);
    }
}

#[async_trait]
impl SaslExchange for MemoryExchange {
    async fn respond(&mut self, message: Bytes) -> Result<SaslOutcome, StoreError> {
        let mut step = self.exchange.message(&message);
        loop {
            step = match step {
                Step::LookUp(name) => {
                    let state = self.store.state.lock();
                    let found = state.logins.get(&name).map(|(_, verifiers)| verifiers.clone());
                    drop(state);
                    self.exchange.look_up_answer(found.as_ref())
                }
                Step::Verify(check) => {
                    let verdict = check.run();
                    self.exchange.verdict(verdict)
                }
                Step::Challenge(challenge) => return Ok(SaslOutcome::Challenge(challenge)),
                Step::Done(authenticated) => return Ok(self.succeed(authenticated)),
                Step::Failed(auth::Failure::Malformed | auth::Failure::TooLong) => {
                    return Ok(SaslOutcome::Failure(LoginFailure::Malformed));
                }
                Step::Failed(auth::Failure::Credentials | auth::Failure::ChannelBinding) => {
                    return Ok(SaslOutcome::Failure(LoginFailure::Credentials));
                }
            };
        }
    }
}

impl MemoryExchange {
    fn succeed(&self, authenticated: auth::Authenticated) -> SaslOutcome {
        let mut state = self.store.state.lock();
        let Some((account, _)) = state.logins.get(&authenticated.authcid) else {
            return SaslOutcome::Failure(LoginFailure::Credentials);
        };
        let account = *account;
        if state.sessions.len() >= state.sessions_max {
            return SaslOutcome::Failure(LoginFailure::TooManySessions);
        }
        let number = state.next_session;
        state.next_session += 1;
        let mut session = [0; 16];
        session[..8].copy_from_slice(&number.to_be_bytes());
        let session = SessionId(session);
        state.sessions.insert(session, None);
        SaslOutcome::Success {
            login: Login {
                account,
                address: authenticated.authcid,
                session,
                token: Bytes::from_static(b"token"),
                proxy: self.request.proxy.clone(),
            },
            additional: authenticated.additional,
        }
    }
}

//! Logins: SASL exchanges run here, where the account's secrets are.

use std::time::Duration;

use async_trait::async_trait;
use auth::{
    Admission, Authenticated, Exchange, ExchangeOptions, Failure, FailureLimiter, LoginCache, Mechanism,
    PasswordCheck, Pretender, Salts, Secret, ServerNonce, Step, Verdict, Verifiers,
};
use bytes::Bytes;
use mailstore::account::{Account, AccountState, Credentials};
use mailstore::address::{Address, AddressRecord};
use mailstore::command::{AccountCommand, Command, Subject};
use mailstore::ports::{
    BoxStream, Caller, Login, LoginFailure, LoginRequest, NodeLogin, SaslExchange, SaslOutcome, SecretChange,
    SessionInfo, SessionNotice,
};
use mailstore::{AccountId, SessionId, StoreError, read};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::environment::{Environment, random};
use crate::node::Node;
use crate::options::NodeOptions;
use crate::pool::Pool;
use crate::tables::{self, damaged};

/// What logins share.
pub(crate) struct LoginDesk {
    pretender: Pretender,
    limits: auth::Limits,
    hashers: Pool,
    limiter: Mutex<FailureLimiter>,
    cache: Option<Mutex<LoginCache>>,
    /// The fixed point that the limiter and the cache count from.
    origin: Instant,
}

impl LoginDesk {
    pub(crate) fn new(options: &NodeOptions, pretender: Pretender, environment: &dyn Environment) -> Self {
        let key = Secret::new(random(environment));
        Self {
            pretender,
            limits: options.exchange,
            hashers: Pool::new(
                environment.blocking_work(),
                options.hashers,
                options.hashers_waiting,
            ),
            limiter: Mutex::new(FailureLimiter::new(options.limiter.clone())),
            cache: options
                .login_cache
                .map(|options| Mutex::new(LoginCache::new(key, options))),
            origin: Instant::now(),
        }
    }

    fn elapsed(&self) -> Duration {
        self.origin.elapsed()
    }

    /// Checks a password on the pool, unless the same check has matched lately.
    async fn check(&self, check: PasswordCheck) -> Result<Verdict, StoreError> {
        if let Some(cache) = &self.cache
            && let Some(verdict) = cache.lock().recall(&check, self.elapsed())
        {
            return Ok(verdict);
        }
        let (verdict, check) = self.hashers.run(move || (check.run(), check)).await?;
        if let Some(cache) = &self.cache {
            cache.lock().remember(&check, verdict, self.elapsed());
        }
        Ok(verdict)
    }

    /// Derives the verifiers of a new password, or takes over a hash.
    pub(crate) async fn derive(
        &self,
        environment: &dyn Environment,
        secret: SecretChange,
    ) -> Result<Credentials, StoreError> {
        let verifiers = match secret {
            SecretChange::Hash(hash) => Verifiers::import(&hash),
            SecretChange::Password(password) => {
                let parameters = *self.pretender.parameters();
                let salts = Salts {
                    password: random(environment),
                    scram: random(environment),
                };
                self.hashers
                    .run(move || Verifiers::derive(&password, &parameters, &salts))
                    .await?
            }
        };
        let verifiers = verifiers.map_err(|_| mailstore::Rejection::Secret)?;
        Ok(verifiers.encode())
    }
}

/// One exchange in progress.
struct NodeExchange {
    node: Node,
    request: LoginRequest,
    account: Option<AccountId>,
    /// Under which failures are counted.
    user: Address,
    exchange: Exchange,
    /// How long the answer to a failure is held back.
    delay: Duration,
    /// The account as it was looked up.
    found: Option<Account>,
}

/// An exchange that was refused before it began.
struct Refused(LoginFailure);

#[async_trait]
impl SaslExchange for Refused {
    async fn respond(&mut self, _: Bytes) -> Result<SaslOutcome, StoreError> {
        Ok(SaslOutcome::Failure(self.0))
    }
}

#[async_trait]
impl SaslExchange for NodeExchange {
    async fn respond(&mut self, message: Bytes) -> Result<SaslOutcome, StoreError> {
        let mut step = self.exchange.message(&message);
        loop {
            step = match step {
                Step::LookUp(name) => {
                    let verifiers = self.look_up(&name).await?;
                    self.exchange.look_up_answer(verifiers.as_ref())
                }
                Step::Verify(check) => {
                    let verdict = self.node.login_desk().check(check).await?;
                    self.exchange.verdict(verdict)
                }
                Step::Challenge(challenge) => return Ok(SaslOutcome::Challenge(challenge)),
                Step::Done(authenticated) => return self.succeed(authenticated).await,
                Step::Failed(failure) => return Ok(self.fail(failure).await),
            };
        }
    }
}

impl NodeExchange {
    /// Returns the secrets of the account that the exchange is about. The name in the messages must be the
    /// one that the exchange was begun for: failures are counted under it.
    async fn look_up(&mut self, name: &Address) -> Result<Option<Verifiers>, StoreError> {
        if *name != self.user {
            return Ok(None);
        }
        let Some(account) = self.account else {
            return Ok(None);
        };
        let found = self.node.read_account(account, tables::account).await;
        let found = match found {
            Ok(found) => found,
            Err(StoreError::Rejected(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let verifiers = Verifiers::decode(&found.credentials)
            .map_err(|error| StoreError::Internal(format!("credentials of {account}: {error}")))?;
        self.found = Some(found);
        Ok(Some(verifiers))
    }

    async fn succeed(&mut self, authenticated: Authenticated) -> Result<SaslOutcome, StoreError> {
        let Some(account) = self.found.take() else {
            return Ok(self.fail(Failure::Credentials).await);
        };
        // Acting for another is for master users, who do not exist yet.
        let for_another = authenticated
            .authzid
            .as_ref()
            .is_some_and(|other| *other != authenticated.authcid);
        if for_another || account.state != AccountState::Active {
            return Ok(self.fail(Failure::Credentials).await);
        }
        self.node
            .login_desk()
            .limiter
            .lock()
            .record_success(&self.user, self.request.peer);
        if let Some(password) = authenticated.upgrade {
            self.upgrade(&account, password).await;
        }
        let Some(login) = self.register(&account) else {
            return Ok(SaslOutcome::Failure(LoginFailure::TooManySessions));
        };
        Ok(SaslOutcome::Success {
            login,
            additional: authenticated.additional,
        })
    }

    /// Puts the session into the registry, if it has room.
    fn register(&self, account: &Account) -> Option<Login> {
        let (node, now) = (&self.node, self.node.steady_now());
        let session = SessionId(random(node.environment()));
        let info = SessionInfo {
            session,
            account: account.id,
            address: account.address.clone(),
            protocol: self.request.protocol.to_owned(),
            peer: self.request.peer.to_string(),
            proxy: self.request.proxy.to_string(),
            since: now,
        };
        let token = node.tokens().mint(&info, now);
        node.sessions_registry().register(info).ok()?;
        let (address, proxy) = (account.address.clone(), self.request.proxy.clone());
        Some(Login {
            account: account.id,
            address,
            session,
            token,
            proxy,
        })
    }

    /// Replaces an imported or outdated hash, now that the password is known. A failure is no reason to
    /// refuse the login: the next one tries again.
    async fn upgrade(&self, account: &Account, password: Secret<String>) {
        let secret = SecretChange::Password(password.expose().clone());
        let upgraded = async {
            let credentials = self
                .node
                .login_desk()
                .derive(self.node.environment(), secret)
                .await?;
            let version = account.credentials_version;
            let command = AccountCommand::UpgradeCredentials { credentials, version };
            self.node
                .propose_for(Subject::Account(account.id), None, Command::Account(command))
                .await
        };
        if let Err(error) = upgraded.await {
            tracing::warn!(account = %account.id, %error, "password hash could not be upgraded");
        }
    }

    /// Counts the failure and holds the answer back.
    async fn fail(&self, failure: Failure) -> SaslOutcome {
        let desk = self.node.login_desk();
        desk.limiter
            .lock()
            .record_failure(&self.user, self.request.peer, desk.elapsed());
        tokio::time::sleep(self.delay).await;
        SaslOutcome::Failure(match failure {
            Failure::Credentials | Failure::ChannelBinding => LoginFailure::Credentials,
            Failure::Malformed | Failure::TooLong => LoginFailure::Malformed,
        })
    }
}

#[async_trait]
impl NodeLogin for Node {
    async fn address_record(&self, address: &Address) -> Result<Option<AddressRecord>, StoreError> {
        let subject = Subject::Address(address.clone());
        self.read_subject(subject, |rows| read::address_record(rows).map_err(damaged))
            .await
    }

    async fn begin_login_at(
        &self,
        account: Option<AccountId>,
        request: LoginRequest,
    ) -> Result<Box<dyn SaslExchange>, StoreError> {
        if let Some(account) = account {
            self.replication().read_barrier(self.group_of(account)).await?;
        }
        let Ok(mechanism) = request.mechanism.parse::<Mechanism>() else {
            return Ok(Box::new(Refused(LoginFailure::Mechanism)));
        };
        let Ok(user) = auth::login_name(&request.user) else {
            return Ok(Box::new(Refused(LoginFailure::Credentials)));
        };
        let desk = self.login_desk();
        let admission = desk.limiter.lock().admit(&user, request.peer, desk.elapsed());
        let delay = match admission {
            Admission::Allowed { failure_delay } => failure_delay,
            Admission::Refused { .. } => return Ok(Box::new(Refused(LoginFailure::Limited))),
        };
        let exchange = Exchange::new(ExchangeOptions {
            mechanism,
            binding: request.binding.clone(),
            nonce: ServerNonce::new(random(self.environment())),
            pretender: desk.pretender.clone(),
            limits: desk.limits,
        });
        let node = self.clone();
        Ok(Box::new(NodeExchange {
            node,
            request,
            account,
            user,
            exchange,
            delay,
            found: None,
        }))
    }

    async fn notices(&self, caller: &Caller) -> Result<BoxStream<SessionNotice>, StoreError> {
        self.authorise(caller, crate::authorise::Right::Read)?;
        if !self.sessions_registry().contains(caller.session) {
            self.register_again(caller).await?;
        }
        self.sessions_registry()
            .notices(caller.session)
            .ok_or(StoreError::Unauthorized)
    }

    async fn end_session(&self, caller: &Caller) -> Result<(), StoreError> {
        self.authorise(caller, crate::authorise::Right::Read)?;
        self.sessions_registry().end(caller.session);
        Ok(())
    }
}

impl Node {
    /// Registers a session that came from another leader: its token proves the login and says where the
    /// client is. No bound on new sessions refuses it, since it is none.
    async fn register_again(&self, caller: &Caller) -> Result<(), StoreError> {
        let now = self.steady_now();
        let claims = self
            .tokens()
            .claims(caller, now)
            .ok_or(StoreError::Unauthorized)?;
        let account = self.read_account(caller.account, tables::account).await?;
        if account.state != AccountState::Active {
            return Err(StoreError::Unauthorized);
        }
        let info = SessionInfo {
            session: caller.session,
            account: caller.account,
            address: account.address,
            protocol: claims.protocol,
            peer: claims.peer,
            proxy: caller.presenter.to_string(),
            since: now,
        };
        self.sessions_registry()
            .register_again(info)
            .map_err(|_| StoreError::Overloaded)
    }
}

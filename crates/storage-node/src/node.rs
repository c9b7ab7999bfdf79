//! One storage node, put together.

use std::sync::Arc;

use cluster::SlotMap;
use consensus::EventSink;
use mailstore::command::Subject;
use mailstore::event::Event;
use mailstore::rows::ReadRows;
use mailstore::time::Timestamp;
use mailstore::{AccountId, GroupId, StoreError};
use tokio::sync::oneshot;

use crate::content::Content;
use crate::delivery::DeliveryFilter;
use crate::environment::Environment;
use crate::login::LoginDesk;
use crate::options::NodeOptions;
use crate::pool::Pool;
use crate::replication::Replication;
use crate::sessions::{SessionLimits, SessionRegistry};
use crate::steady_clock::SteadyClock;
use crate::tokens::Tokens;
use crate::watch::WatchHub;

/// What a node is made of.
pub struct NodeParts {
    /// Time and randomness.
    pub environment: Arc<dyn Environment>,
    /// The node's replicas.
    pub replication: Arc<dyn Replication>,
    /// Message content.
    pub content: Arc<dyn Content>,
    /// Takes the events of the replicas.
    pub events: NodeEvents,
    /// Slots to groups.
    pub slots: SlotMap,
    /// Makes and checks session tokens.
    pub keys: auth::KeyRing,
    /// Signs session tokens.
    pub signer: auth::TokenSigner,
    /// Decides where delivered mail goes.
    pub filter: Arc<dyn DeliveryFilter>,
    /// Known to all nodes of the cluster; salts what unknown users are told.
    pub pretender: auth::Pretender,
}

/// Hands the events of applied entries to a node. Made before the replicas, which publish to it.
#[derive(Clone)]
pub struct NodeEvents {
    hub: Arc<WatchHub>,
    sessions: Arc<SessionRegistry>,
}

impl NodeEvents {
    /// Returns the receiver for a node whose session registry has these bounds.
    #[must_use]
    pub fn new(limits: SessionLimits) -> Self {
        Self {
            hub: Arc::default(),
            sessions: Arc::new(SessionRegistry::new(limits)),
        }
    }
}

impl EventSink for NodeEvents {
    fn publish(&self, events: Vec<Event>) {
        self.hub.publish(&events);
        for event in events {
            if let Event::AccountChanged { account } = event {
                self.sessions.kick(account, None, "the account was changed");
            }
        }
    }
}

/// One storage node: implements the ports of `mailstore` for the groups that it leads. Cheap to clone.
#[derive(Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

struct Inner {
    options: NodeOptions,
    environment: Arc<dyn Environment>,
    clock: SteadyClock,
    replication: Arc<dyn Replication>,
    content: Arc<dyn Content>,
    hub: Arc<WatchHub>,
    filter: Arc<dyn DeliveryFilter>,
    slots: SlotMap,
    tokens: Tokens,
    sessions: Arc<SessionRegistry>,
    login: LoginDesk,
    content_pool: Pool,
    started: Timestamp,
}

impl Node {
    /// Puts a node together.
    #[must_use]
    pub fn new(options: NodeOptions, parts: NodeParts) -> Self {
        let started = parts.environment.now();
        let inner = Inner {
            sessions: parts.events.sessions,
            login: LoginDesk::new(&options, parts.pretender, &*parts.environment),
            content_pool: Pool::new(
                parts.environment.blocking_work(),
                options.content_readers,
                options.content_readers_waiting,
            ),
            tokens: Tokens::new(parts.keys, parts.signer),
            environment: parts.environment,
            clock: SteadyClock::new(started),
            replication: parts.replication,
            content: parts.content,
            hub: parts.events.hub,
            filter: parts.filter,
            slots: parts.slots,
            started,
            options,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    pub(crate) fn options(&self) -> &NodeOptions {
        &self.inner.options
    }

    pub(crate) fn environment(&self) -> &dyn Environment {
        &*self.inner.environment
    }

    /// Returns the time for what must not be moved by a wall clock that is set: entries, tokens and deadlines.
    pub(crate) fn steady_now(&self) -> Timestamp {
        self.inner.clock.at(self.environment().now())
    }

    pub(crate) fn replication(&self) -> &dyn Replication {
        &*self.inner.replication
    }

    pub(crate) fn content_store(&self) -> &dyn Content {
        &*self.inner.content
    }

    pub(crate) fn hub(&self) -> &Arc<WatchHub> {
        &self.inner.hub
    }

    pub(crate) fn filter(&self) -> &dyn DeliveryFilter {
        &*self.inner.filter
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.inner.tokens
    }

    pub(crate) fn sessions_registry(&self) -> &Arc<SessionRegistry> {
        &self.inner.sessions
    }

    pub(crate) fn login_desk(&self) -> &LoginDesk {
        &self.inner.login
    }

    pub(crate) fn content_pool(&self) -> &Pool {
        &self.inner.content_pool
    }

    pub(crate) fn started(&self) -> mailstore::time::Timestamp {
        self.inner.started
    }

    pub(crate) fn group_of(&self, account: AccountId) -> GroupId {
        self.inner.slots.group_of(account.slot())
    }

    pub(crate) fn group_of_subject(&self, subject: &Subject) -> GroupId {
        match subject {
            Subject::Account(account) => self.group_of(*account),
            Subject::Address(address) => self.inner.slots.group_of(address.slot()),
        }
    }

    /// Answers a question from the rows of a subject, linearizably.
    pub(crate) async fn read_subject<T, Q>(&self, subject: Subject, question: Q) -> Result<T, StoreError>
    where
        T: Send + 'static,
        Q: FnOnce(&dyn ReadRows) -> Result<T, StoreError> + Send + 'static,
    {
        let group = self.group_of_subject(&subject);
        self.replication().read_barrier(group).await?;
        let (answer, answered) = oneshot::channel();
        let question = Box::new(move |rows: &dyn ReadRows| {
            // Nobody waits for it when the call was given up.
            let _ = answer.send(question(rows));
        });
        self.replication().ask(group, &subject, question).await?;
        answered
            .await
            .map_err(|_| StoreError::Internal("a question was not asked".into()))?
    }

    /// Answers a question from the rows of an account, linearizably.
    pub(crate) async fn read_account<T, Q>(&self, account: AccountId, question: Q) -> Result<T, StoreError>
    where
        T: Send + 'static,
        Q: FnOnce(&dyn ReadRows) -> Result<T, StoreError> + Send + 'static,
    {
        self.read_subject(Subject::Account(account), question).await
    }
}

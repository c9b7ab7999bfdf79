//! The way to a group's leader.

use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use mailstore::account::QuotaLimits;
use mailstore::ids::{RequestId, SessionId, Slot};
use mailstore::mailbox::SpecialUse;
use mailstore::name::MailboxName;
use mailstore::ports::{Caller, StorageNode};
use mailstore::time::Timestamp;
use mailstore::{AccountId, GroupId, StoreError};
use parking_lot::{Mutex, RwLock};
use rand::RngCore;

use crate::attempts::{Attempts, Patience};
use crate::gate::{Gate, Passed, RequestLimits};
use crate::layout::Layout;
use crate::spool::{Spool, SpoolOptions};
use crate::vigil::Vigils;

/// How long a node may take to answer a question that all nodes are asked.
const NODE_ANSWER_MAX: Duration = Duration::from_secs(5);

/// What new accounts get, and how long removed ones are kept.
#[derive(Clone, Debug)]
pub struct AccountDefaults {
    /// Limits.
    pub limits: QuotaLimits,
    /// Mailboxes made and subscribed beside INBOX.
    pub mailboxes: Vec<(MailboxName, SpecialUse)>,
    /// How long a removed account can be restored.
    pub retention: Duration,
}

/// Reads the wall clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Fills a buffer with random octets: new account ids, and the jitter of pauses.
pub type Random = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// How a router behaves.
#[derive(Clone)]
pub struct RouterOptions {
    /// How long a call is tried.
    pub patience: Patience,
    /// Where content is kept until it is stored.
    pub spool: SpoolOptions,
    /// For administration.
    pub accounts: AccountDefaults,
    /// For administration.
    pub clock: Clock,
}

/// Finds the leader of a group and implements the role-facing ports on top of the nodes. Cheap to clone.
#[derive(Clone)]
pub struct Router {
    inner: Arc<Inner>,
}

/// The storage nodes, named as in the layout.
pub type Nodes = BTreeMap<String, Arc<dyn StorageNode>>;

/// Who is where, as far as is known.
struct Routes {
    layout: Layout,
    nodes: Nodes,
    /// What is on its way to each node.
    gates: BTreeMap<String, Arc<Gate>>,
}

struct Inner {
    routes: RwLock<Arc<Routes>>,
    /// The node that last answered as leader, or was named as one.
    leaders: Mutex<HashMap<GroupId, String>>,
    patience: Patience,
    /// The nodes that are nearer than others, the nearest first.
    near: Vec<String>,
    request_limits: RequestLimits,
    spool: Arc<Spool>,
    vigils: Vigils,
    accounts: AccountDefaults,
    clock: Clock,
    random: Random,
}

impl Router {
    /// Returns a router over these nodes, which are named as in the layout.
    #[must_use]
    pub fn new(layout: Layout, nodes: Nodes, options: RouterOptions) -> Self {
        Self::with_random(
            layout,
            nodes,
            options,
            Arc::new(|buffer| rand::rng().fill_bytes(buffer)),
        )
    }

    /// Returns a router that takes its randomness from here, so that a simulation can repeat what it does.
    #[must_use]
    pub fn with_random(layout: Layout, nodes: Nodes, options: RouterOptions, random: Random) -> Self {
        let inner = Inner {
            routes: RwLock::new(Arc::new(Routes {
                gates: gates(&nodes, RequestLimits::default()),
                layout,
                nodes,
            })),
            leaders: Mutex::default(),
            patience: options.patience,
            near: Vec::new(),
            request_limits: RequestLimits::default(),
            spool: Arc::new(Spool::new(options.spool)),
            vigils: Vigils::default(),
            accounts: options.accounts,
            clock: options.clock,
            random,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Goes by another layout from now on. Calls under way see it at their next attempt.
    pub fn adopt(&self, layout: Layout, nodes: Nodes) {
        let mut gates = gates(&nodes, self.inner.request_limits);
        let mut routes = self.inner.routes.write();
        for (name, gate) in &mut gates {
            // What is on its way is counted on.
            if let Some(known) = routes.gates.get(name) {
                *gate = Arc::clone(known);
            }
        }
        *routes = Arc::new(Routes { layout, nodes, gates });
    }

    fn routes(&self) -> Arc<Routes> {
        Arc::clone(&self.inner.routes.read())
    }

    /// Keeps content within the budget of another router of the process, so that both together stay within it. To be
    /// called before the router is cloned.
    #[must_use]
    pub fn with_spool_of(mut self, other: &Self) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.spool = Arc::clone(&other.inner.spool);
        }
        self
    }

    /// Bounds the requests to each node. To be called before the router is cloned.
    #[must_use]
    pub fn with_request_limits(mut self, limits: RequestLimits) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            let routes = inner.routes.get_mut();
            *routes = Arc::new(Routes {
                layout: routes.layout.clone(),
                nodes: routes.nodes.clone(),
                gates: gates(&routes.nodes, limits),
            });
            inner.request_limits = limits;
        }
        self
    }

    /// Says which nodes are nearer than others, the nearest first: the one in this process, those of the same zone.
    /// To be called before the router is cloned.
    #[must_use]
    pub fn with_near(mut self, near: Vec<String>) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.near = near;
        }
        self
    }

    /// Counts the requests to storage nodes: how many run, how many wait, and how many were refused so far.
    #[must_use]
    pub fn requests(&self) -> (usize, usize, u64) {
        let routes = self.routes();
        let counts = routes.gates.values().map(|gate| gate.counts());
        counts.fold((0, 0, 0), |all, one| {
            (all.0 + one.0, all.1 + one.1, all.2 + one.2)
        })
    }

    /// Tells whether so many requests wait that nobody new should be let in.
    #[must_use]
    pub fn is_overloaded(&self) -> bool {
        let (_, waiting, _) = self.requests();
        let room = self
            .inner
            .request_limits
            .waiting_max
            .saturating_mul(self.routes().nodes.len());
        waiting > 0 && waiting * 2 >= room
    }

    /// Returns the room that is taken by content on its way, out of
    /// [`SpoolOptions::total_bytes_max`].
    #[must_use]
    pub fn spooled_bytes(&self) -> u64 {
        self.inner.spool.taken_bytes()
    }

    pub(crate) fn spool(&self) -> &Spool {
        &self.inner.spool
    }

    pub(crate) fn vigils(&self) -> &Vigils {
        &self.inner.vigils
    }

    pub(crate) fn account_defaults(&self) -> &AccountDefaults {
        &self.inner.accounts
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    /// Returns an id that no account has or had.
    pub(crate) fn new_account_id(&self) -> AccountId {
        let mut id = [0; 16];
        (self.inner.random)(&mut id);
        AccountId(id)
    }

    /// Returns the name of one change, the same at every attempt at it.
    pub(crate) fn new_request(&self) -> RequestId {
        let mut session = [0; 16];
        (self.inner.random)(&mut session);
        RequestId {
            session: SessionId(session),
            sequence: 1,
            created: self.now(),
        }
    }

    /// Returns a share of one, for pauses that are not to end together.
    pub(crate) fn jitter(&self) -> f64 {
        let mut octets = [0; 4];
        (self.inner.random)(&mut octets);
        f64::from(u32::from_le_bytes(octets)) / (f64::from(u32::MAX) + 1.0)
    }

    pub(crate) fn groups(&self) -> Vec<GroupId> {
        self.routes().layout.slots().groups()
    }

    pub(crate) fn group_of_slot(&self, slot: Slot) -> GroupId {
        self.routes().layout.slots().group_of(slot)
    }

    pub(crate) fn group_of(&self, account: AccountId) -> GroupId {
        self.group_of_slot(account.slot())
    }

    /// Calls `call` at every node at once, and returns what each answered by its name. A node that does not
    /// answer in time is as one that cannot be reached.
    pub(crate) async fn at_every_node<T, C, F>(&self, call: C) -> Vec<(String, Result<T, StoreError>)>
    where
        C: Fn(Arc<dyn StorageNode>) -> F,
        F: Future<Output = Result<T, StoreError>>,
    {
        let routes = self.routes();
        let answers = routes.nodes.iter().map(|(name, node)| {
            let answer = tokio::time::timeout(NODE_ANSWER_MAX, call(Arc::clone(node)));
            async move {
                let late = Err(StoreError::Unavailable("a storage node does not answer"));
                (name.clone(), answer.await.unwrap_or(late))
            }
        });
        futures::future::join_all(answers).await
    }

    /// Begins to try. All that belongs to one call of a role shares the attempts, so that the patience that was
    /// stated is the whole.
    pub(crate) fn attempts(&self) -> Attempts {
        Attempts::new(self.inner.patience)
    }

    /// Calls `call` at the leader of the group, as patiently as options say.
    pub(crate) async fn at_leader<T, C, F>(&self, group: GroupId, call: C) -> Result<T, StoreError>
    where
        C: Fn(Arc<dyn StorageNode>) -> F,
        F: Future<Output = Result<T, StoreError>>,
    {
        self.at_leader_within(&mut self.attempts(), group, call).await
    }

    /// As [`at_leader`](Self::at_leader), for a session: its requests take turns with those of others.
    pub(crate) async fn for_session<T, C, F>(&self, caller: &Caller, call: C) -> Result<T, StoreError>
    where
        C: Fn(Arc<dyn StorageNode>) -> F,
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut attempts = self.attempts().of_session(caller.session);
        self.at_leader_within(&mut attempts, self.group_of(caller.account), call)
            .await
    }

    /// Calls `call` at the leader of the group. Follows hints and tries the other replicas until one
    /// answers; pauses after a round without an answer; gives up when patience ends. An error that is
    /// not retryable is the caller's. The call is repeated also when its outcome is unknown: a change must
    /// carry a request id, or be one that can be repeated.
    pub(crate) async fn at_leader_within<T, C, F>(
        &self,
        attempts: &mut Attempts,
        group: GroupId,
        call: C,
    ) -> Result<T, StoreError>
    where
        C: Fn(Arc<dyn StorageNode>) -> F,
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut uncertain = false;
        loop {
            let mut candidates = self.candidates(group);
            let mut asked = Vec::new();
            while let Some(name) = candidates.pop() {
                asked.push(name.clone());
                let Some(node) = self.node(&name) else {
                    continue;
                };
                let passed = self.pass(&name, attempts).await;
                let passed = passed.map_err(|error| decided(error, uncertain))?;
                let answer = tokio::time::timeout_at(attempts.deadline(), call(node)).await;
                drop(passed);
                match answer.unwrap_or(Err(StoreError::OutcomeUnknown)) {
                    Ok(answer) => {
                        self.remember(group, name);
                        return Ok(answer);
                    }
                    Err(StoreError::NotLeader { hint }) => {
                        // The leader may be on a node that came to the group a moment ago.
                        let newcomer = hint.as_ref().filter(|leader| !asked.contains(leader));
                        candidates.extend(newcomer.cloned());
                        self.follow(group, &name, hint, &mut candidates);
                    }
                    Err(error) if error.is_retryable() => {
                        tracing::debug!(group = group.0, node = %name, %error, "call failed, trying on");
                        uncertain |= may_have_taken_effect(&error);
                        self.forget(group, &name);
                    }
                    Err(error) => return Err(decided(error, uncertain)),
                }
            }
            let paused = attempts.pause(self.jitter()).await;
            paused.map_err(|error| decided(error, uncertain))?;
        }
    }

    /// Waits until a request may go to the node.
    async fn pass(&self, name: &str, attempts: &Attempts) -> Result<Option<Passed>, StoreError> {
        let Some(gate) = self.routes().gates.get(name).cloned() else {
            return Ok(None);
        };
        let passed = tokio::time::timeout_at(attempts.deadline(), gate.pass(attempts.session())).await;
        match passed {
            Ok(passed) => passed.map(Some),
            Err(_) => Err(StoreError::Unavailable("too many requests were before this one")),
        }
    }

    pub(crate) fn node(&self, name: &str) -> Option<Arc<dyn StorageNode>> {
        self.routes().nodes.get(name).cloned()
    }

    /// Returns the group's nodes, the likeliest leader last.
    pub(crate) fn candidates(&self, group: GroupId) -> Vec<String> {
        let routes = self.routes();
        let mut names: Vec<String> = routes.layout.replicas(group).iter().rev().cloned().collect();
        let leaders = self.inner.leaders.lock();
        if let Some(leader) = leaders.get(&group).filter(|leader| names.contains(leader)) {
            names.retain(|name| name != leader);
            names.push(leader.clone());
        }
        names
    }

    /// Returns the group's nodes for reads that any of them can answer: the nearest last, and of those that are as
    /// near one by chance, so that they share the work.
    pub(crate) fn nearest_last(&self, group: GroupId) -> Vec<String> {
        let mut names = self.candidates(group);
        let near = &self.inner.near;
        let mut far: Vec<_> = names.extract_if(.., |name| !near.contains(name)).collect();
        if !far.is_empty() {
            let mut chance = [0];
            (self.inner.random)(&mut chance);
            let places = usize::from(chance[0]) % far.len();
            far.rotate_left(places);
        }
        names.sort_by_key(|name| std::cmp::Reverse(near.iter().position(|near| near == name)));
        far.append(&mut names);
        far
    }

    /// Puts the leader that was named next in line, unless it was the one that named another.
    pub(crate) fn follow(
        &self,
        group: GroupId,
        asked: &str,
        hint: Option<String>,
        candidates: &mut Vec<String>,
    ) {
        self.forget(group, asked);
        if let Some(leader) = hint.filter(|leader| leader != asked && candidates.contains(leader)) {
            candidates.retain(|name| *name != leader);
            candidates.push(leader);
        }
    }

    pub(crate) fn remember(&self, group: GroupId, name: String) {
        self.inner.leaders.lock().insert(group, name);
    }

    pub(crate) fn forget(&self, group: GroupId, name: &str) {
        let mut leaders = self.inner.leaders.lock();
        if leaders.get(&group).is_some_and(|leader| leader == name) {
            leaders.remove(&group);
        }
    }
}

fn gates(nodes: &Nodes, limits: RequestLimits) -> BTreeMap<String, Arc<Gate>> {
    let gate = |name: &String| (name.clone(), Arc::new(Gate::new(limits)));
    nodes.keys().map(gate).collect()
}

/// Tells whether the call that failed so may have been carried out, or may be later.
fn may_have_taken_effect(error: &StoreError) -> bool {
    matches!(error, StoreError::OutcomeUnknown)
}

/// Returns the error of a call whose earlier attempts may have taken effect. Only a rejection says what
/// became of those: it comes from where the request's record is.
fn decided(error: StoreError, uncertain: bool) -> StoreError {
    match error {
        StoreError::Rejected(_) => error,
        _ if uncertain => StoreError::OutcomeUnknown,
        _ => error,
    }
}

//! The network between machines: calls that take time, links that can be cut or slow, machines that hold still.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use rpc::GroupControl;
use storage_node::{Node, RaftEntrance, StoredContentHandler};
use tokio_util::sync::CancellationToken;

use crate::random::Random;

/// How long a message takes each way, on a link without faults.
const LATENCY: Duration = Duration::from_millis(1);
/// After how long a process notices that nothing comes from the other side any more, as the keepalives of real
/// connections do.
const SILENCE_MAX: Duration = Duration::from_secs(8);
/// How often a message that is held up, or a stream that nothing comes from, is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// What becomes of messages on a link that is cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cut {
    /// The sender is told at once, as where the other side's kernel answers for a process that is gone.
    Refused,
    /// They are lost, and the sender waits.
    Silent,
}

/// What one machine answers to others.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) raft: Arc<RaftEntrance>,
    pub(crate) content: Arc<StoredContentHandler>,
    pub(crate) control: Arc<dyn GroupControl>,
    pub(crate) node: Node,
    /// Cancelled when the process is gone.
    pub(crate) gone: CancellationToken,
}

/// The network. Cheap to clone.
#[derive(Clone)]
pub struct Network {
    state: Arc<Mutex<State>>,
}

type Link = (String, String);

struct State {
    listening: BTreeMap<String, Services>,
    cut: BTreeMap<Link, Cut>,
    /// How much longer a message may take, by the machine at either end.
    slow: BTreeMap<String, Duration>,
    /// Machines that neither send nor receive, and lose nothing.
    held: BTreeSet<String>,
    random: Random,
}

impl State {
    fn cut_of(&self, from: &str, to: &str) -> Option<Cut> {
        self.cut.get(&(from.to_owned(), to.to_owned())).copied()
    }

    fn is_held(&self, from: &str, to: &str) -> bool {
        !self.held.is_empty() && (self.held.contains(from) || self.held.contains(to))
    }

    /// Returns how long a message takes. Two messages of a slow machine may overtake each other.
    fn time(&mut self, from: &str, to: &str) -> Duration {
        let slow = [from, to].into_iter().filter_map(|end| self.slow.get(end));
        match slow.max().copied() {
            None => LATENCY,
            Some(most) => {
                let most = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
                LATENCY + Duration::from_millis(self.random.below(most))
            }
        }
    }
}

impl Network {
    /// Returns a network without faults, whose later choices follow from the seed.
    pub(crate) fn new(random: Random) -> Self {
        let state = State {
            listening: BTreeMap::new(),
            cut: BTreeMap::new(),
            slow: BTreeMap::new(),
            held: BTreeSet::new(),
            random,
        };
        Self {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// Cuts the link from one machine to another; the other way stays.
    pub fn cut(&self, from: &str, to: &str) {
        self.cut_so(from, to, Cut::Refused);
    }

    /// Cuts the link from one machine to another in this way; the other way stays.
    pub fn cut_so(&self, from: &str, to: &str, cut: Cut) {
        let link = (from.to_owned(), to.to_owned());
        self.state.lock().cut.insert(link, cut);
    }

    /// Lets messages from and to a machine take up to so much longer.
    pub fn slow_down(&self, name: &str, at_most: Duration) {
        self.state.lock().slow.insert(name.to_owned(), at_most);
    }

    /// Lets a machine neither hear nor be heard until [`go_on`](Self::go_on), when all that waits arrives: as when
    /// its process is stopped for a while.
    pub fn hold(&self, name: &str) {
        self.state.lock().held.insert(name.to_owned());
    }

    /// Ends [`hold`](Self::hold).
    pub fn go_on(&self, name: &str) {
        self.state.lock().held.remove(name);
    }

    /// Mends all links of a machine.
    pub fn mend(&self, name: &str) {
        let mut state = self.state.lock();
        state.cut.retain(|(from, to), _| from != name && to != name);
        state.slow.remove(name);
        state.held.remove(name);
    }

    /// Mends all links.
    pub fn heal(&self) {
        let mut state = self.state.lock();
        state.cut.clear();
        state.slow.clear();
        state.held.clear();
    }

    pub(crate) fn listen(&self, name: &str, services: Services) {
        self.state.lock().listening.insert(name.to_owned(), services);
    }

    pub(crate) fn hang_up(&self, name: &str) {
        if let Some(services) = self.state.lock().listening.remove(name) {
            services.gone.cancel();
        }
    }

    /// Brings a message from one machine to another, and gives what that one answers to.
    pub(crate) async fn reach(&self, from: &str, to: &str) -> Option<Services> {
        match self.carry(from, to).await {
            true => self.state.lock().listening.get(to).cloned(),
            false => None,
        }
    }

    /// Brings a message from one machine to another. Returns whether it arrived, when the sender knows.
    pub(crate) async fn carry(&self, from: &str, to: &str) -> bool {
        let time = self.state.lock().time(from, to);
        tokio::time::sleep(time).await;
        while self.state.lock().is_held(from, to) {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        let cut = self.state.lock().cut_of(from, to);
        if cut == Some(Cut::Silent) {
            tokio::time::sleep(SILENCE_MAX).await;
        }
        cut.is_none()
    }

    /// Returns when a connection between two machines on which nobody speaks is known to be lost.
    pub(crate) async fn severed(&self, one: &str, other: &str) {
        let mut silent = Duration::ZERO;
        let interval = Duration::from_secs(1);
        while silent < SILENCE_MAX {
            tokio::time::sleep(interval).await;
            let state = self.state.lock();
            let cut = state.cut_of(one, other).or(state.cut_of(other, one));
            silent = match cut {
                Some(Cut::Refused) => return,
                Some(Cut::Silent) => silent + interval,
                None => Duration::ZERO,
            };
        }
    }

    /// Returns the network as services hold it that the network itself holds.
    pub(crate) fn downgrade(&self) -> WeakNetwork {
        WeakNetwork(Arc::downgrade(&self.state))
    }
}

/// A network that is not kept by this.
#[derive(Clone)]
pub(crate) struct WeakNetwork(Weak<Mutex<State>>);

impl WeakNetwork {
    pub(crate) fn upgrade(&self) -> Option<Network> {
        self.0.upgrade().map(|state| Network { state })
    }
}

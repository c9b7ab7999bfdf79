//! A cluster in one thread.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cluster::{AccountDefaults, Layout, Patience, Router, RouterOptions, SpoolOptions};
use disk::SimDisk;
use mailstore::account::QuotaLimits;
use mailstore::address::Address;
use mailstore::mailbox::SpecialUse;
use mailstore::name::MailboxName;
use mailstore::ports::{AccountAdd, Administration, SecretChange, StorageNode};
use mailstore::{AccountId, StoreError};
use parking_lot::Mutex;
use storage_node::Environment;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::environment::SimEnvironment;
use crate::holders::Holders;
use crate::machine::{BootError, Machine, MachineOptions, Running};
use crate::mutation::MutatedNode;
use crate::network::Network;
use crate::proxies::Proxies;
use crate::random::Random;
use crate::remote::Remote;
use crate::slow_disk::SlowDisk;
use crate::session::{PROXY, Session, log_in};

/// How a world is made.
#[derive(Clone, Debug)]
pub struct WorldOptions {
    /// From which all else follows.
    pub seed: u64,
    /// How many machines.
    pub machines: usize,
    /// How many groups.
    pub groups: u32,
    /// How long a call is tried.
    pub patience: Patience,
}

impl WorldOptions {
    /// Returns one machine with 16 groups.
    #[must_use]
    pub fn single(seed: u64) -> Self {
        Self {
            seed,
            machines: 1,
            groups: 16,
            patience: Patience::default(),
        }
    }
}

/// A cluster in one thread. To be made inside a runtime whose time is paused.
pub struct World {
    /// The network.
    pub network: Network,
    /// The proxies.
    pub proxies: Proxies,
    /// Where content is.
    pub(crate) holders: Holders,
    layout: Layout,
    nodes: Vec<String>,
    machines: BTreeMap<String, Machine>,
    running: BTreeMap<String, Running>,
    patience: Patience,
    random: Arc<Mutex<Random>>,
    clock: Arc<SimEnvironment>,
    origin: Instant,
}

impl World {
    /// Returns a world whose machines are new and switched off.
    #[must_use]
    pub fn new(options: &WorldOptions) -> Self {
        let mut random = Random::new(options.seed);
        let origin = Instant::now();
        let nodes: Vec<String> = (1..=options.machines.max(1))
            .map(|n| format!("node-{n}"))
            .collect();
        let layout = Layout::initial(&nodes, options.groups, 3);
        let mutated = MutatedNode::default();
        let machines = nodes.iter().map(|name| {
            let machine = Machine {
                name: name.clone(),
                disk: SimDisk::new(random.draw()),
                environment: Arc::new(SimEnvironment::new(origin, random.fork())),
                options: MachineOptions::small(name),
                mutation: None,
                mutated: mutated.clone(),
                told: None,
                slow_disk: SlowDisk::default(),
            };
            (name.clone(), machine)
        });
        let machines = machines.collect();
        let layout = layout.expect("invariant: machines have names of their own");
        Self {
            network: Network::new(random.fork()),
            proxies: Proxies::default(),
            holders: Holders::new(&layout),
            layout,
            nodes,
            machines,
            running: BTreeMap::new(),
            patience: options.patience,
            clock: Arc::new(SimEnvironment::new(origin, random.fork())),
            origin,
            random: Arc::new(Mutex::new(random)),
        }
    }

    /// Returns a world of one machine that runs.
    ///
    /// # Errors
    /// When the node does not start.
    pub async fn single(seed: u64) -> Result<Self, BootError> {
        let mut world = Self::new(&WorldOptions::single(seed));
        world.boot_all().await?;
        Ok(world)
    }

    /// Lists the machines.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.nodes
    }

    /// Returns the layout that the machines start with.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Returns a machine.
    #[must_use]
    pub fn machine(&self, name: &str) -> &Machine {
        self.machines
            .get(name)
            .expect("invariant: a machine of the world")
    }

    /// Returns a machine, to change its options before it is started again.
    #[must_use]
    pub fn machine_mut(&mut self, name: &str) -> &mut Machine {
        self.machines
            .get_mut(name)
            .expect("invariant: a machine of the world")
    }

    /// Returns the first machine, which in a world of one is the one.
    #[must_use]
    pub fn first(&self) -> &Machine {
        self.machines
            .values()
            .next()
            .expect("invariant: a world has a machine")
    }

    /// Returns what runs on a machine.
    #[must_use]
    pub fn running(&self, name: &str) -> Option<&Running> {
        self.running.get(name)
    }

    /// Returns what runs on the first machine.
    #[must_use]
    pub fn first_running(&self) -> &Running {
        self.running
            .values()
            .next()
            .expect("invariant: the machine was started")
    }

    /// Starts a machine.
    ///
    /// # Errors
    /// When its storage node does not start.
    pub async fn boot(&mut self, name: &str) -> Result<(), BootError> {
        let running = self
            .machine(name)
            .boot(&self.layout, &self.nodes, &self.network)
            .await?;
        self.machine_mut(name).mutated.restarted = true;
        self.holders.started(name, &running.content);
        self.running.insert(name.to_owned(), running);
        Ok(())
    }

    /// Starts all machines.
    ///
    /// # Errors
    /// When a storage node does not start.
    pub async fn boot_all(&mut self) -> Result<(), BootError> {
        for name in self.nodes.clone() {
            self.boot(&name).await?;
        }
        Ok(())
    }

    /// Takes the power from a machine: what its disk had not synced survives in part. Its node ends as a
    /// process does that is gone.
    pub async fn cut_power(&mut self, name: &str) {
        self.network.hang_up(name);
        self.holders.gone(name);
        self.machine(name).disk.crash();
        if let Some(running) = self.running.remove(name) {
            // What is left of the process cannot write any more, so that it can only fail to stop in order.
            let _ = running.replicas.shutdown().await;
        }
    }

    /// Kills the storage node of a machine: what it has written stays, synced or not.
    pub async fn kill(&mut self, name: &str) {
        self.network.hang_up(name);
        self.holders.gone(name);
        if let Some(running) = self.running.remove(name) {
            running.plug.pull();
            // What is left of the process cannot write any more, so that it can only fail to stop in order.
            let _ = running.replicas.shutdown().await;
        }
    }

    /// Stops a machine in order.
    ///
    /// # Errors
    /// When it does not stop in order.
    pub async fn stop(&mut self, name: &str) -> Result<(), mailstore::StoreError> {
        self.network.hang_up(name);
        self.holders.gone(name);
        match self.running.remove(name) {
            Some(running) => running.replicas.shutdown().await,
            None => Ok(()),
        }
    }

    /// Starts a proxy. All machines must have been made.
    pub fn start_proxy(&self, name: &str) {
        let process = CancellationToken::new();
        let router = self.router_of(name, &process);
        let random = self.random.lock().fork();
        let environment = Arc::new(SimEnvironment::new(self.origin, random));
        self.proxies.start(name, router, environment, process);
    }

    /// Returns a router as a proxy that starts now has it: to what runs now on the one machine, or over the
    /// network to whatever runs on the machines.
    #[must_use]
    pub fn router(&self) -> Router {
        self.router_of(PROXY, &CancellationToken::new())
    }

    fn router_of(&self, proxy: &str, process: &CancellationToken) -> Router {
        let nodes = self.nodes.iter().filter_map(|name| {
            let node: Arc<dyn StorageNode> = match self.nodes.len() {
                // One process, as the embedded server is.
                1 => Arc::new(self.running.get(name)?.node.clone()),
                _ => {
                    let remote = Remote::new(&self.network, proxy, name, process.clone());
                    Arc::new(remote.with_mutation(self.machine(name).mutation))
                }
            };
            Some((name.clone(), node))
        });
        let clock = Arc::clone(&self.clock);
        let options = RouterOptions {
            patience: self.patience,
            spool: in_memory(),
            accounts: defaults(),
            clock: Arc::new(move || Environment::now(&*clock)),
        };
        let random = Arc::clone(&self.random);
        let random = move |buffer: &mut [u8]| random.lock().fill(buffer);
        Router::with_random(self.layout.clone(), nodes.collect(), options, Arc::new(random))
    }

    /// Returns the proxies' clock.
    #[must_use]
    pub fn clock(&self) -> Arc<SimEnvironment> {
        Arc::clone(&self.clock)
    }

    /// Makes an account with a password, and with the default mailboxes.
    ///
    /// # Errors
    /// Those of [`Administration::account_add`].
    pub async fn add_account(&self, address: &str, password: &str) -> Result<AccountId, StoreError> {
        let add = AccountAdd {
            address: Address::parse(address).expect("invariant: an address"),
            secret: SecretChange::Password(password.to_owned()),
            limits: None,
        };
        self.router().account_add(add).await
    }

    /// Logs in with a password that is known to be right.
    ///
    /// # Errors
    /// When the storage does not answer; [`StoreError::Unauthorized`] when the login is refused.
    pub async fn session(&self, address: &str, password: &str) -> Result<Session, StoreError> {
        self.session_through(PROXY, address, password).await
    }

    /// Logs in from the place of a proxy.
    ///
    /// # Errors
    /// As [`session`](Self::session).
    pub async fn session_through(
        &self,
        proxy: &str,
        address: &str,
        password: &str,
    ) -> Result<Session, StoreError> {
        let router = self.router_of(proxy, &CancellationToken::new());
        let login = log_in(&router, address, password).await?;
        let login = login.map_err(|_| StoreError::Unauthorized)?;
        Ok(Session::new(router, &login, self.clock()))
    }
}

/// Files of a spool are made by the operating system's threads, whose order is nobody's choice.
fn in_memory() -> SpoolOptions {
    SpoolOptions {
        memory_bytes_max: u64::MAX,
        ..SpoolOptions::default()
    }
}

fn defaults() -> AccountDefaults {
    let name = |text: &str| MailboxName::parse(text).expect("invariant: a name");
    AccountDefaults {
        limits: QuotaLimits::default(),
        mailboxes: vec![
            (name("Drafts"), SpecialUse::DRAFTS),
            (name("Sent"), SpecialUse::SENT),
            (name("Trash"), SpecialUse::TRASH),
        ],
        retention: Duration::from_secs(30 * 24 * 3600),
    }
}

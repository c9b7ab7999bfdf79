//! A run of several machines: clients work all the time while machines fail one at a time and come back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::client::Client;
use crate::history::{AccountNumber, History};
use crate::machine::Running;
use crate::random::Random;
use crate::run::{Outcome, Stuck, in_time};
use crate::stage::Stage;
use crate::world::{World, WorldOptions};

const CLIENTS_PER_ACCOUNT: u32 = 2;
/// How long it may take at the most, all faults gone, until everybody is served again.
const HEALING: Duration = Duration::from_secs(10);
/// How long clients may need to come to an end: longer than the patience of one call.
const LAST_CALLS: Duration = Duration::from_secs(120);

/// What a run of several machines does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClusterOptions {
    /// From which all else follows.
    pub seed: u64,
    /// How many machines there are.
    pub machines: usize,
    /// How many faults happen, one after the other.
    pub faults: u32,
    /// How many operations each client does.
    pub operations: u32,
}

impl ClusterOptions {
    /// Returns the run of a seed as it is tested with every change.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        Self {
            seed,
            machines: 3,
            faults: 5,
            operations: 60,
        }
    }
}

/// Does a run, in a runtime of its own whose time stands still while anybody works.
#[must_use]
pub fn run_cluster(options: &ClusterOptions) -> Outcome {
    in_time(options.seed, |history| async move {
        let mut run = ClusterRun::new(options, Arc::clone(&history));
        if let Err(what) = run.play(options).await {
            history.lock().violation(what);
        }
    })
}

/// What befalls one machine, or the way to it. The others are a majority meanwhile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum ClusterFault {
    /// Its process is killed.
    Kill,
    /// It loses its power.
    PowerLoss,
    /// It reaches no other machine, and none reaches it; proxies still do.
    Isolation,
    /// It hears the others, and they do not hear it.
    Mute,
    /// Its wall clock is set forward by a minute.
    ClockJump,
}

struct ClusterRun {
    stage: Stage,
    /// Ends with the name of a machine and the time when it was started, when that node cannot go on.
    supervisors: JoinSet<(String, Instant)>,
    started: BTreeMap<String, Instant>,
}

impl ClusterRun {
    fn new(options: &ClusterOptions, history: Arc<Mutex<History>>) -> Self {
        let mut random = Random::new(options.seed);
        let world = World::new(&WorldOptions {
            machines: options.machines,
            groups: 2,
            ..WorldOptions::single(random.draw())
        });
        Self {
            stage: Stage::new(world, history, random, 2),
            supervisors: JoinSet::new(),
            started: BTreeMap::new(),
        }
    }

    async fn play(&mut self, options: &ClusterOptions) -> Result<(), Stuck> {
        for name in self.stage.world.names().to_vec() {
            self.boot(&name).await?;
        }
        let mut clients = self.begin(options.operations).await?;
        for _ in 0..options.faults {
            let quiet = Duration::from_millis(self.stage.random.below(1500));
            self.pass(quiet).await?;
            self.befall().await?;
        }
        let ended = timeout(LAST_CALLS, async { while clients.join_next().await.is_some() {} });
        if ended.await.is_err() {
            return Err("clients do not come to an end".to_owned());
        }
        self.pass(HEALING).await?;
        self.stage.history.lock().set_under_fault(false);
        self.look_at_everything().await?;
        // What has no answer may still be on its way, until every process is gone.
        for name in self.stage.world.names().to_vec() {
            self.stage.world.cut_power(&name).await;
        }
        self.stage.history.lock().note("all machines lose their power");
        for name in self.stage.world.names().to_vec() {
            self.boot(&name).await?;
        }
        self.pass(HEALING).await?;
        self.look_at_everything().await?;
        self.stage.history.lock().settle();
        Ok(())
    }

    async fn boot(&mut self, name: &str) -> Result<(), Stuck> {
        let booted = self.stage.world.boot(name).await;
        booted.map_err(|error| format!("{name} does not start: {error}"))?;
        let running = self
            .stage
            .world
            .running(name)
            .expect("invariant: it was started")
            .clone();
        let (name, since) = (name.to_owned(), Instant::now());
        self.started.insert(name.clone(), since);
        self.supervisors.spawn(async move {
            supervise(&running).await;
            (name, since)
        });
        Ok(())
    }

    /// Makes the accounts and lets clients work on them.
    async fn begin(&mut self, operations: u32) -> Result<JoinSet<()>, Stuck> {
        for account in self.stage.accounts() {
            let made = self.stage.make_account(account, None).await;
            made.map_err(|error| format!("accounts: {error}"))?;
        }
        self.stage.history.lock().set_under_fault(true);
        let mut clients = JoinSet::new();
        for account in self.stage.accounts() {
            for number in 0..CLIENTS_PER_ACCOUNT {
                let client = self.client(account, number).await?;
                clients.spawn(client.run(operations, Duration::from_millis(300)));
            }
        }
        Ok(clients)
    }

    async fn client(&mut self, account: AccountNumber, number: u32) -> Result<Client, Stuck> {
        let client = self.stage.client(account, number).await;
        client.map_err(|error| format!("nobody can log in: {error}"))
    }

    /// Lets one fault happen, and mends it.
    async fn befall(&mut self) -> Result<(), Stuck> {
        let names = self.stage.world.names().to_vec();
        let name = self.stage.random.pick(&names).cloned().unwrap_or_default();
        let fault = match self.stage.random.below(100) {
            0..30 => ClusterFault::Kill,
            30..55 => ClusterFault::PowerLoss,
            55..75 => ClusterFault::Isolation,
            75..90 => ClusterFault::Mute,
            _ => ClusterFault::ClockJump,
        };
        self.stage.history.lock().fault(&(name.as_str(), fault));
        match fault {
            ClusterFault::Kill => self.stage.world.kill(&name).await,
            ClusterFault::PowerLoss => self.stage.world.cut_power(&name).await,
            ClusterFault::Isolation | ClusterFault::Mute => {
                for other in names.iter().filter(|other| **other != name) {
                    self.stage.world.network.cut(&name, other);
                    if fault == ClusterFault::Isolation {
                        self.stage.world.network.cut(other, &name);
                    }
                }
            }
            ClusterFault::ClockJump => {
                let clock = &self.stage.world.machine(&name).environment;
                clock.set_clock_forward(Duration::from_secs(60));
            }
        }
        let lasting = Duration::from_millis(self.stage.random.below(4000));
        self.pass(lasting).await?;
        self.stage.world.network.heal();
        if self.stage.world.running(&name).is_none() {
            self.boot(&name).await?;
        }
        self.stage.history.lock().note(format!("{name} is well again"));
        Ok(())
    }

    /// Lets time pass, and starts nodes again that cannot go on.
    async fn pass(&mut self, time: Duration) -> Result<(), Stuck> {
        let end = Instant::now() + time;
        loop {
            // Both are cancel safe: a point in time, and a set of tasks.
            let failed = tokio::select! {
                biased;
                Some(Ok(failed)) = self.supervisors.join_next() => failed,
                () = tokio::time::sleep_until(end) => return Ok(()),
            };
            let (name, since) = failed;
            let is_of_now =
                self.started.get(&name) == Some(&since) && self.stage.world.running(&name).is_some();
            if is_of_now {
                self.stage.history.lock().note(format!("{name} cannot go on"));
                self.stage.world.kill(&name).await;
                self.boot(&name).await?;
            }
        }
    }

    async fn look_at_everything(&mut self) -> Result<(), Stuck> {
        for account in self.stage.accounts() {
            let mut client = self.client(account, 99).await?;
            client.look_at_everything().await;
        }
        Ok(())
    }
}

/// Repairs a node's replicas until that is not possible any more.
async fn supervise(running: &Running) {
    let replicas = async { while running.replicas.repair_next_failure().await.is_ok() {} };
    tokio::select! {
        biased;
        () = replicas => {}
        () = running.content.failed() => {}
    }
    // What comes of it takes a moment, as the start of a process does.
    sleep(Duration::from_millis(50)).await;
}

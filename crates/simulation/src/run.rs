//! One run: some lives of a machine under load, each ended by a fault, and what clients saw of it.

use std::sync::Arc;
use std::time::Duration;

use mailstore::StoreError;
use mailstore::account::QuotaLimits;
use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::client::Client;
use crate::fault::Fault;
use crate::history::{AccountNumber, Check, Counts, History, Violation};
use crate::machine::Running;
use crate::mutation::Mutation;
use crate::random::Random;
use crate::stage::Stage;
use crate::world::{World, WorldOptions};

const MACHINE: &str = "node-1";
/// Fewer than a server has, since each costs a run the same and shows nothing more.
const GROUPS: u32 = 4;
const CLIENTS_PER_ACCOUNT: u32 = 3;
/// The longest pause of a client between two operations.
const PAUSE_MAX: Duration = Duration::from_millis(40);
/// How long content that nothing names is kept: longer than any client needs from an upload to its commit, and
/// far shorter than on a server, where nobody waits for it.
const BLOB_GRACE: Duration = Duration::from_secs(5);
/// How long it may take until a node notices that a sync of its disk has failed.
const NOTICE: Duration = Duration::from_secs(30);
/// How often a client tries to log in.
const LOGINS_MAX: u32 = 20;

/// What a run does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RunOptions {
    /// From which all else follows.
    pub seed: u64,
    /// How many accounts there are.
    pub accounts: usize,
    /// How often the machine is started.
    pub lives: u32,
    /// How many operations each client does in each life.
    pub operations: u32,
    /// A defect to be found.
    pub mutation: Option<Mutation>,
}

impl RunOptions {
    /// Returns the run of a seed as it is tested with every change.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        Self {
            seed,
            accounts: 3,
            lives: 5,
            operations: 14,
            mutation: None,
        }
    }
}

/// What came of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// All that happened, line by line; the same for the same options.
    pub trace: Vec<String>,
    /// What must not have happened.
    pub violations: Vec<Violation>,
    /// How much happened.
    pub counts: Counts,
}

/// Does a run, in a runtime of its own whose time stands still while anybody works.
#[must_use]
pub fn run(options: &RunOptions) -> Outcome {
    in_time(options.seed, |history| async move {
        let mut run = Run::new(options, Arc::clone(&history));
        if let Err(what) = run.play(options).await {
            history.lock().violation(Check::Node, what);
        }
    })
}

/// Plays in a runtime of its own whose time stands still while anybody works, and returns what was written
/// down.
pub(crate) fn in_time<F: Future<Output = ()>>(
    seed: u64,
    play: impl FnOnce(Arc<Mutex<History>>) -> F,
) -> Outcome {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    // What tokio draws by itself, as which branch of a `select!` is looked at first.
    #[cfg(tokio_unstable)]
    builder.rng_seed(tokio::runtime::RngSeed::from_bytes(&seed.to_be_bytes()));
    let runtime = builder
        .enable_time()
        .start_paused(true)
        .build()
        .expect("invariant: a runtime without threads or sockets");
    consensus::seed_elections_of_this_thread(seed);
    runtime.block_on(async {
        let history = Arc::new(Mutex::new(History::new()));
        play(Arc::clone(&history)).await;
        let mut history = history.lock();
        let counts = history.counts();
        let (trace, violations) = std::mem::take(&mut *history).into_parts();
        Outcome {
            trace,
            violations,
            counts,
        }
    })
}

/// Why a run cannot go on.
pub(crate) type Stuck = String;

struct Run {
    stage: Stage,
}

/// How a life goes on after its fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// The process runs and is to be stopped in order.
    InOrder,
    /// The process is killed.
    Kill,
    /// The machine loses its power.
    PowerLoss,
}

impl Run {
    fn new(options: &RunOptions, history: Arc<Mutex<History>>) -> Self {
        let mut random = Random::new(options.seed);
        let mut world = World::new(&WorldOptions {
            groups: GROUPS,
            ..WorldOptions::single(random.draw())
        });
        let machine = world.machine_mut(MACHINE);
        machine.mutation = options.mutation;
        machine.options.node.blob_grace = BLOB_GRACE;
        Self {
            stage: Stage::new(world, history, random, options.accounts),
        }
    }

    async fn play(&mut self, options: &RunOptions) -> Result<(), Stuck> {
        self.boot().await?;
        self.make_accounts()
            .await
            .map_err(|error| format!("accounts: {error}"))?;
        for life in 0..options.lives {
            if life > 0 {
                self.boot().await?;
                self.look_at_everything().await?;
                sleep(BLOB_GRACE + Duration::from_secs(2)).await;
                tidy_up(
                    self.stage.world.first_running().clone(),
                    Arc::clone(&self.stage.history),
                )
                .await;
            }
            let fault = Fault::choose(&mut self.stage.random);
            self.stage.history.lock().note(format!("life {life}"));
            let end = self.live(fault, options.operations).await?;
            self.end(end).await;
        }
        // Without faults everything must be there, twice over: once more after a loss of power.
        for _ in 0..2 {
            self.boot().await?;
            self.look_at_everything().await?;
            self.end(End::PowerLoss).await;
        }
        Ok(())
    }

    async fn boot(&mut self) -> Result<(), Stuck> {
        self.stage
            .world
            .machine(MACHINE)
            .disk
            .set_capacity_bytes(u64::MAX / 2);
        let booted = self.stage.world.boot(MACHINE).await;
        booted.map_err(|error| format!("the node does not start: {error}"))?;
        let damaged = self.stage.world.first_running().opened.damaged.clone();
        if !damaged.is_empty() {
            // A loss of power is no damage: what was not acknowledged is cut.
            let text = format!("content is damaged: {damaged:?}");
            self.stage.history.lock().violation(Check::Node, text);
        }
        Ok(())
    }

    async fn end(&mut self, end: End) {
        self.stage.history.lock().note(format!("end {end:?}"));
        match end {
            End::InOrder => {
                if let Err(error) = self.stage.world.stop(MACHINE).await {
                    self.stage
                        .history
                        .lock()
                        .violation(Check::Node, format!("not stopped in order: {error}"));
                }
            }
            End::Kill => self.stage.world.kill(MACHINE).await,
            End::PowerLoss => self.stage.world.cut_power(MACHINE).await,
        }
    }

    async fn make_accounts(&mut self) -> Result<(), StoreError> {
        for account in self.stage.accounts() {
            self.stage.make_account(account, Some(limits_of(account))).await?;
        }
        Ok(())
    }

    /// Logs a client in, which may take a while behind a fault.
    async fn client(&mut self, account: AccountNumber, number: u32) -> Result<Client, Stuck> {
        let mut failure = StoreError::Unauthorized;
        for _ in 0..LOGINS_MAX {
            match self.stage.client(account, number).await {
                Ok(client) => return Ok(client),
                Err(error) => failure = error,
            }
            sleep(Duration::from_secs(1)).await;
        }
        Err(format!("nobody can log in: {failure}"))
    }

    /// Looks at everything, which decides what became of commands without an answer.
    async fn look_at_everything(&mut self) -> Result<(), Stuck> {
        for account in self.stage.accounts() {
            // A client of its own, since the others remember what they saw.
            let mut client = self.client(account, 99).await?;
            client.look_at_everything().await;
        }
        self.stage.history.lock().settle();
        Ok(())
    }

    /// Lets clients work until they are done or the node is gone, with a fault on the way.
    async fn live(&mut self, fault: Fault, operations: u32) -> Result<End, Stuck> {
        let mut clients = JoinSet::new();
        for account in self.stage.accounts() {
            for number in 0..CLIENTS_PER_ACCOUNT {
                let client = self.client(account, number).await?;
                clients.spawn(client.run(operations, PAUSE_MAX));
            }
        }
        let running = self.stage.world.first_running().clone();
        let (pause, node, history) = (
            self.stage.random.below(500),
            running.clone(),
            Arc::clone(&self.stage.history),
        );
        clients.spawn(async move {
            sleep(Duration::from_millis(pause)).await;
            tidy_up(node, history).await;
        });
        let end = {
            let work = async { while clients.join_next().await.is_some() {} };
            let end = self.befall(&running, fault, work);
            end.await
        };
        clients.shutdown().await;
        Ok(end)
    }

    /// Lets a fault happen beside the work, and waits for its end.
    async fn befall(&self, running: &Running, fault: Fault, work: impl Future<Output = ()>) -> End {
        let failure = self.supervise(running);
        tokio::pin!(work, failure);
        let begun = async {
            sleep(after(fault)).await;
            self.begin(running, fault).await
        };
        // Every branch is a future that goes on where it was: they are pinned and polled again.
        let mut begun = std::pin::pin!(begun);
        let mut syncs = None;
        let mut fault_begun = false;
        loop {
            tokio::select! {
                biased;
                () = &mut failure => {
                    return if fault_begun { after_failure(fault) } else { End::PowerLoss };
                }
                failing = &mut begun, if !fault_begun => {
                    fault_begun = true;
                    syncs = failing;
                    match fault {
                        Fault::Kill { .. } => return End::Kill,
                        Fault::PowerLoss { .. } => return End::PowerLoss,
                        _ => {}
                    }
                }
                () = &mut work => break,
            }
        }
        if !fault_begun {
            syncs = begun.await;
        }
        self.quieten(fault, syncs, failure).await
    }

    /// Waits, when the work is done, for what a fault must still lead to.
    async fn quieten(
        &self,
        fault: Fault,
        failing_sync: Option<u64>,
        failure: impl Future<Output = ()>,
    ) -> End {
        match fault {
            Fault::PowerCut { .. } | Fault::PowerLoss { .. } => End::PowerLoss,
            Fault::Kill { .. } => End::Kill,
            Fault::SyncFailure { .. } => {
                let reached = failing_sync
                    .is_some_and(|sync| self.stage.world.machine(MACHINE).disk.sync_count() >= sync);
                if !reached {
                    return End::PowerLoss;
                }
                if timeout(NOTICE, failure).await.is_err() {
                    self.stage
                        .history
                        .lock()
                        .violation(Check::Node, "a failed sync went unnoticed");
                }
                after_failure(fault)
            }
            Fault::Stop | Fault::FullDisk { .. } | Fault::ClockJump { .. } | Fault::LostTables { .. } => {
                End::InOrder
            }
        }
    }

    /// Begins a fault. Returns which sync it lets fail.
    async fn begin(&self, running: &Running, fault: Fault) -> Option<u64> {
        self.stage.history.lock().fault(&fault);
        let disk = &self.stage.world.machine(MACHINE).disk;
        match fault {
            Fault::Stop | Fault::Kill { .. } | Fault::PowerLoss { .. } => None,
            Fault::PowerCut { steps, .. } => {
                disk.cut_power_after(steps);
                None
            }
            Fault::SyncFailure { syncs, .. } => {
                disk.fail_sync_after(syncs);
                Some(disk.sync_count() + syncs)
            }
            Fault::FullDisk {
                lasting, free_bytes, ..
            } => {
                let free = disk::Disk::free_bytes(disk).unwrap_or(0);
                let used = (u64::MAX / 2).saturating_sub(free);
                disk.set_capacity_bytes(used.saturating_add(free_bytes));
                sleep(lasting).await;
                disk.set_capacity_bytes(u64::MAX / 2);
                self.stage.history.lock().note("there is room again");
                None
            }
            Fault::ClockJump { seconds, .. } => {
                let by = Duration::from_secs(seconds.unsigned_abs());
                let clock = &self.stage.world.machine(MACHINE).environment;
                if seconds < 0 {
                    clock.set_clock_back(by);
                } else {
                    clock.set_clock_forward(by);
                }
                None
            }
            Fault::LostTables { .. } => {
                running.tables.push(kv::Fault {
                    skip: 0,
                    operation: None,
                    shelf: None,
                    effect: kv::Effect::LoseAfter,
                });
                None
            }
        }
    }

    /// Does what the process around a node does: repairs replicas, and returns when the process must stop.
    async fn supervise(&self, running: &Running) {
        let replicas = async {
            loop {
                match running.replicas.repair_next_failure().await {
                    Ok(()) => self.stage.history.lock().note("a replica was repaired"),
                    Err(error) => return error.to_string(),
                }
            }
        };
        let content = async {
            running.content.failed().await;
            "content".to_owned()
        };
        let failed = tokio::select! {
            biased;
            failed = replicas => failed,
            failed = content => failed,
        };
        self.stage
            .history
            .lock()
            .note(format!("the node has failed: {failed}"));
    }
}

/// Does what a node does by itself from time to time: collects content that nobody needs, and moves the rest
/// out of segments that are mostly empty.
async fn tidy_up(running: Running, history: Arc<Mutex<History>>) {
    let report = running.node.look_after_content().await;
    history.lock().collected(report.removed);
    if report.missing > 0 {
        history
            .lock()
            .violation(Check::Content, format!("content of {} messages is missing", report.missing));
    }
    loop {
        match running.content.compact() {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => return history.lock().note(format!("not compacted: {error}")),
        }
        // Others work between two steps.
        tokio::task::yield_now().await;
    }
}

fn after(fault: Fault) -> Duration {
    match fault {
        Fault::Stop => Duration::ZERO,
        Fault::Kill { after }
        | Fault::PowerLoss { after }
        | Fault::PowerCut { after, .. }
        | Fault::SyncFailure { after, .. }
        | Fault::FullDisk { after, .. }
        | Fault::ClockJump { after, .. }
        | Fault::LostTables { after } => after,
    }
}

fn after_failure(fault: Fault) -> End {
    match fault {
        Fault::SyncFailure {
            with_power: false, ..
        } => End::Kill,
        _ => End::PowerLoss,
    }
}

/// One account is small, so that its quota is met.
fn limits_of(account: AccountNumber) -> QuotaLimits {
    match account {
        1 => QuotaLimits {
            storage_bytes: Some(150_000),
            messages: Some(40),
        },
        _ => QuotaLimits::default(),
    }
}

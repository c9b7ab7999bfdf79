//! A run of several machines and proxies: clients work all the time while some of them fail and come back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::client::Client;
use crate::history::{AccountNumber, Check, History};
use crate::imap::{ImapClient, MailAccount, Watched, compare_dumps, messages_after_one_more, watch};
use crate::machine::Running;
use crate::mutation::Mutation;
use crate::nemesis::{Plan, plan};
use crate::random::Random;
use crate::run::{Outcome, Stuck, in_time};
use crate::stage::Stage;
use crate::world::{World, WorldOptions};

const CLIENTS_PER_ACCOUNT: u32 = 2;
/// Accounts of clients that speak to the ports; the others are those of mail programs.
const ACCOUNTS: usize = 2;
/// The longest pause of a client between two operations.
const PAUSE_MAX: Duration = Duration::from_millis(300);
/// How long it may take at the most, all faults gone, until everybody is served again.
const HEALING: Duration = Duration::from_secs(10);
/// How long whoever waits with IDLE may wait for what has come, all faults gone.
const TELLING: Duration = Duration::from_secs(5);
/// How long clients may need to come to an end: longer than the patience of one call.
const LAST_CALLS: Duration = Duration::from_secs(400);

/// What a run of several machines does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClusterOptions {
    /// From which all else follows.
    pub seed: u64,
    /// How many machines there are.
    pub machines: usize,
    /// How many proxies there are.
    pub proxies: usize,
    /// How many troubles befall machines, one after the other.
    pub troubles: u32,
    /// How many operations each client does.
    pub operations: u32,
    /// A defect to be found.
    pub mutation: Option<Mutation>,
}

impl ClusterOptions {
    /// Returns the run of a seed as it is tested with every change.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        Self {
            seed,
            machines: [3, 3, 4, 5][usize::try_from(seed % 4).unwrap_or(0)],
            proxies: 2,
            troubles: 6,
            operations: 60,
            mutation: None,
        }
    }
}

/// Does a run, in a runtime of its own whose time stands still while anybody works.
#[must_use]
pub fn run_cluster(options: &ClusterOptions) -> Outcome {
    in_time(options.seed, |history| async move {
        let mut run = ClusterRun::new(options, Arc::clone(&history));
        if let Err(what) = run.play(options).await {
            history.lock().violation(Check::Node, what);
        }
    })
}

pub(crate) struct ClusterRun {
    pub(crate) stage: Stage,
    pub(crate) proxies: Vec<String>,
    /// Machines whose disks may fail while their nodes start.
    pub(crate) ailing: BTreeSet<String>,
    /// What is asked of nodes beside everything else.
    pub(crate) errands: JoinSet<()>,
    /// Ends with the name of a machine and the time when it was started, when that node cannot go on.
    supervisors: JoinSet<(String, Instant)>,
    started: BTreeMap<String, Instant>,
    watchers: JoinSet<()>,
    watched: Vec<(String, Watched)>,
}

impl ClusterRun {
    fn new(options: &ClusterOptions, history: Arc<Mutex<History>>) -> Self {
        let mut random = Random::new(options.seed);
        let mut world = World::new(&WorldOptions {
            machines: options.machines,
            groups: 2,
            ..WorldOptions::single(random.draw())
        });
        for name in world.names().to_vec() {
            world.machine_mut(&name).mutation = options.mutation;
        }
        Self {
            stage: Stage::new(world, history, random, ACCOUNTS + 1),
            proxies: (1..=options.proxies).map(|number| format!("proxy-{number}")).collect(),
            ailing: BTreeSet::new(),
            errands: JoinSet::new(),
            supervisors: JoinSet::new(),
            started: BTreeMap::new(),
            watchers: JoinSet::new(),
            watched: Vec::new(),
        }
    }

    async fn play(&mut self, options: &ClusterOptions) -> Result<(), Stuck> {
        for name in self.stage.world.names().to_vec() {
            self.boot(&name).await?;
        }
        for name in &self.proxies {
            self.stage.world.start_proxy(name);
        }
        let mut clients = JoinSet::new();
        self.begin(&mut clients, options.operations).await?;
        let mail = self.begin_mail(&mut clients, options.operations).await?;
        let names = self.stage.world.names().to_vec();
        let plan = plan(&mut self.stage.random, &names, &self.proxies, options.troubles);
        self.suffer(plan).await?;
        let ended = timeout(LAST_CALLS, async { while clients.join_next().await.is_some() {} });
        if ended.await.is_err() {
            return Err("clients do not come to an end".to_owned());
        }
        self.look_when_healed(&mail).await?;
        // What has no answer may still be on its way, until every process is gone.
        self.stage.history.lock().note("all machines lose their power");
        self.lose_all_power().await?;
        self.look_when_healed(&mail).await?;
        self.stage.history.lock().settle();
        Ok(())
    }

    /// Lets happen what is planned.
    async fn suffer(&mut self, plan: Plan) -> Result<(), Stuck> {
        let begin = Instant::now();
        for (at, event) in plan {
            self.pass(begin + at).await?;
            self.stage.history.lock().fault(&event);
            self.happen(event).await?;
        }
        Ok(())
    }

    /// Starts a machine's node. One that meets a fault of its disk loses its power and is started again.
    pub(crate) async fn boot(&mut self, name: &str) -> Result<(), Stuck> {
        // A machine asks for the time before it starts its services.
        self.stage.world.machine(name).environment.set_clock_right();
        let mut booted = self.stage.world.boot(name).await;
        if let Err(error) = &booted
            && self.ailing.contains(name)
        {
            self.stage.history.lock().note(format!("{name} did not start: {error}"));
            self.stage.world.cut_power(name).await;
            booted = self.stage.world.boot(name).await;
        }
        booted.map_err(|error| format!("{name} does not start: {error}"))?;
        let running = self.stage.world.running(name);
        let running = running.expect("invariant: it was started").clone();
        let (name, since) = (name.to_owned(), Instant::now());
        self.started.insert(name.clone(), since);
        self.supervisors.spawn(async move {
            supervise(&running).await;
            (name, since)
        });
        Ok(())
    }

    /// Takes the power from all machines at once, and starts them again.
    pub(crate) async fn lose_all_power(&mut self) -> Result<(), Stuck> {
        let names = self.stage.world.names().to_vec();
        for name in &names {
            self.stage.world.cut_power(name).await;
        }
        for name in &names {
            self.boot(name).await?;
        }
        Ok(())
    }

    /// Makes the accounts of clients that speak to the ports, and lets them work.
    async fn begin(&mut self, clients: &mut JoinSet<()>, operations: u32) -> Result<(), Stuck> {
        for account in 0..ACCOUNTS {
            let made = self.stage.make_account(account, None).await;
            made.map_err(|error| format!("accounts: {error}"))?;
        }
        self.stage.history.lock().set_under_fault(true);
        for account in 0..ACCOUNTS {
            for number in 0..CLIENTS_PER_ACCOUNT {
                let client = self.client(account, number).await?;
                clients.spawn(client.run(operations, PAUSE_MAX));
            }
        }
        Ok(())
    }

    /// Makes the account of mail programs, and lets them work; and one that waits at each proxy.
    async fn begin_mail(
        &mut self,
        clients: &mut JoinSet<()>,
        operations: u32,
    ) -> Result<MailAccount, Stuck> {
        let made = self.stage.mail_account(ACCOUNTS, &self.proxies).await;
        let account = made.map_err(|error| format!("accounts: {error}"))?;
        for number in 0..=CLIENTS_PER_ACCOUNT {
            let random = self.stage.random.fork();
            let client = ImapClient::new(account.clone(), format!("program-{number}"), random);
            clients.spawn(client.run(operations, PAUSE_MAX));
        }
        for proxy in &self.proxies {
            let (watched, random) = (Watched::default(), self.stage.random.fork());
            self.watched.push((proxy.clone(), watched.clone()));
            self.watchers
                .spawn(watch(account.clone(), proxy.clone(), watched, random));
        }
        Ok(account)
    }

    async fn client(&mut self, account: AccountNumber, number: u32) -> Result<Client, Stuck> {
        let client = self.stage.client(account, number).await;
        client.map_err(|error| format!("nobody can log in: {error}"))
    }

    /// Lets time pass until a moment, and starts nodes again that cannot go on.
    pub(crate) async fn pass(&mut self, end: Instant) -> Result<(), Stuck> {
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

    /// Looks at everything when faults have been over for a while.
    async fn look_when_healed(&mut self, mail: &MailAccount) -> Result<(), Stuck> {
        self.pass(Instant::now() + HEALING).await?;
        self.stage.history.lock().set_under_fault(false);
        for account in 0..ACCOUNTS {
            let mut client = self.client(account, 99).await?;
            client.look_at_everything().await;
        }
        compare_dumps(mail).await;
        let Some(messages) = messages_after_one_more(mail).await else {
            return Err("no message can be sent".to_owned());
        };
        self.pass(Instant::now() + TELLING).await?;
        for (proxy, watched) in &self.watched {
            let told = watched.messages();
            if told != messages {
                let text = format!("who waits at {proxy} was told of {told} messages, {messages} are there");
                self.stage.history.lock().violation(Check::Liveness, text);
            }
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

//! A run from its start to its summary.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use history::{Bounds, Checker, Record, Report};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::client::Client;
use super::dump::dump;
use super::journal::{Journal, keep};
use super::nemesis::haunt;
use super::stage::Stage;
use super::summary::Summary;
use super::watcher::watch;
use super::worker::{HOT, Place, Worker};
use crate::log;

/// What a run is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// What the mix follows from.
    pub seed: u64,
    /// Clients that change things.
    pub sessions: usize,
    /// Accounts that they share.
    pub accounts: usize,
    /// Time between two looks at everything.
    pub round: Duration,
    /// When to end at the latest.
    pub duration: Duration,
    /// After how many operations to end.
    pub operations: u64,
    /// Whether processes meet faults.
    pub faults: bool,
    /// Whether elections have time, as on a machine on which much else runs.
    pub patient: bool,
    /// Times that the run is held to.
    pub bounds: Bounds,
    /// Where records are kept.
    pub directory: PathBuf,
}

impl Options {
    /// Returns a run of a minute with faults.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        Self {
            seed,
            sessions: 10,
            accounts: 2,
            round: Duration::from_secs(20),
            duration: Duration::from_secs(60),
            operations: u64::MAX,
            faults: true,
            patient: false,
            bounds: Bounds::default(),
            directory: std::env::temp_dir().join(format!("facteur-chaos-{seed}")),
        }
    }
}

/// A run.
#[derive(Debug)]
pub struct Chaos {
    options: Options,
    stage: Stage,
    journal: Journal,
}

impl Chaos {
    /// Starts the cluster that is worked on.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn start(options: Options) -> Self {
        log::note(&format!("seed {}", options.seed));
        Self {
            stage: Stage::start(options.accounts, options.patient),
            journal: Journal::begin(),
            options,
        }
    }

    /// Works, checks, and returns what came of it. A run ends with the first round that violates something.
    ///
    /// # Panics
    /// When the cluster does not come back after a fault, or the records cannot be kept.
    #[must_use]
    pub fn run(mut self) -> Summary {
        let begin = Instant::now();
        std::fs::create_dir_all(&self.options.directory).expect("a directory for the records");
        let (sender, receiver) = sync_channel(1);
        let failed = AtomicBool::new(false);
        let (bounds, directory) = (self.options.bounds, self.options.directory.clone());
        let (report, rounds) = std::thread::scope(|scope| {
            let (directory, failed) = (&directory, &failed);
            let checking = scope.spawn(move || check(&receiver, bounds, directory, failed));
            self.stage.furnish(&self.journal);
            self.stage.cluster.settle();
            dump(&self.stage.accounts, &self.stage.doors, &self.journal);
            drop(sender.send(self.journal.take()));
            let mut crew = Crew::hire(&self.stage, &self.options, &self.journal);
            let mut random = StdRng::seed_from_u64(self.options.seed);
            while !failed.load(Ordering::SeqCst) && !self.is_over(begin) {
                self.round(&mut crew, &mut random);
                drop(sender.send(self.journal.take()));
            }
            drop(sender);
            checking.join().expect("the thread that checks")
        });
        let found = !report.violations.is_empty();
        if found {
            self.keep_logs();
        }
        Summary {
            seed: self.options.seed,
            duration: begin.elapsed(),
            rounds,
            kept: found.then(|| self.options.directory.clone()),
            report,
        }
    }

    fn is_over(&self, begin: Instant) -> bool {
        begin.elapsed() >= self.options.duration || self.journal.count() >= self.options.operations
    }

    /// Lets all work while there are faults, and then looks at everything.
    fn round(&mut self, crew: &mut Crew, random: &mut StdRng) {
        let (journal, stage) = (self.journal.clone(), &mut self.stage);
        let length = u64::try_from(self.options.round.as_micros()).unwrap_or(u64::MAX);
        let end = journal.now() + length;
        journal.rest(false);
        let faults = self.options.faults;
        std::thread::scope(|scope| {
            for worker in &mut crew.workers {
                let journal = journal.clone();
                scope.spawn(move || worker.run(&journal));
            }
            for (watcher, mailbox) in &mut crew.watchers {
                let journal = journal.clone();
                scope.spawn(move || watch(watcher, mailbox, &journal));
            }
            let _rest = Rest(&journal);
            match faults {
                true => haunt(stage, &journal, random, end),
                false => {
                    while journal.now() < end {
                        std::thread::sleep(Duration::from_millis(50));
                    }
                }
            }
        });
        stage.cluster.settle();
        dump(&stage.accounts, &stage.doors, &journal);
    }

    /// Copies what the processes wrote beside the records.
    fn keep_logs(&self) {
        let cluster = &self.stage.cluster;
        let processes = cluster.nodes.iter().zip(["storage-1", "storage-2", "storage-3"]);
        let proxies = cluster.proxies.iter().zip(["proxy-1", "proxy-2"]);
        for (server, name) in processes.chain(proxies) {
            let path = self.options.directory.join(format!("{name}.log"));
            // A log that cannot be kept is no reason to lose the summary.
            drop(std::fs::write(path, server.output()));
        }
    }
}

/// Sends everybody to rest, also when a fault could not be ended.
struct Rest<'a>(&'a Journal);

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        self.0.rest(true);
    }
}

/// All clients of a run.
struct Crew {
    workers: Vec<Worker>,
    /// Clients in IDLE, each with what it watches.
    watchers: Vec<(Client, String)>,
}

impl Crew {
    fn hire(stage: &Stage, options: &Options, journal: &Journal) -> Self {
        let place = Place {
            accounts: &stage.accounts,
            doors: &stage.doors,
            journal,
        };
        let workers = (0..options.sessions).map(|number| Worker::new(number, options.seed, &place));
        let watchers = stage.accounts.iter().enumerate().map(|(number, account)| {
            let client = Client::new(&format!("i{number}"), account, &stage.doors, journal);
            let mailbox = HOT.get(number % HOT.len()).copied().unwrap_or("INBOX");
            (client, mailbox.to_owned())
        });
        Self {
            workers: workers.collect(),
            watchers: watchers.collect(),
        }
    }
}

/// Checks rounds as they come and keeps the records of the last one, or of the one that violates something.
fn check(
    rounds: &Receiver<Vec<Record>>,
    bounds: Bounds,
    directory: &Path,
    failed: &AtomicBool,
) -> (Report, u64) {
    let mut checker = Checker::new(bounds);
    let (mut sum, mut count) = (Report::default(), 0);
    for records in rounds {
        if failed.load(Ordering::SeqCst) {
            continue;
        }
        count += 1;
        let kept = keep(&records, &directory.join("history.jsonl"));
        kept.expect("a place for the records");
        let begin = Instant::now();
        let report = checker.round(&records);
        log::note(&format!(
            "round {count}: {} operations, {} violations, {} faults, checked in {} ms",
            report.operations,
            report.violations.len(),
            report.faults.values().sum::<u64>(),
            begin.elapsed().as_millis()
        ));
        explain(&records, &report);
        failed.store(!report.violations.is_empty(), Ordering::SeqCst);
        sum.add(report);
    }
    (sum, count)
}

/// Shows the records that violations name.
fn explain(records: &[Record], report: &Report) {
    for violation in &report.violations {
        log::note(&format!(
            "violation of {}: {}",
            violation.invariant, violation.why
        ));
        for record in violation.records.iter().filter_map(|at| records.get(*at)) {
            let mut line = history::write(record);
            line.truncate(600);
            log::note(&format!("    {}", line.trim_end()));
        }
    }
}

//! Runs seeds: `cargo run -p simulation -- --seeds 500`.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use simulation::{ClusterOptions, Counts, Mutation, Outcome, RunOptions, run, run_cluster};

const USAGE: &str = "usage: simulation [--single] [--seeds N] [--from K] [--jobs J] [--trace] [--mutation NAME]";

struct Arguments {
    from: u64,
    seeds: u64,
    jobs: u64,
    trace: bool,
    single: bool,
    mutation: Option<Mutation>,
}

fn arguments() -> Result<Arguments, String> {
    let mut parsed = Arguments {
        from: 0,
        seeds: 50,
        jobs: thread::available_parallelism().map_or(1, |jobs| jobs.get() as u64),
        trace: false,
        single: false,
        mutation: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--mutation" {
            let name = words.next().unwrap_or_default();
            let mut known = Mutation::ALL.into_iter();
            let found = known.find(|mutation| format!("{mutation:?}") == name);
            parsed.mutation = Some(found.ok_or_else(|| format!("no mutation {name}"))?);
            continue;
        }
        let mut number = || {
            let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
            value.parse().map_err(|_| format!("{value} is not a number"))
        };
        match word.as_str() {
            "--from" => parsed.from = number()?,
            "--seeds" => parsed.seeds = number()?,
            "--jobs" => parsed.jobs = number()?,
            "--trace" => parsed.trace = true,
            "--single" => parsed.single = true,
            // What is done without being asked for.
            "--cluster" => {}
            other => return Err(format!("unknown argument {other}")),
        }
    }
    Ok(parsed)
}

/// What came of all seeds.
#[derive(Default)]
struct Summary {
    failed: Vec<u64>,
    counts: Counts,
}

#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
fn report(seed: u64, outcome: &Outcome, arguments: &Arguments) {
    if arguments.trace {
        for line in &outcome.trace {
            println!("{line}");
        }
    }
    let Some(first) = outcome.violations.first() else {
        return;
    };
    let (count, single) = (
        outcome.violations.len(),
        if arguments.single { " --single" } else { "" },
    );
    println!("seed {seed} failed, {count} violations, again with{single} --seeds 1 --from {seed} --trace: {first}");
}

fn one(seed: u64, arguments: &Arguments) -> Outcome {
    match arguments.single {
        true => run(&RunOptions {
            mutation: arguments.mutation,
            ..RunOptions::of_seed(seed)
        }),
        false => run_cluster(&ClusterOptions {
            mutation: arguments.mutation,
            ..ClusterOptions::of_seed(seed)
        }),
    }
}

/// Runs all seeds, so many at a time.
fn run_all(arguments: &Arguments) -> Summary {
    let next = AtomicU64::new(arguments.from);
    let end = arguments.from.saturating_add(arguments.seeds);
    let summary = Mutex::new(Summary::default());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            let outcome = one(seed, arguments);
            let mut summary = summary.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            report(seed, &outcome, arguments);
            if !outcome.violations.is_empty() {
                summary.failed.push(seed);
            }
            summary.counts.add(&outcome.counts);
        }
    };
    thread::scope(|scope| {
        for _ in 0..arguments.jobs.max(1) {
            scope.spawn(work);
        }
    });
    summary.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => {
            println!("{error}\n{USAGE}");
            return ExitCode::from(64);
        }
    };
    let Summary { mut failed, counts } = run_all(&arguments);
    failed.sort_unstable();
    println!(
        "{} seeds, {} operations, {} IMAP commands, {} without an answer, {} undecided, {} faults: {} seeds failed {failed:?}",
        arguments.seeds,
        counts.operations,
        counts.commands,
        counts.unknown + counts.commands_unknown,
        counts.undecided,
        counts.faults,
        failed.len()
    );
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

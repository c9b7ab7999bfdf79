//! Runs seeds: `cargo run -p simulation -- --seeds 1000 --from 0`.

use std::process::ExitCode;

use simulation::{ClusterOptions, Outcome, RunOptions, run, run_cluster};

/// Lines of a trace that are shown before a violation.
const TRACE_LINES: usize = 60;

struct Arguments {
    from: u64,
    seeds: u64,
    trace: bool,
    cluster: bool,
}

fn arguments() -> Result<Arguments, String> {
    let mut parsed = Arguments {
        from: 0,
        seeds: 50,
        trace: false,
        cluster: false,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || {
            let value = words.next().ok_or_else(|| format!("{word} needs a number"))?;
            value.parse().map_err(|_| format!("{value} is not a number"))
        };
        match word.as_str() {
            "--from" => parsed.from = number()?,
            "--seeds" => parsed.seeds = number()?,
            "--trace" => parsed.trace = true,
            "--cluster" => parsed.cluster = true,
            other => return Err(format!("unknown argument {other}")),
        }
    }
    Ok(parsed)
}

#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
fn report(seed: u64, outcome: &Outcome, all: bool) {
    let lines = outcome.trace.len();
    let shown = if all { lines } else { TRACE_LINES };
    if all || !outcome.violations.is_empty() {
        for line in outcome.trace.iter().skip(lines.saturating_sub(shown)) {
            println!("{line}");
        }
    }
    for violation in &outcome.violations {
        println!("seed {seed}: {violation}");
    }
    if !outcome.violations.is_empty() {
        println!("again: cargo run -p simulation -- --seeds 1 --from {seed} --trace");
    }
}

#[expect(clippy::print_stdout, reason = "the report is what the program is for")]
fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(error) => {
            println!("{error}\nusage: simulation [--cluster] [--seeds N] [--from K] [--trace]");
            return ExitCode::from(64);
        }
    };
    let (mut failed, mut operations, mut faults) = (0_u64, 0, 0);
    for seed in arguments.from..arguments.from.saturating_add(arguments.seeds) {
        let outcome = match arguments.cluster {
            true => run_cluster(&ClusterOptions::of_seed(seed)),
            false => run(&RunOptions::of_seed(seed)),
        };
        report(seed, &outcome, arguments.trace);
        failed += u64::from(!outcome.violations.is_empty());
        operations += outcome.counts.operations;
        faults += outcome.counts.faults;
    }
    println!(
        "{} seeds, {operations} operations, {faults} faults: {failed} seeds failed",
        arguments.seeds
    );
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

//! `chaos`: a cluster under load and faults, checked until a time or a number of operations is reached.
//!
//! `cargo xtask chaos` builds the program for it and starts it.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use cluster_tests::chaos::{Chaos, Distortion, Options, Trial};

fn main() -> ExitCode {
    if let Some(("--defect", name)) = pair().as_ref().map(|(first, second)| (first.as_str(), second)) {
        return show_defect(name);
    }
    let Some(options) = options(std::env::args().skip(1)) else {
        say(
            "usage: chaos [--minutes N] [--operations N] [--seed N] [--sessions N] [--round SECONDS] [--patient]\n       chaos --defect NAME\n",
        );
        return ExitCode::from(2);
    };
    let summary = Chaos::start(options).run();
    say(&summary.to_string());
    match summary.is_clean() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

/// Returns the first two arguments.
fn pair() -> Option<(String, String)> {
    let mut arguments = std::env::args().skip(1);
    Some((arguments.next()?, arguments.next()?))
}

/// Shows what the checker finds of a defect between clients and one server.
fn show_defect(name: &str) -> ExitCode {
    let named = |defect: &Distortion| format!("{defect:?}") == name;
    let Some(defect) = Distortion::FOUND.into_iter().find(named) else {
        say(&format!("the defects are {:?}\n", Distortion::FOUND));
        return ExitCode::from(2);
    };
    let report = Trial::start().play(defect, true);
    say(&format!(
        "{} operations, {:?} breaks {:?}\n",
        report.operations,
        defect,
        defect.breaks()
    ));
    for violation in &report.violations {
        say(&format!("  [{}] {}\n", violation.invariant, violation.why));
    }
    ExitCode::SUCCESS
}

fn options(arguments: impl Iterator<Item = String>) -> Option<Options> {
    let seed = rand::random_range(0..1_000_000);
    let mut options = Options {
        duration: Duration::from_secs(600),
        sessions: 16,
        round: Duration::from_secs(60),
        ..Options::of_seed(seed)
    };
    let mut arguments = arguments;
    while let Some(name) = arguments.next() {
        if name == "--patient" {
            options.patient = true;
            continue;
        }
        let value: u64 = arguments.next()?.parse().ok()?;
        match name.as_str() {
            "--minutes" => options.duration = Duration::from_secs(value * 60),
            "--operations" => options.operations = value,
            "--seed" => options.seed = value,
            "--sessions" => options.sessions = usize::try_from(value).ok()?,
            "--round" => options.round = Duration::from_secs(value),
            _ => return None,
        }
    }
    options.directory = std::env::temp_dir().join(format!("facteur-chaos-{}", options.seed));
    Some(options)
}

fn say(text: &str) {
    // A closed standard output leaves nobody to tell.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

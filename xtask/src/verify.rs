//! `cargo xtask verify`: everything that CI checks, without changing a file.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::run::{self, say};
use crate::{proto, suites, tidy};

/// One check; cheap ones stand first.
pub struct Step {
    name: &'static str,
    about: &'static str,
    check: fn(&Path) -> Result<()>,
}

const fn step(name: &'static str, about: &'static str, check: fn(&Path) -> Result<()>) -> Step {
    Step { name, about, check }
}

/// The steps in their order.
pub const STEPS: &[Step] = &[
    step(
        "tidy",
        "the rules of CODE-STYLE.md that no standard tool knows",
        tidy::check,
    ),
    step("proto", "proto/ stays compatible with its baseline", proto::check),
    step("fmt", "rustfmt", |root| {
        run::run(root, "cargo", &["fmt", "--all", "--check"])
    }),
    step("typos", "spelling", |root| tool(root, "typos", &[])),
    step("machete", "dependencies that nothing uses", |root| {
        tool(root, "cargo-machete", &["crates", "tests", "benches", "xtask"])
    }),
    step("deny", "licences, sources and banned dependencies", |root| {
        tool(
            root,
            "cargo-deny",
            &[
                "--all-features",
                "check",
                "--hide-inclusion-graph",
                "bans",
                "licenses",
                "sources",
            ],
        )
    }),
    step("clippy", "lints, warnings denied", |root| {
        run::run(
            root,
            "cargo",
            &[
                "clippy",
                "--workspace",
                "--all-targets",
                "--locked",
                "--",
                "-D",
                "warnings",
            ],
        )
    }),
    step(
        "tests",
        "tests of crates/ and xtask/ but the simulation",
        suites::units,
    ),
    step("doctests", "examples in docs", suites::doc),
    step("rustdoc", "docs build, warnings denied", rustdoc),
    step(
        "simulation",
        "seeds of whole nodes on simulated disks and time",
        suites::simulation,
    ),
    step(
        "clients",
        "mail programs, Postfix, Dovecot and the transcripts against the program",
        suites::clients,
    ),
    step(
        "faults",
        "crashes, loss of power, damage, full disks and lost nodes",
        suites::faults,
    ),
];

/// Writes the steps' names.
pub fn list() {
    for step in STEPS {
        say(&format!("{:<10} {}", step.name, step.about));
    }
}

/// Runs the chosen steps, all of them by default, and reports every failure at the end.
pub fn verify(root: &Path, chosen: &[&str]) -> Result<()> {
    if let Some(unknown) = chosen
        .iter()
        .find(|name| STEPS.iter().all(|step| step.name != **name))
    {
        bail!("no step is called `{unknown}`; see `cargo xtask verify --list`");
    }
    let steps = STEPS
        .iter()
        .filter(|step| chosen.is_empty() || chosen.contains(&step.name));
    let mut report = Vec::new();
    let mut failed = Vec::new();
    for step in steps {
        say(&format!("\n== {}: {}", step.name, step.about));
        let start = Instant::now();
        let outcome = (step.check)(root);
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        report.push(format!(
            "{:<10} {word:<7} {:>6.1} s",
            step.name,
            start.elapsed().as_secs_f64()
        ));
        if let Err(error) = outcome {
            say(&format!("{}: {error:#}", step.name));
            failed.push(step.name);
        }
    }
    say(&format!("\n{}", report.join("\n")));
    match failed.is_empty() {
        true => Ok(()),
        false => bail!("failed: {}", failed.join(", ")),
    }
}

fn tool(root: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    run::require_tool(root, program)?;
    run::run(root, program, arguments)
}

fn rustdoc(root: &Path) -> Result<()> {
    let arguments = [
        "doc",
        "--workspace",
        "--no-deps",
        "--document-private-items",
        "--locked",
    ];
    run::run_with(
        root,
        "cargo",
        &arguments,
        &[("RUSTDOCFLAGS", "-D warnings --cfg tokio_unstable")],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_steps_are_refused() {
        assert!(verify(Path::new("."), &["no-such-step"]).is_err());
    }

    #[test]
    fn names_of_steps_are_unique() {
        for (at, step) in STEPS.iter().enumerate() {
            assert!(
                STEPS.iter().skip(at + 1).all(|other| other.name != step.name),
                "{}",
                step.name
            );
        }
    }
}

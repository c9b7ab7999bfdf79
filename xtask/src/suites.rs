//! Runs the tests.

use std::path::Path;

use anyhow::{Result, bail};

use crate::run::{self, say};

/// Programs that the tests of `tests/` drive; `.ci/install` brings their packages.
const PROGRAMS: &[&str] = &[
    "curl",
    "mutt",
    "mbsync",
    "fetchmail",
    "swaks",
    "doveadm",
    "mkfs.xfs",
    "python3",
    "nft",
];

/// Installs what the tests need when that is possible, then runs all of them: `cargo xtask test`.
pub fn everything(root: &Path) -> Result<()> {
    run::run(root, "bash", &[".ci/install", "--packages"])?;
    unit_and_whole(root)?;
    doc(root)
}

/// Runs the tests of `crates/` and `xtask/`, which need nothing but a Rust toolchain and a C compiler.
pub fn crates_only(root: &Path) -> Result<()> {
    with_runner(root, &["--workspace", "--exclude", "cluster-tests"])?;
    doc(root)
}

/// Runs every test but those in docs. A missing program is an error: nothing is skipped silently.
pub fn unit_and_whole(root: &Path) -> Result<()> {
    let missing: Vec<&str> = PROGRAMS
        .iter()
        .copied()
        .filter(|program| !run::exists(program))
        .collect();
    if !missing.is_empty() {
        bail!(
            "tests need {}: run `bash .ci/install` as root",
            missing.join(", ")
        );
    }
    with_runner(root, &["--workspace", "--all-targets"])
}

/// Runs the examples in docs.
pub fn doc(root: &Path) -> Result<()> {
    run::run(root, "cargo", &["test", "--workspace", "--doc", "--quiet"])
}

fn with_runner(root: &Path, selection: &[&str]) -> Result<()> {
    // nextest runs each test in a process of its own and reports the slow ones; plain cargo runs the same tests.
    let runner: &[&str] = match run::exists("cargo-nextest") {
        true => &["nextest", "run", "--no-tests=pass"],
        false => &["test"],
    };
    say(&format!("test runner: cargo {}", runner.join(" ")));
    run::run(root, "cargo", &[runner, selection].concat())
}

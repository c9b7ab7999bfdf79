//! Runs the tests.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::run::{self, say};

/// Programs that the tests of `tests/` drive; `.ci/install` brings their packages.
const PROGRAMS: &[&str] = &[
    "curl",
    "mutt",
    "mbsync",
    "fetchmail",
    "swaks",
    "postfix",
    "script",
    "doveadm",
    "mkfs.xfs",
    "python3",
    "nft",
];

/// Installs what the tests need when that is possible, then runs all of them: `cargo xtask test`.
pub fn everything(root: &Path) -> Result<()> {
    run::run(root, "bash", &[".ci/install", "--packages"])?;
    crates_only(root)?;
    whole_system(root)
}

/// Runs the tests of `crates/` and `xtask/`, which need nothing but a Rust toolchain and a C compiler.
pub fn crates_only(root: &Path) -> Result<()> {
    units(root)?;
    doc(root)
}

/// Runs the tests of `crates/` and `xtask/` but those in docs.
pub fn units(root: &Path) -> Result<()> {
    with_runner(root, &["--workspace", "--exclude", "cluster-tests"], &[])
}

/// Runs the tests of `tests/` against the program, with mail programs, an MTA and faults. A missing program is
/// an error: nothing is skipped silently.
pub fn whole_system(root: &Path) -> Result<()> {
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
    let program = built_program(root)?;
    let program = program.to_string_lossy();
    with_runner(
        root,
        &["--package", "cluster-tests"],
        &[("FACTEUR_BINARY", &program)],
    )
}

/// Builds the program once for all tests that start it; each would ask cargo again otherwise.
fn built_program(root: &Path) -> Result<PathBuf> {
    run::run(
        root,
        "cargo",
        &["build", "--package", "server", "--bin", "facteur"],
    )?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    Ok(root.join(target).join("debug").join("facteur"))
}

/// Runs the examples in docs.
pub fn doc(root: &Path) -> Result<()> {
    run::run(root, "cargo", &["test", "--workspace", "--doc", "--quiet"])
}

fn with_runner(root: &Path, selection: &[&str], variables: &[(&str, &str)]) -> Result<()> {
    // nextest runs each test in a process of its own and reports the slow ones; plain cargo runs the same tests.
    let runner: &[&str] = match run::exists("cargo-nextest") {
        true => &["nextest", "run", "--no-tests=pass"],
        false => &["test"],
    };
    say(&format!("test runner: cargo {}", runner.join(" ")));
    run::run_with(root, "cargo", &[runner, selection].concat(), variables)
}

//! Runs the tests.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::run;

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
    "mkfs.ext4",
    "mkfs.xfs",
    "ip",
    "nft",
    "faketime",
    "cc",
    "python3",
];

/// Packages whose tests have steps of their own.
const APART: &[&str] = &["cluster-tests", "simulation"];

/// The tests of `tests/` that talk to the program as it is meant to be talked to.
const CLIENTS: &[&str] = &["clients", "dovecot", "telemetry", "transcripts_live"];

/// The tests of `tests/` in which processes die and disks fail.
const FAULTS: &[&str] = &["cluster", "faults"];

/// Installs what the tests need when that is possible, then runs all of them: `cargo xtask test`.
pub fn everything(root: &Path) -> Result<()> {
    run::run(root, "bash", &[".ci/install", "--packages"])?;
    crates_only(root)?;
    clients(root)?;
    faults(root)
}

/// Runs the tests of `crates/` and `xtask/`, which need nothing but a Rust toolchain and a C compiler.
pub fn crates_only(root: &Path) -> Result<()> {
    units(root)?;
    simulation(root)?;
    doc(root)
}

/// Runs the tests of `crates/` and `xtask/` but the simulation and those in docs.
pub fn units(root: &Path) -> Result<()> {
    let apart: Vec<String> = APART
        .iter()
        .map(|package| format!("package({package})"))
        .collect();
    let options = APART.iter().flat_map(|package| ["--exclude", package]);
    let selection = Selection {
        filter: format!("not ({})", apart.join(" + ")),
        options: ["--workspace"].into_iter().chain(options).collect(),
    };
    with_runner(root, &selection, &[])
}

/// Runs the seeds of the simulation.
pub fn simulation(root: &Path) -> Result<()> {
    let selection = Selection {
        filter: "package(simulation)".to_owned(),
        options: vec!["--package", "simulation"],
    };
    with_runner(root, &selection, &[])
}

/// Runs mail programs, Postfix, Dovecot beside it and the transcripts against the program.
pub fn clients(root: &Path) -> Result<()> {
    whole_system(root, CLIENTS)
}

/// Kills processes of the program, cuts the power of its disks, damages and fills them.
pub fn faults(root: &Path) -> Result<()> {
    whole_system(root, FAULTS)
}

/// Runs a cluster of optimised programs under load and faults until a time or a number of operations is reached.
pub fn chaos(root: &Path, options: &[&str]) -> Result<()> {
    let programs = [
        "--package",
        "server",
        "--bin",
        "facteur",
        "--package",
        "cluster-tests",
        "--bin",
        "chaos",
    ];
    run::run(
        root,
        "cargo",
        &[&["build", "--release"], programs.as_slice()].concat(),
    )?;
    let release = target(root).join("release");
    let facteur = release.join("facteur");
    let facteur = facteur.to_string_lossy();
    let chaos = release.join("chaos");
    run::run_with(
        root,
        &chaos.to_string_lossy(),
        options,
        &[("FACTEUR_BINARY", &facteur)],
    )
}

/// Runs some of the tests of `tests/` against the program. A missing program is an error: nothing is skipped
/// silently.
fn whole_system(root: &Path, suites: &[&'static str]) -> Result<()> {
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
    let binaries: Vec<String> = suites.iter().map(|suite| format!("binary(={suite})")).collect();
    let options = suites.iter().flat_map(|suite| ["--test", suite]);
    let selection = Selection {
        filter: format!("package(cluster-tests) & (kind(lib) + {})", binaries.join(" + ")),
        options: ["--package", "cluster-tests", "--lib"]
            .into_iter()
            .chain(options)
            .collect(),
    };
    with_runner(root, &selection, &[("FACTEUR_BINARY", &program)])
}

/// Builds the program once for all tests that start it; each would ask cargo again otherwise.
fn built_program(root: &Path) -> Result<PathBuf> {
    run::run(
        root,
        "cargo",
        &["build", "--package", "server", "--bin", "facteur"],
    )?;
    Ok(target(root).join("debug").join("facteur"))
}

/// Returns the directory of build output.
fn target(root: &Path) -> PathBuf {
    let named = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    root.join(named)
}

/// Runs the examples in docs.
pub fn doc(root: &Path) -> Result<()> {
    run::run(root, "cargo", &["test", "--workspace", "--doc", "--quiet"])
}

/// Some of the tests, in the words of both runners.
struct Selection {
    /// For nextest, which builds the whole workspace each time: one set of features means one build for all steps.
    filter: String,
    /// For cargo.
    options: Vec<&'static str>,
}

fn with_runner(root: &Path, selection: &Selection, variables: &[(&str, &str)]) -> Result<()> {
    // nextest runs each test in a process of its own, ends those that hang and reports the slow ones
    // (`.config/nextest.toml`); plain cargo runs the same tests.
    let arguments = match run::exists("cargo-nextest") {
        true => [
            "nextest",
            "run",
            "--workspace",
            "--status-level=slow",
            "--no-tests=fail",
            "-E",
            &selection.filter,
        ]
        .to_vec(),
        false => [&["test", "--no-fail-fast"], selection.options.as_slice()].concat(),
    };
    run::run_with(root, "cargo", &arguments, variables)
}

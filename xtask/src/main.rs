//! Repository tasks: `cargo xtask verify`, `fix`, `test`, `chaos`, `tidy` and `proto`.
//!
//! `verify` changes nothing and is exactly what CI runs; `fix` is the one that edits. The rules that no
//! standard tool knows (layers, sizes, citations of RFCs) are in [`tidy`], each with its own tests.
//! Start reading at [`verify::STEPS`].

/// The catalog of metrics, read as source: it uses nothing but the standard library, whereas its crate would bring
/// all of OpenTelemetry into this small program.
#[path = "../../crates/observability/src/catalog.rs"]
mod catalog;
mod fix;
mod generated;
mod proto;
mod repo;
mod run;
mod suites;
mod tidy;
mod verify;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "usage: cargo xtask <task>

  verify [step..]   check everything, change nothing; what CI runs (steps: see `verify --list`)
  fix [--generated] format, apply clippy's suggestions, write generated files again; --generated: those only
  test [--crates]   install what tests need (as root), then run all tests; --crates: unit tests only
  chaos [options..] run a cluster under load and faults and check every command: --minutes N, --operations N,
                    --seed N, --sessions N, --round SECONDS, --patient; as root also with cut networks
  tidy              check the rules of CODE-STYLE.md alone; takes a second
  proto --bless     accept the current proto/ files as the new compatibility baseline
";

fn main() -> ExitCode {
    match dispatch(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            run::say(&format!("xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: Vec<String>) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = repo::root()?;
    match words.as_slice() {
        ["verify", "--list"] => {
            verify::list();
            Ok(())
        }
        ["verify", steps @ ..] => verify::verify(&root, steps),
        ["fix"] => fix::fix(&root),
        ["fix", "--generated"] => generated::write(&root),
        ["test"] => suites::everything(&root),
        ["test", "--crates"] => suites::crates_only(&root),
        ["chaos", options @ ..] => suites::chaos(&root, options),
        ["tidy"] => tidy::check(&root),
        ["proto"] => proto::check(&root),
        ["proto", "--bless"] => proto::bless(&root),
        _ => bail!("unknown arguments\n\n{USAGE}"),
    }
}

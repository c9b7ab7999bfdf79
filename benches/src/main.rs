//! A load program for IMAP and LMTP servers. It knows the protocols and no server: the same seeded load can be
//! put on any of them, and their figures stand side by side.
//!
//! Each row of the table is one measurement (`rows`), told from the command line as `name` or `name:number`.
//! A row checks what the server answers: a refusal, a missing message or a wrong count ends the program, so that
//! an error is never counted as speed. Start reading at `rows/mod.rs`.

mod arguments;
mod imap;
mod lmtp;
mod message;
mod processes;
mod reader;
mod report;
mod rows;
mod statistics;
mod stream;
mod target;
mod throughput;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

fn main() -> ExitCode {
    match measure(arguments::Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when even this cannot be written.
            let _ = writeln!(std::io::stderr(), "load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: arguments::Arguments) -> anyhow::Result<()> {
    // One thread takes no wake-up from another one into the time of a command.
    let mut builder = match arguments.threads {
        0 | 1 => tokio::runtime::Builder::new_current_thread(),
        threads => {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder.worker_threads(threads);
            builder
        }
    };
    let runtime = builder.enable_all().build().context("starting the runtime")?;
    let json = arguments.json.clone();
    let report = runtime.block_on(rows::run(arguments))?;
    report.print()?;
    match json {
        Some(path) => report.write(&path),
        None => Ok(()),
    }
}

//! `facteur`: the mail server, its administration and its tools in one binary.
//!
//! This crate reads arguments and settings, fills the options of the parts, puts the parts together, and turns
//! signals and failures into an orderly end and an exit code. It decides nothing about mail: every rule of a
//! protocol, of storage or of replication is in the crate of that name.
//!
//! Start reading at `arguments.rs`, then `serve.rs` and `compose.rs`.

mod arguments;
mod commands;
mod compose;
mod data_dir;
mod demo;
mod durable_file;
mod exit;
mod listeners;
mod notify;
mod options;
mod output;
mod owner;
mod serve;
mod signals;
mod surroundings;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;
use exit::Exit;

fn main() -> ExitCode {
    tls::init();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return refused(&error),
    };
    match commands::run(arguments) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

/// Shows what clap has to say: help and version are no mistakes, everything else is one of usage.
fn refused(error: &clap::Error) -> ExitCode {
    // Nobody is left to be told that this cannot be written.
    let _ = error.print();
    if error.use_stderr() {
        Exit::Usage.into()
    } else {
        ExitCode::SUCCESS
    }
}

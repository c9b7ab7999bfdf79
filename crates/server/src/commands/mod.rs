//! What the process was asked to do.

mod admin;
mod completions;
mod config;
mod pki;
mod repair;

use std::process::ExitCode;

use settings::{Override, Settings};

use crate::arguments::{Arguments, Command, SettingsArguments};
use crate::exit::{Exit, Failure};
use crate::serve;

/// Does what the command line asks for.
///
/// # Errors
/// Why it could not be done.
pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let Arguments { settings, command } = arguments;
    match command {
        Command::Admin(command) => return admin::run(&settings, &command),
        Command::Serve(serve) => serve::run(&settings, &serve)?,
        Command::Config(command) => config::run(&settings, &command)?,
        Command::Pki(command) => pki::run(&settings, command)?,
        Command::Repair(repair) => repair::run(&settings, &repair)?,
        Command::Completions(shell) => completions::run(&shell)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Loads the settings.
///
/// # Errors
/// Everything that is wrong with them, one line each.
pub fn load(arguments: &SettingsArguments, more: Option<Override>) -> Result<Settings, Failure> {
    let overrides = arguments.overrides().into_iter().chain(more).collect();
    Settings::load(arguments.config.as_deref(), overrides).map_err(|problems| {
        let lines = problems.iter().map(ToString::to_string).collect();
        Failure::of_lines(Exit::Config, lines)
    })
}

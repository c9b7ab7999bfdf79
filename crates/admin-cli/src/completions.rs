//! Completions for shells.

use std::io::{self, Write};

use clap::{Args, Command};
use clap_complete::{Generator, Shell};

/// Writes the completions of a shell to standard output.
#[derive(Clone, Debug, Args)]
pub struct CompletionsArguments {
    /// The shell.
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Writes completions for the whole program.
///
/// # Errors
/// When they cannot be written.
pub fn write_completions(
    arguments: &CompletionsArguments,
    program: &mut Command,
    output: &mut dyn Write,
) -> io::Result<()> {
    let name = program.get_name().to_owned();
    program.set_bin_name(name);
    program.build();
    arguments.shell.try_generate(program, output)
}

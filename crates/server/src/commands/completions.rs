//! `facteur completions`.

use admin_cli::CompletionsArguments;
use clap::CommandFactory;

use crate::arguments::Arguments;
use crate::exit::{Exit, Failure, OrExit};
use crate::output;

/// Prints the completion script of a shell.
///
/// # Errors
/// When nobody takes it.
pub fn run(arguments: &CompletionsArguments) -> Result<(), Failure> {
    output::say(&script(arguments)?)
}

fn script(arguments: &CompletionsArguments) -> Result<String, Failure> {
    let mut script = Vec::new();
    let written = admin_cli::write_completions(arguments, &mut Arguments::command(), &mut script);
    written.or_exit(Exit::Software, "completions")?;
    Ok(String::from_utf8_lossy(&script).into_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::Command;

    #[test]
    fn scripts_know_the_commands() {
        for shell in ["bash", "zsh", "fish"] {
            let parsed = Arguments::try_parse_from(["facteur", "completions", shell]).expect("valid");
            let Command::Completions(arguments) = parsed.command else {
                panic!("not completions");
            };
            let script = script(&arguments).expect("a script");
            for word in ["serve", "config", "demo", "data-dir", "account"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}

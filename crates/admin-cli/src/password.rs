//! Passwords, from a terminal or from standard input.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};

use mailstore::ports::SecretChange;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::arguments::SecretArguments;
use crate::console::{Console, PasswordPrompt};
use crate::error::CliError;

/// Longest password that is read.
const PASSWORD_BYTES_MAX: u64 = 4096;

/// Returns the secret that the arguments ask for.
pub(crate) fn secret(
    arguments: &SecretArguments,
    console: &mut Console<'_>,
) -> Result<SecretChange, CliError> {
    if let Some(hash) = &arguments.hash {
        return Ok(SecretChange::Hash(hash.clone()));
    }
    let password = if arguments.password_stdin {
        read_line(console.input).map_err(CliError::Input)?
    } else {
        ask_twice(console.prompt)?
    };
    if password.is_empty() {
        return Err(CliError::PasswordEmpty);
    }
    Ok(SecretChange::Password(password))
}

fn ask_twice(prompt: &mut dyn PasswordPrompt) -> Result<String, CliError> {
    let password = prompt.ask("New password: ").map_err(CliError::Prompt)?;
    let again = prompt.ask("New password again: ").map_err(CliError::Prompt)?;
    if password == again {
        Ok(password)
    } else {
        Err(CliError::PasswordsDiffer)
    }
}

/// Reads a line and leaves its end away.
fn read_line(input: &mut dyn BufRead) -> io::Result<String> {
    let mut line = String::new();
    input.take(PASSWORD_BYTES_MAX).read_line(&mut line)?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}

/// Asks on the terminal of this process, whatever standard input and output are.
#[derive(Debug, Default)]
pub struct TerminalPrompt;

impl PasswordPrompt for TerminalPrompt {
    fn ask(&mut self, question: &str) -> io::Result<String> {
        let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let silent = Silent::begin(terminal.try_clone()?)?;
        terminal.write_all(question.as_bytes())?;
        let line = read_line(&mut BufReader::new(&terminal));
        drop(silent);
        // The line end that was typed was not shown either.
        terminal.write_all(b"\n")?;
        line
    }

    fn ask_openly(&mut self, question: &str) -> io::Result<String> {
        let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        terminal.write_all(question.as_bytes())?;
        read_line(&mut BufReader::new(&terminal))
    }
}

/// A terminal that does not show what is typed until this is dropped.
struct Silent {
    terminal: File,
    before: Termios,
}

impl Silent {
    fn begin(terminal: File) -> io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut modes = before.clone();
        modes.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Flush, &modes)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // Nothing more can be done for a terminal that is gone.
        let _ = tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}

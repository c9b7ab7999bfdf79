//! Lines to standard output and standard error. Logs go through `tracing`; this is for what a command was asked for.

use std::io::Write;

use crate::exit::{Exit, Failure};

/// Writes text to standard output.
///
/// # Errors
/// When nobody takes it.
pub fn say(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        // Whoever reads, such as `head`, has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::new(Exit::Io, format!("standard output: {error}"))),
        Ok(()) => Ok(()),
    }
}

/// Writes a line to standard error, with the program's name before it as is the custom.
pub fn complain(line: &str) {
    // Nobody is left to be told that this failed.
    let _ = writeln!(std::io::stderr().lock(), "facteur: {line}");
}

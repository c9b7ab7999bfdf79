//! What a command reads and writes.

use std::io::{self, BufRead, Write};

/// Where a command reads and writes. A program hands over its own streams, a test its buffers.
pub struct Console<'a> {
    /// Standard input, for `--password-stdin`.
    pub input: &'a mut dyn BufRead,
    /// Answers.
    pub output: &'a mut dyn Write,
    /// One line when something went wrong.
    pub errors: &'a mut dyn Write,
    /// Asks for passwords, and whether something is meant.
    pub prompt: &'a mut dyn PasswordPrompt,
    /// Standard error is a terminal, so that bars can be drawn there.
    pub bars: bool,
}

/// Asks a person.
pub trait PasswordPrompt {
    /// Shows the question and returns what was typed, without showing it.
    ///
    /// # Errors
    /// When there is nobody to ask.
    fn ask(&mut self, question: &str) -> io::Result<String>;

    /// Shows the question and returns what was typed, which is shown.
    ///
    /// # Errors
    /// When there is nobody to ask.
    fn ask_openly(&mut self, question: &str) -> io::Result<String>;
}

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
    /// Asks for passwords.
    pub prompt: &'a mut dyn PasswordPrompt,
}

/// Asks a person for a password.
pub trait PasswordPrompt {
    /// Shows the question and returns what was typed, without showing it.
    ///
    /// # Errors
    /// When there is nobody to ask.
    fn ask(&mut self, question: &str) -> io::Result<String>;
}

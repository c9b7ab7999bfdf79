//! How the process ends: exit codes of sysexits(3), and the lines that say why.

use std::error::Error;
use std::fmt::Display;
use std::process::ExitCode;

use crate::output;

/// The exit codes that are used, as sysexits(3) names and numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The command line is wrong.
    Usage = 64,
    /// What was asked for does not exist or is refused.
    Data = 65,
    /// A service that is needed does not answer.
    Unavailable = 69,
    /// A defect, or damage that was found.
    Software = 70,
    /// A file cannot be made.
    CannotCreate = 73,
    /// Reading or writing failed.
    Io = 74,
    /// It may work later.
    TemporaryFailure = 75,
    /// Permission is missing.
    NoPermission = 77,
    /// The settings are wrong.
    Config = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why the process ends other than well.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    exit: Exit,
    lines: Vec<String>,
}

impl Failure {
    /// Returns a failure that one line explains.
    pub fn new(exit: Exit, line: impl Into<String>) -> Self {
        Self::of_lines(exit, vec![line.into()])
    }

    /// Returns a failure with one line for each thing that is wrong.
    pub fn of_lines(exit: Exit, lines: Vec<String>) -> Self {
        Self { exit, lines }
    }

    /// Adds a line that says what to do.
    pub fn advise(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// Returns the exit code.
    #[cfg(test)]
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Returns what is said.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Writes the lines to standard error and returns the exit code.
    pub fn report(&self) -> ExitCode {
        for line in &self.lines {
            output::complain(line);
        }
        self.exit.into()
    }
}

/// Turns errors of the parts into failures of the process.
pub trait OrExit<T> {
    /// Ends with this exit code, saying what was attempted and the whole chain of causes.
    fn or_exit(self, exit: Exit, attempt: impl Display) -> Result<T, Failure>;
}

impl<T, E: Error> OrExit<T> for Result<T, E> {
    fn or_exit(self, exit: Exit, attempt: impl Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(exit, format!("{attempt}: {}", chain(&error))))
    }
}

/// Returns an error with its causes. A cause that the error has spelt out already is not said again.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Layered(&'static str, Option<Box<Layered>>);

    impl Display for Layered {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Layered {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as &dyn Error)
        }
    }

    fn layered(words: &[&'static str]) -> Layered {
        let mut words = words.iter().rev();
        let last = Layered(words.next().expect("at least one"), None);
        words.fold(last, |cause, words| Layered(words, Some(Box::new(cause))))
    }

    #[test]
    fn causes_are_told_once_each() {
        assert_eq!(chain(&layered(&["cannot start"])), "cannot start");
        assert_eq!(
            chain(&layered(&["cannot start", "disk full"])),
            "cannot start: disk full"
        );
        assert_eq!(
            chain(&layered(&["cannot start: disk full", "disk full", "errno 28"])),
            "cannot start: disk full: errno 28"
        );
    }

    #[test]
    fn a_failure_names_the_attempt() {
        let failed: Result<(), _> = Err(layered(&["no such file"]));
        let failure = failed.or_exit(Exit::Io, "blobs").expect_err("a failure");
        assert_eq!(
            (failure.exit(), failure.lines()),
            (Exit::Io, &["blobs: no such file".to_owned()][..])
        );
    }
}

//! What can be wrong with settings, and where.

use std::fmt;
use std::path::PathBuf;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    Default,
    /// The settings file; line and column count from 1, and are 0 when the whole file is meant.
    File {
        /// The file as it was named.
        path: PathBuf,
        /// The line.
        line: usize,
        /// The column, in characters.
        column: usize,
    },
    /// An environment variable.
    Environment {
        /// Its name.
        variable: String,
    },
    /// The command line.
    Argument {
        /// The argument's name, as in `--data-dir`.
        name: String,
    },
    /// Several values that do not go together.
    Together,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line: 0, .. } => write!(f, "{}", path.display()),
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Environment { variable } => write!(f, "environment variable {variable}"),
            Self::Argument { name } => write!(f, "argument {name}"),
            Self::Together => f.write_str("settings"),
        }
    }
}

/// One thing that is wrong, with its place. All of them are reported at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{origin}: {fault}")]
pub struct Problem {
    /// Where it stands.
    pub origin: Origin,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong with a setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The file cannot be read.
    #[error("cannot be read: {reason}")]
    Unreadable {
        /// The operating system's words.
        reason: String,
    },
    /// The file is not TOML.
    #[error("{message}")]
    Syntax {
        /// The parser's words.
        message: String,
    },
    /// There is no such option or section.
    #[error("unknown setting `{key}`{}", hint(.nearest.as_deref()))]
    Unknown {
        /// The key as it was written.
        key: String,
        /// The known name that is nearest to it.
        nearest: Option<String>,
    },
    /// The value cannot be read as what the option takes.
    #[error("`{key}`: {message}")]
    Invalid {
        /// The option.
        key: String,
        /// What is wrong with the value.
        message: String,
    },
    /// The value is outside the option's range.
    #[error("`{key}`: {value} is outside {min} to {max}")]
    OutOfRange {
        /// The option.
        key: String,
        /// The value.
        value: String,
        /// The least value allowed.
        min: &'static str,
        /// The greatest value allowed.
        max: &'static str,
    },
    /// Values that are each valid do not go together.
    #[error("{message}")]
    Conflict {
        /// What does not go together.
        message: String,
    },
}

fn hint(nearest: Option<&str>) -> String {
    nearest
        .map(|name| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}

/// The families of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The operating system refuses the file.
    Environment,
    /// What somebody wrote is wrong.
    Input,
}

impl Problem {
    pub(crate) fn new(origin: Origin, fault: Fault) -> Self {
        Self { origin, fault }
    }

    /// Returns the family of the problem.
    pub fn kind(&self) -> ProblemKind {
        match self.fault {
            Fault::Unreadable { .. } => ProblemKind::Environment,
            Fault::Syntax { .. }
            | Fault::Unknown { .. }
            | Fault::Invalid { .. }
            | Fault::OutOfRange { .. }
            | Fault::Conflict { .. } => ProblemKind::Input,
        }
    }

    /// Says whether reading the same settings again may succeed; it never does by itself.
    pub fn is_retryable(&self) -> bool {
        false
    }
}

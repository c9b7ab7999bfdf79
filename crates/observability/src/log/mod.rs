//! The log for people and the authentication log.

pub mod auth;
pub mod fields;
pub mod level;
pub mod line;
pub mod sink;

use std::path::PathBuf;

use tracing::Level;

/// How the log looks and where it goes.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// Text or JSON.
    pub format: LogFormat,
    /// The least important level that is logged.
    pub level: Level,
    /// Levels of single parts, as in `proxy=debug,wal=trace`; they go before `level`.
    pub filter: Option<String>,
    /// The file to append to; standard error when none.
    pub file: Option<PathBuf>,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            level: Level::INFO,
            filter: None,
            file: None,
        }
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Whether and where logins are logged.
#[derive(Clone, Debug)]
pub struct AuthLogOptions {
    /// When false, no name or address is written anywhere.
    pub enabled: bool,
    /// The file to append to; the general log when none.
    pub file: Option<PathBuf>,
}

impl Default for AuthLogOptions {
    fn default() -> Self {
        Self {
            enabled: true,
            file: None,
        }
    }
}

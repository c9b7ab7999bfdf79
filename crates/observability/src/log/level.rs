//! The level of the log, which can be changed while the process runs.

use tracing::Level;
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::{Registry, reload};

use crate::error::Error;

/// Changes what is logged.
#[derive(Clone)]
pub struct LevelControl {
    handle: reload::Handle<EnvFilter, Registry>,
}

impl LevelControl {
    pub(crate) fn new(handle: reload::Handle<EnvFilter, Registry>) -> Self {
        Self { handle }
    }

    /// Logs `level` and what is more important from now on, with exceptions as in `proxy=debug`.
    ///
    /// # Errors
    ///
    /// Fails if the exceptions are not understood; the level then stays as it was.
    pub fn set(&self, level: Level, exceptions: Option<&str>) -> Result<(), Error> {
        let filter = filter(level, exceptions)?;
        // The subscriber is gone only when the process ends; then nobody logs any more.
        let _ = self.handle.reload(filter);
        Ok(())
    }
}

/// Returns the filter of a level and its exceptions. The environment has no say: settings are read in one place.
pub fn filter(level: Level, exceptions: Option<&str>) -> Result<EnvFilter, Error> {
    let exceptions = exceptions.unwrap_or_default();
    // The level stands first, and what follows goes before it. The builder's default directive would not do: it
    // holds only where there is no other.
    let directives = format!("{level},{exceptions}");
    EnvFilter::builder()
        .parse(directives)
        .map_err(|source| Error::Filter {
            filter: exceptions.to_owned(),
            source,
        })
}

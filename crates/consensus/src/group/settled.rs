//! Whether the rows of a replica can be looked through while it runs.

use super::Group;
use crate::machine::Machine;
use crate::{LogPosition, Result, wire};

/// Rows that are not being replaced.
///
/// A snapshot that is installed becomes the current one before it replaces the rows. So whoever finds the same
/// snapshot before and after it looked through the rows has seen no half of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettledRows {
    /// The last entry whose effect is in them.
    pub applied: LogPosition,
    /// The newest snapshot.
    pub snapshot: Option<LogPosition>,
}

impl<M: Machine> Group<M> {
    /// Returns what the rows hold, `None` while a snapshot replaces them or nothing has been applied.
    ///
    /// # Errors
    /// [`crate::Error::Tables`].
    pub async fn settled_rows(&self) -> Result<Option<SettledRows>> {
        let snapshot = self.machine.snapshots.current();
        let snapshot = snapshot.and_then(|stored| stored.manifest.state.last);
        let snapshot = snapshot.as_ref().map(wire::position);
        let tables = self.machine.applier.share_tables();
        let state = self.machine.blocking.run(move || tables.applied()).await??;
        let applied = state.last.as_ref().map(wire::position);
        let settled = applied.filter(|applied| Some(*applied) >= snapshot);
        Ok(settled.map(|applied| SettledRows { applied, snapshot }))
    }
}

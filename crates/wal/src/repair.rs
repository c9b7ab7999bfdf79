//! Saving what can be saved of a damaged log.

use std::sync::Arc;

use disk::{Disk, DiskPath};

use crate::damage::{Certainty, DamageReport, GroupDamage};
use crate::log::Wal;
use crate::recovery::Survey;
use crate::segment::{base_path, segment_path};
use crate::{GroupId, LogIndex, Result, WalOptions};

/// What to do with the groups that the damage has hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepairPolicy {
    /// Forget them. Right when each has other voters: a replica that has forgotten what it acknowledged must
    /// not vote again under its old id, and is replaced by a new one.
    DropAffected,
    /// Keep what is whole up to the damage. Right only for a group with one voter, whose owner accepts that
    /// acknowledged entries behind it are gone.
    KeepPrefix,
}

/// A look at a damaged log that says what a repair would lose, before it acts.
#[derive(Debug)]
pub struct RepairPlan {
    disk: Arc<dyn Disk>,
    dir: DiskPath,
    options: WalOptions,
    survey: Survey,
    report: DamageReport,
}

impl RepairPlan {
    /// Reads the log and changes nothing. Returns `None` if it is not damaged.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn survey(disk: Arc<dyn Disk>, dir: DiskPath, options: WalOptions) -> Result<Option<Self>> {
        let survey = Survey::take(&*disk, &dir)?;
        let report = survey.report();
        Ok(report.map(|report| Self {
            disk,
            dir,
            options,
            survey,
            report,
        }))
    }

    /// Returns the damage.
    #[must_use]
    pub fn report(&self) -> &DamageReport {
        &self.report
    }

    /// Returns every group with the last entry that it would have after the repair; groups that would be
    /// forgotten are absent.
    #[must_use]
    pub fn outcome(&self, policy: RepairPolicy) -> Vec<(GroupId, Option<LogIndex>)> {
        let groups = &self.survey.replay.index.groups;
        let kept = groups
            .iter()
            .filter_map(|(group, state)| match (self.damage_of(*group), policy) {
                (None, _) => Some((*group, state.last())),
                (Some(_), RepairPolicy::DropAffected) => None,
                (Some(damage), RepairPolicy::KeepPrefix) => Some((*group, damage.last_before)),
            });
        kept.collect()
    }

    fn damage_of(&self, group: GroupId) -> Option<&GroupDamage> {
        self.report.groups.iter().find(|damage| damage.group == group)
    }

    /// Writes a new log with what is left, and only when that is durable removes the old one. A crash at any
    /// point leaves either the damaged log or the repaired one.
    ///
    /// # Errors
    /// Those of the disk; the damaged log is then still there.
    pub fn apply(mut self, policy: RepairPolicy) -> Result<()> {
        self.survey.remove_void(&*self.disk, &self.dir)?;
        for damage in &self.report.groups {
            let index = &mut self.survey.replay.index;
            match policy {
                RepairPolicy::DropAffected => index.remove(damage.group),
                RepairPolicy::KeepPrefix => {
                    let from = damage.last_before.map_or(LogIndex(0), LogIndex::next);
                    index.truncate_from(damage.group, from);
                    let state = index.groups.get_mut(&damage.group);
                    if let Some(state) = state.filter(|_| damage.certainty == Certainty::Certain) {
                        // It may speak of entries that are gone; consensus finds it out again.
                        state.committed = bytes::Bytes::new();
                    }
                }
            }
        }
        let first = self.survey.next_segment;
        let old_base = self.survey.bases.last().copied();
        let mut store = self
            .survey
            .into_store(Arc::clone(&self.disk), self.dir.clone(), self.options)?;
        store.repair = Some(first);
        let old: Vec<_> = store.index.read().segments.keys().copied().collect();
        let mut wal = Wal::start(store, first, None)?;
        for segment in &old {
            while wal.carry(*segment)? > 0 {}
        }
        let done = self.disk.create_new(&base_path(&self.dir, first)?)?;
        done.sync_data()?;
        self.disk.sync_dir(&self.dir)?;
        for segment in old {
            self.disk.remove(&segment_path(&self.dir, segment)?)?;
        }
        if let Some(base) = old_base {
            self.disk.remove(&base_path(&self.dir, base)?)?;
        }
        self.disk.sync_dir(&self.dir)?;
        Ok(())
    }
}

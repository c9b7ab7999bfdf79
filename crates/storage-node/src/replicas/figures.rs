//! What metrics tell of the replicas.

use super::Replicas;

impl Replicas {
    /// Returns how many replicas here are parked, because nobody uses their group.
    #[must_use]
    pub fn parked(&self) -> u64 {
        self.inner.groups.parked() as u64
    }

    /// Returns how often a replica here has come to lead since the process began.
    #[must_use]
    pub fn came_to_lead(&self) -> u64 {
        self.inner.groups.came_to_lead()
    }
}

//! What is wrong with a log, said precisely enough to decide what to do.

use std::fmt;

use crate::{BatchNumber, GroupId, LogIndex, SegmentId};

/// Everything that is known about the damage to a log. Nothing has been changed on the disk when it is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DamageReport {
    /// The damaged places, in log order.
    pub damages: Vec<Damage>,
    /// The groups that lost records or may have, in ascending order. A group whose every record lay in the
    /// damage is unknown here.
    pub groups: Vec<GroupDamage>,
}

/// One damaged stretch of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The segment that holds, or should hold, the bytes.
    pub segment: SegmentId,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// How many bytes cannot be trusted, as far as is known.
    pub len: u64,
    /// Why the place counts as damaged.
    pub reason: DamageReason,
}

/// Why a stretch of the log counts as damaged rather than as the torn end of an unfinished write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DamageReason {
    /// The header of the segment is unreadable although the segment had been in use.
    SegmentHeader,
    /// Bytes are unreadable although later batches exist, which were written only after these were synced.
    BeforeValidData,
    /// The log ends before a batch that is known to have been synced.
    MissingSynced {
        /// The last batch known to have been synced.
        synced: BatchNumber,
    },
    /// The batches do not follow one another: a segment is missing or was replaced.
    MissingBatches {
        /// The batch that should come here.
        expected: BatchNumber,
        /// The batch that does.
        found: BatchNumber,
    },
    /// All bytes are readable but the records contradict each other.
    Inconsistent,
}

/// What the damage means for one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDamage {
    /// The group concerned.
    pub group: GroupId,
    /// Whether it certainly lost records.
    pub certainty: Certainty,
    /// The last entry that is whole and follows from the start of the log.
    pub last_before: Option<LogIndex>,
    /// The highest entry seen behind the damage.
    pub highest_behind: Option<LogIndex>,
}

/// How sure it is that a group lost records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certainty {
    /// A gap in the numbering of the group's own records proves it.
    Certain,
    /// No later record of the group proves that nothing is missing.
    Possible,
}

impl fmt::Display for DamageReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for damage in &self.damages {
            write!(f, "{separator}{damage}")?;
            separator = "; ";
        }
        write!(f, "{separator}{} groups affected", self.groups.len())
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} at byte {}, {} bytes: ",
            self.segment, self.offset, self.len
        )?;
        match self.reason {
            DamageReason::SegmentHeader => f.write_str("unreadable segment header"),
            DamageReason::BeforeValidData => f.write_str("unreadable before valid batches"),
            DamageReason::MissingSynced { synced } => write!(f, "ends before {synced}, which was synced"),
            DamageReason::MissingBatches { expected, found } => {
                write!(f, "{found} where {expected} should follow")
            }
            DamageReason::Inconsistent => f.write_str("records contradict each other"),
        }
    }
}

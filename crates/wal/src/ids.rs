//! The numbers of the log, one type each.

use std::fmt;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident, $label:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($label, " {}"), self.0)
            }
        }
    };
}

number!(
    /// A Raft group, or one replica of it: the log keeps the histories of different ids apart.
    GroupId,
    "group"
);
number!(
    /// The position of an entry in its group's log.
    LogIndex,
    "index"
);
number!(
    /// A Raft term.
    Term,
    "term"
);
number!(
    /// The number of a segment file; never used again under one log.
    SegmentId,
    "segment"
);
number!(
    /// The number of a batch. Batches are numbered without gaps over all segments, which is how a missing one
    /// is noticed.
    BatchNumber,
    "batch"
);

impl LogIndex {
    /// Returns the index after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

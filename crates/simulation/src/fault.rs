//! What befalls a machine in one of its lives.

use std::time::Duration;

use crate::random::Random;

/// A fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The node is stopped in order.
    Stop,
    /// The process is killed: what it has written stays, synced or not.
    Kill {
        /// When, in the life of the process.
        after: Duration,
    },
    /// The power goes between two operations of the disk.
    PowerLoss {
        /// When, in the life of the process.
        after: Duration,
    },
    /// The power goes in the middle of an operation of the disk.
    PowerCut {
        /// When it is known which operation it will be.
        after: Duration,
        /// Which operation, counted from then.
        steps: u64,
    },
    /// A sync fails.
    SyncFailure {
        /// When it is known which sync it will be.
        after: Duration,
        /// Which sync, counted from then.
        syncs: u64,
        /// Whether the machine loses its power too before the node is started again.
        with_power: bool,
    },
    /// The disk is full for a while.
    FullDisk {
        /// When.
        after: Duration,
        /// For how long.
        lasting: Duration,
        /// Octets that are still free.
        free_bytes: u64,
    },
    /// The wall clocks are set wrong.
    ClockJump {
        /// When.
        after: Duration,
        /// By how many seconds, forward or back.
        seconds: i64,
    },
    /// A table engine loses a shelf.
    LostTables {
        /// When.
        after: Duration,
    },
}

impl Fault {
    /// Chooses a fault.
    pub fn choose(random: &mut Random) -> Self {
        let after = Duration::from_millis(random.below(700));
        match random.below(100) {
            0..10 => Self::Stop,
            10..20 => Self::Kill { after },
            20..35 => Self::PowerLoss { after },
            35..60 => Self::PowerCut {
                after,
                steps: 1 + random.below(120),
            },
            60..75 => Self::SyncFailure {
                after,
                syncs: 1 + random.below(40),
                // Without a loss of power a process that starts again reads from the cache what the medium
                // has not got, and must make it durable before it believes it.
                with_power: random.chance(50),
            },
            75..87 => Self::FullDisk {
                after,
                lasting: Duration::from_millis(200 + random.below(2000)),
                free_bytes: random.below(4 * 1024 * 1024),
            },
            87..92 => Self::ClockJump {
                after,
                seconds: i64::try_from(random.below(480)).unwrap_or(0) - 240,
            },
            _ => Self::LostTables { after },
        }
    }
}

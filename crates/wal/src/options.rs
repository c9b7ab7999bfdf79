//! The limits of the log.

/// Sizes and limits of a log. Every queue and cache of the crate is bounded by one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalOptions {
    /// A segment is sealed when it would grow past this size, in bytes. At most 1 GiB.
    pub segment_bytes: u64,
    /// The active segment is extended with written zeros by this many bytes at a time, so that most syncs
    /// need no change of the file's metadata.
    pub grow_bytes: u64,
    /// The writer joins queued operations into one batch up to about this size, in bytes.
    pub batch_bytes_max: usize,
    /// The largest entry accepted, in bytes.
    pub record_bytes_max: usize,
    /// Operations that may wait in the queue; a caller that adds one more blocks.
    pub queue_operations_max: usize,
    /// Bytes that may wait in the queue; a caller that adds more blocks.
    pub queue_bytes_max: usize,
    /// Bytes of the newest entries kept in memory for each group.
    pub cache_bytes_per_group: usize,
    /// Appends are refused while fewer bytes than this are free on the disk, so that votes, truncation and
    /// purging still have room.
    pub reserve_bytes: u64,
    /// Bytes of live entries that one compaction step may copy.
    pub compaction_step_bytes: usize,
}

impl Default for WalOptions {
    fn default() -> Self {
        const MIB: usize = 1024 * 1024;
        Self {
            segment_bytes: 64 * MIB as u64,
            grow_bytes: 4 * MIB as u64,
            batch_bytes_max: 4 * MIB,
            record_bytes_max: 16 * MIB,
            queue_operations_max: 8192,
            queue_bytes_max: 64 * MIB,
            cache_bytes_per_group: MIB / 2,
            reserve_bytes: 256 * MIB as u64,
            compaction_step_bytes: MIB,
        }
    }
}

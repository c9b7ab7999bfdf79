//! The limits of the store.

/// Sizes and limits of a store. Every queue and buffer of the crate is bounded by one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlobStoreOptions {
    /// A segment is sealed when it would grow past this size, in bytes. At most 1 GiB.
    pub segment_bytes: u64,
    /// The active segment is extended with written zeros by this many bytes at a time, so that most syncs
    /// need no change of the file's metadata; 0 for never.
    pub grow_bytes: u64,
    /// An upload up to this size is kept in memory and written at once; a longer one goes to the disk as it
    /// comes.
    pub upload_buffer_bytes_max: usize,
    /// The largest blob accepted, in bytes.
    pub blob_bytes_max: u64,
    /// Changes that may wait in the queue; a caller that adds one more blocks.
    pub queue_changes_max: usize,
    /// Bytes that may wait in the queue; a caller that adds more blocks. A change larger than this waits
    /// alone.
    pub queue_bytes_max: usize,
    /// Uploads are refused while fewer bytes than this are free on the disk, so that deleting and compacting
    /// still have room.
    pub reserve_bytes: u64,
    /// A sealed segment is compacted when less than this share of it is live, in percent.
    pub compact_below_percent: u8,
    /// [`crate::BlobStore::checkpoint_if_due`] notes the index when this many bytes of records have been written
    /// since it was noted last. A start after a kill reads no more than about that.
    pub checkpoint_bytes: u64,
    /// A number that nobody who sends mail can know. It is mixed into the checksums, so that a message
    /// cannot imitate a record of the store. Used when a store is created and read back afterwards.
    pub salt: u64,
}

impl Default for BlobStoreOptions {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            segment_bytes: 128 * MIB,
            // Writing every byte twice costs more at full load than the metadata does.
            grow_bytes: 0,
            upload_buffer_bytes_max: 256 * 1024,
            blob_bytes_max: 1024 * MIB,
            queue_changes_max: 1024,
            queue_bytes_max: 4 * 1024 * 1024,
            reserve_bytes: 512 * MIB,
            compact_below_percent: 60,
            checkpoint_bytes: 256 * MIB,
            salt: 0,
        }
    }
}

//! What lies on the disk.
//!
//! A segment file is a header of one sector, then batches, each starting on a sector boundary. A batch is a
//! header and the frames of its records, written with one write and made durable with one sync; it counts
//! whole or not at all. Sector alignment means that a write never touches a sector that holds durable records.
//! Unused space is zeros. Numbers are little endian.
//!
//! ```text
//! batch header   magic u32 | crc32c u32 | segment u64 | offset u64 | number u64 | body bytes u32 | frames u32 | 0 u64
//! frame          crc32c u32 | payload bytes u32 | id bytes u16 | kind u8 | 0 u8 | group u64 | sequence u64
//!                | term u64 | index u64 | id | payload
//! ```
//!
//! # Telling a torn end from damage
//!
//! The writer starts batch `n + 1` only after batch `n` has been synced. Therefore *any trace of batch `n + 1`
//! proves that batch `n` was durable*, and a batch that is unreadable is
//!
//! * **damaged** if a valid batch header with a higher number stands anywhere behind it, in its own segment or
//!   in a later one (a segment is created only after everything before it is durable);
//! * **damaged** if the watermark file says that a batch with this number or a higher one was synced. After each
//!   sync the writer notes the batch number there, without syncing the note: whatever value is found was true
//!   when it was written. The note survives a killed process always, and a loss of power as soon as the kernel
//!   has written it back, or the next segment is begun, or the log is closed;
//! * otherwise the **torn end** of the one batch that was being written, never acknowledged, and cut.
//!
//! The first rule also holds across a killed process, whose last batch may be whole and not yet durable: a start
//! syncs what it finds before it begins a segment of its own.
//!
//! Inside one batch, valid frames behind an invalid one prove nothing, because sectors of one write reach the
//! medium in any order; this is why the unit is the batch and not the record. Zeros behind the last batch are
//! preallocated space: a zeroed batch header is an unreadable batch like any other and the same three rules
//! decide. What remains undetectable is a loss of power that is followed, within the time that the kernel takes
//! to write back one page, by damage to exactly the last synced batch.
//!
//! Each record also carries a sequence number of its group. A gap in it names the groups that lost records,
//! and the checkpoint at the head of every segment (the newest vote, commit note, purge position and sequence
//! number of each group) bounds the doubt about groups that wrote nothing since.

mod batch;
mod frame;
mod reader;

pub(crate) use batch::{ALIGNMENT_BYTES, BatchBuilder, next_header};
pub use batch::{BatchHeader, BatchScan, scan_batch};
pub(crate) use frame::{CheckpointState, FRAME_BYTES_MIN};
pub use frame::{DecodeError, Frame, FrameKind, decode_frame};
pub(crate) use reader::Reader;

//! Immutable, checksummed message bodies: streamed in and out, stored once, collected when unused.
//!
//! A blob is named by the BLAKE3 hash of its bytes within a group. [`BlobStore`] appends blobs to large
//! segment files, many with one write and one sync, keeps an index in memory, serves ranges by reading only
//! the chunks that they touch, and copies live blobs out of segments that have become mostly garbage.
//!
//! The crate never looks inside a blob, never reads a clock (times are arguments) and knows nothing of who
//! refers to a blob: [`BlobStore::sweep`] asks. A blob whose bytes have gone bad is reported by name and
//! never served.
//!
//! The store does nothing by itself. Its owner calls, now and then: [`BlobStore::sweep_page`] to remove what
//! nothing refers to, [`BlobStore::compaction_step`] to get its space back, [`BlobStore::checkpoint_if_due`] to
//! keep the next start short, and [`Scrub::step`] to find bytes that have gone bad.
//!
//! Start reading at [`format`](mod@format) for what lies on the disk, then `engine.rs` (writing),
//! `recovery.rs` (opening) and `store.rs` (the interface).
#![deny(missing_docs)]

mod checkpoint;
mod chunk;
mod compaction;
mod engine;
mod error;
pub mod format;
mod ids;
mod index;
mod options;
mod queue;
mod read;
mod recovery;
mod scrub;
mod segment;
mod store;
mod sweep;
mod upload;

pub use chunk::CHUNK_BYTES;
pub use compaction::CompactionStep;
pub use disk::ErrorKind;
pub use engine::Engine;
pub use error::{Error, Result};
pub use ids::{BlobId, GroupId, SegmentId, SummaryVersion, UnixSeconds};
pub use options::BlobStoreOptions;
pub use read::BlobReader;
pub use recovery::{DamagedRange, OpenReport};
pub use scrub::{Scrub, ScrubStep};
pub use store::{BlobInfo, BlobStore, Callback, Described, StoreUsage, Summary};
pub use sweep::{SweepPage, SweepReport};
pub use upload::Upload;

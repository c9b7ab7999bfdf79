//! What the core can be asked to do, and what comes of it.

use crate::chunk::{self, CHUNK_BYTES, StoredChunk};
use crate::format::{BODY_LINE_BYTES, BodyLine, MANIFEST_LINE_BYTES, ManifestLine};
use crate::index::{Blob, Index, Key, Location, Parts};
use crate::{GroupId, SummaryVersion, UnixSeconds};

/// A whole blob as it goes into one record.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub(crate) len: u64,
    pub(crate) table_crc: u32,
    pub(crate) content: Vec<u8>,
}

impl Body {
    /// Cuts and compresses the bytes of a blob.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let chunks: Vec<StoredChunk> = bytes.chunks(CHUNK_BYTES).map(chunk::store).collect();
        let mut content: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.line().encode()).collect();
        debug_assert_eq!(content.len(), chunks.len() * BODY_LINE_BYTES);
        let table_crc = crc32c::crc32c(&content);
        for chunk in &chunks {
            content.extend_from_slice(&chunk.bytes);
        }
        Self {
            len: bytes.len() as u64,
            table_crc,
            content,
        }
    }
}

impl StoredChunk {
    pub(crate) fn line(&self) -> BodyLine {
        let stored_bytes = u32::try_from(self.bytes.len()).expect("invariant: a chunk is at most 64 KiB");
        BodyLine {
            stored_bytes,
            compressed: self.compressed,
            crc: self.crc,
        }
    }
}

/// A change to the store.
#[derive(Debug)]
pub(crate) enum Change {
    /// Store a blob, or renew it if it is there.
    Put { key: Key, time: UnixSeconds, body: Body },
    /// Store a chunk of an upload.
    Chunk(StoredChunk),
    /// End an upload: store the blob made of these chunks, or renew it if it is there.
    Manifest {
        key: Key,
        time: UnixSeconds,
        len: u64,
        lines: Vec<ManifestLine>,
    },
    /// Give an upload up.
    Discard { lines: Vec<ManifestLine> },
    /// Renew a blob's time of touch.
    Touch { key: Key, time: UnixSeconds },
    /// Remove a blob unless it has been touched at or after this time.
    Delete {
        key: Key,
        unless_touched_since: UnixSeconds,
    },
    /// Store or replace a blob's summary.
    Summary {
        key: Key,
        version: SummaryVersion,
        content: Vec<u8>,
    },
    /// Remove all blobs of a group.
    ForgetGroup(GroupId),
    /// Copy a body forward, if it still lies there.
    CopyBody { key: Key, from: Location, body: Body },
    /// Replace a manifest, if it still lies there.
    CopyManifest {
        key: Key,
        from: Location,
        len: u64,
        lines: Vec<ManifestLine>,
        moved: Vec<ManifestLine>,
    },
    /// Write a blob's time of touch again.
    CopyTouch { key: Key },
    /// Copy a summary forward, if it still lies there.
    CopySummary {
        key: Key,
        from: Location,
        version: SummaryVersion,
        content: Vec<u8>,
    },
}

impl Change {
    pub(crate) fn content_len(&self) -> usize {
        match self {
            Self::Put { body, .. } | Self::CopyBody { body, .. } => body.content.len(),
            Self::Chunk(chunk) => chunk.bytes.len(),
            Self::Manifest { lines, .. } | Self::CopyManifest { lines, .. } => {
                lines.len() * MANIFEST_LINE_BYTES
            }
            Self::Summary { content, .. } | Self::CopySummary { content, .. } => content.len(),
            Self::Discard { .. }
            | Self::Touch { .. }
            | Self::Delete { .. }
            | Self::ForgetGroup(_)
            | Self::CopyTouch { .. } => 0,
        }
    }
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It has been made.
    Done,
    /// The blob was there already and its time of touch is durable.
    Renewed,
    /// There is no such blob.
    Absent,
    /// The condition of the change did not hold.
    Skipped,
    /// A chunk has been written here.
    Placed(ManifestLine),
}

impl Outcome {
    pub(super) fn placed_at(self, location: Location) -> Self {
        match self {
            Self::Placed(line) => Self::Placed(ManifestLine {
                segment: location.segment,
                offset: location.offset,
                line: line.line,
            }),
            Self::Done | Self::Renewed | Self::Absent | Self::Skipped => self,
        }
    }
}

/// What a change does to the index once it is durable.
#[derive(Debug)]
pub(crate) enum Effect {
    Body {
        key: Key,
        time: UnixSeconds,
        len: u64,
    },
    Manifest {
        key: Key,
        time: UnixSeconds,
        len: u64,
        parts: Parts,
        release: Vec<ManifestLine>,
    },
    Chunk(BodyLine),
    Release(Vec<ManifestLine>),
    Touch {
        renewal: Renewal,
        release: Vec<ManifestLine>,
    },
    Delete(Key),
    Summary {
        key: Key,
        version: SummaryVersion,
    },
    ForgetGroup(GroupId),
}

/// A new time of touch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Renewal {
    pub(crate) key: Key,
    pub(crate) time: UnixSeconds,
}

impl Effect {
    /// Returns whether somebody will rely on the record before a later one has been synced.
    pub(super) fn must_be_durable(&self) -> bool {
        !matches!(self, Self::Chunk(_) | Self::Release(_))
    }

    pub(crate) fn apply(self, index: &mut Index, place: Location) {
        match self {
            Self::Body { key, time, len } => index.put(key, blob(len, place, time, None)),
            Self::Manifest {
                key,
                time,
                len,
                parts,
                release,
            } => {
                index.release_pending(&release);
                index.put(key, blob(len, place, time, Some(parts)));
            }
            Self::Chunk(line) => {
                let line = ManifestLine {
                    segment: place.segment,
                    offset: place.offset,
                    line,
                };
                index.add_pending(place.segment, line.record_bytes());
            }
            Self::Release(lines) => index.release_pending(&lines),
            Self::Touch { renewal, release } => {
                index.release_pending(&release);
                index.touch(&renewal.key, renewal.time, place.segment);
            }
            Self::Delete(key) => index.remove(&key),
            Self::Summary { key, version } => index.set_summary(&key, version, place),
            Self::ForgetGroup(group) => index.forget_group(group),
        }
    }
}

pub(crate) fn blob(len: u64, place: Location, touched: UnixSeconds, parts: Option<Parts>) -> Blob {
    Blob {
        len,
        place,
        parts,
        touched,
        touched_in: place.segment,
        summary: None,
        corrupt: false,
    }
}

impl Location {
    /// The place of an effect that has no record.
    pub(super) fn nowhere() -> Self {
        Self {
            segment: crate::SegmentId(0),
            offset: 0,
            len: 0,
        }
    }
}

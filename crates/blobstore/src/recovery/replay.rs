//! Applying the records, in the order of their places, to the index.

use std::collections::{BTreeMap, BTreeSet};

use super::scan::{Found, Record};
use super::{DamagedRange, OpenReport};
use crate::engine::blob;
use crate::format::{ManifestLine, RecordKind};
use crate::index::{Blob, Index, Key, Location, SegmentUse, parts_of};
use crate::{SegmentId, SummaryVersion};

/// The state of a replay.
pub(super) struct Replay {
    pub(super) index: Index,
    pub(super) salt: u64,
    pub(super) damaged: Vec<DamagedRange>,
    pub(super) from_checkpoint: bool,
    /// How many bytes of records the checkpoint did not cover.
    pub(super) read_bytes: u64,
    /// Summaries whose blob comes later, because compaction has moved it.
    orphans: BTreeMap<Key, (SummaryVersion, Location)>,
}

impl Replay {
    /// Begins with segments whose records are not known yet.
    pub(super) fn new(salt: u64, segments: BTreeMap<SegmentId, SegmentUse>) -> Self {
        let mut index = Index::default();
        index.segments = segments;
        Self {
            index,
            salt,
            damaged: Vec::new(),
            from_checkpoint: false,
            read_bytes: 0,
            orphans: BTreeMap::new(),
        }
    }

    pub(super) fn damage(&mut self, segment: SegmentId, offset: u64, len: u64) {
        self.damaged.push(DamagedRange { segment, offset, len });
    }

    /// Replays one segment. In the last one (`tail_from` above 0) chunks at or behind that offset count only
    /// if they were found sound: a manifest may be durable although its write was torn.
    pub(super) fn segment(&mut self, segment: SegmentId, found: Found, tail_from: u64) {
        for (offset, len) in &found.garbage {
            self.damage(segment, *offset, *len);
        }
        let sound_chunks: BTreeSet<u64> = found
            .records
            .iter()
            .filter(|record| record.header.kind == RecordKind::Chunk && record.sound)
            .map(|record| record.location.offset)
            .collect();
        let is_there = |line: &ManifestLine| {
            let unchecked = tail_from == 0 || line.segment != segment || line.offset < tail_from;
            unchecked || sound_chunks.contains(&line.offset)
        };
        for record in &found.records {
            self.record(record, &is_there);
        }
    }

    fn record(&mut self, record: &Record, is_there: &dyn Fn(&ManifestLine) -> bool) {
        let header = &record.header;
        let key = (header.group, header.blob);
        match header.kind {
            RecordKind::Body => {
                let mut blob = blob(header.blob_bytes, record.location, header.time, None);
                blob.corrupt = !record.sound;
                self.put(key, blob);
            }
            RecordKind::Manifest => {
                let lines = record.table.as_deref().and_then(ManifestLine::decode_table);
                let lines = lines.filter(|lines| lines.iter().all(is_there));
                let sound = lines.is_some();
                let parts = Some(parts_of(&lines.unwrap_or_default()));
                let mut blob = blob(header.blob_bytes, record.location, header.time, parts);
                blob.corrupt = !sound;
                self.put(key, blob);
            }
            RecordKind::Touch if record.sound => {
                self.index.touch(&key, header.time, record.location.segment);
            }
            RecordKind::Delete if record.sound => self.index.remove(&key),
            RecordKind::ForgetGroup if record.sound => self.index.forget_group(header.group),
            RecordKind::Summary if record.sound => {
                if self.index.get(&key).is_some() {
                    self.index.set_summary(&key, header.version, record.location);
                } else {
                    self.orphans.insert(key, (header.version, record.location));
                }
            }
            RecordKind::Chunk
            | RecordKind::Touch
            | RecordKind::Delete
            | RecordKind::ForgetGroup
            | RecordKind::Summary => (),
        }
    }

    fn put(&mut self, key: Key, blob: Blob) {
        // A bad copy must not hide a sound one; the record was not acknowledged or will be found missing.
        if blob.corrupt && self.index.present(&key).is_some() {
            return;
        }
        self.index.put(key, blob);
        if let Some((version, place)) = self.orphans.remove(&key) {
            self.index.set_summary(&key, version, place);
        }
    }

    /// Says what was found.
    pub(super) fn report(&self) -> OpenReport {
        let corrupt = self.index.iter().filter(|(_, blob)| blob.corrupt);
        OpenReport {
            damaged: self.damaged.clone(),
            corrupt: corrupt.map(|(key, _)| *key).collect(),
            from_checkpoint: self.from_checkpoint,
            blobs: self.index.iter().count() as u64,
        }
    }

    /// Forgets what leads to segments that are gone: blobs that were deleted before their segment was
    /// compacted away.
    pub(super) fn finish(&mut self) {
        let exists = |segment: &SegmentId| self.index.segments.contains_key(segment);
        let dangling: Vec<Key> = self
            .index
            .iter()
            .filter(|(_, blob)| {
                let parts = blob.parts.iter().flatten();
                !exists(&blob.place.segment) || !parts.into_iter().all(|(segment, _)| exists(segment))
            })
            .map(|(key, _)| *key)
            .collect();
        let unsummarised: Vec<(Key, Location)> = self
            .index
            .iter()
            .filter_map(|(key, blob)| blob.summary.map(|(_, place)| (*key, place)))
            .filter(|(_, place)| !exists(&place.segment))
            .collect();
        for key in dangling {
            self.index.remove(&key);
        }
        for (key, place) in unsummarised {
            self.index.drop_summary(&key, place);
        }
    }
}

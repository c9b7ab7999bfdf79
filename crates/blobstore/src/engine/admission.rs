//! Deciding what a change writes, against the index and the changes before it in the same batch.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Effect, Outcome, Renewal};
use crate::chunk::StoredChunk;
use crate::format::{ManifestLine, RecordHeader, RecordKind};
use crate::index::{Index, Key, parts_of};
use crate::{BlobId, GroupId, SegmentId, SummaryVersion, UnixSeconds};

/// What is to be done about a change.
pub(super) enum Admitted<'c> {
    Write {
        header: RecordHeader,
        content: Cow<'c, [u8]>,
        effect: Effect,
        outcome: Outcome,
    },
    Effect(Effect, Outcome),
    Nothing(Outcome),
}

/// What the index will be when the changes admitted so far are durable.
pub(super) struct Admission<'i> {
    index: &'i Index,
    /// Blobs that an earlier change of the batch stores or renews (with its time), or removes.
    changed: BTreeMap<Key, Option<UnixSeconds>>,
    forgotten: BTreeSet<GroupId>,
}

impl<'i> Admission<'i> {
    pub(super) fn new(index: &'i Index) -> Self {
        Self {
            index,
            changed: BTreeMap::new(),
            forgotten: BTreeSet::new(),
        }
    }

    pub(super) fn admit<'c>(&mut self, change: &'c Change) -> Admitted<'c> {
        match change {
            Change::Put { key, time, body } => match self.touched(key) {
                Some(touched) => self.renew(*key, *time, touched, Vec::new()),
                None => {
                    self.changed.insert(*key, Some(*time));
                    let effect = Effect::Body {
                        key: *key,
                        time: *time,
                        len: body.len,
                    };
                    let header = body_header(*key, *time, body);
                    write(header, &body.content, effect)
                }
            },
            Change::Manifest {
                key,
                time,
                len,
                lines,
            } => match self.touched(key) {
                Some(touched) => self.renew(*key, *time, touched, lines.clone()),
                None => {
                    self.changed.insert(*key, Some(*time));
                    manifest(*key, *time, *len, (lines, lines))
                }
            },
            Change::Chunk(chunk) => admit_chunk(chunk),
            Change::Discard { lines } => Admitted::Effect(Effect::Release(lines.clone()), Outcome::Done),
            Change::Touch { key, time } => match self.touched(key) {
                Some(touched) => self.renew(*key, *time, touched, Vec::new()),
                None => Admitted::Nothing(Outcome::Absent),
            },
            Change::Delete {
                key,
                unless_touched_since,
            } => self.delete(*key, *unless_touched_since),
            Change::Summary {
                key,
                version,
                content,
            } => match self.touched(key) {
                Some(_) => summary(*key, *version, content),
                None => Admitted::Nothing(Outcome::Absent),
            },
            Change::ForgetGroup(group) => {
                self.changed.retain(|(changed, _), _| changed != group);
                self.forgotten.insert(*group);
                let key = (*group, NO_KEY.1);
                let header = header(RecordKind::ForgetGroup, key, UnixSeconds(0), &[]);
                write(header, &[], Effect::ForgetGroup(*group))
            }
            Change::CopyBody { .. }
            | Change::CopyManifest { .. }
            | Change::CopyTouch { .. }
            | Change::CopySummary { .. } => self.admit_copy(change),
        }
    }

    /// Copies wait for another compaction step if anything in the batch concerns the same blob.
    fn admit_copy<'c>(&mut self, change: &'c Change) -> Admitted<'c> {
        match change {
            Change::CopyBody { key, from, body } => match self.undisturbed(key, |blob| blob.place == *from) {
                Some(time) => {
                    self.changed.insert(*key, Some(time));
                    let effect = Effect::Body {
                        key: *key,
                        time,
                        len: body.len,
                    };
                    write(body_header(*key, time, body), &body.content, effect)
                }
                None => Admitted::Nothing(Outcome::Skipped),
            },
            Change::CopyManifest {
                key,
                from,
                len,
                lines,
                moved,
            } => match self.undisturbed(key, |blob| blob.place == *from) {
                Some(time) => {
                    self.changed.insert(*key, Some(time));
                    manifest(*key, time, *len, (lines, moved))
                }
                None => Admitted::Effect(Effect::Release(moved.clone()), Outcome::Skipped),
            },
            Change::CopyTouch { key } => match self.undisturbed(key, |_| true) {
                Some(time) => touch(*key, time, Vec::new(), Outcome::Done),
                None => Admitted::Nothing(Outcome::Skipped),
            },
            Change::CopySummary {
                key,
                from,
                version,
                content,
            } => {
                let there = |blob: &crate::index::Blob| blob.summary.is_some_and(|(_, at)| at == *from);
                match self.undisturbed(key, there) {
                    Some(_) => summary(*key, *version, content),
                    None => Admitted::Nothing(Outcome::Skipped),
                }
            }
            _ => Admitted::Nothing(Outcome::Skipped),
        }
    }

    /// Returns when a blob was last touched, if it is there and sound.
    fn touched(&self, key: &Key) -> Option<UnixSeconds> {
        match self.changed.get(key) {
            Some(changed) => *changed,
            None if self.forgotten.contains(&key.0) => None,
            None => self.index.present(key).map(|blob| blob.touched),
        }
    }

    fn renew<'c>(
        &mut self,
        key: Key,
        time: UnixSeconds,
        touched: UnixSeconds,
        release: Vec<ManifestLine>,
    ) -> Admitted<'c> {
        if touched >= time {
            // An equal or later time is durable, or will be with this batch.
            return Admitted::Effect(Effect::Release(release), Outcome::Renewed);
        }
        self.changed.insert(key, Some(time));
        touch(key, time, release, Outcome::Renewed)
    }

    fn delete<'c>(&mut self, key: Key, unless_touched_since: UnixSeconds) -> Admitted<'c> {
        let touched = match self.changed.get(&key) {
            Some(changed) => *changed,
            None if self.forgotten.contains(&key.0) => None,
            // A blob that has gone bad is garbage like any other.
            None => self.index.get(&key).map(|blob| blob.touched),
        };
        if touched.is_none_or(|touched| touched >= unless_touched_since) {
            return Admitted::Nothing(Outcome::Skipped);
        }
        self.changed.insert(key, None);
        write(
            header(RecordKind::Delete, key, UnixSeconds(0), &[]),
            &[],
            Effect::Delete(key),
        )
    }

    fn undisturbed(
        &self,
        key: &Key,
        condition: impl FnOnce(&crate::index::Blob) -> bool,
    ) -> Option<UnixSeconds> {
        if self.changed.contains_key(key) || self.forgotten.contains(&key.0) {
            return None;
        }
        self.index
            .get(key)
            .filter(|blob| condition(blob))
            .map(|blob| blob.touched)
    }
}

const NO_KEY: Key = (GroupId(0), BlobId([0; 32]));

fn header(kind: RecordKind, key: Key, time: UnixSeconds, content: &[u8]) -> RecordHeader {
    RecordHeader {
        kind,
        compressed: false,
        version: SummaryVersion(0),
        content_bytes: u32::try_from(content.len()).expect("invariant: contents are limited"),
        group: key.0,
        blob: key.1,
        time,
        blob_bytes: 0,
        content_crc: crc32c::crc32c(content),
        // Known when the record gets its place.
        durable_sectors: 0,
    }
}

fn body_header(key: Key, time: UnixSeconds, body: &super::Body) -> RecordHeader {
    let content_bytes = u32::try_from(body.content.len()).expect("invariant: contents are limited");
    RecordHeader {
        content_bytes,
        blob_bytes: body.len,
        content_crc: body.table_crc,
        ..header(RecordKind::Body, key, time, &[])
    }
}

fn admit_chunk(chunk: &StoredChunk) -> Admitted<'_> {
    let line = chunk.line();
    let mut header = header(RecordKind::Chunk, NO_KEY, UnixSeconds(0), &chunk.bytes);
    header.compressed = chunk.compressed;
    header.blob_bytes = u64::from(chunk.raw_len);
    let placed = ManifestLine {
        segment: SegmentId(0),
        offset: 0,
        line,
    };
    let content = Cow::Borrowed(chunk.bytes.as_slice());
    Admitted::Write {
        header,
        content,
        effect: Effect::Chunk(line),
        outcome: Outcome::Placed(placed),
    }
}

fn write(header: RecordHeader, content: &[u8], effect: Effect) -> Admitted<'_> {
    Admitted::Write {
        header,
        content: Cow::Borrowed(content),
        effect,
        outcome: Outcome::Done,
    }
}

/// Writes a manifest of the first lines; the second ones are those that were pending.
fn manifest<'c>(
    key: Key,
    time: UnixSeconds,
    len: u64,
    (lines, pending): (&[ManifestLine], &[ManifestLine]),
) -> Admitted<'c> {
    let content = ManifestLine::encode_table(lines);
    let mut header = header(RecordKind::Manifest, key, time, &content);
    header.blob_bytes = len;
    let effect = Effect::Manifest {
        key,
        time,
        len,
        parts: parts_of(lines),
        release: pending.to_vec(),
    };
    Admitted::Write {
        header,
        content: Cow::Owned(content),
        effect,
        outcome: Outcome::Done,
    }
}

fn touch<'c>(key: Key, time: UnixSeconds, release: Vec<ManifestLine>, outcome: Outcome) -> Admitted<'c> {
    let header = header(RecordKind::Touch, key, time, &[]);
    let effect = Effect::Touch {
        renewal: Renewal { key, time },
        release,
    };
    Admitted::Write {
        header,
        content: Cow::Borrowed(&[]),
        effect,
        outcome,
    }
}

fn summary(key: Key, version: SummaryVersion, content: &[u8]) -> Admitted<'_> {
    let mut header = header(RecordKind::Summary, key, UnixSeconds(0), content);
    header.version = version;
    write(header, content, Effect::Summary { key, version })
}

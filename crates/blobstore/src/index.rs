//! What is stored and where.

use std::collections::BTreeMap;
use std::sync::Arc;

use disk::DiskFile;

use crate::format::{ManifestLine, RECORD_HEADER_BYTES, padded};
use crate::{BlobId, GroupId, SegmentId, SummaryVersion, UnixSeconds};

/// The name of a blob in the whole store.
pub(crate) type Key = (GroupId, BlobId);

/// Where a record lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) segment: SegmentId,
    pub(crate) offset: u64,
    /// Header and content, without padding.
    pub(crate) len: u32,
}

/// How many bytes of a blob's chunk records lie in which segment.
pub(crate) type Parts = Box<[(SegmentId, u64)]>;

/// One blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blob {
    pub(crate) len: u64,
    /// Its body or manifest.
    pub(crate) place: Location,
    /// Of a streamed blob, how many bytes of chunk records lie in which segment; none for a body.
    pub(crate) parts: Option<Parts>,
    pub(crate) touched: UnixSeconds,
    /// The segment whose record proves the time of touch.
    pub(crate) touched_in: SegmentId,
    pub(crate) summary: Option<(SummaryVersion, Location)>,
    /// Its bytes have been found bad; it counts as absent until they are replaced.
    pub(crate) corrupt: bool,
}

impl Blob {
    /// Returns whether compacting the segment must copy something of this blob.
    pub(crate) fn touches(&self, segment: SegmentId) -> bool {
        self.place.segment == segment
            || self.touched_in == segment
            || self.summary.is_some_and(|(_, place)| place.segment == segment)
            || self.parts_in(segment) > 0
    }

    pub(crate) fn parts_in(&self, segment: SegmentId) -> u64 {
        let parts = self.parts.iter().flatten();
        parts
            .filter(|(part, _)| *part == segment)
            .map(|(_, bytes)| bytes)
            .sum()
    }

    /// Returns how many bytes of which segment must stay for this blob.
    fn uses(&self) -> Vec<(SegmentId, u64)> {
        let mut uses: Vec<_> = self.parts.iter().flatten().copied().collect();
        uses.push((self.place.segment, padded(u64::from(self.place.len))));
        if let Some((_, place)) = self.summary {
            uses.push((place.segment, padded(u64::from(place.len))));
        }
        // The time of touch goes with the body when that is copied, so beside it nothing else need stay.
        if self.touched_in != self.place.segment {
            uses.push((self.touched_in, padded(RECORD_HEADER_BYTES as u64)));
        }
        uses
    }
}

/// A segment file and how much of it is still needed.
#[derive(Debug, Clone)]
pub(crate) struct SegmentUse {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) bytes: u64,
    pub(crate) live_bytes: u64,
    /// Chunks of uploads that have not finished: the segment must stay.
    pub(crate) pending_bytes: u64,
}

/// All blobs and segments.
#[derive(Debug, Default)]
pub(crate) struct Index {
    blobs: BTreeMap<Key, Blob>,
    /// The lengths of each group's blobs.
    lengths: BTreeMap<GroupId, u64>,
    pub(crate) segments: BTreeMap<SegmentId, SegmentUse>,
}

impl Index {
    /// Returns a blob whose bytes are not known to be bad.
    pub(crate) fn present(&self, key: &Key) -> Option<&Blob> {
        self.blobs.get(key).filter(|blob| !blob.corrupt)
    }

    /// Returns a blob, bad or not.
    pub(crate) fn get(&self, key: &Key) -> Option<&Blob> {
        self.blobs.get(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &Blob)> {
        self.blobs.iter()
    }

    /// Returns the blobs behind `after`, in order of their names.
    pub(crate) fn after(&self, after: Option<&Key>) -> impl Iterator<Item = (&Key, &Blob)> {
        use std::ops::Bound;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.blobs.range((from, Bound::Unbounded))
    }

    /// Returns the groups that have blobs.
    pub(crate) fn groups(&self) -> Vec<GroupId> {
        use std::ops::Bound;
        let mut groups: Vec<GroupId> = Vec::new();
        let mut from = Bound::Unbounded;
        while let Some(((group, _), _)) = self.blobs.range((from, Bound::Unbounded)).next() {
            groups.push(*group);
            from = Bound::Excluded((*group, BlobId([0xff; 32])));
        }
        groups
    }

    /// Returns a group's blobs behind `after`.
    pub(crate) fn group(
        &self,
        group: GroupId,
        after: Option<BlobId>,
    ) -> impl Iterator<Item = (BlobId, &Blob)> {
        use std::ops::Bound;
        let from = match after {
            Some(after) => Bound::Excluded((group, after)),
            None => Bound::Included((group, BlobId([0; 32]))),
        };
        let range = self
            .blobs
            .range((from, Bound::Included((group, BlobId([0xff; 32])))));
        range.map(|((_, blob), state)| (*blob, state))
    }

    /// Stores or replaces a blob, keeping its summary and the later time of touch.
    pub(crate) fn put(&mut self, key: Key, mut blob: Blob) {
        if let Some(old) = self.take(&key) {
            blob.summary = blob.summary.or(old.summary);
            if old.touched > blob.touched {
                (blob.touched, blob.touched_in) = (old.touched, old.touched_in);
            }
        }
        self.count(blob.uses(), true);
        *self.lengths.entry(key.0).or_default() += blob.len;
        self.blobs.insert(key, blob);
    }

    fn take(&mut self, key: &Key) -> Option<Blob> {
        let blob = self.blobs.remove(key)?;
        self.count(blob.uses(), false);
        if let Some(length) = self.lengths.get_mut(&key.0) {
            *length = length.saturating_sub(blob.len);
        }
        Some(blob)
    }

    /// Returns the lengths of a group's blobs together.
    pub(crate) fn group_len(&self, group: GroupId) -> u64 {
        self.lengths.get(&group).copied().unwrap_or(0)
    }

    pub(crate) fn touch(&mut self, key: &Key, time: UnixSeconds, segment: SegmentId) {
        if let Some(blob) = self.blobs.get_mut(key).filter(|blob| time >= blob.touched) {
            let before = blob.uses();
            (blob.touched, blob.touched_in) = (time, segment);
            let after = blob.uses();
            self.count(before, false);
            self.count(after, true);
        }
    }

    pub(crate) fn set_summary(&mut self, key: &Key, version: SummaryVersion, place: Location) {
        let Some(blob) = self.blobs.get_mut(key) else {
            return;
        };
        let old = blob.summary.replace((version, place));
        self.add(place.segment, padded(u64::from(place.len)));
        if let Some((_, old)) = old {
            self.subtract(old.segment, padded(u64::from(old.len)));
        }
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        self.take(key);
    }

    pub(crate) fn forget_group(&mut self, group: GroupId) {
        let blobs: Vec<_> = self.group(group, None).map(|(blob, _)| blob).collect();
        for blob in blobs {
            self.remove(&(group, blob));
        }
    }

    /// Marks a blob bad, if it still lies where the bad bytes were read.
    pub(crate) fn mark_corrupt(&mut self, key: &Key, place: Location) {
        if let Some(blob) = self.blobs.get_mut(key).filter(|blob| blob.place == place) {
            blob.corrupt = true;
        }
    }

    /// Forgets a summary whose bytes are bad; it is derived data and will be made again.
    pub(crate) fn drop_summary(&mut self, key: &Key, place: Location) {
        if let Some(blob) = self.blobs.get_mut(key)
            && blob.summary.is_some_and(|(_, at)| at == place)
        {
            blob.summary = None;
            self.subtract(place.segment, padded(u64::from(place.len)));
        }
    }

    pub(crate) fn add_pending(&mut self, segment: SegmentId, bytes: u64) {
        if let Some(segment) = self.segments.get_mut(&segment) {
            segment.pending_bytes += bytes;
        }
    }

    pub(crate) fn release_pending(&mut self, lines: &[ManifestLine]) {
        for line in lines {
            if let Some(segment) = self.segments.get_mut(&line.segment) {
                segment.pending_bytes = segment.pending_bytes.saturating_sub(line.record_bytes());
            }
        }
    }

    fn count(&mut self, uses: Vec<(SegmentId, u64)>, live: bool) {
        for (segment, bytes) in uses {
            if live {
                self.add(segment, bytes)
            } else {
                self.subtract(segment, bytes)
            }
        }
    }

    fn add(&mut self, segment: SegmentId, bytes: u64) {
        if let Some(segment) = self.segments.get_mut(&segment) {
            segment.live_bytes += bytes;
        }
    }

    fn subtract(&mut self, segment: SegmentId, bytes: u64) {
        if let Some(segment) = self.segments.get_mut(&segment) {
            segment.live_bytes = segment.live_bytes.saturating_sub(bytes);
        }
    }
}

/// Sums the chunks of a streamed blob by segment.
pub(crate) fn parts_of(lines: &[ManifestLine]) -> Parts {
    let mut parts: BTreeMap<SegmentId, u64> = BTreeMap::new();
    for line in lines {
        *parts.entry(line.segment).or_default() += line.record_bytes();
    }
    parts.into_iter().collect()
}

//! Telling what the last write of an earlier life has left torn.

use std::collections::BTreeSet;

use disk::SECTOR_BYTES;

use super::scan::{Found, Record};
use crate::SegmentId;
use crate::format::{ManifestLine, RecordKind};

/// The last segment, judged.
#[derive(Debug)]
pub(super) struct Tail {
    /// What is left of what was found.
    pub(super) found: Found,
    /// Stretches (offset, length) before the end that were being written and are not whole.
    pub(super) torn: Vec<(u64, u64)>,
    /// Where the file is to end.
    pub(super) end: u64,
}

impl Tail {
    /// Judges what was found from `from` on, with every content verified. What lies before `from` is durable.
    pub(super) fn of(segment: SegmentId, found: Found, from: u64) -> Self {
        let durable = durable_end(&found).max(from);
        let whole = whole_records(segment, &found, from);
        let kept = |record: &Record| record.offset() < durable || whole.contains(&record.offset());
        let end = found.records.iter().rev().find(|record| kept(record));
        let end = end.map_or(0, Record::end).max(durable);
        let (records, dropped): (Vec<_>, Vec<_>) = found.records.into_iter().partition(kept);
        let mut torn: Vec<_> = dropped
            .iter()
            .map(|record| (record.offset(), record.end()))
            .collect();
        let mut garbage = Vec::new();
        for (start, stop) in found.garbage.iter().map(|(offset, len)| (*offset, offset + len)) {
            garbage.push((start, stop.min(durable)));
            torn.push((start.max(durable), stop));
        }
        torn.iter_mut().for_each(|(_, stop)| *stop = (*stop).min(end));
        let found = Found {
            records,
            garbage: with_lengths(garbage),
        };
        let torn = with_lengths(torn);
        Self { found, torn, end }
    }
}

/// Returns how far the segment was durable when its last record was written. The record may be torn itself.
fn durable_end(found: &Found) -> u64 {
    let sectors = found.records.iter().map(|record| record.header.durable_sectors);
    u64::from(sectors.max().unwrap_or(0)) * SECTOR_BYTES as u64
}

/// Returns where the records begin that are sound and, if they are manifests, whose chunks are too.
fn whole_records(segment: SegmentId, found: &Found, from: u64) -> BTreeSet<u64> {
    let sound = found.records.iter().filter(|record| record.sound);
    let sound: BTreeSet<u64> = sound.map(Record::offset).collect();
    let is_there =
        |line: &ManifestLine| line.segment != segment || line.offset < from || sound.contains(&line.offset);
    let lacks_chunks = |record: &&Record| {
        let lines = record.table.as_deref().and_then(ManifestLine::decode_table);
        record.header.kind == RecordKind::Manifest && !lines.is_some_and(|lines| lines.iter().all(is_there))
    };
    let broken: BTreeSet<u64> = found
        .records
        .iter()
        .filter(lacks_chunks)
        .map(Record::offset)
        .collect();
    sound.difference(&broken).copied().collect()
}

/// Turns (start, stop) into (start, length), leaving out what is empty.
fn with_lengths(stretches: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    let some = stretches.into_iter().filter(|(start, stop)| start < stop);
    some.map(|(start, stop)| (start, stop - start)).collect()
}

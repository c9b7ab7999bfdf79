//! Blocks of 64 UIDs, the unit in which messages lie in rows.

use crate::error::DecodeError;
use crate::ids::Uid;
use crate::layout::packing::{Reader, Writer};
use crate::uid_set::UidSet;

/// Blocks that are nearer than this are found by one scan rather than by one look-up each.
const SCAN_GAP: u32 = 4;

const BITS: u32 = 6;

/// Returns the block that the UID lies in.
pub(crate) fn of(uid: Uid) -> u32 {
    uid.get() >> BITS
}

/// Returns the UID at an offset of a block, or an error for UID 0.
pub(crate) fn uid(block: u32, offset: u32) -> Result<Uid, DecodeError> {
    block
        .checked_shl(BITS)
        .filter(|first| first >> BITS == block)
        .and_then(|first| Uid::new(first | offset))
        .ok_or(DecodeError::Invalid("block"))
}

/// Which of the 64 UIDs of a block exist, as a bit each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Presence(u64);

impl Presence {
    pub(crate) fn of(uids: impl Iterator<Item = Uid>) -> Self {
        Self(uids.fold(0, |bits, uid| bits | 1 << (uid.get() & 63)))
    }

    pub(crate) fn write(self, writer: &mut Writer) {
        writer.bytes(&self.0.to_le_bytes());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(u64::from_le_bytes(reader.array()?)))
    }

    pub(crate) fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Lists the UIDs, ascending.
    pub(crate) fn uids(self, block: u32) -> impl Iterator<Item = Result<Uid, DecodeError>> {
        let mut bits = self.0;
        std::iter::from_fn(move || {
            if bits == 0 {
                return None;
            }
            let offset = bits.trailing_zeros();
            bits &= bits - 1;
            Some(uid(block, offset))
        })
    }
}

/// Returns the runs of blocks, first and last included, that hold the UIDs of a set: one run for blocks
/// that lie close together.
pub(crate) fn runs(uids: &UidSet) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for (first, last) in uids.ranges() {
        let (first, last) = (of(first), of(last));
        match runs.last_mut() {
            Some(run) if first <= run.1.saturating_add(SCAN_GAP) => run.1 = last,
            _ => runs.push((first, last)),
        }
    }
    runs
}

//! The bytes of one file, as seen now and as the medium would show them after a loss of power.

use super::SECTOR_BYTES;
use super::random::Random;

#[derive(Debug, Default)]
pub(super) struct Contents {
    current: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

/// How much of the unsynced changes reaches the medium when power is lost.
enum Survival {
    Everything,
    Nothing,
    /// The first `whole` changes, and of the next one any subset of sectors.
    Prefix {
        whole: usize,
    },
    /// Any subset of sectors of all changes, in whatever order the device chose.
    AnySectors,
}

impl Contents {
    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.current.len()).unwrap_or(u64::MAX)
    }

    pub(super) fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Option<()> {
        let start = usize::try_from(offset).ok()?;
        let bytes = self.current.get(start..start.checked_add(buf.len())?)?;
        buf.copy_from_slice(bytes);
        Some(())
    }

    pub(super) fn write(&mut self, bytes: &[u8], offset: u64) {
        let offset = usize::try_from(offset).expect("invariant: a simulated file fits in memory");
        overlay(&mut self.current, offset, bytes);
        self.unsynced.push(Change::Write {
            offset,
            bytes: bytes.to_vec(),
        });
    }

    pub(super) fn set_len(&mut self, len: u64) {
        let len = usize::try_from(len).expect("invariant: a simulated file fits in memory");
        self.current.resize(len, 0);
        self.unsynced.push(Change::SetLen(len));
    }

    pub(super) fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            match change {
                Change::Write { offset, bytes } => overlay(&mut self.durable, offset, &bytes),
                Change::SetLen(len) => self.durable.resize(len, 0),
            }
        }
    }

    /// Drops the unsynced changes from what a later sync would write, as a kernel does after a failed one.
    pub(super) fn forget_unsynced(&mut self) {
        self.unsynced.clear();
    }

    pub(super) fn flip_bits(&mut self, offset: u64, mask: u8) -> bool {
        let Ok(offset) = usize::try_from(offset) else {
            return false;
        };
        let Some(byte) = self.current.get_mut(offset) else {
            return false;
        };
        *byte ^= mask;
        if let Some(byte) = self.durable.get_mut(offset) {
            *byte ^= mask;
        }
        true
    }

    pub(super) fn crash(&mut self, random: &mut Random) {
        let changes = std::mem::take(&mut self.unsynced);
        let survival = match random.below(4) {
            0 => Survival::Everything,
            1 => Survival::Nothing,
            2 => Survival::Prefix {
                whole: random.below(changes.len() + 1),
            },
            _ => Survival::AnySectors,
        };
        for (position, change) in changes.into_iter().enumerate() {
            let (whole, torn) = match survival {
                Survival::Everything => (true, false),
                Survival::Nothing => (false, false),
                Survival::Prefix { whole } => (position < whole, position == whole),
                Survival::AnySectors => (false, true),
            };
            match change {
                Change::Write { offset, bytes } if whole => overlay(&mut self.durable, offset, &bytes),
                Change::Write { offset, bytes } if torn => tear(&mut self.durable, offset, &bytes, random),
                Change::SetLen(len) if whole || (torn && random.coin()) => self.durable.resize(len, 0),
                Change::Write { .. } | Change::SetLen(_) => (),
            }
        }
        self.current = self.durable.clone();
    }
}

/// Writes `bytes` at `offset`, filling a gap with zeros.
fn overlay(target: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if target.len() < end {
        target.resize(end, 0);
    }
    if let Some(place) = target.get_mut(offset..end) {
        place.copy_from_slice(bytes);
    }
}

/// Writes any subset of the sectors that `bytes` covers.
fn tear(target: &mut Vec<u8>, mut offset: usize, mut bytes: &[u8], random: &mut Random) {
    while !bytes.is_empty() {
        let to_sector_end = SECTOR_BYTES - offset % SECTOR_BYTES;
        let (sector, rest) = bytes.split_at(to_sector_end.min(bytes.len()));
        if random.coin() {
            overlay(target, offset, sector);
        }
        offset += sector.len();
        bytes = rest;
    }
}

//! The note of how far the log has been synced.

use std::sync::Arc;

use disk::{Disk, DiskFile, DiskPath, SECTOR_BYTES};

use crate::format::Reader;
use crate::{BatchNumber, SegmentId};

const FILE_NAME: &str = "synced";
const MAGIC: [u8; 4] = *b"FWMK";
const SLOT_BYTES: usize = 28;

/// The last batch that was synced, and its segment. See the format documentation for what it proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Synced {
    pub(crate) batch: BatchNumber,
    pub(crate) segment: SegmentId,
}

/// The file of two alternating slots that holds it. A slot torn by a loss of power leaves the other one.
#[derive(Debug)]
pub(crate) struct Watermark {
    file: Arc<dyn DiskFile>,
    next_slot: u64,
}

impl Watermark {
    /// Returns what the file says, if it exists and a slot of it is valid.
    pub(crate) fn read(disk: &dyn Disk, dir: &DiskPath) -> disk::Result<Option<Synced>> {
        let file = match disk.open(&dir.join(FILE_NAME)?) {
            Ok(file) => file,
            Err(disk::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut newest = None;
        for slot in 0..2 {
            let mut bytes = [0; SLOT_BYTES];
            match file.read_exact_at(&mut bytes, slot * SECTOR_BYTES as u64) {
                Ok(()) => newest = newest.max(decode(&bytes)),
                // A cut file is one more damaged slot; an unreadable one is the caller's to judge.
                Err(disk::Error::PastEnd { .. }) => (),
                Err(error) => return Err(error),
            }
        }
        Ok(newest)
    }

    /// Opens the file for writing, creating it if missing.
    pub(crate) fn open(disk: &dyn Disk, dir: &DiskPath) -> disk::Result<Self> {
        let path = dir.join(FILE_NAME)?;
        let file = match disk.open(&path) {
            Err(disk::Error::NotFound { .. }) => {
                let file = disk.create_new(&path)?;
                file.write_all_at(&[0; 2 * SECTOR_BYTES], 0)?;
                file.sync_data()?;
                disk.sync_dir(dir)?;
                file
            }
            opened => opened?,
        };
        Ok(Self { file, next_slot: 0 })
    }

    /// Notes a synced batch, without syncing the note.
    pub(crate) fn note(&mut self, synced: Synced) -> disk::Result<()> {
        self.file
            .write_all_at(&encode(synced), self.next_slot * SECTOR_BYTES as u64)?;
        self.next_slot ^= 1;
        Ok(())
    }

    /// Makes the note durable.
    pub(crate) fn sync(&self) -> disk::Result<()> {
        self.file.sync_data()
    }
}

fn encode(synced: Synced) -> Vec<u8> {
    let mut fields = MAGIC.to_vec();
    fields.extend_from_slice(&synced.batch.0.to_le_bytes());
    fields.extend_from_slice(&synced.segment.0.to_le_bytes());
    let mut out = crc32c::crc32c(&fields).to_le_bytes().to_vec();
    out.extend_from_slice(&fields);
    out.resize(SLOT_BYTES, 0);
    out
}

fn decode(bytes: &[u8]) -> Option<Synced> {
    let mut reader = Reader::new(bytes);
    let crc = reader.u32()?;
    let fields = bytes.get(4..24)?;
    if crc32c::crc32c(fields) != crc || reader.take(MAGIC.len())? != MAGIC {
        return None;
    }
    Some(Synced {
        batch: BatchNumber(reader.u64()?),
        segment: SegmentId(reader.u64()?),
    })
}

#[cfg(test)]
mod tests {
    use disk::SimDisk;

    use super::*;

    #[test]
    fn the_newest_valid_slot_counts() {
        let disk = SimDisk::new(1);
        let dir = DiskPath::root();
        let mut mark = Watermark::open(&disk, &dir).unwrap();
        assert_eq!(Watermark::read(&disk, &dir).unwrap(), None);
        for batch in 1..=3 {
            mark.note(Synced {
                batch: BatchNumber(batch),
                segment: SegmentId(7),
            })
            .unwrap();
        }
        assert_eq!(
            Watermark::read(&disk, &dir).unwrap().unwrap().batch,
            BatchNumber(3)
        );
        assert!(disk.flip_bits(&dir.join(FILE_NAME).unwrap(), 9, 1));
        assert_eq!(
            Watermark::read(&disk, &dir).unwrap().unwrap().batch,
            BatchNumber(2)
        );
    }
}

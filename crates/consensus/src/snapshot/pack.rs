//! Pack files: parts behind one another. Where they lie and what they must hash to is in the manifest.

use std::sync::Arc;

use bytes::Bytes;
use disk::{Disk, DiskFile, DiskPath};
use prost::Message;

use super::manifest::{Part, WireRow};
use super::{PART_BYTES, SnapshotError};
use crate::machine::Subject;
use crate::wire;

/// The largest part that is read back, so that a damaged manifest cannot ask for any amount of memory. A part
/// holds [`PART_BYTES`] and the row that passed them, of at most 16 MiB.
const PART_BYTES_MAX: u32 = 18 * 1024 * 1024;

/// Bytes are written to the file in pieces of about this size.
const BUFFER_BYTES: usize = 16 * PART_BYTES;

/// Rows of one subject, as they lie in a part.
#[derive(Clone, PartialEq, Message)]
struct WirePartRows {
    #[prost(bytes = "bytes", tag = "1")]
    subject: Bytes,
    #[prost(message, repeated, tag = "2")]
    rows: Vec<WireRow>,
}

/// A pack that is being written.
pub(super) struct PackWriter {
    id: u64,
    file: Arc<dyn DiskFile>,
    written: u64,
    buffer: Vec<u8>,
}

impl PackWriter {
    pub(super) fn create(disk: &dyn Disk, directory: &DiskPath, id: u64) -> Result<Self, SnapshotError> {
        let file = disk.create_new(&pack_path(directory, id)?)?;
        Ok(Self {
            id,
            file,
            written: 0,
            buffer: Vec::new(),
        })
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Adds encoded rows.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<Part, SnapshotError> {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        if length > PART_BYTES_MAX {
            return Err(SnapshotError::Incomplete {
                detail: format!("a part of {length} bytes"),
            });
        }
        let offset = self.written + self.buffer.len() as u64;
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush()?;
        }
        Ok(Part {
            pack: self.id,
            offset,
            length,
            crc: crc32c::crc32c(bytes),
        })
    }

    /// Makes everything durable. The name is not: that takes a sync of the directory.
    pub(super) fn finish(mut self) -> Result<(), SnapshotError> {
        self.flush()?;
        Ok(self.file.sync_data()?)
    }

    fn flush(&mut self) -> Result<(), SnapshotError> {
        self.file.write_all_at(&self.buffer, self.written)?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

/// Reads a part and checks that it is what was written.
pub(super) fn read_part(disk: &dyn Disk, directory: &DiskPath, part: &Part) -> Result<Bytes, SnapshotError> {
    let path = pack_path(directory, part.pack)?;
    if part.length > PART_BYTES_MAX {
        return Err(SnapshotError::damaged(
            &path,
            "a part is larger than any that is written",
        ));
    }
    let mut bytes = vec![0; part.length as usize];
    let read = disk
        .open(&path)
        .and_then(|file| file.read_exact_at(&mut bytes, part.offset));
    match read {
        Ok(()) if crc32c::crc32c(&bytes) == part.crc => Ok(bytes.into()),
        Ok(()) => Err(SnapshotError::damaged(
            &path,
            format!("checksum differs at byte {}", part.offset),
        )),
        Err(disk::Error::NotFound { .. }) => Err(SnapshotError::damaged(&path, "the file is missing")),
        Err(disk::Error::PastEnd { .. }) => Err(SnapshotError::damaged(&path, "the file is too short")),
        Err(error) => Err(error.into()),
    }
}

/// Encodes rows of a subject for a part.
pub(super) fn encode_rows(subject: &Subject, rows: Vec<kv::Row>) -> Vec<u8> {
    let rows = rows
        .into_iter()
        .map(|row| WireRow {
            key: row.key,
            value: row.value,
        })
        .collect();
    WirePartRows {
        subject: subject.name().clone(),
        rows,
    }
    .encode_to_vec()
}

/// Decodes rows and checks that they are the subject's.
pub(super) fn decode_rows(subject: &Subject, bytes: Bytes) -> Result<Vec<(Bytes, Bytes)>, String> {
    let wire: WirePartRows = wire::decode(bytes, "rows").map_err(|error| error.to_string())?;
    if wire.subject != subject.name() {
        return Err("the rows belong to another subject".to_owned());
    }
    Ok(wire.rows.into_iter().map(|row| (row.key, row.value)).collect())
}

pub(super) fn pack_path(directory: &DiskPath, id: u64) -> Result<DiskPath, SnapshotError> {
    Ok(directory.join(&format!("pack-{id:016x}"))?)
}

pub(super) fn parse_pack_name(name: &str) -> Option<u64> {
    name.strip_prefix("pack-")
        .and_then(|id| u64::from_str_radix(id, 16).ok())
}

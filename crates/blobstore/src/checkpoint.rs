//! The index written to a file, so that a start need not look at every record.
//!
//! A help and never the truth: the file is believed only if its checksum holds and every segment that it
//! names is there, and the records behind the position that it covers are read as always.

use disk::{Disk, DiskPath};

use crate::format::Reader;
use crate::index::{Blob, Index, Key, Location};
use crate::{BlobId, Engine, GroupId, Result, SegmentId, SummaryVersion, UnixSeconds};

const FILE_NAME: &str = "index";
const NEW_FILE_NAME: &str = "index.new";
const MAGIC: [u8; 8] = *b"FBINDEX1";

/// The index as of a position in the records.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) segment: SegmentId,
    /// Where the records begin that it does not cover.
    pub(crate) offset: u64,
    pub(crate) blobs: Vec<(Key, Blob)>,
}

impl Engine {
    /// Writes the index to its file.
    pub(crate) fn checkpoint(&mut self) -> Result<()> {
        self.check_poison()?;
        // Chunks of unfinished uploads before the position must be durable: nobody will verify them again.
        self.sync()?;
        let bytes = encode(self.active.id, self.active.position, &self.index.read());
        write(&*self.disk, &self.dir, &bytes)?;
        Ok(())
    }
}

fn write(disk: &dyn Disk, dir: &DiskPath, bytes: &[u8]) -> disk::Result<()> {
    let new = dir.join(NEW_FILE_NAME)?;
    match disk.remove(&new) {
        Ok(()) | Err(disk::Error::NotFound { .. }) => (),
        Err(error) => return Err(error),
    }
    let file = disk.create_new(&new)?;
    file.write_all_at(bytes, 0)?;
    file.sync_data()?;
    disk.rename(&new, &dir.join(FILE_NAME)?)?;
    disk.sync_dir(dir)
}

/// Reads the file; `None` if there is none or it cannot be believed.
pub(crate) fn read(disk: &dyn Disk, dir: &DiskPath) -> Result<Option<Checkpoint>> {
    let file = match disk.open(&dir.join(FILE_NAME)?) {
        Err(disk::Error::NotFound { .. }) => return Ok(None),
        opened => opened?,
    };
    let mut bytes = vec![0; usize::try_from(file.len()?).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(decode(&bytes))
}

fn encode(segment: SegmentId, offset: u64, index: &Index) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    put(&mut out, segment.0);
    put(&mut out, offset);
    put(&mut out, index.iter().count() as u64);
    for (key, blob) in index.iter() {
        put(&mut out, key.0.0);
        out.extend_from_slice(&key.1.0);
        put(&mut out, blob.len);
        put_location(&mut out, blob.place);
        put(&mut out, blob.touched.0);
        put(&mut out, blob.touched_in.0);
        put(&mut out, u64::from(blob.corrupt));
        let parts = blob.parts.as_deref();
        put(&mut out, parts.map_or(u64::MAX, |parts| parts.len() as u64));
        for (segment, bytes) in parts.unwrap_or_default() {
            put(&mut out, segment.0);
            put(&mut out, *bytes);
        }
        put(
            &mut out,
            blob.summary.map_or(u64::MAX, |(version, _)| u64::from(version.0)),
        );
        if let Some((_, place)) = blob.summary {
            put_location(&mut out, place);
        }
    }
    let crc = crc32c::crc32c(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}

fn put(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_location(out: &mut Vec<u8>, place: Location) {
    put(out, place.segment.0);
    put(out, place.offset);
    out.extend_from_slice(&place.len.to_le_bytes());
}

fn decode(bytes: &[u8]) -> Option<Checkpoint> {
    let (fields, crc) = bytes.split_last_chunk()?;
    if crc32c::crc32c(fields) != u32::from_le_bytes(*crc) {
        return None;
    }
    let mut reader = Reader::new(fields);
    if reader.array()? != MAGIC {
        return None;
    }
    let (segment, offset, count) = (SegmentId(reader.u64()?), reader.u64()?, reader.u64()?);
    let blobs = (0..count)
        .map(|_| read_blob(&mut reader))
        .collect::<Option<_>>()?;
    Some(Checkpoint {
        segment,
        offset,
        blobs,
    })
}

fn read_blob(reader: &mut Reader<'_>) -> Option<(Key, Blob)> {
    let key = (GroupId(reader.u64()?), BlobId(reader.array()?));
    let (len, place) = (reader.u64()?, read_location(reader)?);
    let (touched, touched_in) = (UnixSeconds(reader.u64()?), SegmentId(reader.u64()?));
    let corrupt = reader.u64()? == 1;
    let parts = match reader.u64()? {
        u64::MAX => None,
        count => {
            let parts = (0..count).map(|_| Some((SegmentId(reader.u64()?), reader.u64()?)));
            Some(parts.collect::<Option<_>>()?)
        }
    };
    let summary = match reader.u64()? {
        u64::MAX => None,
        version => Some((
            SummaryVersion(u16::try_from(version).ok()?),
            read_location(reader)?,
        )),
    };
    Some((
        key,
        Blob {
            len,
            place,
            parts,
            touched,
            touched_in,
            summary,
            corrupt,
        },
    ))
}

fn read_location(reader: &mut Reader<'_>) -> Option<Location> {
    Some(Location {
        segment: SegmentId(reader.u64()?),
        offset: reader.u64()?,
        len: reader.u32()?,
    })
}

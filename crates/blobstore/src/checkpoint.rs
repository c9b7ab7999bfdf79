//! The index written to a file, so that a start need not look at every record.
//!
//! A help and never the truth: the file is believed only if its checksums hold and the position that it covers
//! is there, and the records behind that position are read as always.
//!
//! ```text
//! file   page, one or more | page of 0 bytes
//! page   bytes u32 | crc32c u32 | bytes
//! ```
//!
//! A page's checksum goes on from the one before it. The first page is the [`Header`], the others hold blobs.
//!
//! Changes go on while the file is written, so it may hold some of what follows its position. That does no
//! harm: the records behind the position are replayed in order, and the last one of a blob decides about it
//! whatever the file said.

use std::ops::ControlFlow;
use std::sync::Arc;

use disk::{Disk, DiskFile, DiskPath};
use parking_lot::RwLock;

use crate::format::Reader;
use crate::index::{Blob, Index, Key, Location};
use crate::store::Shared;
use crate::{BlobId, BlobStore, Engine, GroupId, Result, SegmentId, SummaryVersion, UnixSeconds};

const FILE_NAME: &str = "index";
const NEW_FILE_NAME: &str = "index.new";
const MAGIC: [u8; 8] = *b"FBINDEX2";
/// How many blobs are encoded under one lock of the index.
const PAGE_BLOBS: usize = 1024;
/// Far more than a page ever takes: a blob takes a few hundred bytes even when it is spread over many segments.
const PAGE_BYTES_MAX: usize = 64 * 1024 * 1024;
const PAGE_HEAD_BYTES: usize = 8;

/// What a checkpoint covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// The salt of the store, should the segment headers that say so have gone bad.
    pub(crate) salt: u64,
    pub(crate) segment: SegmentId,
    /// Where the records begin that it does not cover.
    pub(crate) offset: u64,
}

impl BlobStore {
    /// Notes the index on the disk, so that the next start reads only what comes after. Also done when the
    /// store is dropped. Readers and writers go on meanwhile.
    ///
    /// # Errors
    /// [`crate::Error::NoSpace`] and those of the disk. A failure costs nothing but time at the next start,
    /// unless it is [`crate::Error::Poisoned`].
    pub fn checkpoint(&self) -> Result<()> {
        self.shared.checkpoint()
    }

    /// As [`BlobStore::checkpoint`], but only if [`crate::BlobStoreOptions::checkpoint_bytes`] of records have
    /// been written since the last time. Returns whether that was so. Called now and then, it bounds the time
    /// that a start takes after the process was killed.
    ///
    /// # Errors
    /// As [`BlobStore::checkpoint`].
    pub fn checkpoint_if_due(&self) -> Result<bool> {
        let due = self.shared.engine.lock().uncovered_bytes >= self.shared.options.checkpoint_bytes;
        if due {
            self.shared.checkpoint()?;
        }
        Ok(due)
    }
}

impl Shared {
    /// Writes the index to its file, unless the file already says everything.
    pub(crate) fn checkpoint(&self) -> Result<()> {
        let _one_at_a_time = self.checkpointing.lock();
        let (header, dir, covered) = {
            let mut engine = self.engine.lock();
            (
                engine.begin_checkpoint()?,
                engine.dir.clone(),
                engine.uncovered_bytes,
            )
        };
        if covered == 0 {
            return Ok(());
        }
        write(&*self.disk, &dir, header, &self.index)?;
        self.engine.lock().uncovered_bytes -= covered;
        Ok(())
    }
}

impl Engine {
    /// Makes everything before the place that is returned durable: a start will not verify it again.
    pub(crate) fn begin_checkpoint(&mut self) -> Result<Header> {
        self.check_poison()?;
        self.sync()?;
        Ok(Header {
            salt: self.salt,
            segment: self.active.id,
            offset: self.active.position,
        })
    }
}

pub(crate) fn write(
    disk: &dyn Disk,
    dir: &DiskPath,
    header: Header,
    index: &RwLock<Index>,
) -> disk::Result<()> {
    let new = dir.join(NEW_FILE_NAME)?;
    remove_if_there(disk, &new)?;
    let written = disk
        .create_new(&new)
        .and_then(|file| write_pages(&*file, header, index));
    if matches!(written, Err(disk::Error::NoSpace { .. })) {
        // What it took may be what the next deletion needs.
        remove_if_there(disk, &new)?;
    }
    written?;
    disk.rename(&new, &dir.join(FILE_NAME)?)?;
    disk.sync_dir(dir)
}

fn remove_if_there(disk: &dyn Disk, path: &DiskPath) -> disk::Result<()> {
    match disk.remove(path) {
        Err(disk::Error::NotFound { .. }) => Ok(()),
        removed => removed,
    }
}

fn write_pages(file: &dyn DiskFile, header: Header, index: &RwLock<Index>) -> disk::Result<()> {
    let mut pages = PageWriter {
        file,
        offset: 0,
        crc: 0,
    };
    pages.write(&header.encode())?;
    let mut after = None;
    loop {
        let mut page = Vec::new();
        let from = after;
        for (key, blob) in index.read().after(from.as_ref()).take(PAGE_BLOBS) {
            put_blob(&mut page, key, blob);
            after = Some(*key);
        }
        pages.write(&page)?;
        if page.is_empty() {
            return file.sync_data();
        }
    }
}

struct PageWriter<'f> {
    file: &'f dyn DiskFile,
    offset: u64,
    crc: u32,
}

impl PageWriter<'_> {
    fn write(&mut self, page: &[u8]) -> disk::Result<()> {
        self.crc = crc32c::crc32c_append(self.crc, page);
        let len = u32::try_from(page.len()).expect("invariant: a page is at most 64 MiB");
        let mut bytes = len.to_le_bytes().to_vec();
        bytes.extend_from_slice(&self.crc.to_le_bytes());
        bytes.extend_from_slice(page);
        self.file.write_all_at(&bytes, self.offset)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

/// A file that has been found, with its header read.
pub(crate) struct Checkpoint {
    pub(crate) header: Header,
    file: Arc<dyn DiskFile>,
    offset: u64,
    crc: u32,
}

impl Checkpoint {
    /// Opens the file; `None` if there is none or it cannot be believed.
    pub(crate) fn open(disk: &dyn Disk, dir: &DiskPath) -> Result<Option<Self>> {
        let file = match disk.open(&dir.join(FILE_NAME)?) {
            Err(disk::Error::NotFound { .. }) => return Ok(None),
            opened => opened?,
        };
        let mut checkpoint = Self {
            header: Header {
                salt: 0,
                segment: SegmentId(0),
                offset: 0,
            },
            file,
            offset: 0,
            crc: 0,
        };
        let header = checkpoint.page()?.and_then(|page| Header::decode(&page));
        Ok(header.map(|header| Self { header, ..checkpoint }))
    }

    /// Gives every blob to `add`. Returns whether all of the file was sound; if not, what has been given means
    /// nothing.
    pub(crate) fn load(mut self, mut add: impl FnMut(Key, Blob)) -> Result<bool> {
        loop {
            let Some(page) = self.page()? else {
                return Ok(false);
            };
            if page.is_empty() {
                return Ok(true);
            }
            if let ControlFlow::Break(()) = read_page(&page, &mut add) {
                return Ok(false);
            }
        }
    }

    /// Reads the next page; `None` if it is not what was written.
    fn page(&mut self) -> Result<Option<Vec<u8>>> {
        let Some(head) = crate::read::read_bytes(&*self.file, self.offset, PAGE_HEAD_BYTES)? else {
            return Ok(None);
        };
        let mut reader = Reader::new(&head);
        let (Some(len), Some(crc)) = (reader.u32(), reader.u32()) else {
            return Ok(None);
        };
        let len = len as usize;
        if len > PAGE_BYTES_MAX {
            return Ok(None);
        }
        let page = crate::read::read_bytes(&*self.file, self.offset + PAGE_HEAD_BYTES as u64, len)?;
        let page = page.filter(|page| crc32c::crc32c_append(self.crc, page) == crc);
        self.offset += (PAGE_HEAD_BYTES + len) as u64;
        self.crc = crc;
        Ok(page)
    }
}

impl Header {
    fn encode(self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        put(&mut out, self.salt);
        put(&mut out, self.segment.0);
        put(&mut out, self.offset);
        out
    }

    fn decode(page: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(page);
        if reader.array()? != MAGIC {
            return None;
        }
        Some(Self {
            salt: reader.u64()?,
            segment: SegmentId(reader.u64()?),
            offset: reader.u64()?,
        })
    }
}

fn put_blob(out: &mut Vec<u8>, key: &Key, blob: &Blob) {
    put(out, key.0.0);
    out.extend_from_slice(&key.1.0);
    put(out, blob.len);
    put_location(out, blob.place);
    put(out, blob.touched.0);
    put(out, blob.touched_in.0);
    put(out, u64::from(blob.corrupt));
    let parts = blob.parts.as_deref();
    put(out, parts.map_or(u64::MAX, |parts| parts.len() as u64));
    for (segment, bytes) in parts.unwrap_or_default() {
        put(out, segment.0);
        put(out, *bytes);
    }
    put(
        out,
        blob.summary.map_or(u64::MAX, |(version, _)| u64::from(version.0)),
    );
    if let Some((_, place)) = blob.summary {
        put_location(out, place);
    }
}

fn put(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_location(out: &mut Vec<u8>, place: Location) {
    put(out, place.segment.0);
    put(out, place.offset);
    out.extend_from_slice(&place.len.to_le_bytes());
}

/// Reads the blobs of a page; breaks off where it makes no sense.
fn read_page(page: &[u8], add: &mut impl FnMut(Key, Blob)) -> ControlFlow<()> {
    let mut reader = Reader::new(page);
    while !reader.is_empty() {
        match read_blob(&mut reader) {
            Some((key, blob)) => add(key, blob),
            None => return ControlFlow::Break(()),
        }
    }
    ControlFlow::Continue(())
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

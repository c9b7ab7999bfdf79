//! Streaming a blob in.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, sync_channel};

use crate::chunk::{self, CHUNK_BYTES};
use crate::engine::{Body, Change, Outcome};
use crate::format::ManifestLine;
use crate::queue::Job;
use crate::{BlobId, BlobStore, Error, GroupId, Result, UnixSeconds};

/// Chunks of one upload that may wait for the writer; with the queue's own limit this bounds its memory.
const CHUNKS_IN_FLIGHT_MAX: usize = 8;

/// An upload under way. A short one stays in memory until it is finished; a longer one goes to the disk chunk
/// by chunk. Dropping it unfinished leaves nothing behind but space that compaction reclaims.
#[derive(Debug)]
pub struct Upload {
    store: BlobStore,
    group: GroupId,
    hasher: Box<blake3::Hasher>,
    len: u64,
    /// Bytes that have not been sent to the disk.
    buffer: Vec<u8>,
    in_flight: VecDeque<Receiver<Result<Outcome>>>,
    written: Vec<ManifestLine>,
    streaming: bool,
}

impl Upload {
    pub(crate) fn new(store: BlobStore, group: GroupId) -> Self {
        Self {
            store,
            group,
            hasher: Box::default(),
            len: 0,
            buffer: Vec::new(),
            in_flight: VecDeque::new(),
            written: Vec::new(),
            streaming: false,
        }
    }

    /// Adds bytes. Blocks while the writer is behind.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::NoSpace`] and those of the disk; the upload should then be dropped.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let options = &self.store.shared.options;
        let (bytes_max, buffer_bytes_max) = (options.blob_bytes_max, options.upload_buffer_bytes_max);
        if self.len + bytes.len() as u64 > bytes_max {
            return Err(Error::TooLarge { bytes_max });
        }
        self.hasher.update(bytes);
        self.len += bytes.len() as u64;
        for piece in bytes.chunks(CHUNK_BYTES) {
            self.buffer.extend_from_slice(piece);
            self.streaming |= self.buffer.len() > buffer_bytes_max;
            if self.streaming {
                self.send_chunks(CHUNK_BYTES)?;
            }
        }
        Ok(())
    }

    /// Ends the upload; the blob is durable on return. If the group has it already its time of touch is
    /// durably renewed instead.
    ///
    /// # Errors
    /// [`Error::NoSpace`] and those of the disk: nothing has been stored.
    pub fn finish(mut self, now: UnixSeconds) -> Result<BlobId> {
        let blob = BlobId(*self.hasher.finalize().as_bytes());
        let key = (self.group, blob);
        let change = if self.streaming {
            self.send_chunks(1)?;
            while !self.in_flight.is_empty() {
                self.collect_oldest()?;
            }
            Change::Manifest {
                key,
                time: now,
                len: self.len,
                lines: self.written.clone(),
            }
        } else {
            self.store.shared.require_space(self.buffer.len())?;
            Change::Put {
                key,
                time: now,
                body: Body::of(&self.buffer),
            }
        };
        self.store.shared.submit_and_wait(change)?;
        // The chunks belong to the blob now, or have been given up for one that was there.
        self.written.clear();
        Ok(blob)
    }

    /// Returns how many bytes have been added so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Returns whether nothing has been added yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Sends chunks to the writer while at least `least` bytes are buffered.
    fn send_chunks(&mut self, least: usize) -> Result<()> {
        let mut sent = 0;
        while self.buffer.len() - sent >= least.max(1) {
            let rest = self.buffer.get(sent..).unwrap_or_default();
            let raw = rest.get(..CHUNK_BYTES).unwrap_or(rest);
            let stored = chunk::store(raw);
            sent += raw.len();
            self.send(Change::Chunk(stored))?;
        }
        self.buffer.drain(..sent);
        Ok(())
    }

    fn send(&mut self, change: Change) -> Result<()> {
        self.store.shared.require_space(change.content_len())?;
        if self.in_flight.len() >= CHUNKS_IN_FLIGHT_MAX {
            self.collect_oldest()?;
        }
        let (sender, receiver) = sync_channel(1);
        let done = Box::new(move |result| {
            // An upload that is gone gives up its chunks when it collects them.
            let _ = sender.send(result);
        });
        self.store.shared.submit(Job { change, done })?;
        self.in_flight.push_back(receiver);
        Ok(())
    }

    fn collect_oldest(&mut self) -> Result<()> {
        let Some(receiver) = self.in_flight.pop_front() else {
            return Ok(());
        };
        match receiver.recv().unwrap_or(Err(Error::Closed))? {
            Outcome::Placed(line) => self.written.push(line),
            Outcome::Done | Outcome::Renewed | Outcome::Absent | Outcome::Skipped => (),
        }
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        while !self.in_flight.is_empty() {
            // A chunk that failed needs no giving up.
            let _ = self.collect_oldest();
        }
        if !self.written.is_empty() {
            let lines = std::mem::take(&mut self.written);
            // If this fails the store is closing, and a restart forgets unfinished uploads anyway.
            let _ = self.store.shared.submit(Job {
                change: Change::Discard { lines },
                done: Box::new(|_| ()),
            });
        }
    }
}

//! Reading everything to find bytes that have gone bad before somebody needs them.

use std::sync::Arc;

use crate::format::RECORD_HEADER_BYTES;
use crate::index::Key;
use crate::read::read_summary;
use crate::store::Shared;
use crate::{BlobId, BlobReader, BlobStore, Error, GroupId, Result};

/// A walk over all blobs in order of group and name. It costs nothing until [`Scrub::step`] is called, and may
/// be kept as long as one likes; blobs that come and go meanwhile do not disturb it.
#[derive(Debug)]
pub struct Scrub {
    shared: Arc<Shared>,
    /// The last blob that has been taken up.
    after: Option<Key>,
    /// The last blob that is done with.
    position: Option<Key>,
    reading: Option<Reading>,
}

/// A blob that has been read in part.
#[derive(Debug)]
struct Reading {
    reader: BlobReader,
    hasher: Box<blake3::Hasher>,
}

/// What a step of a scrub found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScrubStep {
    /// Bytes that were read, with a little for each blob, so that empty blobs count.
    pub bytes: u64,
    /// Blobs that were read to the end and are sound.
    pub sound: u64,
    /// Blobs whose bytes are bad. They count as absent from now on: [`BlobStore::contains`] says no, and
    /// [`BlobStore::put`] of the same bytes, which another replica may have, makes them good.
    pub corrupt: Vec<(GroupId, BlobId)>,
    /// Whether the walk is at its end.
    pub done: bool,
}

impl BlobStore {
    /// Returns a walk over all blobs that begins behind `after`, the [`Scrub::position`] of an earlier one.
    #[must_use]
    pub fn scrub(&self, after: Option<(GroupId, BlobId)>) -> Scrub {
        Scrub {
            shared: Arc::clone(&self.shared),
            after,
            position: after,
            reading: None,
        }
    }
}

impl Scrub {
    /// Reads on for about `bytes_max` bytes, verifying each chunk by its checksum and each blob by its name. A
    /// long blob takes several steps. The caller's pauses between steps are what bounds the rate.
    ///
    /// # Errors
    /// Those of the disk; the next step goes on behind the blob that could not be read.
    pub fn step(&mut self, bytes_max: u64) -> Result<ScrubStep> {
        let mut step = ScrubStep::default();
        while step.bytes < bytes_max {
            let Some(reading) = self.reading.take() else {
                step.done = !self.take_up_next(&mut step)?;
                if step.done {
                    return Ok(step);
                }
                continue;
            };
            self.reading = self.read_on(reading, bytes_max, &mut step)?;
        }
        Ok(step)
    }

    /// Returns the last blob that has been read to its end, where a later walk can go on.
    #[must_use]
    pub fn position(&self) -> Option<(GroupId, BlobId)> {
        self.position
    }

    /// Opens the next blob. Returns whether there is one.
    fn take_up_next(&mut self, step: &mut ScrubStep) -> Result<bool> {
        self.position = self.after;
        let next = self
            .shared
            .index
            .read()
            .after(self.after.as_ref())
            .next()
            .map(|(key, _)| *key);
        let Some(key) = next else {
            return Ok(false);
        };
        self.after = Some(key);
        step.bytes += RECORD_HEADER_BYTES as u64;
        match self.open(key) {
            Ok(reading) => self.reading = Some(reading),
            Err(Error::Corrupt { .. }) => step.corrupt.push(key),
            // Removed since it was found: nothing to say about it.
            Err(Error::NotFound { .. }) => (),
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    fn open(&self, key: Key) -> Result<Reading> {
        let reader = BlobReader::open(Arc::clone(&self.shared), key, 0..u64::MAX)?;
        // A bad summary is dropped by being looked at, and made again by whoever asks for it.
        read_summary(&self.shared, key)?;
        Ok(Reading {
            reader,
            hasher: Box::default(),
        })
    }

    /// Reads on in a blob; gives it back if there is more of it.
    fn read_on(&self, mut reading: Reading, bytes_max: u64, step: &mut ScrubStep) -> Result<Option<Reading>> {
        while step.bytes < bytes_max {
            match reading.reader.next() {
                Some(Ok(chunk)) => {
                    reading.hasher.update(&chunk);
                    step.bytes += chunk.len() as u64;
                }
                Some(Err(Error::Corrupt { group, blob, .. })) => {
                    step.corrupt.push((group, blob));
                    return Ok(None);
                }
                Some(Err(error)) => return Err(error),
                None => {
                    self.judge(&reading, step);
                    return Ok(None);
                }
            }
        }
        Ok(Some(reading))
    }

    /// Compares a blob that has been read whole with its name.
    fn judge(&self, reading: &Reading, step: &mut ScrubStep) {
        let (key, place) = reading.reader.source();
        if reading.hasher.finalize().as_bytes() == &key.1.0 {
            step.sound += 1;
        } else {
            self.shared.index.write().mark_corrupt(&key, place);
            step.corrupt.push(key);
        }
    }
}

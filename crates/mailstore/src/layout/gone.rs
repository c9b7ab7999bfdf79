//! Rows of the expunge log: which UIDs one command removed; and when it did.

use bytes::Bytes;

use super::packing::{Reader, Writer};
use crate::error::DecodeError;
use crate::ids::Uid;
use crate::time::Timestamp;
use crate::uid_set::UidSet;

const VERSION: u8 = 1;
const WRONG: DecodeError = DecodeError::Invalid("expunge log row");

/// Returns the row for a set of UIDs.
pub(crate) fn encode(uids: &UidSet) -> Bytes {
    let mut writer = Writer::new(VERSION, 8 + 4 * uids.ranges().len());
    writer.number(uids.ranges().len() as u64);
    let mut end = 0;
    for (first, last) in uids.ranges() {
        writer.number(u64::from(first.get() - end));
        writer.number(u64::from(last.get() - first.get()));
        end = last.get();
    }
    writer.finish()
}

/// Returns the number of ranges in a row without reading them.
pub(crate) fn count(bytes: &[u8]) -> Result<u32, DecodeError> {
    Reader::new(VERSION, bytes)?.number32()
}

/// Adds the UIDs of a row to a set.
pub(crate) fn decode_into(bytes: &[u8], uids: &mut UidSet) -> Result<(), DecodeError> {
    let mut reader = Reader::new(VERSION, bytes)?;
    let mut end = 0_u32;
    for _ in 0..reader.number32()? {
        let first = end
            .checked_add(reader.number32()?)
            .and_then(Uid::new)
            .ok_or(WRONG)?;
        let last = first
            .get()
            .checked_add(reader.number32()?)
            .and_then(Uid::new)
            .ok_or(WRONG)?;
        uids.insert_range(first, last);
        end = last.get();
    }
    reader.finish()
}

/// When one command removed messages whose records are still kept, and how many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Expiry {
    pub(crate) removed_at: Timestamp,
    pub(crate) records: u32,
}

impl Expiry {
    pub(crate) fn encode(self) -> Bytes {
        let mut writer = Writer::new(VERSION, 16);
        writer.number(self.removed_at.0);
        writer.number(u64::from(self.records));
        writer.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(VERSION, bytes)?;
        let expiry = Self {
            removed_at: Timestamp(reader.number()?),
            records: reader.number32()?,
        };
        reader.finish()?;
        Ok(expiry)
    }
}

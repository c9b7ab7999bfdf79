//! The row of what never changes: records of 64 UIDs; and the records of expunged messages.

use bytes::Bytes;

use super::block::Presence;
use super::packing::{Reader, Writer};
use crate::error::DecodeError;
use crate::flags::FlagBits;
use crate::ids::{BlobId, ModSeq, Uid};
use crate::message::{EmailId, MessageRecord, MessageState};
use crate::time::{InternalDate, Timestamp};

const VERSION: u8 = 1;
const EXPUNGED_VERSION: u8 = 1;
const RECORD_BYTES: usize = 56;
const WRONG: DecodeError = DecodeError::Invalid("fixed row");

/// Most records in one row of expunged messages.
pub(crate) const EXPUNGED_CHUNK: usize = 256;

/// Records of the messages of one block, ascending by UID.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct FixedBlock {
    pub(crate) records: Vec<MessageRecord>,
}

impl FixedBlock {
    pub(crate) fn get(&self, uid: Uid) -> Option<&MessageRecord> {
        let index = self.find(uid).ok()?;
        self.records.get(index)
    }

    /// Adds the record or replaces the one of that UID.
    pub(crate) fn set(&mut self, record: MessageRecord) {
        match self.find(record.uid) {
            Ok(index) => self.records[index] = record,
            Err(index) => self.records.insert(index, record),
        }
    }

    pub(crate) fn remove(&mut self, uid: Uid) -> Option<MessageRecord> {
        let index = self.find(uid).ok()?;
        Some(self.records.remove(index))
    }

    fn find(&self, uid: Uid) -> Result<usize, usize> {
        self.records.binary_search_by_key(&uid, |record| record.uid)
    }

    pub(crate) fn encode(&self) -> Bytes {
        let mut writer = Writer::new(VERSION, 16 + RECORD_BYTES * self.records.len());
        Presence::of(self.records.iter().map(|record| record.uid)).write(&mut writer);
        let mut before = Before::default();
        for record in &self.records {
            before.write(&mut writer, record);
        }
        writer.finish()
    }

    pub(crate) fn decode(block: u32, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(VERSION, bytes)?;
        let presence = Presence::read(&mut reader)?;
        let mut before = Before::default();
        let records = presence
            .uids(block)
            .map(|uid| before.read(&mut reader, uid?))
            .collect::<Result<_, _>>()?;
        reader.finish()?;
        Ok(Self { records })
    }
}

/// The dates of the record before, which the next one's are likely to be near.
#[derive(Default)]
struct Before {
    date: i64,
    saved: u64,
}

impl Before {
    fn write(&mut self, writer: &mut Writer, record: &MessageRecord) {
        writer.bytes(&record.blob.0);
        writer.bytes(&record.email_id.0);
        writer.number(u64::from(record.size));
        writer.signed(record.internal_date.seconds.wrapping_sub(self.date));
        writer.signed(i64::from(record.internal_date.zone_minutes));
        writer.signed(record.saved.0.wrapping_sub(self.saved).cast_signed());
        self.date = record.internal_date.seconds;
        self.saved = record.saved.0;
    }

    fn read(&mut self, reader: &mut Reader<'_>, uid: Uid) -> Result<MessageRecord, DecodeError> {
        let blob = BlobId(reader.array()?);
        let email_id = EmailId(reader.array()?);
        let size = reader.number32()?;
        self.date = self.date.wrapping_add(reader.signed()?);
        let zone_minutes = i16::try_from(reader.signed()?).map_err(|_| WRONG)?;
        self.saved = self.saved.wrapping_add(reader.signed()?.cast_unsigned());
        Ok(MessageRecord {
            uid,
            blob,
            size,
            internal_date: InternalDate {
                seconds: self.date,
                zone_minutes,
            },
            saved: Timestamp(self.saved),
            email_id,
        })
    }
}

/// A message that was removed, as it was last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Removed {
    pub(crate) state: MessageState,
    pub(crate) record: MessageRecord,
}

/// Returns the row of some expunged messages, ascending by UID.
pub(crate) fn encode_removed(removed: &[Removed]) -> Bytes {
    let mut writer = Writer::new(EXPUNGED_VERSION, 16 + (RECORD_BYTES + 4) * removed.len());
    let mut before = Before::default();
    let mut uid = 0;
    for message in removed {
        writer.number(u64::from(message.record.uid.get() - uid));
        uid = message.record.uid.get();
        writer.wide(message.state.flags.0);
        writer.number(message.state.modseq.0);
        before.write(&mut writer, &message.record);
    }
    writer.finish()
}

/// Reads a row of expunged messages.
pub(crate) fn decode_removed(bytes: &[u8]) -> Result<Vec<Removed>, DecodeError> {
    let mut reader = Reader::new(EXPUNGED_VERSION, bytes)?;
    let mut before = Before::default();
    let mut last = 0_u32;
    let mut removed = Vec::new();
    while !reader.is_empty() {
        last = last.checked_add(reader.number32()?).ok_or(WRONG)?;
        let uid = Uid::new(last).ok_or(WRONG)?;
        let flags = FlagBits(reader.wide()?);
        let modseq = ModSeq(reader.number()?);
        removed.push(Removed {
            state: MessageState { uid, flags, modseq },
            record: before.read(&mut reader, uid)?,
        });
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn records() -> impl Strategy<Value = Vec<MessageRecord>> {
        let values = (
            any::<u8>(),
            any::<u32>(),
            any::<i64>(),
            any::<i16>(),
            any::<u64>(),
        );
        proptest::collection::btree_map(0_u32..64, values, 0..64).prop_map(|slots| {
            let record = |(offset, (byte, size, seconds, zone_minutes, saved))| MessageRecord {
                uid: Uid::new(640 + offset).expect("not zero"),
                blob: BlobId([byte; 32]),
                size,
                internal_date: InternalDate {
                    seconds,
                    zone_minutes,
                },
                saved: Timestamp(saved),
                email_id: EmailId([byte; 12]),
            };
            slots.into_iter().map(record).collect()
        })
    }

    proptest! {
        #[test]
        fn fixed_rows_round_trip(records in records()) {
            let block = FixedBlock { records };
            prop_assert_eq!(FixedBlock::decode(10, &block.encode()), Ok(block));
        }

        #[test]
        fn expunged_rows_round_trip(records in records(), flags: u128, modseq: u64) {
            let removed: Vec<_> = records.into_iter().map(|record| Removed {
                state: MessageState { uid: record.uid, flags: FlagBits(flags), modseq: ModSeq(modseq) },
                record,
            }).collect();
            prop_assert_eq!(decode_removed(&encode_removed(&removed)), Ok(removed));
        }

        #[test]
        fn no_bytes_make_a_fixed_row_panic(mut bytes: Vec<u8>, block: u32) {
            if let Some(first) = bytes.first_mut() {
                *first = VERSION;
            }
            let _ = FixedBlock::decode(block, &bytes);
            let _ = decode_removed(&bytes);
        }
    }
}

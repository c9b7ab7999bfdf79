//! The row of what changes: flags and modification sequences of 64 UIDs.
//!
//! version, highest MODSEQ, presence, the distinct sets of flags, then for each message the index of
//! its flags (left out when there is one set) and the distance of its MODSEQ from the highest. The
//! highest stands in front, so that a look for changes passes over unchanged rows without unpacking.

use bytes::Bytes;

use super::block::Presence;
use super::packing::{Reader, Writer};
use crate::error::DecodeError;
use crate::flags::FlagBits;
use crate::ids::{ModSeq, Uid};
use crate::message::MessageState;

const VERSION: u8 = 1;
const WRONG: DecodeError = DecodeError::Invalid("hot row");

/// States of the messages of one block, ascending by UID.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct HotBlock {
    pub(crate) states: Vec<MessageState>,
}

/// What stands in front of a hot row.
pub(crate) struct HotHeader {
    pub(crate) highest: ModSeq,
    pub(crate) presence: Presence,
}

impl HotHeader {
    /// Reads only the front of a row.
    pub(crate) fn peek(bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::read(&mut Reader::new(VERSION, bytes)?)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            highest: ModSeq(reader.number()?),
            presence: Presence::read(reader)?,
        })
    }
}

impl HotBlock {
    pub(crate) fn get(&self, uid: Uid) -> Option<&MessageState> {
        let index = self.find(uid).ok()?;
        self.states.get(index)
    }

    /// Adds the state or replaces the one of that UID.
    pub(crate) fn set(&mut self, state: MessageState) {
        match self.find(state.uid) {
            Ok(index) => self.states[index] = state,
            Err(index) => self.states.insert(index, state),
        }
    }

    pub(crate) fn remove(&mut self, uid: Uid) -> Option<MessageState> {
        let index = self.find(uid).ok()?;
        Some(self.states.remove(index))
    }

    fn find(&self, uid: Uid) -> Result<usize, usize> {
        self.states.binary_search_by_key(&uid, |state| state.uid)
    }

    pub(crate) fn encode(&self) -> Bytes {
        let highest = self.states.iter().map(|state| state.modseq).max();
        let highest = highest.unwrap_or_default();
        let mut writer = Writer::new(VERSION, 32 + 2 * self.states.len());
        writer.number(highest.0);
        Presence::of(self.states.iter().map(|state| state.uid)).write(&mut writer);
        let mut distinct: Vec<FlagBits> = self.states.iter().map(|state| state.flags).collect();
        distinct.sort_unstable();
        distinct.dedup();
        writer.number(distinct.len() as u64);
        distinct.iter().for_each(|flags| writer.wide(flags.0));
        for state in &self.states {
            if distinct.len() > 1 {
                let index = distinct.partition_point(|flags| *flags < state.flags);
                writer.number(index as u64);
            }
            writer.number(highest.0 - state.modseq.0);
        }
        writer.finish()
    }

    pub(crate) fn decode(block: u32, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(VERSION, bytes)?;
        let header = HotHeader::read(&mut reader)?;
        let count = reader.number()?;
        if count > 64 {
            return Err(WRONG);
        }
        let distinct: Vec<FlagBits> = (0..count)
            .map(|_| reader.wide().map(FlagBits))
            .collect::<Result<_, _>>()?;
        let mut states = Vec::with_capacity(header.presence.count());
        for uid in header.presence.uids(block) {
            let index = if count > 1 { reader.number()? } else { 0 };
            let index = usize::try_from(index).map_err(|_| WRONG)?;
            states.push(MessageState {
                uid: uid?,
                flags: *distinct.get(index).ok_or(WRONG)?,
                modseq: ModSeq(header.highest.0.checked_sub(reader.number()?).ok_or(WRONG)?),
            });
        }
        reader.finish()?;
        Ok(Self { states })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn hot_rows_round_trip(
            slots in proptest::collection::btree_map(1_u32..64, (0_u128..8, 1_u64..1000), 0..64),
            wide: u128,
        ) {
            let states = slots.into_iter().filter_map(|(uid, (flags, modseq))| Some(MessageState {
                uid: Uid::new(64 * 3 + uid)?,
                flags: FlagBits(if flags == 7 { wide } else { flags }),
                modseq: ModSeq(modseq),
            }));
            let block = HotBlock { states: states.collect() };
            prop_assert_eq!(HotBlock::decode(3, &block.encode()), Ok(block));
        }

        #[test]
        fn no_bytes_make_a_hot_row_panic(mut bytes: Vec<u8>, block: u32) {
            if let Some(first) = bytes.first_mut() {
                *first = VERSION;
            }
            let _ = HotBlock::decode(block, &bytes);
        }
    }

    #[test]
    fn a_block_of_equal_messages_is_small() {
        let states = (64..128).filter_map(Uid::new).map(|uid| MessageState {
            uid,
            flags: FlagBits::EMPTY,
            modseq: ModSeq(1_000_000),
        });
        let block = HotBlock {
            states: states.collect(),
        };
        assert!(block.encode().len() < 80);
    }
}

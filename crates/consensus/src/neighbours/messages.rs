//! What nodes say to each other. Fields are only ever added.

use mailstore::GroupId;
use prost::Message;
use xxhash_rust::xxh3::xxh3_64;

use crate::ReplicaId;
use crate::parking::Agreement;

/// A node lives, and these are the groups that it leads and that are parked, or are to be.
#[derive(Clone, PartialEq, Message)]
pub(super) struct WirePing {
    #[prost(uint64, tag = "1")]
    pub(super) node: u64,
    /// Of the list, which is left out when the other node agreed to the same one before.
    #[prost(fixed64, tag = "2")]
    pub(super) digest: u64,
    #[prost(bool, tag = "3")]
    pub(super) lists: bool,
    #[prost(message, repeated, tag = "4")]
    pub(super) parked: Vec<WireParked>,
    /// Whether the node wants to lead no group.
    #[prost(bool, tag = "5")]
    pub(super) declines: bool,
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct WirePong {
    /// Whether all groups of the list are parked, and no others under the node that asked.
    #[prost(bool, tag = "1")]
    pub(super) agrees: bool,
    /// The groups of the list that cannot be parked.
    #[prost(uint32, repeated, tag = "2")]
    pub(super) refused: Vec<u32>,
    /// Whether the node wants to lead no group.
    #[prost(bool, tag = "3")]
    pub(super) declines: bool,
}

/// A group, and what its members have in common.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct WireParked {
    #[prost(uint32, tag = "1")]
    pub(super) group: u32,
    #[prost(uint64, tag = "2")]
    pub(super) term: u64,
    #[prost(uint64, tag = "3")]
    pub(super) leader: u64,
    #[prost(uint64, tag = "4")]
    pub(super) last_index: u64,
}

impl WireParked {
    pub(super) fn new(group: GroupId, agreement: Agreement) -> Self {
        Self {
            group: group.0,
            term: agreement.term,
            leader: agreement.leader.0,
            last_index: agreement.last_index,
        }
    }

    pub(super) fn agreement(&self) -> Agreement {
        Agreement {
            term: self.term,
            leader: ReplicaId(self.leader),
            last_index: self.last_index,
        }
    }
}

/// Returns the digest of a list that is sorted by group.
pub(super) fn digest(parked: &[WireParked]) -> u64 {
    let numbers = parked
        .iter()
        .flat_map(|one| [u64::from(one.group), one.term, one.leader, one.last_index].map(u64::to_le_bytes));
    xxh3_64(numbers.collect::<Vec<_>>().as_flattened())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_every_group_counts() {
        let one = WireParked {
            group: 1,
            term: 2,
            leader: 3,
            last_index: 4,
        };
        let lists = [
            vec![],
            vec![one],
            vec![one, one],
            vec![WireParked { group: 2, ..one }],
            vec![WireParked { term: 3, ..one }],
            vec![WireParked { leader: 4, ..one }],
            vec![WireParked { last_index: 5, ..one }],
        ];
        let digests: std::collections::BTreeSet<_> = lists.iter().map(|list| digest(list)).collect();
        assert_eq!(digests.len(), lists.len());
    }

    /// Two versions must agree on it while they run side by side.
    #[test]
    fn the_digest_is_what_it_was() {
        let one = WireParked {
            group: 1,
            term: 2,
            leader: 3,
            last_index: 4,
        };
        assert_eq!(
            digest(&[one]),
            xxh3_64(&{
                let mut bytes = [0; 32];
                for (at, byte) in [(0, 1), (8, 2), (16, 3), (24, 4)] {
                    bytes[at] = byte;
                }
                bytes
            })
        );
    }
}

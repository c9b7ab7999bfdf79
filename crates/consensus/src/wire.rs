//! The encodings of log ids, votes, memberships and entries, on disk and between replicas.
//!
//! openraft's own types are never serialised: its layout is not a promise, ours is. Fields are only added.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use prost::Message;

use crate::ids::{LogPosition, NodeId, ReplicaId};
use crate::types::{self, Command, Entry, EntryPayload, Host, LogId, Membership, StoredMembership, Vote};

/// Bytes that are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("not a valid encoding of {0}")]
    Encoding(&'static str),
    #[error("{0} lacks a field")]
    MissingField(&'static str),
    #[error("{0} is of an unknown kind")]
    UnknownKind(&'static str),
}

/// Decodes a message, naming it when that fails.
pub(crate) fn decode<M: Message + Default>(bytes: Bytes, what: &'static str) -> Result<M, DecodeError> {
    M::decode(bytes).map_err(|_| DecodeError::Encoding(what))
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct WireLogId {
    #[prost(uint64, tag = "1")]
    pub(crate) term: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) index: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct WireVote {
    #[prost(uint64, tag = "1")]
    pub(crate) term: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) replica: u64,
    #[prost(bool, tag = "3")]
    pub(crate) committed: bool,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct WireMembership {
    #[prost(message, repeated, tag = "1")]
    configs: Vec<WireConfig>,
    #[prost(message, repeated, tag = "2")]
    nodes: Vec<WireMember>,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct WireConfig {
    #[prost(uint64, repeated, tag = "1")]
    voters: Vec<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct WireMember {
    #[prost(uint64, tag = "1")]
    replica: u64,
    #[prost(uint64, tag = "2")]
    node: u64,
}

#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct WireStoredMembership {
    #[prost(message, optional, tag = "1")]
    log_id: Option<WireLogId>,
    #[prost(message, optional, tag = "2")]
    membership: Option<WireMembership>,
}

/// A log entry. Its log id stands beside it, in the record of the log or in the message that carries it.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct WirePayload {
    #[prost(oneof = "WirePayloadKind", tags = "1, 2, 3")]
    kind: Option<WirePayloadKind>,
}

#[derive(Clone, PartialEq, Eq, prost::Oneof)]
enum WirePayloadKind {
    #[prost(message, tag = "1")]
    Blank(WireBlank),
    #[prost(bytes = "bytes", tag = "2")]
    Command(Bytes),
    #[prost(message, tag = "3")]
    Membership(WireMembership),
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct WireBlank {}

impl From<&LogId> for WireLogId {
    fn from(id: &LogId) -> Self {
        Self {
            term: id.leader_id.term,
            index: id.index,
        }
    }
}

impl From<WireLogId> for LogId {
    fn from(wire: WireLogId) -> Self {
        types::log_id(wire.term, wire.index)
    }
}

/// Returns a log id as the rest of the product sees it.
pub(crate) fn position(id: &LogId) -> LogPosition {
    LogPosition {
        term: id.leader_id.term,
        index: id.index,
    }
}

impl From<&Vote> for WireVote {
    fn from(vote: &Vote) -> Self {
        let leader = vote.leader_id();
        Self {
            term: leader.term,
            replica: leader.voted_for.0,
            committed: vote.is_committed(),
        }
    }
}

impl From<WireVote> for Vote {
    fn from(wire: WireVote) -> Self {
        let replica = ReplicaId(wire.replica);
        if wire.committed {
            Self::new_committed(wire.term, replica)
        } else {
            Self::new(wire.term, replica)
        }
    }
}

impl From<&Membership> for WireMembership {
    fn from(membership: &Membership) -> Self {
        let voters = |config: &BTreeSet<ReplicaId>| config.iter().map(|replica| replica.0).collect();
        let configs = membership.get_joint_config().iter().map(|config| WireConfig {
            voters: voters(config),
        });
        let nodes = membership.nodes().map(|(replica, host)| WireMember {
            replica: replica.0,
            node: host.node.0,
        });
        Self {
            configs: configs.collect(),
            nodes: nodes.collect(),
        }
    }
}

impl TryFrom<WireMembership> for Membership {
    type Error = DecodeError;

    fn try_from(wire: WireMembership) -> Result<Self, DecodeError> {
        let voters = |config: WireConfig| config.voters.into_iter().map(ReplicaId).collect::<BTreeSet<_>>();
        let host = |member: WireMember| {
            (
                ReplicaId(member.replica),
                Host {
                    node: NodeId(member.node),
                },
            )
        };
        let nodes: BTreeMap<_, _> = wire.nodes.into_iter().map(host).collect();
        if wire.configs.is_empty() && nodes.is_empty() {
            return Ok(Self::default());
        }
        let configs = wire.configs.into_iter().map(voters).collect();
        Self::new(configs, nodes).map_err(|_| DecodeError::Encoding("a membership"))
    }
}

impl From<&StoredMembership> for WireStoredMembership {
    fn from(stored: &StoredMembership) -> Self {
        let log_id = stored.log_id().as_ref().map(WireLogId::from);
        Self {
            log_id,
            membership: Some(WireMembership::from(stored.membership())),
        }
    }
}

impl TryFrom<WireStoredMembership> for StoredMembership {
    type Error = DecodeError;

    fn try_from(wire: WireStoredMembership) -> Result<Self, DecodeError> {
        let membership = wire
            .membership
            .ok_or(DecodeError::MissingField("a stored membership"))?;
        Ok(Self::new(wire.log_id.map(LogId::from), membership.try_into()?))
    }
}

impl From<&EntryPayload> for WirePayload {
    fn from(payload: &EntryPayload) -> Self {
        let kind = match payload {
            EntryPayload::Blank => WirePayloadKind::Blank(WireBlank {}),
            EntryPayload::Normal(command) => WirePayloadKind::Command(command.bytes.clone()),
            EntryPayload::Membership(membership) => WirePayloadKind::Membership(membership.into()),
        };
        Self { kind: Some(kind) }
    }
}

impl TryFrom<WirePayload> for EntryPayload {
    type Error = DecodeError;

    fn try_from(wire: WirePayload) -> Result<Self, DecodeError> {
        // A kind that a later version added decodes as none. It must stop the replica, never be skipped.
        Ok(match wire.kind.ok_or(DecodeError::UnknownKind("an entry"))? {
            WirePayloadKind::Blank(WireBlank {}) => Self::Blank,
            WirePayloadKind::Command(bytes) => Self::Normal(Command::new(bytes)),
            WirePayloadKind::Membership(membership) => Self::Membership(membership.try_into()?),
        })
    }
}

/// Encodes the payload of an entry.
pub(crate) fn encode_payload(payload: &EntryPayload) -> Bytes {
    WirePayload::from(payload).encode_to_vec().into()
}

/// Decodes an entry from its payload and the log id that stands beside it.
pub(crate) fn decode_entry(id: WireLogId, payload: Bytes) -> Result<Entry, DecodeError> {
    let payload = decode::<WirePayload>(payload, "an entry")?.try_into()?;
    Ok(Entry {
        log_id: id.into(),
        payload,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members() -> Membership {
        let nodes = [(1, 10), (2, 20), (3, 30)];
        let nodes = nodes.map(|(replica, node)| (ReplicaId(replica), Host { node: NodeId(node) }));
        let configs = vec![
            BTreeSet::from([ReplicaId(1), ReplicaId(2)]),
            BTreeSet::from([ReplicaId(2)]),
        ];
        Membership::new(configs, BTreeMap::from(nodes)).expect("a valid membership")
    }

    #[test]
    fn entries_come_back_as_they_were() {
        let payloads = [
            EntryPayload::Blank,
            EntryPayload::Normal(Command::new(Bytes::from_static(b"content"))),
            EntryPayload::Normal(Command::new(Bytes::new())),
            EntryPayload::Membership(members()),
        ];
        for payload in payloads {
            let id = WireLogId {
                term: 7,
                index: 1 << 40,
            };
            let entry = decode_entry(id, encode_payload(&payload)).expect("decodes");
            assert_eq!(entry.payload, payload);
            assert_eq!(entry.log_id, types::log_id(7, 1 << 40));
        }
    }

    #[test]
    fn votes_and_memberships_come_back_as_they_were() {
        for vote in [Vote::new(3, ReplicaId(9)), Vote::new_committed(4, ReplicaId(8))] {
            let bytes = WireVote::from(&vote).encode_to_vec();
            let wire: WireVote = decode(bytes.into(), "a vote").expect("decodes");
            assert_eq!(Vote::from(wire), vote);
        }
        let empty = StoredMembership::default();
        let full = StoredMembership::new(Some(types::log_id(1, 2)), members());
        for stored in [empty, full] {
            let bytes = WireStoredMembership::from(&stored).encode_to_vec();
            let wire: WireStoredMembership = decode(bytes.into(), "a membership").expect("decodes");
            assert_eq!(StoredMembership::try_from(wire), Ok(stored));
        }
    }

    #[test]
    fn an_entry_of_an_unknown_kind_is_an_error() {
        let unknown = Bytes::from_static(&[0x22, 0x01, 0x00]);
        let id = WireLogId { term: 1, index: 1 };
        assert_eq!(
            decode_entry(id, unknown),
            Err(DecodeError::UnknownKind("an entry"))
        );
    }
}

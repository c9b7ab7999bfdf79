//! The encodings of what replicas say to each other. Fields are only ever added.

use bytes::Bytes;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, TransferLeaderError, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use prost::{Message, Oneof};

use crate::types::{LogId, TypeConfig, Vote};
use crate::wire::{self, DecodeError, WireLogId, WireVote};

#[derive(Clone, PartialEq, Message)]
struct WireAppend {
    #[prost(message, optional, tag = "1")]
    vote: Option<WireVote>,
    #[prost(message, optional, tag = "2")]
    previous: Option<WireLogId>,
    #[prost(message, optional, tag = "3")]
    committed: Option<WireLogId>,
    #[prost(message, repeated, tag = "4")]
    entries: Vec<WireEntry>,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct WireEntry {
    #[prost(message, optional, tag = "1")]
    id: Option<WireLogId>,
    #[prost(bytes = "bytes", tag = "2")]
    payload: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct WireAppendOutcome {
    #[prost(oneof = "WireAppended", tags = "1, 2, 3, 4")]
    outcome: Option<WireAppended>,
}

#[derive(Clone, PartialEq, Oneof)]
enum WireAppended {
    #[prost(message, tag = "1")]
    Success(WireNothing),
    #[prost(message, tag = "2")]
    PartialSuccess(WireMaybeLogId),
    #[prost(message, tag = "3")]
    Conflict(WireNothing),
    #[prost(message, tag = "4")]
    HigherVote(WireVote),
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct WireNothing {}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct WireMaybeLogId {
    #[prost(message, optional, tag = "1")]
    id: Option<WireLogId>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct WireVoteRequest {
    #[prost(message, optional, tag = "1")]
    vote: Option<WireVote>,
    #[prost(message, optional, tag = "2")]
    last: Option<WireLogId>,
    #[prost(bool, tag = "3")]
    leadership_transfer: bool,
    #[prost(bool, tag = "4")]
    pre_vote: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct WireVoteResponse {
    #[prost(message, optional, tag = "1")]
    vote: Option<WireVote>,
    #[prost(bool, tag = "2")]
    granted: bool,
    #[prost(message, optional, tag = "3")]
    last: Option<WireLogId>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct WireTransfer {
    #[prost(message, optional, tag = "1")]
    from: Option<WireVote>,
    #[prost(uint64, tag = "2")]
    to: u64,
    #[prost(message, optional, tag = "3")]
    last: Option<WireLogId>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct WireTransferOutcome {
    #[prost(oneof = "WireTransferred", tags = "1, 2, 3")]
    outcome: Option<WireTransferred>,
}

#[derive(Clone, Copy, PartialEq, Eq, Oneof)]
enum WireTransferred {
    #[prost(message, tag = "1")]
    Accepted(WireNothing),
    #[prost(message, tag = "2")]
    VoteChanged(WireVotes),
    #[prost(message, tag = "3")]
    LogNotFlushed(WireLogIds),
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct WireVotes {
    #[prost(message, optional, tag = "1")]
    expected: Option<WireVote>,
    #[prost(message, optional, tag = "2")]
    actual: Option<WireVote>,
}

#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct WireLogIds {
    #[prost(message, optional, tag = "1")]
    expected: Option<WireLogId>,
    #[prost(message, optional, tag = "2")]
    actual: Option<WireLogId>,
}

/// A piece of a snapshot: first the manifest, then every part in the manifest's order, then the end.
#[derive(Clone, PartialEq, Eq, Message)]
pub(super) struct WirePiece {
    #[prost(message, optional, tag = "1")]
    pub(super) vote: Option<WireVote>,
    /// Names the transfer; the sender counts them.
    #[prost(uint64, tag = "2")]
    pub(super) transfer: u64,
    #[prost(uint64, tag = "3")]
    pub(super) sender: u64,
    /// Counts the pieces of a transfer from zero.
    #[prost(uint64, tag = "4")]
    pub(super) sequence: u64,
    #[prost(bytes = "bytes", tag = "5")]
    pub(super) bytes: Bytes,
    /// Whether the manifest or part that these bytes belong to is whole now.
    #[prost(bool, tag = "6")]
    pub(super) completes: bool,
    /// Whether the snapshot is whole and is to be installed.
    #[prost(bool, tag = "7")]
    pub(super) ends: bool,
}

/// The answer to a piece: the vote after installation at the end, nothing before.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(super) struct WirePieceOutcome {
    #[prost(message, optional, tag = "1")]
    pub(super) vote: Option<WireVote>,
}

/// A request for a vote, and whether it only asks what would be answered.
pub(super) struct VoteCall {
    pub(super) request: VoteRequest<TypeConfig>,
    pub(super) is_pre_vote: bool,
}

pub(super) fn encode_append(request: &AppendEntriesRequest<TypeConfig>) -> Bytes {
    let entry = |entry: &crate::types::Entry| WireEntry {
        id: Some(WireLogId::from(&entry.log_id)),
        payload: wire::encode_payload(&entry.payload),
    };
    let wire = WireAppend {
        vote: Some(WireVote::from(&request.vote)),
        previous: to_wire(&request.prev_log_id),
        committed: to_wire(&request.leader_commit),
        entries: request.entries.iter().map(entry).collect(),
    };
    wire.encode_to_vec().into()
}

pub(super) fn decode_append(payload: Bytes) -> Result<AppendEntriesRequest<TypeConfig>, DecodeError> {
    let wire: WireAppend = wire::decode(payload, "an append request")?;
    let entry = |entry: WireEntry| wire::decode_entry(entry.id.ok_or(MISSING)?, entry.payload);
    Ok(AppendEntriesRequest {
        vote: required_vote(wire.vote)?,
        prev_log_id: wire.previous.map(LogId::from),
        entries: wire.entries.into_iter().map(entry).collect::<Result<_, _>>()?,
        leader_commit: wire.committed.map(LogId::from),
    })
}

pub(super) fn encode_append_outcome(response: &AppendEntriesResponse<TypeConfig>) -> Bytes {
    let outcome = match response {
        AppendEntriesResponse::Success => WireAppended::Success(WireNothing {}),
        AppendEntriesResponse::PartialSuccess(id) => {
            WireAppended::PartialSuccess(WireMaybeLogId { id: to_wire(id) })
        }
        AppendEntriesResponse::Conflict => WireAppended::Conflict(WireNothing {}),
        AppendEntriesResponse::HigherVote(vote) => WireAppended::HigherVote(WireVote::from(vote)),
    };
    WireAppendOutcome {
        outcome: Some(outcome),
    }
    .encode_to_vec()
    .into()
}

pub(super) fn decode_append_outcome(
    payload: Bytes,
) -> Result<AppendEntriesResponse<TypeConfig>, DecodeError> {
    let wire: WireAppendOutcome = wire::decode(payload, "an append response")?;
    Ok(match wire.outcome.ok_or(MISSING)? {
        WireAppended::Success(WireNothing {}) => AppendEntriesResponse::Success,
        WireAppended::PartialSuccess(wire) => AppendEntriesResponse::PartialSuccess(wire.id.map(LogId::from)),
        WireAppended::Conflict(WireNothing {}) => AppendEntriesResponse::Conflict,
        WireAppended::HigherVote(vote) => AppendEntriesResponse::HigherVote(vote.into()),
    })
}

pub(super) fn encode_vote(request: &VoteRequest<TypeConfig>, pre_vote: bool) -> Bytes {
    let wire = WireVoteRequest {
        vote: Some(WireVote::from(&request.vote)),
        last: to_wire(&request.last_log_id),
        leadership_transfer: request.leadership_transfer,
        pre_vote,
    };
    wire.encode_to_vec().into()
}

pub(super) fn decode_vote(payload: Bytes) -> Result<VoteCall, DecodeError> {
    let wire: WireVoteRequest = wire::decode(payload, "a vote request")?;
    let mut request = VoteRequest::new(required_vote(wire.vote)?, wire.last.map(LogId::from));
    request.leadership_transfer = wire.leadership_transfer;
    Ok(VoteCall {
        request,
        is_pre_vote: wire.pre_vote,
    })
}

pub(super) fn encode_vote_outcome(response: &VoteResponse<TypeConfig>) -> Bytes {
    let wire = WireVoteResponse {
        vote: Some(WireVote::from(&response.vote)),
        granted: response.vote_granted,
        last: to_wire(&response.last_log_id),
    };
    wire.encode_to_vec().into()
}

pub(super) fn decode_vote_outcome(payload: Bytes) -> Result<VoteResponse<TypeConfig>, DecodeError> {
    let wire: WireVoteResponse = wire::decode(payload, "a vote response")?;
    Ok(VoteResponse::new(
        required_vote(wire.vote)?,
        wire.last.map(LogId::from),
        wire.granted,
    ))
}

pub(super) fn encode_transfer(request: &TransferLeaderRequest<TypeConfig>) -> Bytes {
    let wire = WireTransfer {
        from: Some(WireVote::from(request.from_leader())),
        to: request.to_node_id().0,
        last: request.last_log_id().map(WireLogId::from),
    };
    wire.encode_to_vec().into()
}

pub(super) fn decode_transfer(payload: Bytes) -> Result<TransferLeaderRequest<TypeConfig>, DecodeError> {
    let wire: WireTransfer = wire::decode(payload, "a transfer request")?;
    let (from, last) = (required_vote(wire.from)?, wire.last.map(LogId::from));
    Ok(TransferLeaderRequest::new(from, wire.to.into(), last))
}

pub(super) fn encode_transfer_outcome(response: &TransferLeaderResponse<TypeConfig>) -> Bytes {
    let outcome = match response {
        Ok(()) => WireTransferred::Accepted(WireNothing {}),
        Err(TransferLeaderError::VoteChanged { expected, actual }) => {
            WireTransferred::VoteChanged(WireVotes {
                expected: Some(WireVote::from(expected)),
                actual: Some(WireVote::from(actual)),
            })
        }
        Err(TransferLeaderError::LogNotFlushed { expected, actual }) => {
            let ids = WireLogIds {
                expected: to_wire(expected),
                actual: to_wire(actual),
            };
            WireTransferred::LogNotFlushed(ids)
        }
    };
    WireTransferOutcome {
        outcome: Some(outcome),
    }
    .encode_to_vec()
    .into()
}

pub(super) fn decode_transfer_outcome(
    payload: Bytes,
) -> Result<TransferLeaderResponse<TypeConfig>, DecodeError> {
    let wire: WireTransferOutcome = wire::decode(payload, "a transfer response")?;
    Ok(match wire.outcome.ok_or(MISSING)? {
        WireTransferred::Accepted(WireNothing {}) => Ok(()),
        WireTransferred::VoteChanged(votes) => Err(TransferLeaderError::VoteChanged {
            expected: required_vote(votes.expected)?,
            actual: required_vote(votes.actual)?,
        }),
        WireTransferred::LogNotFlushed(ids) => Err(TransferLeaderError::LogNotFlushed {
            expected: ids.expected.map(LogId::from),
            actual: ids.actual.map(LogId::from),
        }),
    })
}

const MISSING: DecodeError = DecodeError::MissingField("a message between replicas");

pub(super) fn required_vote(vote: Option<WireVote>) -> Result<Vote, DecodeError> {
    vote.map(Vote::from).ok_or(MISSING)
}

fn to_wire(id: &Option<LogId>) -> Option<WireLogId> {
    id.as_ref().map(WireLogId::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ReplicaId;
    use crate::types::{Command, Entry, EntryPayload, log_id};

    fn vote() -> Vote {
        Vote::new_committed(5, ReplicaId(2))
    }

    #[test]
    fn appends_and_their_outcomes_come_back() {
        let payload = EntryPayload::Normal(Command::new(Bytes::from_static(b"x")));
        let entries = vec![Entry {
            log_id: log_id(5, 8),
            payload,
        }];
        let request = AppendEntriesRequest {
            vote: vote(),
            prev_log_id: Some(log_id(4, 7)),
            entries: entries.clone(),
            leader_commit: None,
        };
        let decoded = decode_append(encode_append(&request)).expect("decodes");
        assert_eq!(
            (decoded.vote, decoded.prev_log_id, decoded.leader_commit),
            (vote(), Some(log_id(4, 7)), None)
        );
        assert_eq!(decoded.entries, entries);
        for outcome in [
            AppendEntriesResponse::Success,
            AppendEntriesResponse::PartialSuccess(None),
            AppendEntriesResponse::PartialSuccess(Some(log_id(1, 0))),
            AppendEntriesResponse::Conflict,
            AppendEntriesResponse::HigherVote(vote()),
        ] {
            assert_eq!(
                decode_append_outcome(encode_append_outcome(&outcome)),
                Ok(outcome)
            );
        }
    }

    #[test]
    fn votes_and_their_outcomes_come_back() {
        for is_pre_vote in [false, true] {
            let mut request = VoteRequest::new(Vote::new(6, ReplicaId(3)), Some(log_id(5, 9)));
            request.leadership_transfer = !is_pre_vote;
            let call = decode_vote(encode_vote(&request, is_pre_vote)).expect("decodes");
            assert_eq!((call.request, call.is_pre_vote), (request, is_pre_vote));
            let response = VoteResponse::new(vote(), None, is_pre_vote);
            assert_eq!(decode_vote_outcome(encode_vote_outcome(&response)), Ok(response));
        }
    }

    #[test]
    fn transfers_and_their_outcomes_come_back() {
        let request = TransferLeaderRequest::new(vote(), ReplicaId(9), Some(log_id(2, 1)));
        assert_eq!(decode_transfer(encode_transfer(&request)), Ok(request));
        for outcome in [
            Ok(()),
            Err(TransferLeaderError::VoteChanged {
                expected: vote(),
                actual: Vote::new(9, ReplicaId(1)),
            }),
            Err(TransferLeaderError::LogNotFlushed {
                expected: Some(log_id(2, 1)),
                actual: None,
            }),
        ] {
            assert_eq!(
                decode_transfer_outcome(encode_transfer_outcome(&outcome)),
                Ok(outcome)
            );
        }
    }

    #[test]
    fn what_is_not_a_message_is_an_error() {
        for bytes in [&b""[..], b"\xff\xff", b"\x0a\x7f"] {
            let bytes = Bytes::from_static(bytes);
            assert!(decode_append(bytes.clone()).is_err());
            assert!(decode_append_outcome(bytes.clone()).is_err());
            assert!(decode_vote(bytes.clone()).is_err());
            assert!(decode_vote_outcome(bytes.clone()).is_err());
            assert!(decode_transfer(bytes.clone()).is_err());
            assert!(decode_transfer_outcome(bytes).is_err());
        }
    }
}

//! Answering the calls of other replicas.

use std::sync::Arc;

use bytes::Bytes;
use openraft::errors::RaftError;
use openraft::raft::AppendEntriesResponse;
use prost::Message;

use super::messages::{self, VoteCall, WirePiece, WirePieceOutcome};
use super::receive::Received;
use super::{PeerCall, PeerCallKind};
use crate::group::Group;
use crate::machine::Machine;
use crate::snapshot::SnapshotHandle;
use crate::state_machine::with_meta;
use crate::types::{TypeConfig, Vote};
use crate::wire::{self, DecodeError, WireVote};
use crate::{Error, Result};

impl<M: Machine> Group<M> {
    /// Answers a call of another replica.
    pub(crate) async fn serve(&self, call: PeerCall) -> Result<Bytes> {
        if call.target != self.replica() {
            return Err(Error::WrongReplica { target: call.target });
        }
        match call.kind {
            PeerCallKind::AppendEntries => self.serve_append(call.payload).await,
            PeerCallKind::Vote => self.serve_vote(call.payload).await,
            PeerCallKind::TransferLeader => self.serve_transfer(call.payload).await,
            PeerCallKind::Snapshot => self.serve_piece(call.payload).await,
            PeerCallKind::Ping => Err(Error::Malformed {
                detail: "a ping is for a node".to_owned(),
            }),
        }
    }

    async fn serve_append(&self, payload: Bytes) -> Result<Bytes> {
        let request = messages::decode_append(payload).map_err(malformed)?;
        if !request.entries.is_empty() {
            // openraft stops for good when its log refuses an append, so a full disk is found out before.
            self.check_space()?;
        }
        let response = self
            .raft
            .append_entries(request)
            .await
            .map_err(|error| self.stopped(error))?;
        // Not before it was answered: the clock must not find the lease expired that this message renews.
        if !matches!(response, AppendEntriesResponse::HigherVote(_)) {
            self.heard_leader();
        }
        Ok(messages::encode_append_outcome(&response))
    }

    async fn serve_vote(&self, payload: Bytes) -> Result<Bytes> {
        let VoteCall { request, is_pre_vote } = messages::decode_vote(payload).map_err(malformed)?;
        if self.withholds_votes() && !request.leadership_transfer {
            return Err(Error::VoteWithheld);
        }
        if !request.leadership_transfer && self.asked_for_vote() {
            return Err(Error::LeaderLives);
        }
        let response = if is_pre_vote {
            self.raft.pre_vote(request).await
        } else {
            self.raft.vote(request).await
        };
        Ok(messages::encode_vote_outcome(
            &response.map_err(|error| self.stopped(error))?,
        ))
    }

    async fn serve_transfer(&self, payload: Bytes) -> Result<Bytes> {
        let request = messages::decode_transfer(payload).map_err(malformed)?;
        let response = self
            .raft
            .handle_transfer_leader(request)
            .await
            .map_err(|error| self.fatal(error))?;
        self.heard_leader();
        Ok(messages::encode_transfer_outcome(&response))
    }

    async fn serve_piece(&self, payload: Bytes) -> Result<Bytes> {
        let piece: WirePiece = wire::decode(payload, "a piece of a snapshot").map_err(malformed)?;
        self.check_space()?;
        let mut receiving = Arc::clone(&self.receiving).lock_owned().await;
        let store = Arc::clone(&self.machine.snapshots);
        let take = move || receiving.take(piece, &store);
        let vote = match self.machine.blocking.run(take).await?? {
            Received::Piece => None,
            Received::Whole(vote, snapshot) => Some(self.install(vote, snapshot).await?),
        };
        Ok(WirePieceOutcome {
            vote: vote.as_ref().map(WireVote::from),
        }
        .encode_to_vec()
        .into())
    }

    async fn install(&self, vote: Vote, snapshot: SnapshotHandle) -> Result<Vote> {
        let installed = self.raft.install_full_snapshot(vote, with_meta(snapshot)).await;
        self.heard_leader();
        Ok(installed.map_err(|error| self.fatal(error))?.vote)
    }

    fn stopped(&self, error: RaftError<TypeConfig>) -> Error {
        match error {
            RaftError::Fatal(fatal) => self.fatal(fatal),
            RaftError::APIError(error) => Error::Failed {
                detail: error.to_string(),
            },
        }
    }
}

fn malformed(error: DecodeError) -> Error {
    Error::Malformed {
        detail: error.to_string(),
    }
}

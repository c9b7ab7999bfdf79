//! Taking the pieces of a snapshot.

use std::sync::Arc;

use bytes::BytesMut;

use super::messages::{self, WirePiece};
use crate::Error;
use crate::snapshot::{Incoming, Manifest, SnapshotHandle, SnapshotStore};
use crate::types::Vote;
use crate::wire::DecodeError;

/// The largest manifest or part that is put together in memory.
const WHOLE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The snapshot that a replica is receiving. A new transfer replaces one that was given up.
#[derive(Default)]
pub(crate) struct Receiving {
    current: Option<Transfer>,
}

struct Transfer {
    sender: u64,
    transfer: u64,
    next: u64,
    partial: BytesMut,
    incoming: Option<Incoming>,
}

/// What a piece led to.
pub(super) enum Received {
    /// More is to come.
    Piece,
    /// All of it is here, durably.
    Whole(Vote, SnapshotHandle),
}

impl Receiving {
    /// Takes a piece. After an error the transfer is given up and must begin anew.
    pub(super) fn take(&mut self, piece: WirePiece, store: &Arc<SnapshotStore>) -> Result<Received, Error> {
        let current = self.current.take();
        let mut transfer = match current {
            _ if piece.sequence == 0 => Transfer::begin(&piece),
            Some(transfer) if transfer.is_followed_by(&piece) => transfer,
            Some(_) | None => return Err(malformed("a piece of a snapshot is missing")),
        };
        transfer.next += 1;
        if piece.ends {
            let vote = messages::required_vote(piece.vote).map_err(|error| malformed(&error.to_string()))?;
            let incoming = transfer
                .incoming
                .ok_or_else(|| malformed("a snapshot without a manifest"))?;
            return Ok(Received::Whole(vote, incoming.finish()?));
        }
        transfer.add(&piece, store)?;
        self.current = Some(transfer);
        Ok(Received::Piece)
    }
}

impl Transfer {
    fn begin(piece: &WirePiece) -> Self {
        let WirePiece { sender, transfer, .. } = *piece;
        Self {
            sender,
            transfer,
            next: 0,
            partial: BytesMut::new(),
            incoming: None,
        }
    }

    fn is_followed_by(&self, piece: &WirePiece) -> bool {
        (self.sender, self.transfer, self.next) == (piece.sender, piece.transfer, piece.sequence)
    }

    fn add(&mut self, piece: &WirePiece, store: &Arc<SnapshotStore>) -> Result<(), Error> {
        if self.partial.len() + piece.bytes.len() > WHOLE_BYTES_MAX {
            return Err(malformed("a part of a snapshot is too large"));
        }
        self.partial.extend_from_slice(&piece.bytes);
        if !piece.completes {
            return Ok(());
        }
        let whole = self.partial.split().freeze();
        match &mut self.incoming {
            Some(incoming) => incoming.add(&whole)?,
            None => {
                let damaged = |error: DecodeError| malformed(&error.to_string());
                let manifest = Manifest::decode(whole).map_err(damaged)?;
                self.incoming = Some(Incoming::begin(Arc::clone(store), manifest)?);
            }
        }
        Ok(())
    }
}

fn malformed(detail: &str) -> Error {
    Error::Malformed {
        detail: detail.to_owned(),
    }
}

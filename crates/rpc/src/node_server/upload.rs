//! Content that comes in.

use mailstore::codec;
use mailstore::ports::{BlobUpload, Caller};
use mailstore::{GroupId, SessionId};
use tonic::{Request, Response, Status, Streaming};

use super::{NodeServer, account_id, answered, fixed};
use crate::generated::node::upload_piece::Piece;
use crate::generated::node::upload_start::Target;
use crate::generated::node::{UploadPiece, UploadResponse, UploadStart};
use crate::status::status;
use crate::transport::{may_deliver, may_log_in};

impl NodeServer {
    /// Takes the content of an APPEND.
    pub(super) async fn upload_for_session(
        &self,
        request: Request<Streaming<UploadPiece>>,
    ) -> Result<Response<UploadResponse>, Status> {
        let peer = may_log_in(&request)?;
        let mut pieces = request.into_inner();
        let start = start(&mut pieces).await?;
        let Some(Target::Caller(sent)) = start.target else {
            return Err(Status::invalid_argument("upload without caller"));
        };
        let caller = Caller {
            account: account_id(&sent.account)?,
            session: SessionId(fixed(&sent.session, "session")?),
            token: sent.token,
            presenter: peer.name(),
        };
        let upload = self
            .node
            .upload(&caller, start.size)
            .await
            .map_err(|error| status(&error))?;
        receive(upload, pieces, start.size).await
    }

    /// Takes the content of a delivery.
    pub(super) async fn upload_for_delivery(
        &self,
        request: Request<Streaming<UploadPiece>>,
    ) -> Result<Response<UploadResponse>, Status> {
        may_deliver(&request)?;
        let mut pieces = request.into_inner();
        let start = start(&mut pieces).await?;
        let Some(Target::Group(group)) = start.target else {
            return Err(Status::invalid_argument("upload without group"));
        };
        let upload = self.node.upload_to_group(GroupId(group), start.size).await;
        receive(upload.map_err(|error| status(&error))?, pieces, start.size).await
    }
}

async fn start(pieces: &mut Streaming<UploadPiece>) -> Result<UploadStart, Status> {
    match pieces.message().await?.and_then(|piece| piece.piece) {
        Some(Piece::Start(start)) => Ok(start),
        Some(Piece::Octets(_) | Piece::End(_)) | None => {
            Err(Status::invalid_argument("upload without start"))
        }
    }
}

/// Hands the pieces on. A stream that ends early drops the upload, which leaves nothing.
async fn receive(
    mut upload: Box<dyn BlobUpload>,
    mut pieces: Streaming<UploadPiece>,
    size: u64,
) -> Result<Response<UploadResponse>, Status> {
    let mut room = size;
    loop {
        match pieces.message().await?.and_then(|piece| piece.piece) {
            Some(Piece::Octets(octets)) => {
                room = room
                    .checked_sub(octets.len() as u64)
                    .ok_or_else(|| Status::invalid_argument("more octets than announced"))?;
                upload.push(octets).await.map_err(|error| status(&error))?;
            }
            Some(Piece::End(_)) => {
                let stored = upload.finish().await;
                return answered(stored, |stored| UploadResponse {
                    encoded_blob: codec::encode_stored_blob(&stored),
                });
            }
            Some(Piece::Start(_)) => return Err(Status::invalid_argument("upload started twice")),
            None => return Err(Status::cancelled("upload was given up")),
        }
    }
}

//! Administration of one node.

use mailstore::codec;
use mailstore::{GroupId, SessionId};
use tonic::{Request, Response, Status, async_trait};

use super::{Answers, NodeServer, account_id, answered, decoded, encoded, fixed, in_pieces, item_stream};
use crate::generated::node::node_admin_server::NodeAdmin;
use crate::generated::node::{self as proto, EncodedResponse};
use crate::transport::may_administer;

#[async_trait]
impl NodeAdmin for NodeServer {
    async fn propose(
        &self,
        request: Request<proto::ProposeRequest>,
    ) -> Result<Response<proto::SubmitResponse>, Status> {
        may_administer(&request)?;
        let message = request.into_inner();
        let subject = decoded(codec::decode_subject(message.encoded_subject))?;
        let id = message
            .encoded_request_id
            .map(codec::decode_request_id)
            .transpose();
        let command = decoded(codec::decode_command(message.encoded_command))?;
        answered(self.node.propose(subject, decoded(id)?, command).await, |reply| {
            proto::SubmitResponse {
                encoded_reply: codec::encode_reply(&reply),
            }
        })
    }

    async fn derive_credentials(
        &self,
        request: Request<proto::EncodedRequest>,
    ) -> Result<Response<EncodedResponse>, Status> {
        may_administer(&request)?;
        let secret = decoded(codec::decode_secret_change(request.into_inner().encoded))?;
        answered(self.node.derive_credentials(secret).await, |credentials| {
            encoded(credentials.0)
        })
    }

    async fn account(
        &self,
        request: Request<proto::AccountRequest>,
    ) -> Result<Response<EncodedResponse>, Status> {
        may_administer(&request)?;
        let account = account_id(&request.into_inner().account)?;
        answered(self.node.account(account).await, |info| {
            encoded(codec::encode_account_info(&info))
        })
    }

    type AccountTreeStream = Answers<EncodedResponse>;

    async fn account_tree(
        &self,
        request: Request<proto::AccountRequest>,
    ) -> Result<Response<Self::AccountTreeStream>, Status> {
        may_administer(&request)?;
        let account = account_id(&request.into_inner().account)?;
        answered(self.node.account_tree(account).await, |tree| {
            in_pieces(codec::encode_mailbox_tree(&tree))
        })
    }

    type AccountsStream = Answers<EncodedResponse>;

    async fn accounts(
        &self,
        request: Request<proto::AccountsRequest>,
    ) -> Result<Response<Self::AccountsStream>, Status> {
        may_administer(&request)?;
        let group = GroupId(request.into_inner().group);
        answered(self.node.accounts(group).await, |accounts| {
            item_stream(accounts, |info| codec::encode_account_info(&info))
        })
    }

    type SessionsStream = Answers<EncodedResponse>;

    async fn sessions(
        &self,
        request: Request<proto::SessionsRequest>,
    ) -> Result<Response<Self::SessionsStream>, Status> {
        may_administer(&request)?;
        let account = request
            .into_inner()
            .account
            .as_deref()
            .map(account_id)
            .transpose()?;
        answered(self.node.sessions(account).await, |sessions| {
            in_pieces(codec::encode_session_infos(&sessions))
        })
    }

    async fn kick(
        &self,
        request: Request<proto::KickRequest>,
    ) -> Result<Response<proto::KickResponse>, Status> {
        may_administer(&request)?;
        let message = request.into_inner();
        let account = account_id(&message.account)?;
        let session = message
            .session
            .as_deref()
            .map(|octets| fixed(octets, "session").map(SessionId))
            .transpose()?;
        answered(self.node.kick(account, session).await, |ended| {
            proto::KickResponse { ended }
        })
    }

    async fn status(&self, request: Request<proto::Empty>) -> Result<Response<EncodedResponse>, Status> {
        may_administer(&request)?;
        answered(self.node.node_status().await, |status| {
            encoded(codec::encode_node_status(&status))
        })
    }
}

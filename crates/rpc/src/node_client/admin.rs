//! Administration of one node.

use async_trait::async_trait;
use bytes::Bytes;
use mailstore::account::Credentials;
use mailstore::command::{Command, Subject};
use mailstore::ids::RequestId;
use mailstore::ports::{BoxStream, NodeAdmin, NodeStatus, SecretChange, SessionInfo};
use mailstore::query::{AccountInfo, MailboxTree};
use mailstore::{AccountId, GroupId, Reply, SessionId, StoreError, codec};

use super::mail::whole;
use super::{NodeClient, answer, decoded, items};
use crate::generated::node as proto;

#[async_trait]
impl NodeAdmin for NodeClient {
    async fn propose(
        &self,
        subject: Subject,
        request: Option<RequestId>,
        command: Command,
    ) -> Result<Reply, StoreError> {
        let message = proto::ProposeRequest {
            encoded_subject: codec::encode_subject(&subject),
            encoded_request_id: request.as_ref().map(codec::encode_request_id),
            encoded_command: codec::encode_command(&command),
        };
        let response = answer(self.admin.clone().propose(message)).await?;
        decoded(codec::decode_reply(response.encoded_reply))
    }

    async fn derive_credentials(&self, secret: SecretChange) -> Result<Credentials, StoreError> {
        let message = proto::EncodedRequest {
            encoded: codec::encode_secret_change(&secret),
        };
        let response = answer(self.admin.clone().derive_credentials(message)).await?;
        Ok(Credentials(response.encoded))
    }

    async fn account(&self, account: AccountId) -> Result<AccountInfo, StoreError> {
        let response = answer(self.admin.clone().account(request(account))).await?;
        decoded(codec::decode_account_info(response.encoded))
    }

    async fn account_tree(&self, account: AccountId) -> Result<MailboxTree, StoreError> {
        let stream = answer(self.admin.clone().account_tree(request(account))).await?;
        decoded(codec::decode_mailbox_tree(whole(stream).await?))
    }

    async fn accounts(
        &self,
        group: GroupId,
    ) -> Result<BoxStream<Result<AccountInfo, StoreError>>, StoreError> {
        let message = proto::AccountsRequest { group: group.0 };
        let stream = answer(self.admin.clone().accounts(message)).await?;
        Ok(items(stream, codec::decode_account_info))
    }

    async fn sessions(&self, account: Option<AccountId>) -> Result<Vec<SessionInfo>, StoreError> {
        let message = proto::SessionsRequest {
            account: account.map(|account| Bytes::copy_from_slice(&account.0)),
        };
        let stream = answer(self.admin.clone().sessions(message)).await?;
        decoded(codec::decode_session_infos(whole(stream).await?))
    }

    async fn kick(&self, account: AccountId, session: Option<SessionId>) -> Result<u64, StoreError> {
        let message = proto::KickRequest {
            account: Bytes::copy_from_slice(&account.0),
            session: session.map(|session| Bytes::copy_from_slice(&session.0)),
        };
        Ok(answer(self.admin.clone().kick(message)).await?.ended)
    }

    async fn node_status(&self) -> Result<NodeStatus, StoreError> {
        let response = answer(self.admin.clone().status(proto::Empty {})).await?;
        decoded(codec::decode_node_status(response.encoded))
    }
}

fn request(account: AccountId) -> proto::AccountRequest {
    proto::AccountRequest {
        account: Bytes::copy_from_slice(&account.0),
    }
}

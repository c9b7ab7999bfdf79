//! Delivery.

use mailstore::codec;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::{NodeServer, account_id, answered, decoded, encoded};
use crate::generated::node::delivery_server::Delivery;
use crate::generated::node::{self as proto, EncodedResponse};
use crate::transport::may_deliver;

#[async_trait]
impl Delivery for NodeServer {
    async fn check_delivery(
        &self,
        request: Request<proto::CheckDeliveryRequest>,
    ) -> Result<Response<proto::Empty>, Status> {
        may_deliver(&request)?;
        let message = request.into_inner();
        let account = account_id(&message.account)?;
        answered(self.node.check_delivery(account, message.size).await, |()| {
            proto::Empty {}
        })
    }

    async fn upload_to_group(
        &self,
        request: Request<Streaming<proto::UploadPiece>>,
    ) -> Result<Response<proto::UploadResponse>, Status> {
        self.upload_for_delivery(request).await
    }

    async fn deliver(
        &self,
        request: Request<proto::DeliverRequest>,
    ) -> Result<Response<EncodedResponse>, Status> {
        may_deliver(&request)?;
        let message = request.into_inner();
        let account = account_id(&message.account)?;
        let content = decoded(codec::decode_stored_blob(message.encoded_content))?;
        let envelope = decoded(codec::decode_delivery_envelope(message.encoded_envelope))?;
        let delivered = self
            .node
            .deliver(account, message.detail.as_deref(), content, &envelope)
            .await;
        answered(delivered, |delivered| {
            encoded(codec::encode_delivered(&delivered))
        })
    }
}

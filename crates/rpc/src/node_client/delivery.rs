//! Delivery.

use async_trait::async_trait;
use bytes::Bytes;
use mailstore::ports::{BlobUpload, Delivered, DeliveryEnvelope, NodeDelivery, StoredBlob};
use mailstore::{AccountId, GroupId, StoreError, codec};

use super::upload::Upload;
use super::{NodeClient, answer, decoded};
use crate::generated::node as proto;

#[async_trait]
impl NodeDelivery for NodeClient {
    async fn check_delivery(&self, account: AccountId, size: u64) -> Result<(), StoreError> {
        let message = proto::CheckDeliveryRequest {
            account: Bytes::copy_from_slice(&account.0),
            size,
        };
        answer(self.delivery.clone().check_delivery(message))
            .await
            .map(|_| ())
    }

    async fn upload_to_group(&self, group: GroupId, size: u64) -> Result<Box<dyn BlobUpload>, StoreError> {
        let target = proto::upload_start::Target::Group(group.0);
        let mut client = self.delivery.clone();
        Ok(Upload::begin(target, size, async move |pieces| {
            client.upload_to_group(pieces).await
        }))
    }

    async fn deliver(
        &self,
        account: AccountId,
        detail: Option<&str>,
        content: StoredBlob,
        envelope: &DeliveryEnvelope,
    ) -> Result<Delivered, StoreError> {
        let message = proto::DeliverRequest {
            account: Bytes::copy_from_slice(&account.0),
            detail: detail.map(str::to_owned),
            encoded_content: codec::encode_stored_blob(&content),
            encoded_envelope: codec::encode_delivery_envelope(envelope),
        };
        let response = answer(self.delivery.clone().deliver(message)).await?;
        decoded(codec::decode_delivered(response.encoded))
    }
}

//! Mail.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::BytesMut;
use mailstore::codec;
use mailstore::command::Command;
use mailstore::event::Event;
use mailstore::ids::{MailboxId, ModSeq, RequestId};
use mailstore::name::MailboxName;
use mailstore::ports::{BlobUpload, BoxStream, Caller, Mail};
use mailstore::query::{
    ContentChunk, ContentRange, ContentTicket, MailboxChanges, MailboxRef, MailboxTree, MessageAnswer,
    MessageParts, Quota, TicketMessage,
};
use mailstore::search::{SearchProgram, SearchResult};
use mailstore::{Reply, StoreError, UidSet};

use super::subscriptions::Overflow;
use super::upload::Upload;
use super::{NodeClient, answer, caller_message, caller_request, decoded, items, until_lost};
use crate::generated::node as proto;
use crate::generated::node::subscribe_request::Step;
use crate::status::store_error;

#[async_trait]
impl Mail for NodeClient {
    async fn submit(
        &self,
        caller: &Caller,
        request: RequestId,
        command: Command,
    ) -> Result<Reply, StoreError> {
        let message = proto::SubmitRequest {
            caller: Some(caller_message(caller)),
            encoded_request_id: codec::encode_request_id(&request),
            encoded_command: codec::encode_command(&command),
        };
        let response = answer(self.mail.clone().submit(message)).await?;
        decoded(codec::decode_reply(response.encoded_reply))
    }

    async fn mailbox_tree(&self, caller: &Caller) -> Result<Arc<MailboxTree>, StoreError> {
        let mut client = self.bulk.clone();
        let stream = answer(client.mailbox_tree(caller_request(caller))).await?;
        let encoded = whole(stream).await?;
        decoded(codec::decode_mailbox_tree(encoded)).map(Arc::new)
    }

    async fn quota(&self, caller: &Caller) -> Result<Quota, StoreError> {
        let response = answer(self.mail.clone().quota(caller_request(caller))).await?;
        decoded(codec::decode_quota(response.encoded))
    }

    async fn changes(
        &self,
        caller: &Caller,
        mailbox: &MailboxRef,
        since: ModSeq,
    ) -> Result<MailboxChanges, StoreError> {
        let message = proto::ChangesRequest {
            caller: Some(caller_message(caller)),
            encoded_mailbox: codec::encode_mailbox_ref(mailbox),
            since: since.0,
        };
        let stream = answer(self.mail.clone().changes(message)).await?;
        decoded(codec::decode_mailbox_changes(whole(stream).await?))
    }

    async fn messages(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        uids: UidSet,
        parts: MessageParts,
    ) -> Result<BoxStream<Result<Vec<MessageAnswer>, StoreError>>, StoreError> {
        let message = proto::MessagesRequest {
            caller: Some(caller_message(caller)),
            mailbox: mailbox.0,
            encoded_uids: codec::encode_uid_set(&uids),
            encoded_parts: codec::encode_message_parts(&parts),
        };
        let stream = answer(self.bulk.clone().messages(message)).await?;
        Ok(items(stream, codec::decode_message_answers))
    }

    async fn content(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        ranges: Vec<ContentRange>,
    ) -> Result<BoxStream<Result<ContentChunk, StoreError>>, StoreError> {
        let message = proto::ContentRequest {
            caller: Some(caller_message(caller)),
            mailbox: mailbox.0,
            encoded_ranges: codec::encode_content_ranges(&ranges),
        };
        let stream = answer(self.bulk.clone().content(message)).await?;
        Ok(items(stream, codec::decode_content_chunk))
    }

    async fn content_by_ticket(
        &self,
        caller: &Caller,
        _: MailboxId,
        ticket: ContentTicket,
        ranges: Vec<ContentRange>,
    ) -> Result<BoxStream<Result<ContentChunk, StoreError>>, StoreError> {
        let message = |message: TicketMessage| proto::TicketMessage {
            uid: message.uid.get(),
            blob: bytes::Bytes::copy_from_slice(&message.blob.0),
            size: message.size,
        };
        let message = proto::TicketContentRequest {
            caller: Some(caller_message(caller)),
            ticket: ticket.signed,
            messages: ticket.messages.into_iter().map(message).collect(),
            encoded_ranges: codec::encode_content_ranges(&ranges),
        };
        let stream = answer(self.bulk.clone().content_by_ticket(message)).await?;
        Ok(items(stream, codec::decode_content_chunk))
    }

    async fn search(
        &self,
        caller: &Caller,
        mailbox: MailboxId,
        program: SearchProgram,
    ) -> Result<SearchResult, StoreError> {
        let message = proto::SearchRequest {
            caller: Some(caller_message(caller)),
            mailbox: mailbox.0,
            encoded_program: codec::encode_search_program(&program),
        };
        let response = self
            .mail
            .clone()
            .search(message)
            .await
            .map_err(|status| store_error(&status))?;
        decoded(codec::decode_search_result(response.into_inner().encoded))
    }

    async fn check_append(
        &self,
        caller: &Caller,
        mailbox: &MailboxName,
        size: u64,
    ) -> Result<(), StoreError> {
        let message = proto::CheckAppendRequest {
            caller: Some(caller_message(caller)),
            mailbox: mailbox.as_str().to_owned(),
            size,
        };
        answer(self.mail.clone().check_append(message)).await.map(|_| ())
    }

    async fn upload(&self, caller: &Caller, size: u64) -> Result<Box<dyn BlobUpload>, StoreError> {
        let target = proto::upload_start::Target::Caller(caller_message(caller));
        let mut client = self.bulk.clone();
        Ok(Upload::begin(target, size, async move |pieces| {
            client.upload(pieces).await
        }))
    }

    async fn watch(
        &self,
        caller: &Caller,
        mailbox: Option<MailboxId>,
    ) -> Result<BoxStream<Event>, StoreError> {
        let message = proto::WatchRequest {
            caller: Some(caller_message(caller)),
            mailbox: mailbox.map(|mailbox| mailbox.0),
        };
        if !self.subscriptions.are_unknown() {
            let watch = Step::Watch(message);
            return self
                .subscribe(watch, Overflow::Dropped, codec::decode_event)
                .await;
        }
        let stream = answer(self.mail.clone().watch(message)).await?;
        Ok(until_lost(items(stream, codec::decode_event)))
    }
}

/// Puts the pieces of one answer together.
pub(super) async fn whole(
    mut stream: tonic::Streaming<proto::EncodedResponse>,
) -> Result<bytes::Bytes, StoreError> {
    let first = stream.message().await.map_err(|status| store_error(&status))?;
    let Some(first) = first else {
        return Ok(bytes::Bytes::new());
    };
    let mut more = stream.message().await.map_err(|status| store_error(&status))?;
    if more.is_none() {
        return Ok(first.encoded);
    }
    let mut encoded = BytesMut::from(&first.encoded[..]);
    while let Some(piece) = more {
        if encoded.len() + piece.encoded.len() > codec::ENCODED_BYTES_MAX {
            return Err(StoreError::Internal("answer is too large".into()));
        }
        encoded.extend_from_slice(&piece.encoded);
        more = stream.message().await.map_err(|status| store_error(&status))?;
    }
    Ok(encoded.freeze())
}

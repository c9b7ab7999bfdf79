//! Mail.

use mailstore::codec;
use mailstore::ids::{BlobId, MailboxId, ModSeq, Uid};
use mailstore::name::MailboxName;
use mailstore::query::{ContentTicket, TicketMessage};
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::{Answers, NodeServer, answered, decoded, encoded, fixed, in_pieces, item_stream, session_call};
use crate::generated::node::mail_server::Mail;
use crate::generated::node::{self as proto, EncodedResponse};
use crate::status::status;
use futures::StreamExt;

#[async_trait]
impl Mail for NodeServer {
    async fn submit(
        &self,
        request: Request<proto::SubmitRequest>,
    ) -> Result<Response<proto::SubmitResponse>, Status> {
        let (caller, message) = session_call(request, |message| message.caller.as_ref())?;
        let id = decoded(codec::decode_request_id(message.encoded_request_id))?;
        let command = decoded(codec::decode_command(message.encoded_command))?;
        answered(self.node.submit(&caller, id, command).await, |reply| {
            proto::SubmitResponse {
                encoded_reply: codec::encode_reply(&reply),
            }
        })
    }

    type MailboxTreeStream = Answers<EncodedResponse>;

    async fn mailbox_tree(
        &self,
        request: Request<proto::CallerRequest>,
    ) -> Result<Response<Self::MailboxTreeStream>, Status> {
        let (caller, _) = session_call(request, |message| message.caller.as_ref())?;
        answered(self.node.mailbox_tree(&caller).await, |tree| {
            in_pieces(codec::encode_mailbox_tree(&tree))
        })
    }

    async fn quota(
        &self,
        request: Request<proto::CallerRequest>,
    ) -> Result<Response<EncodedResponse>, Status> {
        let (caller, _) = session_call(request, |message| message.caller.as_ref())?;
        answered(self.node.quota(&caller).await, |quota| {
            encoded(codec::encode_quota(&quota))
        })
    }

    type ChangesStream = Answers<EncodedResponse>;

    async fn changes(
        &self,
        request: Request<proto::ChangesRequest>,
    ) -> Result<Response<Self::ChangesStream>, Status> {
        let (caller, message) = session_call(request, |message| message.caller.as_ref())?;
        let mailbox = decoded(codec::decode_mailbox_ref(message.encoded_mailbox))?;
        let changes = self.node.changes(&caller, &mailbox, ModSeq(message.since)).await;
        answered(changes, |changes| {
            in_pieces(codec::encode_mailbox_changes(&changes))
        })
    }

    type MessagesStream = Answers<EncodedResponse>;

    async fn messages(
        &self,
        request: Request<proto::MessagesRequest>,
    ) -> Result<Response<Self::MessagesStream>, Status> {
        let (caller, message) = session_call(request, |message| message.caller.as_ref())?;
        let uids = decoded(codec::decode_uid_set(message.encoded_uids))?;
        let parts = decoded(codec::decode_message_parts(message.encoded_parts))?;
        let stream = self
            .node
            .messages(&caller, MailboxId(message.mailbox), uids, parts)
            .await;
        answered(stream, |stream| {
            item_stream(stream, |batch| codec::encode_message_answers(&batch))
        })
    }

    type ContentStream = Answers<EncodedResponse>;

    async fn content(
        &self,
        request: Request<proto::ContentRequest>,
    ) -> Result<Response<Self::ContentStream>, Status> {
        let (caller, message) = session_call(request, |message| message.caller.as_ref())?;
        let ranges = decoded(codec::decode_content_ranges(message.encoded_ranges))?;
        let stream = self
            .node
            .content(&caller, MailboxId(message.mailbox), ranges)
            .await;
        answered(stream, |stream| {
            item_stream(stream, |chunk| codec::encode_content_chunk(&chunk))
        })
    }

    type ContentByTicketStream = Answers<EncodedResponse>;

    async fn content_by_ticket(
        &self,
        request: Request<proto::TicketContentRequest>,
    ) -> Result<Response<Self::ContentByTicketStream>, Status> {
        let (caller, message) = session_call(request, |message| message.caller.as_ref())?;
        let ranges = decoded(codec::decode_content_ranges(message.encoded_ranges))?;
        let messages = message.messages.iter().map(ticket_message);
        let ticket = ContentTicket {
            signed: message.ticket,
            messages: messages.collect::<Result<_, _>>()?,
        };
        // A ticket names content, wherever the messages lie.
        let stream = self.node.content_by_ticket(&caller, MailboxId(0), ticket, ranges);
        answered(stream.await, |stream| {
            item_stream(stream, |chunk| codec::encode_content_chunk(&chunk))
        })
    }

    async fn search(
        &self,
        request: Request<proto::SearchRequest>,
    ) -> Result<Response<EncodedResponse>, Status> {
        let (caller, message) = session_call(request, |message| message.caller.as_ref())?;
        let program = decoded(codec::decode_search_program(message.encoded_program))?;
        let found = self
            .node
            .search(&caller, MailboxId(message.mailbox), program)
            .await;
        answered(found, |found| encoded(codec::encode_search_result(&found)))
    }

    async fn check_append(
        &self,
        request: Request<proto::CheckAppendRequest>,
    ) -> Result<Response<proto::Empty>, Status> {
        let (caller, message) = session_call(request, |message| message.caller.as_ref())?;
        let name = MailboxName::parse(&message.mailbox);
        let name = name.map_err(|error| Status::invalid_argument(error.to_string()))?;
        answered(self.node.check_append(&caller, &name, message.size).await, |()| {
            proto::Empty {}
        })
    }

    async fn upload(
        &self,
        request: Request<Streaming<proto::UploadPiece>>,
    ) -> Result<Response<proto::UploadResponse>, Status> {
        self.upload_for_session(request).await
    }

    type WatchStream = Answers<EncodedResponse>;

    async fn watch(
        &self,
        request: Request<proto::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let (caller, message) = session_call(request, |message| message.caller.as_ref())?;
        let stream = self.node.watch(&caller, message.mailbox.map(MailboxId)).await;
        let stream = stream.map_err(|error| status(&error))?;
        let events = stream.map(|event| Ok(encoded(codec::encode_event(&event))));
        Ok(Response::new(events.boxed()))
    }

    type SubscribeStream = Answers<proto::SubscribeResponse>;

    async fn subscribe(
        &self,
        request: Request<Streaming<proto::SubscribeRequest>>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        self.serve_subscriptions(request)
    }
}

fn ticket_message(message: &proto::TicketMessage) -> Result<TicketMessage, Status> {
    Ok(TicketMessage {
        uid: Uid::new(message.uid).ok_or_else(|| Status::invalid_argument("UID is zero"))?,
        blob: BlobId(fixed(&message.blob, "blob")?),
        size: message.size,
    })
}

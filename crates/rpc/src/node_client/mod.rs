//! A storage node behind gRPC.

mod admin;
mod delivery;
mod login;
mod mail;
mod subscriptions;
#[cfg(test)]
mod subscriptions_tests;
mod upload;

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures::{FutureExt, Stream, StreamExt, TryFutureExt};
use mailstore::StoreError;
use mailstore::error::DecodeError;
use mailstore::ports::{BoxStream, Caller};
use tonic::{Response, Status, Streaming};

use crate::generated::node::delivery_client::DeliveryClient;
use crate::generated::node::login_client::LoginClient;
use crate::generated::node::mail_client::MailClient;
use crate::generated::node::node_admin_client::NodeAdminClient;
use crate::generated::node::{self as proto, EncodedResponse, subscribe_request};
use crate::status::{store_error, unreadable_answer};
use crate::transport::{Connection, Dialer};
use subscriptions::{Overflow, Subscriptions};

/// Time that a call with one answer may take. A caller that has more patience tries again.
const CALL_TIME_MAX: Duration = Duration::from_secs(10);
/// Largest message of our own that is taken. Pieces of answers are far smaller, but for the summary of a message
/// with thousands of parts and addresses.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A storage node behind gRPC, as if it were in this process. Requests and bulk content go over
/// connections of their own, so that neither waits for the other.
#[derive(Clone)]
pub struct NodeClient {
    mail: MailClient<Connection>,
    bulk: MailClient<Connection>,
    login: LoginClient<Connection>,
    delivery: DeliveryClient<Connection>,
    admin: NodeAdminClient<Connection>,
    subscriptions: Subscriptions,
}

impl NodeClient {
    /// Returns a client that connects when first used.
    #[must_use]
    pub fn new(dialer: &Dialer) -> Self {
        let (requests, bulk) = (dialer.channel(), dialer.channel());
        Self {
            mail: MailClient::new(requests.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
            bulk: MailClient::new(bulk.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
            login: LoginClient::new(requests.clone()).max_decoding_message_size(MESSAGE_BYTES_MAX),
            delivery: DeliveryClient::new(bulk).max_decoding_message_size(MESSAGE_BYTES_MAX),
            admin: NodeAdminClient::new(requests).max_decoding_message_size(MESSAGE_BYTES_MAX),
            subscriptions: Subscriptions::default(),
        }
    }
}

impl NodeClient {
    /// Subscribes to something over the stream that all subscriptions share.
    async fn subscribe<T: Send + 'static>(
        &self,
        step: subscribe_request::Step,
        overflow: Overflow,
        decode: fn(Bytes) -> Result<T, DecodeError>,
    ) -> Result<BoxStream<T>, StoreError> {
        let mut client = self.mail.clone();
        let call = move |requests| {
            let told = async move { client.subscribe(requests).await };
            told.map_ok(|response| response.into_inner().boxed()).boxed()
        };
        let items = self.subscriptions.subscribe(step, overflow, Box::new(call));
        let items = items.await?;
        Ok(until_lost(items.map(move |item| decoded(decode(item)))))
    }
}

/// Waits for a call with one answer.
async fn answer<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Result<T, StoreError> {
    answer_within(CALL_TIME_MAX, call).await
}

/// Waits for a call with one answer, so long.
pub(crate) async fn answer_within<T>(
    limit: Duration,
    call: impl Future<Output = Result<Response<T>, Status>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(limit, call).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(store_error(&status)),
        Err(_) => Err(StoreError::OutcomeUnknown),
    }
}

/// Reads an encoded answer.
pub(crate) fn decoded<T>(encoded: Result<T, DecodeError>) -> Result<T, StoreError> {
    encoded.map_err(|error| unreadable_answer(&error))
}

/// Returns the items of a stream of encoded answers.
fn items<T: Send + 'static>(
    stream: Streaming<EncodedResponse>,
    decode: fn(Bytes) -> Result<T, DecodeError>,
) -> BoxStream<Result<T, StoreError>> {
    stream
        .map(move |item| match item {
            Ok(item) => decoded(decode(item.encoded)),
            Err(status) => Err(store_error(&status)),
        })
        .boxed()
}

/// Returns the items of a stream that ends where the other side is lost or cannot be understood.
fn until_lost<T: Send + 'static>(
    stream: impl Stream<Item = Result<T, StoreError>> + Send + 'static,
) -> BoxStream<T> {
    stream
        .take_while(|item| futures::future::ready(item.is_ok()))
        .filter_map(|item| async { item.ok() })
        .boxed()
}

fn caller_message(caller: &Caller) -> proto::Caller {
    proto::Caller {
        account: Bytes::copy_from_slice(&caller.account.0),
        session: Bytes::copy_from_slice(&caller.session.0),
        token: caller.token.clone(),
    }
}

fn caller_request(caller: &Caller) -> proto::CallerRequest {
    proto::CallerRequest {
        caller: Some(caller_message(caller)),
    }
}

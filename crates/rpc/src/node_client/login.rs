//! Login and the session registry.

use async_trait::async_trait;
use bytes::Bytes;
use mailstore::address::{Address, AddressRecord};
use mailstore::ports::{
    BoxStream, Caller, LoginRequest, NodeLogin, SaslExchange, SaslOutcome, SessionNotice,
};
use mailstore::{AccountId, StoreError, codec};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

use super::subscriptions::Overflow;
use super::{NodeClient, answer, caller_request, decoded, items, until_lost};
use crate::generated::node as proto;
use crate::generated::node::exchange_request::Step as RequestStep;
use crate::generated::node::exchange_response::Step as ResponseStep;
use crate::generated::node::subscribe_request::Step;
use crate::status::store_error;

#[async_trait]
impl NodeLogin for NodeClient {
    async fn address_record(&self, address: &Address) -> Result<Option<AddressRecord>, StoreError> {
        let message = proto::AddressRequest {
            address: address.as_str().to_owned(),
        };
        let response = answer(self.login.clone().address_record(message)).await?;
        response
            .encoded_record
            .map(|encoded| decoded(codec::decode_address_record(encoded)))
            .transpose()
    }

    async fn begin_login_at(
        &self,
        account: Option<AccountId>,
        request: LoginRequest,
    ) -> Result<Box<dyn SaslExchange>, StoreError> {
        let start = proto::ExchangeStart {
            account: account.map(|account| Bytes::copy_from_slice(&account.0)),
            encoded_request: codec::encode_login_request(&request),
        };
        let (messages, queue) = mpsc::channel(1);
        // The queue is empty, so the first message always has room.
        let queued = messages.try_send(proto::ExchangeRequest {
            step: Some(RequestStep::Start(start)),
        });
        debug_assert!(queued.is_ok());
        let mut outcomes = answer(self.login.clone().exchange(ReceiverStream::new(queue))).await?;
        match next(&mut outcomes).await? {
            ResponseStep::Ready(_) => Ok(Box::new(RemoteExchange { messages, outcomes })),
            ResponseStep::EncodedOutcome(_) => {
                Err(StoreError::Internal("exchange began with an outcome".into()))
            }
        }
    }

    async fn notices(&self, caller: &Caller) -> Result<BoxStream<SessionNotice>, StoreError> {
        if !self.subscriptions.are_unknown() {
            let notices = Step::Notices(caller_request(caller));
            return self
                .subscribe(notices, Overflow::Ends, codec::decode_session_notice)
                .await;
        }
        let stream = answer(self.login.clone().notices(caller_request(caller))).await?;
        Ok(until_lost(items(stream, codec::decode_session_notice)))
    }

    async fn end_session(&self, caller: &Caller) -> Result<(), StoreError> {
        answer(self.login.clone().end_session(caller_request(caller)))
            .await
            .map(|_| ())
    }
}

/// An exchange that a node runs.
struct RemoteExchange {
    messages: mpsc::Sender<proto::ExchangeRequest>,
    outcomes: Streaming<proto::ExchangeResponse>,
}

#[async_trait]
impl SaslExchange for RemoteExchange {
    async fn respond(&mut self, message: Bytes) -> Result<SaslOutcome, StoreError> {
        let step = proto::ExchangeRequest {
            step: Some(RequestStep::Message(message)),
        };
        // A closed queue means that the call has ended; the stream of outcomes says why.
        let _ = self.messages.send(step).await;
        match next(&mut self.outcomes).await? {
            ResponseStep::EncodedOutcome(encoded) => decoded(codec::decode_sasl_outcome(encoded)),
            ResponseStep::Ready(_) => Err(StoreError::Internal("exchange began twice".into())),
        }
    }
}

async fn next(outcomes: &mut Streaming<proto::ExchangeResponse>) -> Result<ResponseStep, StoreError> {
    let response = outcomes.message().await.map_err(|status| store_error(&status))?;
    response
        .and_then(|response| response.step)
        .ok_or(StoreError::OutcomeUnknown)
}

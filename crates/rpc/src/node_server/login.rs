//! Login and the session registry.

use futures::StreamExt;
use futures::stream::try_unfold;
use mailstore::address::Address;
use mailstore::codec;
use mailstore::ports::{LoginRequest, SaslExchange, SaslOutcome};
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::{Answers, NodeServer, account_id, answered, decoded, encoded, session_call};
use crate::generated::node::exchange_request::Step as RequestStep;
use crate::generated::node::exchange_response::Step as ResponseStep;
use crate::generated::node::login_server::Login;
use crate::generated::node::{self as proto, EncodedResponse};
use crate::status::status;
use crate::transport::may_resolve;

#[async_trait]
impl Login for NodeServer {
    async fn address_record(
        &self,
        request: Request<proto::AddressRequest>,
    ) -> Result<Response<proto::AddressResponse>, Status> {
        may_resolve(&request)?;
        let address = Address::parse(&request.into_inner().address);
        let address = address.ok_or_else(|| Status::invalid_argument("malformed address"))?;
        answered(self.node.address_record(&address).await, |record| {
            proto::AddressResponse {
                encoded_record: record.as_ref().map(codec::encode_address_record),
            }
        })
    }

    type ExchangeStream = Answers<proto::ExchangeResponse>;

    async fn exchange(
        &self,
        request: Request<Streaming<proto::ExchangeRequest>>,
    ) -> Result<Response<Self::ExchangeStream>, Status> {
        let peer = crate::transport::may_log_in(&request)?;
        let mut messages = request.into_inner();
        let Some(RequestStep::Start(start)) = messages.message().await?.and_then(|message| message.step)
        else {
            return Err(Status::invalid_argument("exchange without start"));
        };
        let account = start.account.as_deref().map(account_id).transpose()?;
        let sent = decoded(codec::decode_login_request(start.encoded_request))?;
        // The token is made out to the process that the certificate names, whatever the request says.
        let login = LoginRequest {
            proxy: peer.name(),
            ..sent
        };
        let exchange = self
            .node
            .begin_login_at(account, login)
            .await
            .map_err(|error| status(&error))?;
        let ready = response(ResponseStep::Ready(proto::Empty {}));
        let outcomes = try_unfold((exchange, messages), |(exchange, messages)| {
            step(exchange, messages)
        });
        Ok(Response::new(
            futures::stream::iter([Ok(ready)]).chain(outcomes).boxed(),
        ))
    }

    type NoticesStream = Answers<EncodedResponse>;

    async fn notices(
        &self,
        request: Request<proto::CallerRequest>,
    ) -> Result<Response<Self::NoticesStream>, Status> {
        let (caller, _) = session_call(request, |message| message.caller.as_ref())?;
        let stream = self.node.notices(&caller).await.map_err(|error| status(&error))?;
        let notices = stream.map(|notice| Ok(encoded(codec::encode_session_notice(&notice))));
        Ok(Response::new(notices.boxed()))
    }

    async fn end_session(
        &self,
        request: Request<proto::CallerRequest>,
    ) -> Result<Response<proto::Empty>, Status> {
        let (caller, _) = session_call(request, |message| message.caller.as_ref())?;
        answered(self.node.end_session(&caller).await, |()| proto::Empty {})
    }
}

type Exchange = (Box<dyn SaslExchange>, Streaming<proto::ExchangeRequest>);

/// Answers one message of the client; the stream ends behind the last outcome.
async fn step(
    mut exchange: Box<dyn SaslExchange>,
    mut messages: Streaming<proto::ExchangeRequest>,
) -> Result<Option<(proto::ExchangeResponse, Exchange)>, Status> {
    let message = match messages.message().await?.and_then(|message| message.step) {
        Some(RequestStep::Message(message)) => message,
        Some(RequestStep::Start(_)) => return Err(Status::invalid_argument("exchange started twice")),
        None => return Ok(None),
    };
    let outcome: SaslOutcome = exchange.respond(message).await.map_err(|error| status(&error))?;
    let encoded = ResponseStep::EncodedOutcome(codec::encode_sasl_outcome(&outcome));
    Ok(Some((response(encoded), (exchange, messages))))
}

fn response(step: ResponseStep) -> proto::ExchangeResponse {
    proto::ExchangeResponse { step: Some(step) }
}

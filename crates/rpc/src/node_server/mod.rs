//! A storage node's services.

mod admin;
mod delivery;
mod login;
mod mail;
pub(crate) mod subscribe;
mod upload;

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use mailstore::error::DecodeError;
use mailstore::ports::{BoxStream, Caller, StorageNode};
use mailstore::{AccountId, SessionId, StoreError};
use tonic::{Request, Response, Status};

use crate::generated::node::delivery_server::DeliveryServer;
use crate::generated::node::login_server::LoginServer;
use crate::generated::node::mail_server::MailServer;
use crate::generated::node::node_admin_server::NodeAdminServer;
use crate::generated::node::{self as proto, EncodedResponse};
use crate::status::{status, unreadable};
use crate::transport::{Services, may_log_in};

/// Octets of one piece of a streamed answer.
const PIECE_BYTES: usize = 256 * 1024;

/// A stream of answers.
pub(crate) type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Offers a storage node's services: mail and login to proxies, delivery to the `lmtp` role,
/// administration to administrators and other storage nodes.
pub fn serve_node(services: &mut Services, node: Arc<dyn StorageNode>) {
    let server = NodeServer { node };
    services.add(MailServer::new(server.clone()));
    services.add(LoginServer::new(server.clone()));
    services.add(DeliveryServer::new(server.clone()));
    services.add(NodeAdminServer::new(server));
}

/// Implements every service by calling the node.
#[derive(Clone)]
struct NodeServer {
    node: Arc<dyn StorageNode>,
}

/// Checks the role and returns the request's message with who makes the call, presented by the process
/// that the connection's certificate names.
fn session_call<T>(
    request: Request<T>,
    caller: impl FnOnce(&T) -> Option<&proto::Caller>,
) -> Result<(Caller, T), Status> {
    let peer = may_log_in(&request)?;
    let message = request.into_inner();
    let sent = caller(&message).ok_or_else(|| Status::invalid_argument("caller is missing"))?;
    let caller = Caller {
        account: account_id(&sent.account)?,
        session: SessionId(fixed(&sent.session, "session")?),
        token: sent.token.clone(),
        presenter: peer.name(),
    };
    Ok((caller, message))
}

fn account_id(octets: &[u8]) -> Result<AccountId, Status> {
    fixed(octets, "account").map(AccountId)
}

fn fixed<const N: usize>(octets: &[u8], what: &str) -> Result<[u8; N], Status> {
    octets
        .try_into()
        .map_err(|_| Status::invalid_argument(format!("{what} has not {N} octets")))
}

pub(crate) fn decoded<T>(value: Result<T, DecodeError>) -> Result<T, Status> {
    value.map_err(|error| unreadable(&error))
}

/// Returns the answer of a call, or the status of its error.
pub(crate) fn answered<T, A>(
    outcome: Result<T, StoreError>,
    make: impl FnOnce(T) -> A,
) -> Result<Response<A>, Status> {
    outcome
        .map(|value| Response::new(make(value)))
        .map_err(|error| status(&error))
}

fn encoded(encoded: Bytes) -> EncodedResponse {
    EncodedResponse { encoded }
}

/// Returns an encoded answer of any size in pieces.
fn in_pieces(mut encoded: Bytes) -> Answers<EncodedResponse> {
    let mut pieces = Vec::with_capacity(encoded.len() / PIECE_BYTES + 1);
    while encoded.len() > PIECE_BYTES {
        pieces.push(encoded.split_to(PIECE_BYTES));
    }
    pieces.push(encoded);
    futures::stream::iter(pieces.into_iter().map(|encoded| Ok(EncodedResponse { encoded }))).boxed()
}

/// Returns a stream of encoded items.
fn item_stream<T: Send + 'static>(
    stream: BoxStream<Result<T, StoreError>>,
    encode: impl Fn(T) -> Bytes + Send + 'static,
) -> Answers<EncodedResponse> {
    stream
        .map(move |item| {
            item.map(|item| encoded(encode(item)))
                .map_err(|error| status(&error))
        })
        .boxed()
}

//! Subscriptions: what a process wants to be told, all over one stream.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{BoxStream, SelectAll, once};
use futures::{FutureExt, Stream, StreamExt};
use mailstore::event::Event;
use mailstore::ids::MailboxId;
use mailstore::ports::{Caller, SessionNotice, StorageNode};
use mailstore::{SessionId, StoreError, codec};
use tokio::sync::oneshot;
use tonic::{Request, Response, Status, Streaming, async_trait};

use super::{Answers, NodeServer, account_id, fixed};
use crate::generated::node::subscribe_request::Step as Asked;
use crate::generated::node::subscribe_response::Step as Told;
use crate::generated::node::{self as proto, SubscribeRequest, SubscribeResponse, SubscriptionEnd};
use crate::transport::may_log_in;

/// Subscriptions of one stream. A proxy has one or two for each session.
const SUBSCRIPTIONS_MAX: usize = 400_000;

impl NodeServer {
    /// Answers subscriptions until the other side ends the stream.
    pub(super) fn serve_subscriptions(
        &self,
        request: Request<Streaming<SubscribeRequest>>,
    ) -> Result<Response<Answers<SubscribeResponse>>, Status> {
        let peer = may_log_in(&request)?;
        let source = Arc::new(OfNode(Arc::clone(&self.node)));
        let desk = Desk::new(source, peer.name(), request.into_inner());
        Ok(Response::new(desk.responses()))
    }
}

/// What a node tells those who subscribe.
#[async_trait]
pub(crate) trait Source: Send + Sync + 'static {
    async fn watch(
        &self,
        caller: &Caller,
        mailbox: Option<MailboxId>,
    ) -> Result<BoxStream<'static, Event>, StoreError>;

    async fn notices(&self, caller: &Caller) -> Result<BoxStream<'static, SessionNotice>, StoreError>;
}

struct OfNode(Arc<dyn StorageNode>);

#[async_trait]
impl Source for OfNode {
    async fn watch(
        &self,
        caller: &Caller,
        mailbox: Option<MailboxId>,
    ) -> Result<BoxStream<'static, Event>, StoreError> {
        self.0.watch(caller, mailbox).await
    }

    async fn notices(&self, caller: &Caller) -> Result<BoxStream<'static, SessionNotice>, StoreError> {
        self.0.notices(caller).await
    }
}

/// What comes next: from the other side, or to be told.
enum Next {
    Asked(Result<SubscribeRequest, Status>),
    Told(SubscribeResponse),
    Closed,
}

/// The subscriptions of one stream.
pub(crate) struct Desk {
    node: Arc<dyn Source>,
    presenter: Arc<str>,
    /// The other side's stream, and one for each subscription.
    streams: SelectAll<BoxStream<'static, Next>>,
    /// Dropped to end a subscription.
    open: HashMap<u64, oneshot::Sender<()>>,
}

impl Desk {
    pub(crate) fn new(
        node: Arc<dyn Source>,
        presenter: Arc<str>,
        requests: impl Stream<Item = Result<SubscribeRequest, Status>> + Send + 'static,
    ) -> Self {
        let requests = requests.map(Next::Asked).chain(once(async { Next::Closed }));
        let mut streams = SelectAll::new();
        streams.push(requests.boxed());
        Self {
            node,
            presenter,
            streams,
            open: HashMap::new(),
        }
    }

    /// Returns what is told over the stream.
    pub(crate) fn responses(self) -> Answers<SubscribeResponse> {
        let told = futures::stream::try_unfold(self, |mut desk| async move {
            let told = desk.next().await?;
            Ok(told.map(|told| (told, desk)))
        });
        told.boxed()
    }

    async fn next(&mut self) -> Result<Option<SubscribeResponse>, Status> {
        while let Some(next) = self.streams.next().await {
            match next {
                Next::Closed => return Ok(None),
                Next::Asked(asked) => {
                    if let Some(refused) = self.take(asked?)? {
                        return Ok(Some(refused));
                    }
                }
                Next::Told(told) => {
                    if matches!(told.step, Some(Told::End(_))) {
                        self.open.remove(&told.subscription);
                    }
                    return Ok(Some(told));
                }
            }
        }
        Ok(None)
    }

    /// Begins or ends a subscription. Returns what is to be said at once.
    fn take(&mut self, request: SubscribeRequest) -> Result<Option<SubscribeResponse>, Status> {
        let (number, node) = (request.subscription, Arc::clone(&self.node));
        let items = match request.step {
            Some(Asked::End(_)) => {
                self.open.remove(&number);
                return Ok(None);
            }
            Some(Asked::Watch(watch)) => {
                let caller = self.caller(watch.caller.as_ref())?;
                let mailbox = watch.mailbox.map(MailboxId);
                async move {
                    let events = node.watch(&caller, mailbox).await?;
                    Ok(events.map(|event| codec::encode_event(&event)).boxed())
                }
                .boxed()
            }
            Some(Asked::Notices(request)) => {
                let caller = self.caller(request.caller.as_ref())?;
                async move {
                    let notices = node.notices(&caller).await?;
                    Ok(notices
                        .map(|notice| codec::encode_session_notice(&notice))
                        .boxed())
                }
                .boxed()
            }
            None => return Err(Status::invalid_argument("subscription to nothing")),
        };
        if self.open.len() >= SUBSCRIPTIONS_MAX {
            return Ok(Some(end(number, Some(&StoreError::Overloaded))));
        }
        let (open, ended) = oneshot::channel();
        if self.open.insert(number, open).is_some() {
            return Err(Status::invalid_argument("subscription begun twice"));
        }
        let told = once(items).flat_map(move |items| told(number, items));
        self.streams.push(told.map(Next::Told).take_until(ended).boxed());
        Ok(None)
    }

    fn caller(&self, sent: Option<&proto::Caller>) -> Result<Caller, Status> {
        let sent = sent.ok_or_else(|| Status::invalid_argument("caller is missing"))?;
        Ok(Caller {
            account: account_id(&sent.account)?,
            session: SessionId(fixed(&sent.session, "session")?),
            token: sent.token.clone(),
            presenter: Arc::clone(&self.presenter),
        })
    }
}

type Items = Result<BoxStream<'static, Bytes>, StoreError>;

/// Returns all that is told of one subscription.
fn told(number: u64, items: Items) -> BoxStream<'static, SubscribeResponse> {
    match items {
        Ok(items) => once(async move { response(number, Told::Begun(proto::Empty {})) })
            .chain(items.map(move |item| response(number, Told::Encoded(item))))
            .chain(once(async move { end(number, None) }))
            .boxed(),
        Err(error) => once(async move { end(number, Some(&error)) }).boxed(),
    }
}

fn end(number: u64, error: Option<&StoreError>) -> SubscribeResponse {
    let encoded_error = error.map(codec::encode_store_error);
    response(number, Told::End(SubscriptionEnd { encoded_error }))
}

fn response(subscription: u64, step: Told) -> SubscribeResponse {
    SubscribeResponse {
        subscription,
        step: Some(step),
    }
}

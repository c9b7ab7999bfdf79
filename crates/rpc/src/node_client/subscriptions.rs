//! Subscriptions to what a node tells, all over one stream.
//!
//! One stream for each mailbox that is watched and for each session would be as many as HTTP/2 allows on a connection
//! soon, and then nothing else would pass.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::task::AtomicWaker;
use futures::{Stream, StreamExt};
use mailstore::{StoreError, codec};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tonic::{Code, Status};

use super::{CALL_TIME_MAX, decoded};
use crate::generated::node::subscribe_request::Step as Asked;
use crate::generated::node::subscribe_response::Step as Told;
use crate::generated::node::{Empty, SubscribeRequest, SubscribeResponse};
use crate::status::store_error;

/// Items that may wait for one subscriber.
const ITEMS_WAITING_MAX: usize = 8;
const LOST: StoreError = StoreError::Unavailable("the storage node is lost");

/// What becomes of an item that finds its subscriber's queue full.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Overflow {
    /// It is dropped: those before it say the same.
    Dropped,
    /// The subscription ends, so that whoever reads begins anew.
    Ends,
}

/// The subscriptions of this process at one node. The stream is made when first needed, and again after it broke.
#[derive(Clone, Default)]
pub(super) struct Subscriptions {
    link: Arc<Mutex<Option<Arc<Link>>>>,
    /// The node is of a version that knows no subscriptions.
    unknown: Arc<AtomicBool>,
}

/// One stream. Its call runs in a task that ends with it.
struct Link {
    shared: Arc<Shared>,
    _call: JoinSet<()>,
}

#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    asked: AtomicWaker,
}

#[derive(Default)]
struct State {
    /// To be sent. No more than two for each subscription.
    outbox: VecDeque<SubscribeRequest>,
    subscribers: HashMap<u64, Subscriber>,
    next_number: u64,
    closed: bool,
}

struct Subscriber {
    begun: Option<oneshot::Sender<Result<(), StoreError>>>,
    items: mpsc::Sender<Bytes>,
    overflow: Overflow,
}

impl Subscriptions {
    /// Tells whether the node knows no subscriptions, so that each needs a stream of its own.
    pub(super) fn are_unknown(&self) -> bool {
        self.unknown.load(Ordering::Relaxed)
    }

    /// Subscribes. `call` makes the stream if there is none.
    pub(super) async fn subscribe(
        &self,
        step: Asked,
        overflow: Overflow,
        call: Call,
    ) -> Result<BoxStream<'static, Bytes>, StoreError> {
        let link = self.link(call);
        let (begun, begins) = oneshot::channel();
        let (items, queue) = mpsc::channel(ITEMS_WAITING_MAX);
        let subscriber = Subscriber {
            begun: Some(begun),
            items,
            overflow,
        };
        let number = link.shared.add(step, subscriber).ok_or(LOST)?;
        let leave = Leave { link, number };
        match tokio::time::timeout(CALL_TIME_MAX, begins).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => return Err(error),
            Ok(Err(_)) | Err(_) => return Err(LOST),
        }
        let items = futures::stream::unfold((queue, leave), |(mut queue, leave)| async move {
            let item = queue.recv().await?;
            Some((item, (queue, leave)))
        });
        Ok(items.boxed())
    }

    fn link(&self, call: Call) -> Arc<Link> {
        let mut link = self.link.lock();
        if let Some(link) = link.as_ref().filter(|link| !link.shared.is_closed()) {
            return Arc::clone(link);
        }
        let shared = Arc::<Shared>::default();
        let outgoing = Outgoing {
            shared: Arc::clone(&shared),
        };
        let (own, unknown) = (Arc::clone(&shared), Arc::clone(&self.unknown));
        let mut calls = JoinSet::new();
        calls.spawn(async move {
            let error = match call(outgoing).await {
                Ok(told) => own.follow(told).await,
                Err(status) => {
                    unknown.fetch_or(status.code() == Code::Unimplemented, Ordering::Relaxed);
                    store_error(&status)
                }
            };
            own.close(&error);
        });
        let new = Arc::new(Link { shared, _call: calls });
        *link = Some(Arc::clone(&new));
        new
    }
}

/// What goes out over a stream.
pub(super) struct Outgoing {
    shared: Arc<Shared>,
}

/// What comes in.
pub(super) type Incoming = BoxStream<'static, Result<SubscribeResponse, Status>>;
/// Makes a stream.
pub(super) type Call = Box<dyn FnOnce(Outgoing) -> BoxFuture<'static, Result<Incoming, Status>> + Send>;

impl Stream for Outgoing {
    type Item = SubscribeRequest;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<SubscribeRequest>> {
        // Registered first, so that what is asked meanwhile wakes.
        self.shared.asked.register(context.waker());
        match self.shared.state.lock().outbox.pop_front() {
            Some(request) => Poll::Ready(Some(request)),
            None => Poll::Pending,
        }
    }
}

impl Shared {
    fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Adds a subscription, unless the stream has broken.
    fn add(&self, step: Asked, subscriber: Subscriber) -> Option<u64> {
        let mut state = self.state.lock();
        if state.closed {
            return None;
        }
        let number = state.next_number;
        state.next_number += 1;
        state.subscribers.insert(number, subscriber);
        state.outbox.push_back(SubscribeRequest {
            subscription: number,
            step: Some(step),
        });
        drop(state);
        self.asked.wake();
        Some(number)
    }

    /// Ends a subscription that nobody reads any more.
    fn leave(&self, number: u64) {
        let mut state = self.state.lock();
        if state.subscribers.remove(&number).is_none() {
            return;
        }
        let waits = |request: &SubscribeRequest| request.subscription == number;
        if let Some(at) = state.outbox.iter().position(waits) {
            // The node has not heard of it.
            state.outbox.remove(at);
            return;
        }
        state.outbox.push_back(SubscribeRequest {
            subscription: number,
            step: Some(Asked::End(Empty {})),
        });
        drop(state);
        self.asked.wake();
    }

    /// Hands on what comes until the stream breaks, and returns why it did.
    async fn follow(&self, mut told: Incoming) -> StoreError {
        loop {
            match told.next().await {
                Some(Ok(response)) => self.hand_on(response),
                Some(Err(status)) => return store_error(&status),
                None => return LOST,
            }
        }
    }

    fn hand_on(&self, response: SubscribeResponse) {
        let mut state = self.state.lock();
        // A subscription that was left is told of until the node has heard.
        let Some(subscriber) = state.subscribers.get_mut(&response.subscription) else {
            return;
        };
        match response.step {
            Some(Told::Begun(_)) => subscriber.begin(Ok(())),
            Some(Told::Encoded(item)) => {
                let full = subscriber.items.try_send(item).is_err();
                if full && subscriber.overflow == Overflow::Ends {
                    // Whoever reads finds the end behind what waits, and leaves.
                    let (closed, _) = mpsc::channel(1);
                    subscriber.items = closed;
                }
            }
            Some(Told::End(end)) => {
                let error = end
                    .encoded_error
                    .map(|error| decoded(codec::decode_store_error(error)));
                let error = error.map_or(LOST, |error| error.unwrap_or_else(|unreadable| unreadable));
                subscriber.begin(Err(error));
                state.subscribers.remove(&response.subscription);
            }
            None => {}
        }
    }

    /// Ends all subscriptions.
    fn close(&self, error: &StoreError) {
        let mut state = self.state.lock();
        state.closed = true;
        state.outbox.clear();
        for (_, mut subscriber) in state.subscribers.drain() {
            subscriber.begin(Err(error.clone()));
        }
    }
}

impl Subscriber {
    fn begin(&mut self, outcome: Result<(), StoreError>) {
        if let Some(begun) = self.begun.take() {
            // Whoever has waited may have given up.
            let _ = begun.send(outcome);
        }
    }
}

/// Ends a subscription when it is dropped.
struct Leave {
    link: Arc<Link>,
    number: u64,
}

impl Drop for Leave {
    fn drop(&mut self) {
        self.link.shared.leave(self.number);
    }
}

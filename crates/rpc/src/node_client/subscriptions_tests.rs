//! Subscriptions there and back, with a stream in memory between the two sides.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use mailstore::event::Event;
use mailstore::ids::{MailboxId, ModSeq};
use mailstore::ports::{Caller, SessionNotice};
use mailstore::{AccountId, SessionId, StoreError, codec};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::async_trait;

use super::caller_message;
use super::subscriptions::{Incoming, Outgoing, Overflow, Subscriptions};
use crate::generated::node::subscribe_request::Step;
use crate::generated::node::{CallerRequest, WatchRequest};
use crate::node_server::subscribe::{Desk, Source};

const ACCOUNT: AccountId = AccountId([1; 16]);

/// A node that tells what it is told to.
#[derive(Default)]
struct Teller {
    watches: Mutex<Vec<(Option<MailboxId>, mpsc::Sender<Event>)>>,
    sessions: Mutex<Vec<mpsc::Sender<SessionNotice>>>,
}

impl Teller {
    fn hint(&self, event: Event) {
        for (_, watch) in &*self.watches.lock() {
            // Nobody may be reading.
            let _ = watch.try_send(event);
        }
    }

    /// Counts the watches that somebody still reads.
    fn watched(&self) -> usize {
        self.watches
            .lock()
            .iter()
            .filter(|(_, watch)| !watch.is_closed())
            .count()
    }
}

#[async_trait]
impl Source for Teller {
    async fn watch(
        &self,
        caller: &Caller,
        mailbox: Option<MailboxId>,
    ) -> Result<BoxStream<'static, Event>, StoreError> {
        if caller.account != ACCOUNT || &*caller.presenter != "proxy-1" {
            return Err(StoreError::Unauthorized);
        }
        let (sender, events) = mpsc::channel(64);
        self.watches.lock().push((mailbox, sender));
        Ok(ReceiverStream::new(events).boxed())
    }

    async fn notices(&self, _: &Caller) -> Result<BoxStream<'static, SessionNotice>, StoreError> {
        let (sender, notices) = mpsc::channel(64);
        self.sessions.lock().push(sender);
        Ok(ReceiverStream::new(notices).boxed())
    }
}

/// Both sides, and how often a stream was made between them.
#[derive(Default)]
struct Pair {
    node: Arc<Teller>,
    client: Subscriptions,
    streams: Arc<AtomicUsize>,
    /// Breaks the present stream when taken.
    breaker: Arc<Mutex<Option<mpsc::Sender<()>>>>,
}

impl Pair {
    async fn subscribe(
        &self,
        step: Step,
        overflow: Overflow,
    ) -> Result<BoxStream<'static, bytes::Bytes>, StoreError> {
        let (node, streams) = (Arc::clone(&self.node), Arc::clone(&self.streams));
        let breaker = Arc::clone(&self.breaker);
        let call = move |requests: Outgoing| {
            streams.fetch_add(1, Ordering::SeqCst);
            let (whole, mut broken) = mpsc::channel(1);
            *breaker.lock() = Some(whole);
            let responses = Desk::new(node, "proxy-1".into(), requests.map(Ok)).responses();
            let broken = async move { broken.recv().await };
            let incoming: Incoming = responses.take_until(broken.boxed()).boxed();
            async move { Ok(incoming) }.boxed()
        };
        self.client.subscribe(step, overflow, Box::new(call)).await
    }

    async fn watch(&self, account: AccountId) -> Result<BoxStream<'static, Event>, StoreError> {
        let watch = Step::Watch(WatchRequest {
            caller: Some(caller_message(&caller(account))),
            mailbox: Some(7),
        });
        let items = self.subscribe(watch, Overflow::Dropped).await?;
        Ok(items
            .map(|item| codec::decode_event(item).expect("an event"))
            .boxed())
    }
}

fn caller(account: AccountId) -> Caller {
    Caller {
        account,
        session: SessionId([2; 16]),
        token: "token".into(),
        presenter: "whatever the client says".into(),
    }
}

fn changed(modseq: u64) -> Event {
    Event::MailboxChanged {
        account: ACCOUNT,
        mailbox: MailboxId(7),
        modseq: ModSeq(modseq),
    }
}

#[tokio::test]
async fn all_subscriptions_go_over_one_stream() {
    let pair = Pair::default();
    let mut watches = Vec::new();
    for _ in 0..100 {
        watches.push(pair.watch(ACCOUNT).await.expect("a watch"));
    }
    pair.node.hint(changed(5));
    for watch in &mut watches {
        assert_eq!(watch.next().await, Some(changed(5)));
    }
    assert_eq!(pair.streams.load(Ordering::SeqCst), 1);
    // Those that nobody reads any more are ended at the node too.
    watches.truncate(30);
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(pair.node.watched(), 30);
}

#[tokio::test]
async fn a_refusal_is_told_and_costs_no_other_subscription() {
    let pair = Pair::default();
    let mut watch = pair.watch(ACCOUNT).await.expect("a watch");
    let refused = pair.watch(AccountId([9; 16])).await.map(drop);
    assert_eq!(refused, Err(StoreError::Unauthorized));
    pair.node.hint(changed(5));
    assert_eq!(watch.next().await, Some(changed(5)));
}

#[tokio::test]
async fn subscriptions_end_with_their_stream_and_begin_anew() {
    let pair = Pair::default();
    let mut watch = pair.watch(ACCOUNT).await.expect("a watch");
    drop(pair.breaker.lock().take());
    assert_eq!(watch.next().await, None);
    let mut watch = pair.watch(ACCOUNT).await.expect("another watch");
    pair.node.hint(changed(6));
    assert_eq!(watch.next().await, Some(changed(6)));
    assert_eq!(pair.streams.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_the_node_ends_ends_here() {
    let pair = Pair::default();
    let mut watch = pair.watch(ACCOUNT).await.expect("a watch");
    pair.node.watches.lock().clear();
    assert_eq!(watch.next().await, None);
}

/// Hints may be dropped where others wait. A notice may not: whoever is behind has to begin anew.
#[tokio::test]
async fn whoever_does_not_read_keeps_nobody_waiting() {
    let pair = Pair::default();
    let mut slow = pair.watch(ACCOUNT).await.expect("a watch");
    let notices = Step::Notices(CallerRequest {
        caller: Some(caller_message(&caller(ACCOUNT))),
    });
    let notices = pair.subscribe(notices, Overflow::Ends).await.expect("notices");
    let mut quick = pair.watch(ACCOUNT).await.expect("a watch");
    for modseq in 0..40 {
        pair.node.hint(changed(modseq));
        let session = pair.node.sessions.lock()[0].clone();
        // The node may have heard already that nobody reads.
        let _ = session.try_send(SessionNotice::TokenRenewed("token".into()));
        assert_eq!(quick.next().await, Some(changed(modseq)));
    }
    let waiting = std::iter::from_fn(|| slow.next().now_or_never().flatten()).count();
    assert!((1..40).contains(&waiting), "{waiting}");
    let heard: Vec<_> = notices.collect().await;
    assert!((1..40).contains(&heard.len()), "{}", heard.len());
}

//! How calls, streams and uploads travel between a proxy and a storage node, and what becomes of them when
//! either is gone.

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use mailstore::StoreError;
use mailstore::ports::{BlobUpload, BoxStream, SaslExchange, SaslOutcome, StoredBlob};
use storage_node::Node;
use tokio_util::sync::CancellationToken;

use crate::network::Network;

/// The way from one process to a machine. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Way {
    network: Network,
    from: String,
    to: String,
    /// Cancelled when the process is gone that calls.
    process: CancellationToken,
}

/// What is heard from a process that is gone: nothing that would be tried again.
fn own_end() -> StoreError {
    StoreError::Internal("the process is gone".to_owned())
}

impl Way {
    pub(crate) fn new(network: &Network, from: &str, to: &str, process: CancellationToken) -> Self {
        Self {
            network: network.clone(),
            from: from.to_owned(),
            to: to.to_owned(),
            process,
        }
    }

    /// Makes a call, and returns with the answer what tells that the node has gone away. A call whose node goes
    /// away has an unknown outcome; one whose caller goes away is dropped.
    pub(crate) async fn call<T, C, F>(&self, call: C) -> Result<(T, CancellationToken), StoreError>
    where
        C: FnOnce(Node) -> F,
        F: Future<Output = Result<T, StoreError>>,
    {
        let called = async {
            let reached = self.network.reach(&self.from, &self.to).await;
            let services = reached.ok_or(StoreError::Unavailable("no way to the node"))?;
            let answer = call(services.node.clone());
            let answer = self.answered(answer, &services.gone).await;
            answer.map(|answer| (answer, services.gone))
        };
        // Both are polled again until one is ready.
        tokio::select! {
            biased;
            () = self.process.cancelled() => Err(own_end()),
            answer = called => answer,
        }
    }

    /// Brings back what the node answers, for as long as it is there.
    async fn answered<T>(
        &self,
        answer: impl Future<Output = Result<T, StoreError>>,
        gone: &CancellationToken,
    ) -> Result<T, StoreError> {
        let answered = async {
            let answer = answer.await;
            match self.network.carry(&self.to, &self.from).await {
                true => answer,
                false => Err(StoreError::OutcomeUnknown),
            }
        };
        tokio::select! {
            biased;
            () = gone.cancelled() => Err(StoreError::OutcomeUnknown),
            answer = answered => answer,
        }
    }

    /// Makes one more call of what the node answered with.
    async fn again<T>(
        &self,
        answer: impl Future<Output = Result<T, StoreError>>,
        gone: &CancellationToken,
    ) -> Result<T, StoreError> {
        let called = async {
            match self.network.carry(&self.from, &self.to).await {
                true => self.answered(answer, gone).await,
                false => Err(StoreError::OutcomeUnknown),
            }
        };
        tokio::select! {
            biased;
            () = self.process.cancelled() => Err(own_end()),
            answer = called => answer,
        }
    }

    /// Returns the items of an answer, which fail when the node goes away or the way to it.
    pub(crate) fn items<T: Send + 'static>(
        &self,
        items: BoxStream<Result<T, StoreError>>,
        gone: CancellationToken,
    ) -> BoxStream<Result<T, StoreError>> {
        let way = self.clone();
        let brought = items.then(move |item| {
            let (way, gone) = (way.clone(), gone.clone());
            async move {
                if way.process.is_cancelled() {
                    return Err(own_end());
                }
                match !gone.is_cancelled() && way.network.carry(&way.to, &way.from).await {
                    true => item,
                    false => Err(StoreError::Unavailable("the node has gone away")),
                }
            }
        });
        brought.boxed()
    }

    /// Returns the events of an answer, which end when the node goes away or the way to it.
    pub(crate) fn events<T: Send + 'static>(
        &self,
        events: BoxStream<T>,
        gone: CancellationToken,
    ) -> BoxStream<T> {
        let way = self.clone();
        let brought = {
            let way = way.clone();
            events.then(move |event| {
                let way = way.clone();
                async move { way.network.carry(&way.to, &way.from).await.then_some(event) }
            })
        };
        let brought = brought.take_while(|event| std::future::ready(event.is_some()));
        let lost = async move {
            tokio::select! {
                biased;
                () = gone.cancelled() => {}
                () = way.process.cancelled() => {}
                () = way.network.severed(&way.from, &way.to) => {}
            }
        };
        let events = brought.filter_map(std::future::ready);
        events.take_until(Box::pin(lost)).boxed()
    }

    /// Returns an upload as it is fed from here.
    pub(crate) fn upload(&self, inner: Box<dyn BlobUpload>, gone: CancellationToken) -> Box<dyn BlobUpload> {
        Box::new(RemoteUpload {
            way: self.clone(),
            inner,
            gone,
        })
    }

    /// Returns an exchange as it is led from here.
    pub(crate) fn exchange(
        &self,
        inner: Box<dyn SaslExchange>,
        gone: CancellationToken,
    ) -> Box<dyn SaslExchange> {
        Box::new(RemoteExchange {
            way: self.clone(),
            inner,
            gone,
        })
    }
}

struct RemoteUpload {
    way: Way,
    inner: Box<dyn BlobUpload>,
    gone: CancellationToken,
}

#[async_trait]
impl BlobUpload for RemoteUpload {
    async fn push(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.way.again(self.inner.push(bytes), &self.gone).await
    }

    async fn finish(self: Box<Self>) -> Result<StoredBlob, StoreError> {
        let Self { way, inner, gone } = *self;
        way.again(inner.finish(), &gone).await
    }
}

struct RemoteExchange {
    way: Way,
    inner: Box<dyn SaslExchange>,
    gone: CancellationToken,
}

#[async_trait]
impl SaslExchange for RemoteExchange {
    async fn respond(&mut self, message: Bytes) -> Result<SaslOutcome, StoreError> {
        self.way.again(self.inner.respond(message), &self.gone).await
    }
}

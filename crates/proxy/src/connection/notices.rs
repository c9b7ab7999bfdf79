//! The session registry's messages to one session, and the lease that keeps the session registered.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use mailstore::StoreError;
use mailstore::ports::{BoxStream, SessionNotice};

use crate::account_store::AccountStore;
use crate::services::Services;

/// Wait before the registry is asked again after its leader was lost.
const RESUME_WAIT: Duration = Duration::from_secs(1);

struct Subscription {
    services: Arc<Services>,
    store: Arc<AccountStore>,
    current: Option<BoxStream<SessionNotice>>,
    over: bool,
}

/// Returns the notices for a session, across the loss of storage nodes. Ends only with the session.
pub(crate) fn notices(services: Arc<Services>, store: Arc<AccountStore>) -> BoxStream<SessionNotice> {
    let subscription = Subscription {
        services,
        store,
        current: None,
        over: false,
    };
    Box::pin(stream::unfold(subscription, |mut subscription| async move {
        let notice = subscription.next().await?;
        Some((notice, subscription))
    }))
}

impl Subscription {
    async fn next(&mut self) -> Option<SessionNotice> {
        while !self.over {
            let Some(current) = &mut self.current else {
                if let Some(end) = self.subscribe().await {
                    self.over = true;
                    return Some(end);
                }
                continue;
            };
            if let Some(notice) = current.next().await {
                return Some(notice);
            }
            self.current = None;
            tokio::time::sleep(RESUME_WAIT).await;
        }
        None
    }

    /// Asks the registry. A session that it refuses is over; a registry that does not answer is asked
    /// again, and the session goes on meanwhile.
    async fn subscribe(&mut self) -> Option<SessionNotice> {
        let caller = self.store.caller();
        match self.services.authentication.session_notices(&caller).await {
            Ok(current) => {
                self.current = Some(current);
                None
            }
            Err(StoreError::Unauthorized | StoreError::Rejected(_)) => {
                Some(SessionNotice::Ended("Session is over"))
            }
            Err(error) => {
                tracing::debug!(%error, "session registry does not answer");
                tokio::time::sleep(RESUME_WAIT).await;
                None
            }
        }
    }
}

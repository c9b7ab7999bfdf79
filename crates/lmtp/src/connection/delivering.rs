//! The commit: from a whole message to one reply for each recipient. It runs in a task of its own, which
//! outlives the connection that asked for it.

use std::sync::Arc;

use futures::StreamExt;
use lmtp_wire::Reply;
use mailstore::StoreError;
use mailstore::ports::{Delivered, DeliveryEnvelope, DeliveryUpload};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tracing::{Instrument, Span};

use super::incoming::Incoming;
use crate::environment::TransactionName;
use crate::mail_log;
use crate::role::Shared;
use crate::session::Transaction;
use crate::status::Failure;

/// What is needed to deliver a whole message, or to say why it cannot be.
pub(super) struct Commit {
    name: TransactionName,
    span: Span,
    transaction: Transaction,
    upload: Result<Box<dyn DeliveryUpload>, Failure>,
}

impl Commit {
    pub(super) fn new(incoming: Incoming, transaction: Transaction) -> Self {
        Self {
            name: incoming.name,
            span: incoming.span,
            upload: incoming.upload,
            transaction,
        }
    }
}

/// Starts the delivery. The receiver yields the reply for each recipient, by its place among the
/// accepted ones; it need not be listened to.
pub(super) fn start(shared: &Arc<Shared>, commit: Commit) -> mpsc::Receiver<(usize, Reply)> {
    let (replies, receiver) = mpsc::channel(commit.transaction.recipients.len().max(1));
    let span = commit.span.clone();
    let shared = Arc::clone(shared);
    let tasks = shared.tasks.clone();
    tasks.spawn(
        async move {
            let started = Instant::now();
            deliver(&shared, commit, &replies).await;
            shared.instruments.delivered(started.elapsed());
        }
        .instrument(span),
    );
    receiver
}

async fn deliver(shared: &Shared, commit: Commit, replies: &mpsc::Sender<(usize, Reply)>) {
    let (distinct, places) = commit.transaction.distinct();
    let mut report = Report {
        shared,
        name: commit.name,
        sender: commit.transaction.sender(),
        transaction: &commit.transaction,
        places: &places,
        open: vec![true; distinct.len()],
        replies,
    };
    let envelope = DeliveryEnvelope {
        sender: commit.transaction.sender(),
        transaction: commit.name.commit_id(shared.environment.now()),
    };
    let delivered = match commit.upload {
        Ok(upload) => upload.deliver(envelope).await.map_err(Failure::Store),
        Err(failure) => Err(failure),
    };
    match delivered {
        Ok(mut results) => {
            while let Some((place, delivered)) = results.next().await {
                report.tell(place, &shared.rules.status.delivered(&delivered));
            }
            let none = Delivered::Later(StoreError::OutcomeUnknown);
            report.tell_rest(&shared.rules.status.delivered(&none));
        }
        Err(failure) => report.tell_rest(&shared.rules.status.failure(&failure)),
    }
}

/// Tells the connection, the log and the metrics, once for each recipient.
struct Report<'a> {
    shared: &'a Shared,
    name: TransactionName,
    sender: String,
    transaction: &'a Transaction,
    /// Which result stands for each recipient.
    places: &'a [usize],
    /// The results that are still to come.
    open: Vec<bool>,
    replies: &'a mpsc::Sender<(usize, Reply)>,
}

impl Report<'_> {
    fn tell(&mut self, place: usize, reply: &Reply) {
        match self.open.get_mut(place) {
            Some(open) if *open => *open = false,
            _ => {
                tracing::error!(place, "storage gave a result that nobody waits for");
                return;
            }
        }
        let recipients = self.transaction.recipients.iter().enumerate().zip(self.places);
        for ((index, accepted), _) in recipients.filter(|(_, of)| **of == place) {
            let address = accepted.recipient.address.as_str();
            mail_log::recipient(Some(&self.name), &self.sender, address, reply);
            self.shared.instruments.answered(reply);
            // There is room for every reply, and nobody needs one when the client is gone.
            let _ = self.replies.try_send((index, reply.clone()));
        }
    }

    fn tell_rest(&mut self, reply: &Reply) {
        let open = self.open.iter().enumerate().filter(|(_, open)| **open);
        let places: Vec<usize> = open.map(|(place, _)| place).collect();
        for place in places {
            self.tell(place, reply);
        }
    }
}

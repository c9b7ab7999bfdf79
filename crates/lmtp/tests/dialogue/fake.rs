//! A storage that does what the names of recipients ask for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use lmtp::Environment;
use mailstore::address::Address;
use mailstore::ports::{
    BoxStream, Delivered, Delivery, DeliveryEnvelope, DeliveryUpload, Recipient, RecipientRefusal,
};
use mailstore::time::Timestamp;
use mailstore::{AccountId, Rejection, StoreError};
use tokio::sync::Semaphore;

/// A message that was delivered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    pub recipients: Vec<String>,
    pub sender: String,
    pub transaction: [u8; 16],
    pub content: Vec<u8>,
}

#[derive(Default)]
pub struct Log {
    pub delivered: Mutex<Vec<Message>>,
    /// Uploads that were begun, and those that are not dropped or delivered yet.
    pub begun: AtomicUsize,
    pub open: AtomicUsize,
    pub piece_bytes_max: AtomicUsize,
    pub size_announced: AtomicUsize,
}

/// The storage. Deliveries wait at the gate when there is one.
#[derive(Clone, Default)]
pub struct Fake {
    pub log: Arc<Log>,
    pub gate: Option<Arc<Semaphore>>,
}

struct Upload {
    fake: Fake,
    recipients: Vec<Recipient>,
    size: u64,
    content: Vec<u8>,
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.fake.log.open.fetch_sub(1, Ordering::SeqCst);
    }
}

fn local(recipient: &Recipient) -> &str {
    let address = recipient.address.as_str();
    address.split(['@', '+']).next().unwrap_or(address)
}

impl Fake {
    fn asked(recipients: &[Recipient], name: &str) -> bool {
        recipients.iter().any(|recipient| local(recipient) == name)
    }
}

#[async_trait]
impl Delivery for Fake {
    async fn resolve(&self, address: &Address) -> Result<Recipient, RecipientRefusal> {
        let bare = address.without_detail().unwrap_or_else(|| address.clone());
        let detail = address.as_str().split_once('+').map(|(_, rest)| rest);
        let mut id = [0; 16];
        for (octet, byte) in id.iter_mut().zip(bare.as_str().bytes()) {
            *octet = byte;
        }
        let recipient = Recipient {
            address: address.clone(),
            account: AccountId(id),
            detail: detail.and_then(|rest| rest.split('@').next()).map(str::to_owned),
        };
        match local(&recipient) {
            "nobody" => Err(RecipientRefusal::Unknown),
            "full" => Err(RecipientRefusal::OverQuota),
            "away" => Err(RecipientRefusal::Temporary),
            "packed" => Err(RecipientRefusal::NoSpace),
            "stuck" => std::future::pending().await,
            _ => Ok(recipient),
        }
    }

    async fn upload(
        &self,
        recipients: &[Recipient],
        size: u64,
    ) -> Result<Box<dyn DeliveryUpload>, StoreError> {
        if Self::asked(recipients, "no-room") {
            return Err(StoreError::NoSpace);
        }
        self.log.begun.fetch_add(1, Ordering::SeqCst);
        self.log.open.fetch_add(1, Ordering::SeqCst);
        let announced = usize::try_from(size).unwrap_or(usize::MAX);
        self.log.size_announced.store(announced, Ordering::SeqCst);
        Ok(Box::new(Upload {
            fake: self.clone(),
            recipients: recipients.to_vec(),
            size,
            content: Vec::new(),
        }))
    }
}

fn result(recipient: &Recipient) -> Option<Delivered> {
    Some(match local(recipient) {
        "grew-full" => Delivered::Refused(Rejection::OverQuota),
        "removed" => Delivered::Refused(Rejection::NoSuchAccount),
        "disk-full" => Delivered::Later(StoreError::NoSpace),
        "busy" => Delivered::Later(StoreError::Overloaded),
        "broken" => Delivered::Later(StoreError::Internal("row 7 of shelf 3".into())),
        "silent" => return None,
        _ => Delivered::Done,
    })
}

#[async_trait]
impl DeliveryUpload for Upload {
    async fn push(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        if Fake::asked(&self.recipients, "stalls") {
            std::future::pending::<()>().await;
        }
        self.fake
            .log
            .piece_bytes_max
            .fetch_max(bytes.len(), Ordering::SeqCst);
        self.content.extend_from_slice(&bytes);
        if Fake::asked(&self.recipients, "fills-up") && self.content.len() > 40_000 {
            return Err(StoreError::NoSpace);
        }
        assert!(self.content.len() as u64 <= self.size, "more than was announced");
        Ok(())
    }

    async fn deliver(
        mut self: Box<Self>,
        envelope: DeliveryEnvelope,
    ) -> Result<BoxStream<(usize, Delivered)>, StoreError> {
        if let Some(gate) = &self.fake.gate {
            gate.acquire().await.expect("the gate is never closed").forget();
        }
        if Fake::asked(&self.recipients, "refuses-all") {
            return Err(StoreError::Unavailable("no leader"));
        }
        let results = self.recipients.iter().map(result).enumerate();
        let mut results: Vec<(usize, Delivered)> = results
            .filter_map(|(index, result)| result.map(|result| (index, result)))
            .collect();
        let done = results.iter().filter(|(_, result)| *result == Delivered::Done);
        let recipients = done.filter_map(|(index, _)| self.recipients.get(*index));
        let message = Message {
            recipients: recipients
                .map(|recipient| recipient.address.to_string())
                .collect(),
            sender: envelope.sender,
            transaction: envelope.transaction,
            content: std::mem::take(&mut self.content),
        };
        self.fake
            .log
            .delivered
            .lock()
            .expect("not poisoned")
            .push(message);
        // Results come in the order in which groups commit, not in that of RCPT.
        results.reverse();
        Ok(futures::stream::iter(results).boxed())
    }
}

/// A clock that stands still, and randomness that counts.
#[derive(Default)]
pub struct Still {
    drawn: AtomicUsize,
}

impl Environment for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000)
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        let drawn = self.drawn.fetch_add(1, Ordering::SeqCst);
        bytes.fill(u8::try_from(drawn % 256).expect("less than 256"));
    }
}

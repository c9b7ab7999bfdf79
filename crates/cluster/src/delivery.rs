//! Delivery to recipients in any number of groups.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use mailstore::address::{Address, AddressState};
use mailstore::ports::{
    BlobUpload, BoxStream, Delivered, Delivery, DeliveryEnvelope, DeliveryUpload, Recipient,
    RecipientRefusal, StoredBlob,
};
use mailstore::{GroupId, Rejection, StoreError};

use crate::router::Router;
use crate::spool::{SpooledUpload, Target};

#[async_trait]
impl Delivery for Router {
    async fn resolve(&self, address: &Address) -> Result<Recipient, RecipientRefusal> {
        let detail = detail_of(address);
        for candidate in std::iter::once(address.clone()).chain(address.without_detail()) {
            let record = self
                .address_record(&candidate)
                .await
                .map_err(|_| RecipientRefusal::Temporary)?;
            let Some(record) = record.filter(|record| record.state == AddressState::Active) else {
                continue;
            };
            let account = record.account;
            let group = self.group_of(account);
            self.at_leader(group, |node| async move { node.check_delivery(account, 0).await })
                .await
                .map_err(|error| refusal(&error))?;
            let detail = detail.filter(|_| candidate != *address);
            return Ok(Recipient {
                address: address.clone(),
                account,
                detail,
            });
        }
        Err(RecipientRefusal::Unknown)
    }

    async fn upload(
        &self,
        recipients: &[Recipient],
        size: u64,
    ) -> Result<Box<dyn DeliveryUpload>, StoreError> {
        let mut uploads = BTreeMap::new();
        for recipient in recipients {
            let group = self.group_of(recipient.account);
            if let Entry::Vacant(vacant) = uploads.entry(group) {
                let upload = SpooledUpload::begin(self.clone(), Target::Group(group), size).await;
                vacant.insert(upload.map(|upload| Box::new(upload) as Box<dyn BlobUpload>));
            }
        }
        let upload = GroupUploads {
            router: self.clone(),
            recipients: recipients.to_vec(),
            uploads,
        };
        upload.check()?;
        Ok(Box::new(upload))
    }
}

/// Returns what stands behind the `+` of the local part.
fn detail_of(address: &Address) -> Option<String> {
    let (local, _) = address.as_str().rsplit_once('@')?;
    let (user, detail) = local.split_once('+')?;
    (!user.is_empty() && !detail.is_empty()).then(|| detail.to_owned())
}

fn refusal(error: &StoreError) -> RecipientRefusal {
    match error {
        StoreError::Rejected(rejection) => rejected(rejection),
        StoreError::NoSpace => RecipientRefusal::NoSpace,
        StoreError::Unauthorized
        | StoreError::Unavailable(_)
        | StoreError::NotLeader { .. }
        | StoreError::WrongGroup { .. }
        | StoreError::Overloaded
        | StoreError::OutcomeUnknown
        | StoreError::ContentUnavailable
        | StoreError::Limit(_)
        | StoreError::Internal(_) => RecipientRefusal::Temporary,
    }
}

/// Only an account that is not there sends mail back. Whatever else stands in the way may go away, and the sender's
/// server tries again.
fn rejected(rejection: &Rejection) -> RecipientRefusal {
    match rejection {
        Rejection::OverQuota => RecipientRefusal::OverQuota,
        Rejection::NoSuchAccount
        | Rejection::NoSuchAddress
        | Rejection::AccountNotActive
        | Rejection::AccountState => RecipientRefusal::Unknown,
        Rejection::AccountExists
        | Rejection::AddressTaken
        | Rejection::NoSuchMailbox
        | Rejection::MailboxExists
        | Rejection::MailboxHasChildren
        | Rejection::Inbox
        | Rejection::Name(_)
        | Rejection::RenameBelowItself
        | Rejection::SpecialUseTaken
        | Rejection::TooManyKeywords
        | Rejection::TooManyMailboxes
        | Rejection::TooManyMessages
        | Rejection::UidsExhausted
        | Rejection::Secret
        | Rejection::MessageTooLarge
        | Rejection::OutcomeUnknown
        | Rejection::SlotMoving
        | Rejection::WrongGroup
        | Rejection::SlotStep => RecipientRefusal::Temporary,
    }
}

/// One upload for each group that has a recipient. A group that fails fails its own recipients only.
struct GroupUploads {
    router: Router,
    recipients: Vec<Recipient>,
    uploads: BTreeMap<GroupId, Result<Box<dyn BlobUpload>, StoreError>>,
}

impl GroupUploads {
    /// Fails when no group can take the content any more.
    fn check(&self) -> Result<(), StoreError> {
        if self.uploads.values().any(Result::is_ok) {
            return Ok(());
        }
        let error = self.uploads.values().find_map(|upload| upload.as_ref().err());
        Err(error.cloned().unwrap_or(StoreError::Unavailable("no recipient")))
    }
}

#[async_trait]
impl DeliveryUpload for GroupUploads {
    async fn push(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        for upload in self.uploads.values_mut() {
            if let Ok(open) = upload
                && let Err(error) = open.push(bytes.clone()).await
            {
                *upload = Err(error);
            }
        }
        self.check()
    }

    async fn deliver(
        self: Box<Self>,
        envelope: DeliveryEnvelope,
    ) -> Result<BoxStream<(usize, Delivered)>, StoreError> {
        let Self {
            router,
            recipients,
            uploads,
        } = *self;
        let mut stored = BTreeMap::new();
        for (group, upload) in uploads {
            let outcome = match upload {
                Ok(upload) => upload.finish().await,
                Err(error) => Err(error),
            };
            stored.insert(group, outcome);
        }
        let envelope = Arc::new(envelope);
        let deliveries: FuturesUnordered<_> = recipients
            .into_iter()
            .enumerate()
            .map(|(index, recipient)| {
                let content = stored.get(&router.group_of(recipient.account)).cloned();
                let (router, envelope) = (router.clone(), Arc::clone(&envelope));
                async move { (index, deliver_one(&router, &recipient, content, &envelope).await) }
            })
            .collect();
        Ok(deliveries.boxed())
    }
}

async fn deliver_one(
    router: &Router,
    recipient: &Recipient,
    content: Option<Result<StoredBlob, StoreError>>,
    envelope: &DeliveryEnvelope,
) -> Delivered {
    let content = match content {
        Some(Ok(content)) => content,
        Some(Err(error)) => return Delivered::Later(error),
        None => return Delivered::Later(StoreError::Unavailable("content was not stored")),
    };
    let (account, detail) = (recipient.account, recipient.detail.as_deref());
    let delivered = router
        .at_leader(router.group_of(account), |node| async move {
            node.deliver(account, detail, content, envelope).await
        })
        .await;
    match delivered {
        Ok(delivered) => delivered,
        Err(StoreError::Rejected(rejection)) => Delivered::Refused(rejection),
        Err(error) => Delivered::Later(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2033 §4.2 wants the truth about each recipient: a refusal for good makes a sender's server give up.
    #[test]
    fn only_an_account_that_is_not_there_is_refused_for_good() {
        let check = |error: StoreError, expected: RecipientRefusal| assert_eq!(refusal(&error), expected);
        check(Rejection::NoSuchAccount.into(), RecipientRefusal::Unknown);
        check(Rejection::AccountNotActive.into(), RecipientRefusal::Unknown);
        check(Rejection::OverQuota.into(), RecipientRefusal::OverQuota);
        check(Rejection::UidsExhausted.into(), RecipientRefusal::Temporary);
        check(Rejection::NoSuchMailbox.into(), RecipientRefusal::Temporary);
        check(StoreError::NoSpace, RecipientRefusal::NoSpace);
        check(StoreError::Unavailable("x"), RecipientRefusal::Temporary);
        check(StoreError::Overloaded, RecipientRefusal::Temporary);
        check(StoreError::Internal("x".to_owned()), RecipientRefusal::Temporary);
    }
}

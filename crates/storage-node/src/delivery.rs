//! The delivery step: what becomes of a message that came in for one account.

use async_trait::async_trait;
use mailstore::command::{Command, MessageCommand, Subject};
use mailstore::ids::RequestId;
use mailstore::message::NewMessage;
use mailstore::name::MailboxName;
use mailstore::ports::{BlobUpload, Delivered, DeliveryEnvelope, NodeDelivery, StoredBlob};
use mailstore::time::{InternalDate, Timestamp};
use mailstore::{AccountId, GroupId, Rejection, SessionId, StoreError, read};

use crate::environment::random_email_id;
use crate::mail::append;
use crate::node::Node;
use crate::tables::damaged;

/// A message on its way into an account.
pub struct Incoming<'a> {
    /// The part of the address behind `+`.
    pub detail: Option<&'a str>,
    /// Its content, stored already.
    pub content: StoredBlob,
    /// Its envelope.
    pub envelope: &'a DeliveryEnvelope,
    /// The account's mailboxes.
    pub mailboxes: &'a mailstore::query::MailboxTree,
}

/// Decides where a message goes. This is the place for Sieve: it sees the message before it is
/// committed, and whatever it decides is committed as one entry.
pub trait DeliveryFilter: Send + Sync + 'static {
    /// Returns the mailboxes that get the message, each once.
    fn mailboxes(&self, incoming: &Incoming<'_>) -> Vec<MailboxName>;
}

/// Keeps mail in INBOX, or in the mailbox that the address's detail names, where there is one
/// (RFC 5233): mail to `user+lists@example.org` goes to `lists`.
pub struct ImplicitKeep;

impl DeliveryFilter for ImplicitKeep {
    fn mailboxes(&self, incoming: &Incoming<'_>) -> Vec<MailboxName> {
        let named = incoming.detail.and_then(|detail| MailboxName::parse(detail).ok());
        let exists = |name: &MailboxName| {
            let entries = &incoming.mailboxes.entries;
            entries
                .iter()
                .find(|entry| {
                    entry.mailbox.is_some() && entry.name.as_str().eq_ignore_ascii_case(name.as_str())
                })
                .map(|entry| entry.name.clone())
        };
        vec![named.as_ref().and_then(exists).unwrap_or_else(MailboxName::inbox)]
    }
}

/// Names the commit of a transaction for one mailbox, the same at every attempt: the transaction's first
/// six octets are the milliseconds since the epoch when it began. Recipients of one account that differ in
/// their detail each get the message, but a mailbox that several of them lead to gets it once.
fn request_of(transaction: [u8; 16], mailbox: &MailboxName) -> RequestId {
    let mut began = [0; 8];
    began[2..].copy_from_slice(&transaction[..6]);
    let mut name = blake3::Hasher::new();
    name.update(&transaction).update(mailbox.as_str().as_bytes());
    let mut session = [0; 16];
    name.finalize_xof().fill(&mut session);
    RequestId {
        session: SessionId(session),
        sequence: 1,
        created: Timestamp(u64::from_be_bytes(began)),
    }
}

#[async_trait]
impl NodeDelivery for Node {
    async fn check_delivery(&self, account: AccountId, size: u64) -> Result<(), StoreError> {
        append::check_delivery(self, account, size).await
    }

    async fn upload_to_group(&self, group: GroupId, size: u64) -> Result<Box<dyn BlobUpload>, StoreError> {
        append::upload(self, group, size).await
    }

    async fn deliver(
        &self,
        account: AccountId,
        detail: Option<&str>,
        content: StoredBlob,
        envelope: &DeliveryEnvelope,
    ) -> Result<Delivered, StoreError> {
        let mailboxes = self
            .read_account(account, |rows| read::mailbox_tree(rows).map_err(damaged))
            .await;
        let mailboxes = match mailboxes {
            Ok(mailboxes) => mailboxes,
            Err(StoreError::Rejected(rejection)) => return Ok(Delivered::Refused(rejection)),
            Err(error) => return Err(error),
        };
        let incoming = Incoming {
            detail,
            content,
            envelope,
            mailboxes: &mailboxes,
        };
        let targets = self.filter().mailboxes(&incoming);
        for mailbox in targets {
            let request = request_of(envelope.transaction, &mailbox);
            match self.keep(account, mailbox, content, request).await {
                Ok(()) => {}
                Err(StoreError::Rejected(rejection)) => return Ok(Delivered::Refused(rejection)),
                Err(error) => return Err(error),
            }
        }
        Ok(Delivered::Done)
    }
}

impl Node {
    /// Commits a delivered message to one mailbox, which is made if need be.
    async fn keep(
        &self,
        account: AccountId,
        mailbox: MailboxName,
        content: StoredBlob,
        request: RequestId,
    ) -> Result<(), StoreError> {
        let seconds = i64::try_from(self.environment().now().seconds())
            .map_err(|_| StoreError::Rejected(Rejection::OutcomeUnknown))?;
        let message = NewMessage {
            blob: content.blob,
            size: content.size,
            flags: mailstore::flags::NamedFlags::default(),
            internal_date: InternalDate {
                seconds,
                zone_minutes: 0,
            },
            email_id: random_email_id(self.environment()),
        };
        let append = MessageCommand::Append {
            mailbox,
            messages: vec![message],
            create: true,
        };
        self.propose_for(Subject::Account(account), Some(request), Command::Message(append))
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use mailstore::ids::{MailboxId, ModSeq, UidValidity};
    use mailstore::mailbox::{Mailbox, SpecialUse};
    use mailstore::query::{MailboxTree, TreeEntry};

    use super::*;

    fn tree(names: &[&str]) -> MailboxTree {
        let entries = names.iter().map(|name| {
            let name = MailboxName::parse(name).expect("a name");
            let mailbox = Mailbox {
                id: MailboxId(1),
                name: name.clone(),
                uid_validity: UidValidity::new(1).expect("not zero"),
                uid_next: None,
                recent: 0,
                highest_modseq: ModSeq(1),
                expunge_floor: ModSeq(0),
                first_recent_uid: None,
                messages: 0,
                unseen: 0,
                deleted: 0,
                size_bytes: 0,
                special_use: SpecialUse::NONE,
                keywords: Vec::new(),
                created: Timestamp(0),
            };
            TreeEntry {
                name,
                mailbox: Some(mailbox),
                subscribed: true,
            }
        });
        MailboxTree {
            entries: entries.collect(),
        }
    }

    fn check(detail: Option<&str>, expected: &str) {
        let content = StoredBlob {
            blob: mailstore::BlobId([0; 32]),
            size: 1,
        };
        let (envelope, mailboxes) = (DeliveryEnvelope::default(), tree(&["INBOX", "Lists", "a/b"]));
        let incoming = Incoming {
            detail,
            content,
            envelope: &envelope,
            mailboxes: &mailboxes,
        };
        let names = ImplicitKeep.mailboxes(&incoming);
        assert_eq!(
            names,
            [MailboxName::parse(expected).expect("a name")],
            "{detail:?}"
        );
    }

    #[test]
    fn mail_goes_to_the_mailbox_that_the_detail_names_if_there_is_one() {
        check(None, "INBOX");
        check(Some("lists"), "Lists");
        check(Some("a/b"), "a/b");
        check(Some("spam"), "INBOX");
        check(Some("../x"), "INBOX");
    }

    #[test]
    fn a_transaction_names_its_commit_and_its_beginning() {
        let transaction = [0, 0, 0, 0, 1, 2, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7];
        let (inbox, lists) = (MailboxName::inbox(), MailboxName::parse("lists").expect("a name"));
        let request = request_of(transaction, &inbox);
        assert_eq!(request.created, Timestamp(258));
        assert_eq!(request_of(transaction, &inbox), request);
        assert_ne!(request_of(transaction, &lists).session, request.session);
    }
}

//! What the tests share.

use mailstore::account::QuotaLimits;
use mailstore::address::Address;
use mailstore::flags::{FlagBits, NamedFlags, SystemFlag};
use mailstore::name::MailboxName;
use mailstore::ports::AccountSelector;
use mailstore::query::{MailboxChanges, MailboxRef};
use mailstore::{MailboxId, ModSeq, Uid, UidSet};
use simulation::{Session, World};

pub(crate) const DEMO: &str = "demo@example.org";
pub(crate) const PASSWORD: &str = "correct horse";

/// Returns a machine that runs, with an account and a session of it.
pub(crate) async fn world() -> (World, Session) {
    let world = World::single(1).await.expect("an empty disk starts");
    world.add_account(DEMO, PASSWORD).await.expect("an account");
    let session = world.session(DEMO, PASSWORD).await.expect("a login");
    (world, session)
}

pub(crate) fn address(text: &str) -> Address {
    Address::parse(text).expect("an address")
}

pub(crate) fn by_address(text: &str) -> AccountSelector {
    AccountSelector::Address(address(text))
}

pub(crate) fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).expect("a name")
}

pub(crate) fn inbox() -> MailboxName {
    MailboxName::inbox()
}

pub(crate) fn uid(value: u32) -> Uid {
    Uid::new(value).expect("not zero")
}

pub(crate) fn uids(values: &[u32]) -> UidSet {
    values.iter().map(|value| uid(*value)).collect()
}

pub(crate) fn flagged(flag: SystemFlag) -> NamedFlags {
    NamedFlags {
        system: FlagBits::system(flag),
        keywords: Vec::new(),
    }
}

pub(crate) fn no_flags() -> NamedFlags {
    NamedFlags::default()
}

pub(crate) fn messages_at_most(messages: u64) -> QuotaLimits {
    QuotaLimits {
        storage_bytes: None,
        messages: Some(messages),
    }
}

/// A message with a subject and a body.
pub(crate) fn mail(subject: &str, body: &str) -> Vec<u8> {
    format!(
        "From: Ada <ada@example.org>\r\nTo: demo@example.org\r\nSubject: {subject}\r\n\
         Date: Thu, 1 Jan 2026 10:00:00 +0100\r\nMessage-ID: <{subject}@example.org>\r\n\r\n{body}\r\n"
    )
    .into_bytes()
}

/// Everything in a mailbox.
pub(crate) async fn everything(session: &Session, mailbox: &str) -> MailboxChanges {
    let mailbox = MailboxRef::Name(name(mailbox));
    session
        .changes(mailbox, ModSeq::ZERO)
        .await
        .expect("the mailbox exists")
}

pub(crate) async fn mailbox_id(session: &Session, mailbox: &str) -> MailboxId {
    everything(session, mailbox).await.mailbox.id
}

/// The UIDs in a mailbox.
pub(crate) async fn uids_in(session: &Session, mailbox: &str) -> Vec<u32> {
    let changes = everything(session, mailbox).await;
    changes.changed.iter().map(|state| state.uid.get()).collect()
}

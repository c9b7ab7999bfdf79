//! The tree of mailboxes.

use mailstore::command::{Command, MailboxCommand};
use mailstore::mailbox::SpecialUse;
use mailstore::ports::Mail;
use mailstore::{Rejection, Reply, StoreError};
use simulation::Session;

use crate::support::{everything, inbox, mail, name, no_flags, uids_in, world};

async fn names(session: &Session) -> Vec<String> {
    let tree = session
        .router
        .mailbox_tree(&session.caller)
        .await
        .expect("a tree");
    let mailboxes = tree.entries.iter().filter(|entry| entry.mailbox.is_some());
    mailboxes.map(|entry| entry.name.as_str().to_owned()).collect()
}

fn create(text: &str) -> MailboxCommand {
    MailboxCommand::Create {
        name: name(text),
        special_use: SpecialUse::NONE,
    }
}

fn rename(from: &str, to: &str) -> MailboxCommand {
    MailboxCommand::Rename {
        from: name(from),
        to: name(to),
    }
}

#[tokio::test(start_paused = true)]
async fn mailboxes_are_made_renamed_subscribed_and_deleted() {
    let (_world, mut session) = world().await;
    session.mailbox(create("a/b")).await.expect("made");
    session.mailbox(rename("a", "z")).await.expect("renamed");
    assert_eq!(
        names(&session).await,
        ["Drafts", "INBOX", "Sent", "Trash", "z", "z/b"]
    );
    let subscribe = |subscribed| MailboxCommand::Subscribe {
        name: name("gone"),
        subscribed,
    };
    session.mailbox(subscribe(true)).await.expect("subscribed");
    let tree = session
        .router
        .mailbox_tree(&session.caller)
        .await
        .expect("a tree");
    let entry = tree.entries.iter().find(|entry| entry.name == name("gone"));
    assert!(entry.is_some_and(|entry| entry.subscribed && entry.mailbox.is_none()));
    session.mailbox(subscribe(false)).await.expect("unsubscribed");
    session
        .mailbox(MailboxCommand::Delete { name: name("z/b") })
        .await
        .expect("deleted");
    assert_eq!(names(&session).await, ["Drafts", "INBOX", "Sent", "Trash", "z"]);
    let inbox = MailboxCommand::Delete { name: inbox() };
    assert_eq!(session.mailbox(inbox).await, Err(Rejection::Inbox.into()));
    let twice = session.mailbox(create("z")).await;
    assert_eq!(twice, Err(Rejection::MailboxExists.into()));
}

/// RFC 9051 §6.3.6.
#[tokio::test(start_paused = true)]
async fn renaming_inbox_moves_its_messages_and_leaves_it_with_a_greater_uidvalidity() {
    let (_world, mut session) = world().await;
    session
        .append(&inbox(), &mail("one", "text"), no_flags())
        .await
        .expect("appended");
    let before = everything(&session, "INBOX").await.mailbox.uid_validity;
    session.mailbox(rename("INBOX", "old")).await.expect("renamed");
    assert_eq!(uids_in(&session, "old").await.len(), 1);
    let after = everything(&session, "INBOX").await;
    assert!(after.changed.is_empty());
    assert!(after.mailbox.uid_validity > before);
}

/// A retry under the same request id is answered from the record.
#[tokio::test(start_paused = true)]
async fn a_retry_changes_nothing_and_gets_the_same_reply() {
    let (_world, mut session) = world().await;
    let request = session.request();
    let create = Command::Mailbox(create("once"));
    let submit = || session.router.submit(&session.caller, request, create.clone());
    let first = submit().await.expect("made");
    assert!(matches!(first, Reply::Created { .. }));
    assert_eq!(submit().await, Ok(first));
    let stored = session.upload(&mail("one", "text")).await.expect("stored");
    let append = Command::Message(mailstore::command::MessageCommand::Append {
        mailbox: inbox(),
        messages: vec![session.message(stored, no_flags())],
        create: false,
    });
    let request = session.request();
    let submit = || session.router.submit(&session.caller, request, append.clone());
    let first = submit().await;
    assert!(matches!(first, Ok(Reply::Appended(_))), "{first:?}");
    assert_eq!(submit().await, first);
    assert_eq!(uids_in(&session, "INBOX").await, [1]);
}

#[tokio::test(start_paused = true)]
async fn an_append_needs_its_mailbox() {
    let (_world, mut session) = world().await;
    let missing = session.append(&name("missing"), b"x", no_flags()).await;
    assert_eq!(missing, Err(StoreError::Rejected(Rejection::NoSuchMailbox)));
}

//! Hints of changes.

use futures::{FutureExt, StreamExt};
use mailstore::command::MailboxCommand;
use mailstore::event::Event;
use mailstore::ports::Mail;

use crate::support::{everything, inbox, mail, mailbox_id, name, no_flags, world};

#[tokio::test(start_paused = true)]
async fn watchers_hear_of_their_mailbox_and_of_the_tree() {
    let (_world, mut session) = world().await;
    let mailbox = mailbox_id(&session, "INBOX").await;
    let router = session.router.clone();
    let mut inbox_hints = router.watch(&session.caller, Some(mailbox)).await.expect("hints");
    let mut tree_hints = router.watch(&session.caller, None).await.expect("hints");
    let sent = mailbox_id(&session, "Sent").await;
    let mut sent_hints = router.watch(&session.caller, Some(sent)).await.expect("hints");
    session
        .append(&inbox(), &mail("one", "text"), no_flags())
        .await
        .expect("appended");
    let modseq = everything(&session, "INBOX").await.mailbox.highest_modseq;
    let account = session.caller.account;
    let changed = Event::MailboxChanged {
        account,
        mailbox,
        modseq,
    };
    assert_eq!(inbox_hints.next().await, Some(changed));
    let create = MailboxCommand::Create {
        name: name("new"),
        special_use: Default::default(),
    };
    session.mailbox(create).await.expect("made");
    assert_eq!(tree_hints.next().await, Some(Event::TreeChanged { account }));
    assert_eq!(sent_hints.next().now_or_never(), None);
    session
        .mailbox(MailboxCommand::Delete { name: name("Sent") })
        .await
        .expect("deleted");
    let deleted = Event::MailboxDeleted {
        account,
        mailbox: sent,
    };
    assert_eq!(sent_hints.next().await, Some(deleted));
}

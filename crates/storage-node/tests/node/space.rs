//! A disk that fills up.

use mailstore::command::{MailboxCommand, MessageCommand};
use mailstore::flags::SystemFlag;
use mailstore::ports::Mail;
use mailstore::{Reply, StoreError};

use crate::support::{flagged, inbox, mail, mailbox_id, name, no_flags, uid, uids, uids_in, world};

#[tokio::test(start_paused = true)]
async fn a_full_disk_refuses_mail_and_serves_what_is_there_until_there_is_room_again() {
    let (world, mut session) = world().await;
    let octets = mail("one", "text");
    session
        .append(&inbox(), &octets, no_flags())
        .await
        .expect("appended");
    let mailbox = mailbox_id(&session, "INBOX").await;
    world.first().disk.set_capacity_bytes(0);
    let check = session.router.check_append(&session.caller, &inbox(), 10).await;
    assert_eq!(check, Err(StoreError::NoSpace));
    assert_eq!(session.upload(&octets).await, Err(StoreError::NoSpace));
    let create = MailboxCommand::Create {
        name: name("new"),
        special_use: Default::default(),
    };
    assert_eq!(session.mailbox(create.clone()).await, Err(StoreError::NoSpace));
    let read = session.content(mailbox, uid(1)).await.expect("content");
    assert_eq!(read, Some(octets.clone()));
    let status = mailstore::ports::Administration::status(&session.router).await;
    assert!(status.is_ok());

    world.first().disk.set_capacity_bytes(1 << 30);
    assert!(matches!(session.mailbox(create).await, Ok(Reply::Created { .. })));
    session
        .append(&inbox(), &octets, no_flags())
        .await
        .expect("appended");
    let delete = MessageCommand::Store {
        mailbox,
        uids: uids(&[1]),
        operation: mailstore::flags::FlagOperation::Add,
        flags: flagged(SystemFlag::Deleted),
        unchanged_since: None,
    };
    session.change(delete).await.expect("stored");
    assert_eq!(uids_in(&session, "INBOX").await, [1, 2]);
}

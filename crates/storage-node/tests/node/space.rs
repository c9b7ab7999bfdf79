//! A disk that fills up.

use disk::Disk;
use mailstore::command::{MailboxCommand, MessageCommand};
use mailstore::flags::SystemFlag;
use mailstore::ports::Mail;
use mailstore::{Reply, StoreError};
use simulation::World;

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

/// RELIABILITY.md §2, fault 7: what is kept free is there for changes that add nothing.
#[tokio::test(start_paused = true)]
async fn below_the_reserve_mail_can_be_marked_moved_and_removed_but_not_added() {
    let (world, mut session) = world().await;
    for number in 0..3 {
        let octets = mail("one", &format!("text {number}"));
        session
            .append(&inbox(), &octets, no_flags())
            .await
            .expect("appended");
    }
    let mailbox = mailbox_id(&session, "INBOX").await;
    leave_free(&world, world.first().options.blobs.reserve_bytes - 1);

    let copy = MessageCommand::Copy {
        mailbox,
        uids: uids(&[1]),
        target: name("Sent"),
    };
    assert_eq!(session.change(copy).await, Err(StoreError::NoSpace));
    assert_eq!(
        session.upload(&mail("two", "text")).await,
        Err(StoreError::NoSpace)
    );
    let claim = MessageCommand::ClaimRecent { mailbox, below: None };
    session.change(claim).await.expect("a mailbox can be selected");
    let delete = MessageCommand::Store {
        mailbox,
        uids: uids(&[1, 2]),
        operation: mailstore::flags::FlagOperation::Add,
        flags: flagged(SystemFlag::Deleted),
        unchanged_since: None,
    };
    session.change(delete).await.expect("flags can be set");
    let expunge = MessageCommand::Expunge {
        mailbox,
        uids: Some(uids(&[1])),
    };
    session.change(expunge).await.expect("mail can be removed");
    let away = MessageCommand::Move {
        mailbox,
        uids: uids(&[2]),
        target: name("Trash"),
    };
    session.change(away).await.expect("mail can be moved");
    assert_eq!(uids_in(&session, "INBOX").await, [3]);
    assert_eq!(uids_in(&session, "Trash").await, [1]);

    // The last part of the reserve is for votes and for the node itself.
    leave_free(&world, world.first().options.space_reserve_bytes - 1);
    let delete = MessageCommand::Store {
        mailbox,
        uids: uids(&[3]),
        operation: mailstore::flags::FlagOperation::Add,
        flags: flagged(SystemFlag::Deleted),
        unchanged_since: None,
    };
    assert_eq!(session.change(delete).await, Err(StoreError::NoSpace));
}

/// Fills the disk until this much is free.
fn leave_free(world: &World, octets: u64) {
    let disk = &world.first().disk;
    disk.set_capacity_bytes(u64::MAX / 2);
    let used = u64::MAX / 2 - disk.free_bytes().expect("the disk works");
    disk.set_capacity_bytes(used + octets);
}

/// A commit that fails with the disk is no defect of the server's.
#[tokio::test(start_paused = true)]
async fn a_disk_that_is_gone_is_said_to_be_unavailable() {
    let (world, mut session) = world().await;
    let mailbox = mailbox_id(&session, "INBOX").await;
    world.first_running().plug.pull();
    let store = MessageCommand::Store {
        mailbox,
        uids: uids(&[1]),
        operation: mailstore::flags::FlagOperation::Add,
        flags: flagged(SystemFlag::Seen),
        unchanged_since: None,
    };
    for _ in 0..2 {
        let failed = session.change(store.clone()).await;
        assert!(
            matches!(
                failed,
                Err(StoreError::Unavailable(_) | StoreError::OutcomeUnknown)
            ),
            "{failed:?}"
        );
    }
    let failed = session.upload(&mail("one", "text")).await;
    assert!(
        matches!(failed, Err(StoreError::Unavailable(_) | StoreError::NoSpace)),
        "{failed:?}"
    );
}

//! Content that nobody needs, and content that is missing.

use std::time::Duration;

use futures::TryStreamExt;
use mailstore::command::MessageCommand;
use mailstore::flags::SystemFlag;
use mailstore::name::MailboxName;
use mailstore::ports::{Administration, Mail};
use mailstore::query::MessageParts;
use mailstore::time::Timestamp;
use mailstore::{StoreError, UidSet};
use simulation::{Running, Session, World, WorldOptions};
use storage_node::{Content, ContentReport, NamedBlobs, Replication};

use crate::support::{DEMO, PASSWORD, flagged, inbox, mail, mailbox_id, no_flags, uid, uids, world};

const GRACE: Duration = Duration::from_secs(24 * 3600);

/// Lets time pass on the wall clock, which is what the time of touch is of.
fn later(world: &World, by: Duration) {
    world.first().environment.set_clock_forward(by);
}

fn report(removed: u64, fetched: u64, missing: u64) -> ContentReport {
    ContentReport {
        removed,
        fetched,
        missing,
    }
}

#[tokio::test(start_paused = true)]
async fn content_that_nothing_names_goes_after_a_day_and_the_rest_stays() {
    let (world, mut session) = world().await;
    let node = world.first_running().node.clone();
    let kept = mail("kept", "text");
    session
        .append(&inbox(), &kept, no_flags())
        .await
        .expect("appended");
    let given_up = session.upload(&mail("given up", "text")).await.expect("stored");
    assert_eq!(node.look_after_content().await, report(0, 0, 0), "too young");
    later(&world, GRACE);
    // What is stored again just then is needed again. Tokens do not last that long.
    let session = world.session(DEMO, PASSWORD).await.expect("a login");
    session
        .upload(&mail("given up", "text"))
        .await
        .expect("stored again");
    assert_eq!(node.look_after_content().await, report(0, 0, 0), "touched");
    later(&world, GRACE + Duration::from_secs(2));
    assert_eq!(node.look_after_content().await, report(1, 0, 0));
    let session = world.session(DEMO, PASSWORD).await.expect("a login");
    let mailbox = mailbox_id(&session, "INBOX").await;
    assert_eq!(session.content(mailbox, uid(1)).await, Ok(Some(kept)));
    assert_ne!(given_up.size, 0);
}

#[tokio::test(start_paused = true)]
async fn content_of_an_expunged_message_stays_while_sessions_may_ask_for_it() {
    let (world, mut session) = world().await;
    let octets = mail("gone", "text");
    session
        .append(&inbox(), &octets, flagged(SystemFlag::Deleted))
        .await
        .expect("appended");
    let mailbox = mailbox_id(&session, "INBOX").await;
    let expunge = MessageCommand::Expunge {
        mailbox,
        uids: Some(uids(&[1])),
    };
    session.change(expunge).await.expect("expunged");
    let node = world.first_running().node.clone();
    later(&world, GRACE + Duration::from_secs(2));
    assert_eq!(node.look_after_content().await, report(0, 0, 0));
    let session = world.session(DEMO, PASSWORD).await.expect("a login");
    assert_eq!(session.content(mailbox, uid(1)).await, Ok(Some(octets)));
}

#[tokio::test(start_paused = true)]
async fn content_that_no_replica_has_is_said_to_be_unavailable() {
    let (world, mut session) = world().await;
    session
        .append(&inbox(), &mail("one", "text"), no_flags())
        .await
        .expect("appended");
    lose_content(world.first_running());
    let mailbox = mailbox_id(&session, "INBOX").await;
    assert_eq!(
        session.content(mailbox, uid(1)).await,
        Err(StoreError::ContentUnavailable)
    );
    let node = world.first_running().node.clone();
    assert_eq!(node.look_after_content().await, report(0, 0, 1));
}

/// Describes the messages of INBOX: UIDs, and whether there is a summary.
async fn described(session: &Session) -> Vec<(u32, bool)> {
    let mailbox = mailbox_id(session, "INBOX").await;
    let (all, parts) = (
        UidSet::range(uid(1), uid(u32::MAX)),
        MessageParts {
            summary: true,
            ..MessageParts::default()
        },
    );
    let batches = session.router.messages(&session.caller, mailbox, all, parts);
    let batches: Vec<_> = batches
        .await
        .expect("a stream")
        .try_collect()
        .await
        .expect("read");
    let answers = batches.into_iter().flatten();
    answers
        .map(|answer| (answer.record.uid.get(), answer.summary.is_some()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_content_is_lost_hides_no_other() {
    let (world, mut session) = world().await;
    for subject in ["one", "two", "three"] {
        let octets = mail(subject, "text");
        session
            .append(&inbox(), &octets, no_flags())
            .await
            .expect("appended");
    }
    let lost = session.upload(&mail("two", "text")).await.expect("known").blob;
    let running = world.first_running();
    for group in running.replicas.groups() {
        let named = running.replicas.named_blobs(group).await.expect("rows");
        let kept: NamedBlobs = named.iter().copied().filter(|blob| *blob != lost).collect();
        let removed = running.content.reconcile(group, &kept, Timestamp(u64::MAX));
        removed.expect("the disk works");
    }
    assert_eq!(described(&session).await, [(1, true), (2, false), (3, true)]);
}

#[tokio::test(start_paused = true)]
async fn a_message_of_very_many_parts_is_taken_and_described() {
    let (_world, mut session) = world().await;
    let parts = "--b\r\n\r\n\r\n".repeat(9_000);
    let octets = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n");
    session
        .append(&inbox(), octets.as_bytes(), no_flags())
        .await
        .expect("appended");
    assert_eq!(described(&session).await, [(1, true)]);
}

/// Three machines that run, with an account, and a session of it.
pub(crate) async fn three() -> (World, Session) {
    let mut world = World::new(&WorldOptions {
        machines: 3,
        groups: 2,
        ..WorldOptions::single(1)
    });
    world.boot_all().await.expect("empty disks start");
    world.add_account(DEMO, PASSWORD).await.expect("an account");
    let session = world.session(DEMO, PASSWORD).await.expect("a login");
    (world, session)
}

pub(crate) const MACHINES: [&str; 3] = ["node-1", "node-2", "node-3"];

/// Loses all content of a node.
pub(crate) fn lose_content(running: &Running) {
    for group in running.replicas.groups() {
        let nothing = NamedBlobs::default();
        let lost = running.content.reconcile(group, &nothing, Timestamp(u64::MAX));
        lost.expect("the disk works");
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_lacks_content_gets_it_from_a_follower() {
    let (world, mut session) = three().await;
    let octets = mail("one", "text");
    session
        .append(&inbox(), &octets, no_flags())
        .await
        .expect("appended");
    // The follower that was not waited for.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let mailbox = mailbox_id(&session, "INBOX").await;
    let lose_where_led = || {
        for name in MACHINES {
            let running = world.running(name).expect("it runs");
            if running
                .replicas
                .groups()
                .into_iter()
                .any(|group| running.replicas.leads(group))
            {
                lose_content(running);
            }
        }
    };
    let led_by_all = MACHINES.iter().all(|name| {
        let running = world.running(name).expect("it runs");
        running
            .replicas
            .status()
            .iter()
            .any(|status| matches!(status.leader, mailstore::ports::LeaderStatus::Local))
    });
    assert!(!led_by_all, "two groups have two leaders");
    lose_where_led();
    assert_eq!(session.content(mailbox, uid(1)).await, Ok(Some(octets.clone())));
    lose_where_led();
    let all = mailstore::query::MessageParts {
        summary: true,
        ..Default::default()
    };
    let answers = session
        .messages(mailbox, uids(&[1]), all)
        .await
        .expect("a summary");
    assert_eq!(answers.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_follower_gets_back_what_it_lost() {
    let (world, mut session) = three().await;
    for number in 0..3 {
        let octets = mail("one", &format!("text {number}"));
        let name: MailboxName = inbox();
        session
            .append(&name, &octets, no_flags())
            .await
            .expect("appended");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    for name in MACHINES {
        let running = world.running(name).expect("it runs");
        assert_eq!(running.node.look_after_content().await, report(0, 0, 0), "{name}");
        lose_content(running);
        assert_eq!(running.node.look_after_content().await, report(0, 3, 0), "{name}");
    }
    assert!(world.router().status().await.is_ok());
}

//! Tickets for content: what a leader signs, any replica believes for a minute, and nobody else can use.

use std::time::Duration;

use futures::TryStreamExt;
use mailstore::ports::{BoxStream, Caller, Mail};
use mailstore::query::{ContentChunk, ContentRange, ContentTicket, MessageParts};
use mailstore::{MailboxId, StoreError};
use simulation::Session;
use storage_node::Node;

use crate::content::{MACHINES, lose_content, three};
use crate::support::{PASSWORD, inbox, mail, mailbox_id, no_flags, uid, uids, world};

const PARTS: MessageParts = MessageParts {
    summary: false,
    ticket: true,
};

/// Returns what a leader gives for the first message of INBOX.
async fn ticket(session: &Session, node: &dyn Mail) -> ContentTicket {
    let mailbox = mailbox_id(session, "INBOX").await;
    let batches = node.messages(&session.caller, mailbox, uids(&[1]), PARTS).await;
    let batches: Vec<_> = batches.expect("a stream").try_collect().await.expect("read");
    ContentTicket::of(&batches.concat()).expect("a ticket")
}

fn whole(number: u32) -> Vec<ContentRange> {
    vec![ContentRange {
        uid: uid(number),
        offset: 0,
        length: u32::MAX,
    }]
}

async fn octets(
    stream: Result<BoxStream<Result<ContentChunk, StoreError>>, StoreError>,
) -> Result<Vec<u8>, StoreError> {
    let chunks: Vec<_> = stream?.try_collect().await?;
    Ok(chunks.iter().flat_map(|chunk| chunk.bytes.to_vec()).collect())
}

async fn read(
    node: &Node,
    caller: &Caller,
    ticket: &ContentTicket,
    number: u32,
) -> Result<Vec<u8>, StoreError> {
    octets(
        node.content_by_ticket(caller, MailboxId(0), ticket.clone(), whole(number))
            .await,
    )
    .await
}

#[tokio::test(start_paused = true)]
async fn every_replica_gives_content_on_a_ticket_and_says_when_it_lacks_it() {
    let (world, mut session) = three().await;
    let message = mail("one", &"text ".repeat(50_000));
    session
        .append(&inbox(), &message, no_flags())
        .await
        .expect("appended");
    // The follower that was not waited for.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let router = world.router();
    let ticket = ticket(&session, &router).await;
    let node = |name: &str| world.running(name).expect("it runs").node.clone();
    for name in MACHINES {
        let read = read(&node(name), &session.caller, &ticket, 1).await;
        assert_eq!(read.as_ref(), Ok(&message), "{name}");
    }
    for (lacking, name) in MACHINES.into_iter().enumerate() {
        let mailbox = mailbox_id(&session, "INBOX").await;
        let by_router = router.content_by_ticket(&session.caller, mailbox, ticket.clone(), whole(1));
        assert_eq!(
            octets(by_router.await).await.as_ref(),
            Ok(&message),
            "{lacking} lack it"
        );
        lose_content(world.running(name).expect("it runs"));
        let lost = read(&node(name), &session.caller, &ticket, 1).await;
        assert_eq!(lost, Err(StoreError::ContentUnavailable));
    }
}

#[tokio::test(start_paused = true)]
async fn a_ticket_opens_the_messages_that_it_was_signed_for_and_no_others() {
    let (world, mut session) = world().await;
    world
        .add_account("other@example.org", PASSWORD)
        .await
        .expect("an account");
    let mut other = world
        .session("other@example.org", PASSWORD)
        .await
        .expect("a login");
    let (own, foreign) = (mail("own", "text"), mail("foreign", "secret"));
    session
        .append(&inbox(), &own, no_flags())
        .await
        .expect("appended");
    other
        .append(&inbox(), &foreign, no_flags())
        .await
        .expect("appended");
    let node = world.first_running().node.clone();
    let (mine, theirs) = (ticket(&session, &node).await, ticket(&other, &node).await);
    let refused = Err(StoreError::Unauthorized);
    assert_eq!(read(&node, &session.caller, &mine, 1).await, Ok(own));
    // Somebody else's ticket, and one's own for somebody else's content.
    assert_eq!(read(&node, &session.caller, &theirs, 1).await, refused);
    assert_eq!(read(&node, &other.caller, &mine, 1).await, refused);
    let swapped = ContentTicket {
        messages: theirs.messages.clone(),
        ..mine.clone()
    };
    assert_eq!(read(&node, &session.caller, &swapped, 1).await, refused);
    let mut longer = mine.clone();
    longer.messages.extend(theirs.messages);
    assert_eq!(read(&node, &session.caller, &longer, 1).await, refused);
    // A message that the ticket does not name.
    assert_eq!(read(&node, &session.caller, &mine, 2).await, refused);
    // Another process, and a session's token in place of a ticket.
    let stolen = Caller {
        presenter: "proxy-2".into(),
        ..session.caller.clone()
    };
    assert_eq!(read(&node, &stolen, &mine, 1).await, refused);
    let token = ContentTicket {
        signed: session.caller.token.clone(),
        ..mine.clone()
    };
    assert_eq!(read(&node, &session.caller, &token, 1).await, refused);
}

#[tokio::test(start_paused = true)]
async fn a_ticket_is_worth_nothing_after_a_minute() {
    let (world, mut session) = world().await;
    let message = mail("one", "text");
    session
        .append(&inbox(), &message, no_flags())
        .await
        .expect("appended");
    let node = world.first_running().node.clone();
    let ticket = ticket(&session, &node).await;
    tokio::time::advance(Duration::from_secs(59)).await;
    assert_eq!(
        read(&node, &session.caller, &ticket, 1).await,
        Ok(message.clone())
    );
    tokio::time::advance(Duration::from_secs(1)).await;
    let late = read(&node, &session.caller, &ticket, 1).await;
    assert_eq!(late, Err(StoreError::Unauthorized));
    // The leader is asked then.
    let mailbox = mailbox_id(&session, "INBOX").await;
    let router = world.router();
    let late = router.content_by_ticket(&session.caller, mailbox, ticket, whole(1));
    assert_eq!(octets(late.await).await, Ok(message));
}

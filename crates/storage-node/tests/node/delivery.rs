//! Mail that comes in.

use cluster::Router;
use futures::StreamExt;
use mailstore::Rejection;
use mailstore::command::MailboxCommand;
use mailstore::ports::{Administration, Delivered, Delivery, DeliveryEnvelope, Recipient, RecipientRefusal};
use simulation::World;
use storage_node::Environment;

use crate::support::{
    DEMO, PASSWORD, address, by_address, mail, mailbox_id, messages_at_most, name, uid, uids_in, world,
};

async fn resolve(router: &Router, text: &str) -> Result<Recipient, RecipientRefusal> {
    router.resolve(&address(text)).await
}

/// A transaction that begins now.
fn envelope(world: &World, number: u8) -> DeliveryEnvelope {
    let mut transaction = [number; 16];
    transaction[..6].copy_from_slice(&world.clock().now().0.to_be_bytes()[2..]);
    DeliveryEnvelope {
        sender: "ada@example.org".into(),
        transaction,
    }
}

async fn deliver(
    router: &Router,
    recipients: &[Recipient],
    octets: &[u8],
    envelope: &DeliveryEnvelope,
) -> Vec<Delivered> {
    let mut upload = Delivery::upload(router, recipients, octets.len() as u64)
        .await
        .expect("an upload");
    upload.push(octets.to_vec().into()).await.expect("pushed");
    let results = upload.deliver(envelope.clone()).await.expect("results");
    let mut results: Vec<_> = results.collect().await;
    results.sort_by_key(|result| result.0);
    assert_eq!(results.len(), recipients.len());
    results.into_iter().map(|(_, delivered)| delivered).collect()
}

#[tokio::test(start_paused = true)]
async fn addresses_lead_to_accounts_with_or_without_a_detail() {
    let (world, session) = world().await;
    let router = world.router();
    let plain = resolve(&router, DEMO).await.expect("a recipient");
    assert_eq!((plain.account, plain.detail), (session.caller.account, None));
    let detailed = resolve(&router, "demo+lists@example.org")
        .await
        .expect("a recipient");
    assert_eq!(
        (detailed.account, detailed.detail.as_deref()),
        (session.caller.account, Some("lists"))
    );
    let unknown = resolve(&router, "nobody@example.org").await;
    assert_eq!(unknown, Err(RecipientRefusal::Unknown));
    router
        .account_set_limits(&by_address(DEMO), messages_at_most(0))
        .await
        .expect("limits");
    assert_eq!(resolve(&router, DEMO).await, Err(RecipientRefusal::OverQuota));
    router
        .account_remove(&by_address(DEMO), None)
        .await
        .expect("removed");
    assert_eq!(resolve(&router, DEMO).await, Err(RecipientRefusal::Unknown));
}

#[tokio::test(start_paused = true)]
async fn mail_goes_to_every_recipient_and_to_the_mailbox_of_the_detail() {
    let (world, mut session) = world().await;
    let router = world.router();
    let mut recipients = vec![resolve(&router, DEMO).await.expect("a recipient")];
    let create = MailboxCommand::Create {
        name: name("lists"),
        special_use: Default::default(),
    };
    session.mailbox(create).await.expect("made");
    for text in ["demo+lists@example.org", "demo+unknown@example.org"] {
        recipients.push(resolve(&router, text).await.expect("a recipient"));
    }
    for number in 0..10 {
        let user = format!("user{number}@example.org");
        world.add_account(&user, PASSWORD).await.expect("an account");
        recipients.push(resolve(&router, &user).await.expect("a recipient"));
    }
    let octets = mail("news", "text");
    for (number, recipient) in (1..).zip(&recipients) {
        let results = deliver(
            &router,
            std::slice::from_ref(recipient),
            &octets,
            &envelope(&world, number),
        )
        .await;
        assert_eq!(results, [Delivered::Done]);
    }
    assert_eq!(uids_in(&session, "INBOX").await, [1, 2]);
    assert_eq!(uids_in(&session, "lists").await, [1]);
    let lists = mailbox_id(&session, "lists").await;
    let read = session.content(lists, uid(1)).await.expect("content");
    assert_eq!(read, Some(octets.clone()));
    let results = deliver(&router, &recipients[3..], &octets, &envelope(&world, 99)).await;
    assert!(results.iter().all(|result| *result == Delivered::Done));
    let other = world
        .session("user7@example.org", PASSWORD)
        .await
        .expect("a login");
    assert_eq!(uids_in(&other, "INBOX").await, [1, 2]);
}

/// One transaction may name an account twice, by details: each mailbox they lead to gets one copy.
#[tokio::test(start_paused = true)]
async fn recipients_of_one_account_each_get_the_message() {
    let (world, mut session) = world().await;
    let router = world.router();
    let create = MailboxCommand::Create {
        name: name("lists"),
        special_use: Default::default(),
    };
    session.mailbox(create).await.expect("made");
    let recipients = [
        resolve(&router, DEMO).await.expect("a recipient"),
        resolve(&router, "demo+lists@example.org")
            .await
            .expect("a recipient"),
        // Leads to INBOX, as the first does.
        resolve(&router, "demo+other@example.org")
            .await
            .expect("a recipient"),
    ];
    let results = deliver(&router, &recipients, &mail("news", "text"), &envelope(&world, 1)).await;
    assert_eq!(results, [Delivered::Done, Delivered::Done, Delivered::Done]);
    assert_eq!(uids_in(&session, "INBOX").await, [1]);
    assert_eq!(uids_in(&session, "lists").await, [1]);
}

#[tokio::test(start_paused = true)]
async fn a_retry_of_one_transaction_delivers_once() {
    let (world, session) = world().await;
    let router = world.router();
    let recipient = [resolve(&router, DEMO).await.expect("a recipient")];
    let (octets, first) = (mail("news", "text"), envelope(&world, 1));
    for _ in 0..3 {
        let results = deliver(&router, &recipient, &octets, &first).await;
        assert_eq!(results, [Delivered::Done]);
    }
    assert_eq!(uids_in(&session, "INBOX").await, [1]);
    deliver(&router, &recipient, &octets, &envelope(&world, 2)).await;
    assert_eq!(uids_in(&session, "INBOX").await, [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn an_account_over_quota_refuses_without_harm_to_the_others() {
    let (world, session) = world().await;
    world
        .add_account("full@example.org", PASSWORD)
        .await
        .expect("an account");
    let router = world.router();
    let recipients = [
        resolve(&router, "full@example.org").await.expect("a recipient"),
        resolve(&router, DEMO).await.expect("a recipient"),
    ];
    router
        .account_set_limits(&by_address("full@example.org"), messages_at_most(0))
        .await
        .expect("limits");
    let results = deliver(&router, &recipients, &mail("news", "text"), &envelope(&world, 1)).await;
    assert_eq!(
        results,
        [Delivered::Refused(Rejection::OverQuota), Delivered::Done]
    );
    assert_eq!(uids_in(&session, "INBOX").await, [1]);
}

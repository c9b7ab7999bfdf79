//! Administration of accounts.

use std::time::Duration;

use futures::TryStreamExt;
use mailstore::account::AccountState;
use mailstore::name::MailboxName;
use mailstore::ports::{AccountAdd, AccountSelector, Administration, SecretChange};
use mailstore::{AccountId, Rejection, StoreError};
use simulation::{World, WorldOptions, log_in};

use crate::support::{DEMO, PASSWORD, address, by_address, everything, inbox, mail, no_flags, world};

async fn listed(world: &World) -> Vec<(String, AccountState)> {
    let accounts = world.router().account_list().await.expect("a list");
    let accounts: Vec<_> = accounts.try_collect().await.expect("a list");
    let mut listed: Vec<_> = accounts
        .into_iter()
        .map(|info| (info.account.address.to_string(), info.account.state))
        .collect();
    listed.sort_by(|one, other| one.0.cmp(&other.0));
    listed
}

fn add(text: &str) -> AccountAdd {
    AccountAdd {
        address: address(text),
        secret: SecretChange::Password(PASSWORD.into()),
        limits: None,
    }
}

#[tokio::test(start_paused = true)]
async fn accounts_are_made_listed_and_shown() {
    let world = World::single(1).await.expect("an empty disk starts");
    let router = world.router();
    for user in 0..40 {
        router
            .account_add(add(&format!("user{user:02}@example.org")))
            .await
            .expect("an account");
    }
    let listed = listed(&world).await;
    assert_eq!(listed.len(), 40);
    assert_eq!(listed[7], ("user07@example.org".into(), AccountState::Active));
    let shown = router.account_show(&by_address("user07@example.org")).await;
    let shown = shown.expect("the account");
    assert_eq!(shown.mailboxes, 4);
    assert_eq!(shown.account.credentials, Default::default());
    let tree = router.mailbox_list(&AccountSelector::Id(shown.account.id)).await;
    let tree = tree.expect("its mailboxes");
    let names: Vec<_> = tree.entries.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["Drafts", "INBOX", "Sent", "Trash"]);
    assert!(tree.entries.iter().all(|entry| entry.subscribed));
}

#[tokio::test(start_paused = true)]
async fn an_address_is_given_once() {
    let (world, _) = world().await;
    let again = world.router().account_add(add(DEMO)).await;
    assert_eq!(again, Err(Rejection::AddressTaken.into()));
    let nobody = world
        .router()
        .account_show(&by_address("nobody@example.org"))
        .await;
    assert_eq!(nobody.err(), Some(Rejection::NoSuchAccount.into()));
    let nobody = AccountSelector::Id(AccountId([7; 16]));
    let nobody = world.router().account_show(&nobody).await;
    assert_eq!(nobody.err(), Some(Rejection::NoSuchAccount.into()));
}

#[tokio::test(start_paused = true)]
async fn a_new_password_replaces_the_old_one() {
    let (world, _) = world().await;
    let router = world.router();
    let secret = SecretChange::Password("another".into());
    router
        .account_set_secret(&by_address(DEMO), secret)
        .await
        .expect("a password");
    assert!(log_in(&router, DEMO, PASSWORD).await.expect("an answer").is_err());
    assert!(log_in(&router, DEMO, "another").await.expect("an answer").is_ok());
    let malformed = SecretChange::Hash("$9$what".into());
    let refused = router.account_set_secret(&by_address(DEMO), malformed).await;
    assert_eq!(refused, Err(Rejection::Secret.into()));
}

#[tokio::test(start_paused = true)]
async fn a_suspended_account_cannot_log_in_until_it_is_resumed() {
    let (world, _) = world().await;
    let router = world.router();
    router
        .account_suspend(&by_address(DEMO), true)
        .await
        .expect("suspended");
    assert!(log_in(&router, DEMO, PASSWORD).await.expect("an answer").is_err());
    router
        .account_suspend(&by_address(DEMO), false)
        .await
        .expect("resumed");
    assert!(log_in(&router, DEMO, PASSWORD).await.expect("an answer").is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_renamed_account_keeps_its_mail_and_frees_its_address() {
    let (world, mut session) = world().await;
    session
        .append(&inbox(), &mail("one", "text"), no_flags())
        .await
        .expect("appended");
    let router = world.router();
    router
        .account_add(add("taken@example.org"))
        .await
        .expect("an account");
    let taken = router
        .account_rename(&by_address(DEMO), address("taken@example.org"))
        .await;
    assert_eq!(taken, Err(Rejection::AddressTaken.into()));
    router
        .account_rename(&by_address(DEMO), address("new@example.org"))
        .await
        .expect("renamed");
    assert!(log_in(&router, DEMO, PASSWORD).await.expect("an answer").is_err());
    let session = world.session("new@example.org", PASSWORD).await.expect("a login");
    assert_eq!(everything(&session, "INBOX").await.changed.len(), 1);
    // The old address is free again.
    router.account_add(add(DEMO)).await.expect("an account");
}

#[tokio::test(start_paused = true)]
async fn a_removed_account_can_be_restored_until_it_is_purged() {
    let (world, mut session) = world().await;
    session
        .append(&inbox(), &mail("one", "text"), no_flags())
        .await
        .expect("appended");
    let router = world.router();
    let id = router
        .account_show(&by_address(DEMO))
        .await
        .expect("shown")
        .account
        .id;
    let week = Duration::from_secs(7 * 24 * 3600);
    router
        .account_remove(&by_address(DEMO), Some(week))
        .await
        .expect("removed");
    assert!(log_in(&router, DEMO, PASSWORD).await.expect("an answer").is_err());
    router.account_restore(&by_address(DEMO)).await.expect("restored");
    let restored = world.session(DEMO, PASSWORD).await.expect("a login");
    assert_eq!(everything(&restored, "INBOX").await.changed.len(), 1);

    router
        .account_remove(&by_address(DEMO), Some(week))
        .await
        .expect("removed");
    let node = &world.first_running().node;
    assert_eq!(node.purge_due_accounts(&router).await, Ok(0));
    tokio::time::advance(week).await;
    assert_eq!(node.purge_due_accounts(&router).await, Ok(1));
    assert_eq!(node.purge_due_accounts(&router).await, Ok(0));
    let gone = router.account_show(&AccountSelector::Id(id)).await;
    assert_eq!(gone.err(), Some(Rejection::NoSuchAccount.into()));
    // The address is free again, and leads to an account without the old one's mail.
    router.account_add(add(DEMO)).await.expect("an account");
    let session = world.session(DEMO, PASSWORD).await.expect("a login");
    assert!(everything(&session, "INBOX").await.changed.is_empty());
}

#[tokio::test(start_paused = true)]
async fn administrators_make_and_delete_mailboxes() {
    let (world, session) = world().await;
    let router = world.router();
    let (demo, name) = (
        by_address(DEMO),
        MailboxName::parse("Lists/rust").expect("a name"),
    );
    let id = router
        .mailbox_create(&demo, name.clone(), Default::default())
        .await
        .expect("made");
    assert_eq!(everything(&session, "Lists/rust").await.mailbox.id, id);
    router.mailbox_delete(&demo, name.clone()).await.expect("deleted");
    let again = router.mailbox_delete(&demo, name).await;
    assert_eq!(again, Err(StoreError::Rejected(Rejection::NoSuchMailbox)));
}

#[tokio::test(start_paused = true)]
async fn the_status_names_the_node_and_its_groups() {
    let (world, _session) = world().await;
    let status = world.router().status().await.expect("a status");
    let [status] = status.as_slice() else {
        panic!("one node")
    };
    assert_eq!((status.node.as_str(), status.groups.len()), ("node-1", 16));
    assert!(status.groups.iter().all(|group| group.voters == ["node-1"]));
    assert_eq!(status.sessions, 1);
}

/// The groups of an account and of its address mostly have different leaders.
#[tokio::test(start_paused = true)]
async fn the_address_of_a_purged_account_is_free_in_a_cluster_too() {
    let mut world = World::new(&WorldOptions {
        machines: 3,
        ..WorldOptions::single(7)
    });
    world.boot_all().await.expect("booted");
    let router = world.router();
    let addresses = ["a@example.org", "b@example.org", "c@example.org", "d@example.org"];
    for address in addresses {
        router.account_add(add(address)).await.expect("an account");
        let removed = router
            .account_remove(&by_address(address), Some(Duration::ZERO))
            .await;
        removed.expect("removed");
    }
    tokio::time::advance(Duration::from_secs(1)).await;
    let mut purged = 0;
    for name in world.names() {
        let node = &world.running(name).expect("it runs").node;
        purged += node.purge_due_accounts(&router).await.expect("purged");
    }
    assert_eq!(purged, addresses.len() as u64);
    for address in addresses {
        router
            .account_add(add(address))
            .await
            .expect("the address is free");
    }
}

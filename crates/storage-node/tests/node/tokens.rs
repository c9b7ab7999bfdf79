//! Tokens, and what they open.

use std::time::Duration;

use futures::StreamExt;
use mailstore::command::{AccountCommand, Command, MailboxCommand};
use mailstore::ports::{Administration, Authentication, Caller, Mail, SessionNotice};
use mailstore::{RequestId, SessionId, StoreError};

use crate::support::{DEMO, PASSWORD, by_address, inbox, name, world};

#[tokio::test(start_paused = true)]
async fn a_token_opens_its_own_account_for_its_own_presenter_only() {
    let (world, session) = world().await;
    world
        .add_account("other@example.org", PASSWORD)
        .await
        .expect("an account");
    let other = world
        .session("other@example.org", PASSWORD)
        .await
        .expect("a login");
    let router = world.router();
    let own = session.caller.clone();
    let forged = [
        Caller {
            account: other.caller.account,
            ..own.clone()
        },
        Caller {
            session: other.caller.session,
            ..own.clone()
        },
        Caller {
            token: other.caller.token.clone(),
            ..own.clone()
        },
        Caller {
            presenter: "proxy-2".into(),
            ..own.clone()
        },
        Caller {
            token: Default::default(),
            ..own.clone()
        },
    ];
    for caller in &forged {
        let refused = Some(StoreError::Unauthorized);
        assert_eq!(router.mailbox_tree(caller).await.err(), refused);
        assert_eq!(router.quota(caller).await.err(), refused);
        assert_eq!(router.check_append(caller, &inbox(), 1).await.err(), refused);
        assert_eq!(router.upload(caller, 1).await.err(), refused);
        assert_eq!(router.watch(caller, None).await.err(), refused);
        assert_eq!(router.session_notices(caller).await.err(), refused);
    }
    assert!(router.mailbox_tree(&own).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_session_can_neither_administer_nor_speak_for_another() {
    let (_world, mut session) = world().await;
    let request = session.request();
    let suspend = Command::Account(AccountCommand::SetSuspended(true));
    let refused = session.router.submit(&session.caller, request, suspend).await;
    assert_eq!(refused, Err(StoreError::Unauthorized));
    let create = Command::Mailbox(MailboxCommand::Create {
        name: name("x"),
        special_use: Default::default(),
    });
    let foreign = RequestId {
        session: SessionId([1; 16]),
        ..session.request()
    };
    let refused = session.router.submit(&session.caller, foreign, create).await;
    assert_eq!(refused, Err(StoreError::Unauthorized));
}

#[tokio::test(start_paused = true)]
async fn a_token_runs_out_unless_it_is_renewed() {
    let (world, session) = world().await;
    let router = world.router();
    let mut notices = router.session_notices(&session.caller).await.expect("notices");
    tokio::time::advance(Duration::from_secs(300)).await;
    world.first_running().node.renew_tokens();
    let Some(SessionNotice::TokenRenewed(token)) = notices.next().await else {
        panic!("no token")
    };
    tokio::time::advance(Duration::from_secs(301)).await;
    let old = router.mailbox_tree(&session.caller).await;
    assert_eq!(old.err(), Some(StoreError::Unauthorized));
    let renewed = Caller {
        token,
        ..session.caller.clone()
    };
    assert!(router.mailbox_tree(&renewed).await.is_ok());
}

/// A token lives for ten minutes, so what ends sessions must be looked at too.
#[tokio::test(start_paused = true)]
async fn a_session_that_was_ended_is_not_registered_again() {
    let (world, session) = world().await;
    let router = world.router();
    router
        .account_suspend(&by_address(DEMO), true)
        .await
        .expect("suspended");
    let refused = router.session_notices(&session.caller).await;
    assert_eq!(refused.err(), Some(StoreError::Unauthorized));
}

/// A token is a bearer's proof until it runs out; logging out must not wait for that.
#[tokio::test(start_paused = true)]
async fn a_token_opens_nothing_once_its_session_has_ended() {
    let (world, left) = world().await;
    let router = world.router();
    let refused = Some(StoreError::Unauthorized);
    router.logout(&left.caller).await;
    assert_eq!(router.mailbox_tree(&left.caller).await.err(), refused);
    assert_eq!(router.session_notices(&left.caller).await.err(), refused);
    let kicked = world.session(DEMO, PASSWORD).await.expect("a login");
    let kept = world.session(DEMO, PASSWORD).await.expect("a login");
    let demo = by_address(DEMO);
    let ended = router.session_kick(&demo, Some(kicked.caller.session)).await;
    assert_eq!(ended, Ok(1));
    assert_eq!(router.quota(&kicked.caller).await.err(), refused);
    assert_eq!(router.session_notices(&kicked.caller).await.err(), refused);
    assert!(router.quota(&kept.caller).await.is_ok());
}

/// Leaders may change more often than tokens are renewed.
#[tokio::test(start_paused = true)]
async fn a_session_that_is_registered_again_gets_a_new_token() {
    let (mut world, session) = world().await;
    let mut caller = session.caller.clone();
    for _ in 0..4 {
        tokio::time::advance(Duration::from_secs(200)).await;
        world.kill("node-1").await;
        world.boot("node-1").await.expect("it starts again");
        let router = world.router();
        let mut notices = router.session_notices(&caller).await.expect("notices");
        let Some(SessionNotice::TokenRenewed(token)) = notices.next().await else {
            panic!("no token")
        };
        caller.token = token;
        assert!(router.mailbox_tree(&caller).await.is_ok());
    }
}

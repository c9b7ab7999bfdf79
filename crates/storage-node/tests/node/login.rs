//! Logins and the session registry.

use std::time::Duration;

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use cluster::Router;
use futures::StreamExt;
use mailstore::ports::{
    Administration, Authentication, LoginFailure, SaslExchange, SaslOutcome, SecretChange, SessionInfo,
    SessionNotice,
};
use simulation::{log_in, login_request};

use crate::support::{DEMO, PASSWORD, address, by_address, messages_at_most, world};

async fn begin(router: &Router, user: &str, mechanism: &str) -> Box<dyn SaslExchange> {
    router
        .begin_login(login_request(user, mechanism))
        .await
        .expect("an exchange")
}

async fn say(exchange: &mut Box<dyn SaslExchange>, message: impl Into<Bytes>) -> SaslOutcome {
    exchange.respond(message.into()).await.expect("an answer")
}

/// What of a client's SCRAM messages both ends of the exchange depend on (RFC 5802 §5).
struct Scram {
    first: String,
    last: String,
    server_signature: Vec<u8>,
}

impl Scram {
    /// Answers the server's challenge.
    fn new(first: &str, challenge: &Bytes, password: &str) -> Self {
        let challenge = std::str::from_utf8(challenge).expect("text");
        let mut fields = challenge.split(',').map(|field| &field[2..]);
        let (nonce, salt, iterations) = (fields.next(), fields.next(), fields.next());
        let salt = STANDARD.decode(salt.expect("a salt")).expect("base64");
        let iterations = iterations.expect("iterations").parse().expect("a number");
        let mut salted = [0; 32];
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            iterations,
            &salt,
            password.as_bytes(),
            &mut salted,
        );
        let unsigned = format!("c=biws,r={}", nonce.expect("a nonce"));
        let signed = format!("{first},{challenge},{unsigned}");
        let key = sign(&salted, b"Client Key");
        let stored = digest::digest(&digest::SHA256, &key);
        let signature = sign(stored.as_ref(), signed.as_bytes());
        let proof: Vec<u8> = key
            .iter()
            .zip(signature)
            .map(|(one, other)| one ^ other)
            .collect();
        let server_key = sign(&salted, b"Server Key");
        Self {
            first: first.to_owned(),
            last: format!("{unsigned},p={}", STANDARD.encode(proof)),
            server_signature: sign(&server_key, signed.as_bytes()),
        }
    }
}

fn sign(key: &[u8], message: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message)
        .as_ref()
        .to_vec()
}

async fn scram(router: &Router, user: &str, password: &str) -> (SaslOutcome, Option<Scram>) {
    let mut exchange = begin(router, user, "SCRAM-SHA-256").await;
    let first = format!("n={user},r=clientnonce");
    let challenge = match say(&mut exchange, format!("n,,{first}")).await {
        SaslOutcome::Challenge(challenge) => challenge,
        other => return (other, None),
    };
    let scram = Scram::new(&first, &challenge, password);
    let outcome = say(&mut exchange, scram.last.clone()).await;
    (outcome, Some(scram))
}

#[tokio::test(start_paused = true)]
async fn plain_logs_in_and_names_the_account() {
    let (world, session) = world().await;
    let login = log_in(&world.router(), "Demo@Example.ORG", PASSWORD).await;
    let login = login.expect("an answer").expect("a login");
    assert_eq!(login.account, session.caller.account);
    assert_eq!(login.address.as_str(), DEMO);
    assert_ne!(login.session, session.caller.session);
}

#[tokio::test(start_paused = true)]
async fn login_asks_for_the_password() {
    let (world, _) = world().await;
    let mut exchange = begin(&world.router(), DEMO, "LOGIN").await;
    assert!(matches!(
        say(&mut exchange, DEMO).await,
        SaslOutcome::Challenge(_)
    ));
    assert!(matches!(
        say(&mut exchange, PASSWORD).await,
        SaslOutcome::Success { .. }
    ));
}

#[tokio::test(start_paused = true)]
async fn scram_proves_both_ends_to_each_other() {
    let (world, _) = world().await;
    let (outcome, scram) = scram(&world.router(), DEMO, PASSWORD).await;
    let SaslOutcome::Success { additional, .. } = outcome else {
        panic!("{outcome:?}")
    };
    let scram = scram.expect("the client's messages");
    let expected = format!("v={}", STANDARD.encode(&scram.server_signature));
    assert_eq!(
        additional.as_deref(),
        Some(expected.as_bytes()),
        "{}",
        scram.first
    );
}

#[tokio::test(start_paused = true)]
async fn wrong_passwords_and_unknown_users_are_refused_alike() {
    let (world, _) = world().await;
    let router = world.router();
    for user in [DEMO, "nobody@example.org"] {
        let refused = log_in(&router, user, "wrong").await.expect("an answer");
        assert_eq!(refused, Err(LoginFailure::Credentials), "{user}");
        let (outcome, _) = scram(&router, user, "wrong").await;
        assert_eq!(outcome, SaslOutcome::Failure(LoginFailure::Credentials), "{user}");
    }
    let mut exchange = begin(&router, DEMO, "DIGEST-MD5").await;
    let refused = say(&mut exchange, "x").await;
    assert_eq!(refused, SaslOutcome::Failure(LoginFailure::Mechanism));
}

/// The exchange runs where the name of its beginning says: another one in its messages is no way around
/// the count of failures.
#[tokio::test(start_paused = true)]
async fn a_message_that_names_another_user_is_refused() {
    let (world, _) = world().await;
    let mut exchange = begin(&world.router(), "other@example.org", "PLAIN").await;
    let message = format!("\0{DEMO}\0{PASSWORD}");
    let refused = say(&mut exchange, message).await;
    assert_eq!(refused, SaslOutcome::Failure(LoginFailure::Credentials));
}

/// Whoever has as many sessions as he may have is told so, and not that he has been guessing.
#[tokio::test(start_paused = true)]
async fn too_many_sessions_are_not_too_many_attempts() {
    let (world, _) = world().await;
    let router = world.router();
    let mut refused = None;
    for _ in 0..100 {
        refused = log_in(&router, DEMO, PASSWORD).await.expect("an answer").err();
        if refused.is_some() {
            break;
        }
    }
    assert_eq!(refused, Some(LoginFailure::TooManySessions));
}

#[tokio::test(start_paused = true)]
async fn guessing_is_slowed_down_and_then_refused_for_a_while() {
    let (world, _) = world().await;
    world
        .add_account("other@example.org", PASSWORD)
        .await
        .expect("an account");
    let router = world.router();
    let begun = tokio::time::Instant::now();
    let mut outcomes = Vec::new();
    for _ in 0..100 {
        let refused = log_in(&router, "other@example.org", "wrong")
            .await
            .expect("an answer");
        outcomes.push(refused.expect_err("the password is wrong"));
        if outcomes.last() == Some(&LoginFailure::Limited) {
            break;
        }
    }
    assert_eq!(outcomes.last(), Some(&LoginFailure::Limited));
    assert!(begun.elapsed() > Duration::from_secs(10), "answers are held back");
    // Where nobody has logged in from before, the right password does not help either.
    let refused = log_in(&router, "other@example.org", PASSWORD)
        .await
        .expect("an answer");
    assert_eq!(refused.err(), Some(LoginFailure::Limited));
    tokio::time::advance(Duration::from_secs(120)).await;
    let login = log_in(&router, "other@example.org", PASSWORD)
        .await
        .expect("an answer");
    assert!(login.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_kicked_session_is_told() {
    let (world, session) = world().await;
    let router = world.router();
    let other = world.session(DEMO, PASSWORD).await.expect("a login");
    let mut notices = router.session_notices(&session.caller).await.expect("notices");
    let mut others = router.session_notices(&other.caller).await.expect("notices");
    let kicked = router
        .session_kick(&by_address(DEMO), Some(session.caller.session))
        .await;
    assert_eq!(kicked, Ok(1));
    assert!(matches!(notices.next().await, Some(SessionNotice::Ended(_))));
    assert_eq!(notices.next().await, None);
    let left = router
        .session_list(Some(&by_address(DEMO)))
        .await
        .expect("a list");
    let left: Vec<_> = left.iter().map(|info| info.session).collect();
    assert_eq!(left, [other.caller.session]);
    assert_eq!(router.session_kick(&by_address(DEMO), None).await, Ok(1));
    assert!(matches!(others.next().await, Some(SessionNotice::Ended(_))));
}

#[tokio::test(start_paused = true)]
async fn a_new_password_ends_the_sessions_of_the_old_one() {
    let (world, session) = world().await;
    let router = world.router();
    let mut notices = router.session_notices(&session.caller).await.expect("notices");
    let secret = SecretChange::Password("another".into());
    router
        .account_set_secret(&by_address(DEMO), secret)
        .await
        .expect("a password");
    assert!(matches!(notices.next().await, Some(SessionNotice::Ended(_))));
}

#[tokio::test(start_paused = true)]
async fn sessions_end_with_logout_and_with_their_notices() {
    let (world, session) = world().await;
    let router = world.router();
    let other = world.session(DEMO, PASSWORD).await.expect("a login");
    drop(router.session_notices(&other.caller).await.expect("notices"));
    assert_eq!(router.session_list(None).await.map(|list| list.len()), Ok(1));
    router.logout(&session.caller).await;
    assert_eq!(router.session_list(None).await, Ok(Vec::new()));
}

/// What bounds and lists go by comes back with the token when the registry was lost.
#[tokio::test(start_paused = true)]
async fn a_session_that_is_registered_again_is_listed_as_before() {
    let (mut world, session) = world().await;
    let before = world.router().session_list(None).await.expect("a list");
    let name = world.names()[0].clone();
    world.stop(&name).await.expect("stopped");
    world.boot(&name).await.expect("booted");
    let router = world.router();
    assert_eq!(router.session_list(None).await, Ok(Vec::new()));
    let _notices = router.session_notices(&session.caller).await.expect("notices");
    let after = router.session_list(None).await.expect("a list");
    let client = |list: &[SessionInfo]| {
        let clients = list.iter().map(|info| (info.protocol.clone(), info.peer.clone()));
        clients.collect::<Vec<_>>()
    };
    assert!(!client(&before).is_empty());
    assert_eq!(client(&after), client(&before));
}

#[tokio::test(start_paused = true)]
async fn new_limits_and_a_new_address_end_no_session() {
    let (world, session) = world().await;
    let router = world.router();
    let _notices = router.session_notices(&session.caller).await.expect("notices");
    router
        .account_set_limits(&by_address(DEMO), messages_at_most(7))
        .await
        .expect("limits");
    router
        .account_rename(&by_address(DEMO), address("new@example.org"))
        .await
        .expect("renamed");
    assert_eq!(router.session_list(None).await.map(|list| list.len()), Ok(1));
}

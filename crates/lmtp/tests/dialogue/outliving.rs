//! Deliveries that outlive their connections, and the end of the role.

use std::sync::Arc;
use std::time::Duration;

use lmtp::{Lmtp, LmtpListener};
use tokio::io::AsyncReadExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::fake::Fake;
use crate::harness::{Client, options, role};

async fn send_message(client: &mut Client) {
    client
        .expect(&[
            ("LHLO x", "250"),
            ("MAIL FROM:<a@example.org>", "250"),
            ("RCPT TO:<b@example.org>", "250"),
            ("DATA", "354"),
        ])
        .await;
    client.send(b"x\r\n.\r\n").await;
}

fn gated() -> (Fake, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let fake = Fake {
        gate: Some(Arc::clone(&gate)),
        ..Fake::default()
    };
    (fake, gate)
}

fn delivered(fake: &Fake) -> usize {
    fake.log.delivered.lock().expect("not poisoned").len()
}

/// Spawned on the role itself, so that its end waits for the connection.
fn connect(role: &Lmtp) -> Client {
    let (stream, server) = tokio::io::duplex(64 * 1024);
    role.spawn(server, crate::harness::peer());
    Client {
        stream,
        served: JoinSet::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_in_flight_outlives_its_connection() {
    let (fake, gate) = gated();
    let role = role(options(), &fake);
    let mut client = connect(&role);
    send_message(&mut client).await;
    assert_eq!(client.hear().await, (String::new(), false));
    client.leave().await;
    let mut ends = JoinSet::new();
    ends.spawn(async move { role.shut_down().await });
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(ends.try_join_next().is_none(), "the end waits for the delivery");
    assert_eq!(delivered(&fake), 0);
    gate.add_permits(1);
    ends.join_next().await;
    assert_eq!(delivered(&fake), 1);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_is_finished_when_the_role_ends() {
    let (fake, gate) = gated();
    gate.add_permits(1);
    let role = role(options(), &fake);
    let (mut idle, mut busy, mut dawdling) = (connect(&role), connect(&role), connect(&role));
    idle.hear().await;
    for client in [&mut busy, &mut dawdling] {
        client
            .expect(&[
                ("LHLO x", "250"),
                ("MAIL FROM:<>", "250"),
                ("RCPT TO:<b@x>", "250"),
            ])
            .await;
    }
    let mut ends = JoinSet::new();
    ends.spawn(async move { role.shut_down().await });
    let (heard, closed) = idle.hear().await;
    assert!(heard.starts_with("421 4.3.2") && closed, "{heard}");
    busy.expect(&[("DATA", "354")]).await;
    busy.send(b"x\r\n.\r\n").await;
    let (heard, closed) = busy.hear().await;
    let expected = heard.starts_with("250 2.0.0 ") && heard.contains("\r\n421 4.3.2 ");
    assert!(expected && closed, "{heard}");
    assert_eq!(delivered(&fake), 1);
    dawdling.expect(&[("DATA", "354")]).await;
    tokio::time::sleep(Duration::from_secs(31)).await;
    let (heard, closed) = dawdling.hear().await;
    assert!(heard.starts_with("421 4.3.2") && closed, "{heard}");
    drop((idle, busy, dawdling));
    ends.join_next().await;
    assert_eq!(delivered(&fake), 1);
}

/// A storage that does not come to an end with a delivery leaves it open whether it took place.
#[tokio::test(start_paused = true)]
async fn a_delivery_without_end_is_answered_as_a_passing_failure() {
    let (fake, _gate) = gated();
    let mut client = Client::connect(&role(options(), &fake));
    send_message(&mut client).await;
    tokio::time::sleep(Duration::from_secs(301)).await;
    assert!(client.hear().await.0.starts_with("451 4.3.0"));
    client.expect(&[("NOOP", "250")]).await;
}

#[tokio::test]
async fn listeners_take_connections_until_the_end() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("lmtp.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    let role = role(options(), &Fake::default());
    let mut tasks = JoinSet::new();
    let serving = role.clone();
    tasks.spawn(async move { serving.serve_listener(LmtpListener::Unix(listener)).await });
    let mut client = UnixStream::connect(&path).await.expect("a connection");
    let mut greeting = [0; 4];
    client.read_exact(&mut greeting).await.expect("a greeting");
    assert_eq!(&greeting, b"220 ");
    role.shut_down().await;
    tasks.join_next().await;
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.expect("a goodbye");
    assert!(rest.contains("\r\n421 4.3.2 "), "{rest}");
}

//! What a client may make the server hold: octets that come in, octets that wait to go out.

use std::time::Duration;

use proxy::Security;
use testkit::transcript::{Peer, Said};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Server, tagged};

/// Asserts that the command is answered, and that the connection ends with BYE.
async fn assert_ended(peer: &mut Peer, tag: &str) {
    let begun = tokio::time::Instant::now();
    let heard = peer.until("* BYE").await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{heard:?}");
    assert!(
        heard
            .iter()
            .any(|line| line.starts_with(&format!("{tag} BAD")) || line.starts_with(&format!("{tag} NO"))),
        "{heard:?}"
    );
    assert!(tagged(&heard).starts_with("* BYE"), "{heard:?}");
    assert_eq!(peer.hear().await, Said::Closed);
}

/// RELIABILITY §3: a SASL message longer than a line may be ends the connection, it is not collected.
#[tokio::test(start_paused = true)]
async fn a_sasl_message_without_end_ends_the_connection() {
    let server = Server::local();
    let mut peer = server.greeted().await;
    peer.send(b"a AUTHENTICATE PLAIN\r\n").await;
    peer.until("+").await;
    peer.send(&[b'x'; 17_000]).await;
    assert_ended(&mut peer, "a").await;
}

#[tokio::test(start_paused = true)]
async fn a_line_without_end_ends_idle_and_the_connection() {
    let server = Server::local();
    let mut peer = server.selected().await;
    peer.send(b"i IDLE\r\n").await;
    peer.until("+").await;
    peer.send(&[b'x'; 70_000]).await;
    assert_ended(&mut peer, "i").await;
}

/// The message is refused for its NUL; the line behind it must not be collected either.
#[tokio::test(start_paused = true)]
async fn a_line_without_end_behind_a_refused_message_ends_the_connection() {
    let server = Server::local();
    let mut peer = server.selected().await;
    peer.send(b"a APPEND INBOX {3}\r\n").await;
    peer.until("+").await;
    peer.send(b"a\0c").await;
    peer.send(&[b'x'; 70_000]).await;
    assert_ended(&mut peer, "a").await;
}

/// RELIABILITY §3: before login a connection costs 64 KiB, also when the client sends many commands at
/// once and reads none of the answers. What the server held is what comes when the client reads in the end.
#[tokio::test(start_paused = true)]
async fn answers_that_nobody_reads_are_bounded() {
    const WIRE_BYTES: usize = 17 * 1024;
    let server = Server::local();
    let (mut client, stream) = tokio::io::duplex(WIRE_BYTES);
    let peer = "127.0.0.1:40000".parse().unwrap();
    server.proxy.spawn(stream, peer, Security::Plain);
    let commands = "a CAPABILITY\r\n".repeat(1_150);
    client.write_all(commands.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(61)).await;
    let mut held = Vec::new();
    client.read_to_end(&mut held).await.unwrap();
    assert!(held.len() < WIRE_BYTES + 32 * 1024, "{} octets", held.len());
}

/// As before login, against the limit for sessions.
#[tokio::test(start_paused = true)]
async fn answers_to_commands_sent_at_once_are_bounded_in_a_session() {
    let server = Server::local();
    let mut peer = server.selected().await;
    let calls = server.store.calls();
    let commands = "a CAPABILITY\r\n".repeat(999) + "b STATUS INBOX (MESSAGES)\r\n";
    peer.send(commands.as_bytes()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        server.store.calls(),
        calls,
        "answers pile up although nobody reads"
    );
    assert!(tagged(&peer.until("b ").await).starts_with("b OK"));
}

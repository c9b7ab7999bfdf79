//! Sizes, times and numbers.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::fake::Fake;
use crate::harness::{Client, options, role};

async fn begin(client: &mut Client, mail: &str, recipient: &str) {
    let rcpt = format!("RCPT TO:<{recipient}@example.org>");
    client
        .expect(&[("LHLO x", "250"), (mail, "250"), (&rcpt, "250")])
        .await;
}

/// Never a whole message in one buffer.
#[tokio::test(start_paused = true)]
async fn a_long_message_is_handed_over_in_bounded_pieces() {
    let fake = Fake::default();
    let mut client = Client::connect(&role(options(), &fake));
    begin(&mut client, "MAIL FROM:<a@example.org>", "b").await;
    client.expect(&[("DATA", "354")]).await;
    let line = format!("{}\r\n", "x".repeat(76));
    for _ in 0..100 {
        client.send(line.repeat(1000).as_bytes()).await;
    }
    client.expect(&[(".", "250 2.0.0")]).await;
    let sent = 100 * 1000 * line.len();
    let delivered = fake.log.delivered.lock().expect("not poisoned").clone();
    assert_eq!(delivered.len(), 1);
    assert!((sent..sent + 4096).contains(&delivered[0].content.len()));
    assert!(fake.log.piece_bytes_max.load(Ordering::SeqCst) <= 64 * 1024);
}

/// RFC 1870 §5: what is kept free follows what was announced.
#[tokio::test(start_paused = true)]
async fn an_announced_size_bounds_the_message() {
    let fake = Fake::default();
    let mut client = Client::connect(&role(options(), &fake));
    begin(&mut client, "MAIL FROM:<a@example.org> SIZE=1000", "b").await;
    client.expect(&[("DATA", "354")]).await;
    assert!(fake.log.size_announced.load(Ordering::SeqCst) < 16 * 1024);
    client.send("x".repeat(20_000).as_bytes()).await;
    client.expect(&[("\r\n.", "552 5.3.4"), ("NOOP", "250")]).await;
    assert_eq!(fake.log.open.load(Ordering::SeqCst), 0);
    begin(&mut client, "MAIL FROM:<a@example.org> SIZE=1000", "b").await;
    client.expect(&[("DATA", "354"), ("x\r\n.", "250 2.0.0")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_hangs_is_a_passing_failure() {
    let fake = Fake::default();
    let mut client = Client::connect(&role(options(), &fake));
    client.expect(&[("LHLO x", "250"), ("MAIL FROM:<>", "250")]).await;
    client.send(b"RCPT TO:<stuck@example.org>\r\n").await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(client.hear().await.0.starts_with("451 4.3.0"));
    client
        .expect(&[("RCPT TO:<stalls@example.org>", "250"), ("DATA", "354")])
        .await;
    client.send(b"x\r\n.\r\n").await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert!(client.hear().await.0.starts_with("451 4.3.0"));
}

#[tokio::test(start_paused = true)]
async fn silent_clients_are_hung_up_on() {
    let fake = Fake::default();
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    let mut idle = Client::connect(&role(options(), &fake));
    tokio::time::sleep(minutes(5)).await;
    let (heard, closed) = idle.hear().await;
    assert!(heard.contains("421 4.4.2") && closed, "{heard}");

    let mut pausing = Client::connect(&role(options(), &fake));
    begin(&mut pausing, "MAIL FROM:<a@example.org>", "b").await;
    pausing.expect(&[("DATA", "354")]).await;
    pausing.send(b"half a mess").await;
    tokio::time::sleep(minutes(3)).await;
    let (heard, closed) = pausing.hear().await;
    assert!(heard.starts_with("421 4.4.2") && closed, "{heard}");

    // One that drips without end.
    let mut slow = Client::connect(&role(options(), &fake));
    begin(&mut slow, "MAIL FROM:<a@example.org>", "b").await;
    slow.expect(&[("DATA", "354")]).await;
    for _ in 0..31 {
        slow.send(b"x").await;
        tokio::time::sleep(minutes(1)).await;
    }
    let (heard, closed) = slow.hear().await;
    assert!(heard.starts_with("421 4.4.2") && closed, "{heard}");
    assert_eq!(fake.log.open.load(Ordering::SeqCst), 0);
    assert!(fake.log.delivered.lock().expect("not poisoned").is_empty());
}

#[tokio::test(start_paused = true)]
async fn connections_are_bounded_and_given_back() {
    let mut options = options();
    options.connections_max = 1;
    let fake = Fake::default();
    let role = role(options, &fake);
    let mut first = Client::connect(&role);
    assert!(first.hear().await.0.starts_with("220 "));
    let mut second = Client::connect(&role);
    let (heard, closed) = second.hear().await;
    assert!(heard.starts_with("421 4.3.2") && closed, "{heard}");
    first.leave().await;
    let mut third = Client::connect(&role);
    assert!(third.hear().await.0.starts_with("220 "));
}

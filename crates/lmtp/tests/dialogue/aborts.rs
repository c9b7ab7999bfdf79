//! Clients that go away.

use std::sync::atomic::Ordering;

use crate::fake::Fake;
use crate::harness::{Client, options, role};

const DATA: &str = "LHLO client.example.org\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n\
                    RCPT TO:<c@example.org>\r\nDATA\r\nSubject: x\r\n\r\n..x\r\n.\r\n";
const BDAT: &str = "LHLO client.example.org\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n\
                    BDAT 5\r\nSubjeBDAT 8 LAST\r\nct: x\r\n\r";

async fn check(dialogue: &str) {
    for length in 0..=dialogue.len() {
        let fake = Fake::default();
        let mut client = Client::connect(&role(options(), &fake));
        client.send(&dialogue.as_bytes()[..length]).await;
        tokio::task::yield_now().await;
        client.leave().await;
        // A delivery that was begun runs on behind its connection.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        let delivered = fake.log.delivered.lock().expect("not poisoned").len();
        let whole = length == dialogue.len();
        assert_eq!(delivered, usize::from(whole), "after {length} octets");
        assert_eq!(fake.log.open.load(Ordering::SeqCst), 0, "after {length} octets");
    }
}

/// Half a message is no message (RFC 5321 §4.1.1.4).
#[tokio::test(start_paused = true)]
async fn a_client_that_goes_at_any_octet_leaves_nothing_or_a_whole_message() {
    check(DATA).await;
    check(BDAT).await;
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_is_given_up_leaves_nothing() {
    for end in ["RSET", "LHLO x"] {
        let fake = Fake::default();
        let mut client = Client::connect(&role(options(), &fake));
        client
            .expect(&[
                ("LHLO x", "250"),
                ("MAIL FROM:<>", "250"),
                ("RCPT TO:<b@example.org>", "250"),
            ])
            .await;
        client.send(b"BDAT 5\r\nxxxxx").await;
        assert!(client.hear().await.0.starts_with("250"));
        assert_eq!(fake.log.open.load(Ordering::SeqCst), 1);
        client.expect(&[(end, "250")]).await;
        assert_eq!(fake.log.open.load(Ordering::SeqCst), 0, "{end}");
        client.leave().await;
        assert!(fake.log.delivered.lock().expect("not poisoned").is_empty());
    }
}

//! STARTTLS (RFC 3207).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use lmtp::Lmtp;
use tls::{Clock, LocalAuthority, MailClient, MailServer, MailServerOptions, OfferedVersions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::fake::Fake;
use crate::harness::{Client, options, parts};

const DEADLINE: Duration = Duration::from_secs(5);

struct Setting {
    role: Lmtp,
    client: MailClient,
    fake: Fake,
    _directory: tempfile::TempDir,
}

fn setting() -> Setting {
    let directory = tempfile::tempdir().expect("a directory");
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let clock = Clock::fixed(now + Duration::from_secs(3600));
    let authority = LocalAuthority::open(directory.path(), now).expect("an authority");
    let stored = authority.server_certificate(&[], now).expect("a certificate");
    let server = MailServer::load(MailServerOptions {
        clock: clock.clone(),
        ..MailServerOptions::new(vec![stored.files])
    });
    let trusted = std::fs::read(authority.certificate_path()).expect("the authority's certificate");
    let client = MailClient::trusting(&trusted, OfferedVersions::All, clock).expect("a client");
    let fake = Fake::default();
    let mut parts = parts(&fake);
    parts.starttls = Some(Arc::new(server.expect("a server")));
    Setting {
        role: Lmtp::new(options(), parts),
        client,
        fake,
        _directory: directory,
    }
}

#[tokio::test(start_paused = true)]
async fn mail_comes_in_over_tls() {
    let setting = setting();
    let mut plain = Client::connect(&setting.role);
    let offered = plain.ask("LHLO client.example.org").await;
    assert!(offered.ends_with("250 STARTTLS\r\n"), "{offered}");
    plain.expect(&[("STARTTLS", "220 2.0.0")]).await;
    let Client { stream, mut served } = plain;
    let connected = setting.client.connect(stream, "localhost", DEADLINE).await;
    let mut secure = connected.expect("TLS");
    let dialogue = "MAIL FROM:<a@example.org>\r\nLHLO client.example.org\r\nSTARTTLS\r\n\
                    MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n";
    secure.write_all(dialogue.as_bytes()).await.expect("a connection");
    let mut heard = String::new();
    secure.read_to_string(&mut heard).await.expect("a close_notify");
    let codes: Vec<&str> = heard
        .lines()
        .filter(|line| line.as_bytes().get(3) == Some(&b' '))
        .filter_map(|line| line.get(..3))
        .collect();
    assert_eq!(
        codes,
        ["503", "250", "503", "250", "250", "354", "250", "221"],
        "{heard}"
    );
    assert!(!heard.contains("250 STARTTLS"));
    served.join_next().await;
    let delivered = setting.fake.log.delivered.lock().expect("not poisoned").clone();
    let content = String::from_utf8_lossy(&delivered[0].content).into_owned();
    assert!(content.contains("with LMTPS id"), "{content}");
}

/// CVE-2011-0411: what stands behind STARTTLS was not protected.
#[tokio::test(start_paused = true)]
async fn octets_behind_starttls_end_the_connection() {
    let setting = setting();
    let mut client = Client::connect(&setting.role);
    client.ask("LHLO x").await;
    client.send(b"STARTTLS\r\nMAIL FROM:<evil@example.org>\r\n").await;
    let (heard, closed) = client.hear().await;
    assert!(heard.starts_with("503 5.5.1") && closed, "{heard}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_handshake_ends_the_connection() {
    let setting = setting();
    let mut client = Client::connect(&setting.role);
    client.expect(&[("LHLO x", "250"), ("STARTTLS", "220")]).await;
    client.send(b"MAIL FROM:<a@example.org>\r\n").await;
    let (_, closed) = client.hear().await;
    assert!(closed);
}

//! Mail listeners.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::*;

/// A mail server with certificates for the given sets of names, and a client that trusts it.
struct Mail {
    directory: TempDir,
    authority: Authority,
    server: MailServer,
    client: MailClient,
}

impl Mail {
    fn new(hosts: &[&[&str]]) -> Self {
        Self::with(hosts, |_| {})
    }

    fn with(hosts: &[&[&str]], adjust: impl Fn(&mut MailServerOptions)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = authority();
        let issue = |(index, list): (usize, &&[&str])| {
            let pem = authority.issue_server(&names(list), validity()).unwrap();
            write(directory.path(), &format!("server{index}"), &pem)
        };
        let certificates = hosts.iter().enumerate().map(issue).collect();
        let mut options = MailServerOptions {
            clock: Clock::fixed(today()),
            ..MailServerOptions::new(certificates)
        };
        adjust(&mut options);
        let server = MailServer::load(options).unwrap();
        let client = client(&authority, OfferedVersions::All, today());
        Self {
            directory,
            authority,
            server,
            client,
        }
    }

    async fn handshake(&self, client: &MailClient, host: &str) -> Ends {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let connect = client.connect(near, host, DEADLINE);
        tokio::join!(connect, self.server.accept(far, DEADLINE))
    }
}

#[tokio::test]
async fn both_ends_agree_on_the_bindings_of_tls_13() {
    let mail = Mail::new(&[&["mail.example.org"]]);
    let (client, server) = greet(mail.handshake(&mail.client, "mail.example.org").await).await;
    assert_eq!(server.version(), "TLSv1.3");
    assert_eq!(server.server_name(), Some("mail.example.org"));
    assert_eq!(server.peer_identity(), None);
    assert!(server.channel_binding().exporter.is_some());
    assert_eq!(
        server
            .channel_binding()
            .server_end_point
            .as_ref()
            .map(|hash| hash.len()),
        Some(32)
    );
    assert_eq!(client.channel_binding(), server.channel_binding());
}

#[tokio::test]
async fn tls_12_can_be_refused() {
    let mail = Mail::with(&[&["mail.example.org"]], |options| {
        options.oldest_version = OldestVersion::Tls13;
    });
    let (_, server) = greet(mail.handshake(&mail.client, "mail.example.org").await).await;
    assert_eq!(server.version(), "TLSv1.3");
    let old = client(&mail.authority, OfferedVersions::Tls12, today());
    let (refused, refusing) = mail.handshake(&old, "mail.example.org").await;
    assert!(matches!(refused, Err(TlsError::Handshake(_))));
    assert!(matches!(refusing, Err(TlsError::Handshake(_))));
}

#[tokio::test]
async fn tls_12_is_served_without_the_exporter_binding() {
    let mail = Mail::new(&[&["mail.example.org"]]);
    let old = client(&mail.authority, OfferedVersions::Tls12, today());
    let (client, server) = greet(mail.handshake(&old, "mail.example.org").await).await;
    assert_eq!(server.version(), "TLSv1.2");
    assert_eq!(server.channel_binding().exporter, None);
    assert_eq!(client.channel_binding(), server.channel_binding());
}

#[tokio::test]
async fn two_connections_differ_in_the_exporter_binding() {
    let mail = Mail::new(&[&["mail.example.org"]]);
    let (_, one) = greet(mail.handshake(&mail.client, "mail.example.org").await).await;
    let (_, two) = greet(mail.handshake(&mail.client, "mail.example.org").await).await;
    assert_ne!(one.channel_binding().exporter, two.channel_binding().exporter);
}

#[tokio::test]
async fn a_stranger_authority_is_refused() {
    let mail = Mail::new(&[&["mail.example.org"]]);
    let stranger = client(&authority(), OfferedVersions::All, today());
    let (client, server) = mail.handshake(&stranger, "mail.example.org").await;
    assert_eq!(client.unwrap_err().kind(), ErrorKind::Peer);
    assert!(server.is_err());
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let mail = Mail::new(&[&["mail.example.org"]]);
    let later = client(&mail.authority, OfferedVersions::All, today() + DAY * 366);
    let (client, _) = mail.handshake(&later, "mail.example.org").await;
    assert_eq!(client.unwrap_err().kind(), ErrorKind::Peer);
    assert_eq!(mail.server.expires(), Some(today() + DAY * 365));
}

/// RFC 6066 §3 wants no trailing dot, Outlook sends one.
#[test]
fn the_certificate_is_chosen_by_server_name() {
    let mail = Mail::new(&[&["one.example.org"], &["two.example.org", "*.three.example.org"]]);
    let first = mail.server.end_point_for(Some("one.example.org"));
    let second = mail.server.end_point_for(Some("two.example.org"));
    assert_ne!(first, second);
    let check = |name, expected: &Option<Arc<[u8]>>| assert_eq!(&mail.server.end_point_for(name), expected);
    check(Some("two.example.org."), &second);
    check(Some("TWO.example.org"), &second);
    check(Some("imap.three.example.org"), &second);
    check(Some("elsewhere.example.org"), &first);
    check(None, &first);
}

#[tokio::test]
async fn an_address_needs_no_server_name() {
    let mail = Mail::new(&[&["localhost", "127.0.0.1", "::1"]]);
    for host in ["127.0.0.1", "::1"] {
        let (_, server) = greet(mail.handshake(&mail.client, host).await).await;
        assert_eq!(server.server_name(), None);
    }
}

#[tokio::test]
async fn a_ticket_resumes_the_session() {
    let mail = Mail::new(&[&["mail.example.org"]]);
    for versions in [OfferedVersions::All, OfferedVersions::Tls12] {
        let client = client(&mail.authority, versions, today());
        let (_, first) = greet(mail.handshake(&client, "mail.example.org").await).await;
        assert!(!first.is_resumed());
        let (_, second) = greet(mail.handshake(&client, "mail.example.org").await).await;
        assert!(second.is_resumed());
        assert_eq!(
            first.channel_binding().server_end_point,
            second.channel_binding().server_end_point
        );
    }
}

#[tokio::test]
async fn a_new_certificate_is_picked_up_and_ends_old_tickets() {
    let mail = Mail::new(&[&["mail.example.org"]]);
    let (_, before) = greet(mail.handshake(&mail.client, "mail.example.org").await).await;
    assert_eq!(mail.server.reload_if_changed().unwrap(), Reload::Unchanged);

    let longer = Validity {
        issued: today(),
        lasts: DAY * 500,
    };
    let renewed = mail
        .authority
        .issue_server(&names(&["mail.example.org"]), longer)
        .unwrap();
    write(mail.directory.path(), "server0", &renewed);
    assert_eq!(mail.server.reload_if_changed().unwrap(), Reload::Replaced);
    assert_eq!(mail.server.reload_if_changed().unwrap(), Reload::Unchanged);

    let (client, after) = greet(mail.handshake(&mail.client, "mail.example.org").await).await;
    assert!(!after.is_resumed());
    assert_ne!(
        before.channel_binding().server_end_point,
        after.channel_binding().server_end_point
    );
    assert_eq!(client.channel_binding(), after.channel_binding());
    assert_eq!(mail.server.expires(), Some(today() + DAY * 500));
}

#[tokio::test]
async fn a_bad_replacement_leaves_the_old_certificate_in_use() {
    let mail = Mail::new(&[&["mail.example.org"]]);
    let chain = mail.directory.path().join("server0.pem");
    let other = mail
        .authority
        .issue_server(&names(&["mail.example.org"]), validity())
        .unwrap();
    files::replace(&chain, format!("{}\n", other.chain).as_bytes(), Visibility::World).unwrap();
    // The chain is new and the key still old: refused now, tried again at the next look.
    assert!(matches!(
        mail.server.reload_if_changed(),
        Err(TlsError::Policy(_))
    ));
    greet(mail.handshake(&mail.client, "mail.example.org").await).await;
    let key = mail.directory.path().join("server0.key");
    files::replace(&key, other.key.as_bytes(), Visibility::Owner).unwrap();
    assert_eq!(mail.server.reload_if_changed().unwrap(), Reload::Replaced);
}

#[test]
fn an_ocsp_response_beside_the_chain_is_stapled() {
    let mail = Mail::new(&[&["mail.example.org"]]);
    assert_eq!(mail.server.stapled(), None);
    let response = mail.directory.path().join("server0.ocsp");
    files::replace(&response, b"response", Visibility::World).unwrap();
    assert_eq!(mail.server.reload_if_changed().unwrap(), Reload::Replaced);
    assert_eq!(mail.server.stapled().as_deref(), Some(&b"response"[..]));
    std::fs::remove_file(&response).unwrap();
    assert_eq!(mail.server.reload_if_changed().unwrap(), Reload::Replaced);
    assert_eq!(mail.server.stapled(), None);
}

#[test]
fn a_touched_file_with_the_same_content_changes_nothing() {
    let mail = Mail::new(&[&["mail.example.org"]]);
    let chain = mail.directory.path().join("server0.pem");
    let longer = format!("{}\n", std::fs::read_to_string(&chain).unwrap());
    files::replace(&chain, longer.as_bytes(), Visibility::World).unwrap();
    assert_eq!(mail.server.reload_if_changed().unwrap(), Reload::Unchanged);
}

#[tokio::test]
async fn application_protocols_are_optional_for_the_client() {
    let mail = Mail::with(&[&["mail.example.org"]], |options| {
        options.application_protocols = names(&["imap"]);
    });
    let (_, server) = greet(mail.handshake(&mail.client, "mail.example.org").await).await;
    assert_eq!(server.application_protocol(), None);
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_runs_into_the_deadline() {
    let mail = Mail::new(&[&["mail.example.org"]]);
    let (_near, far) = tokio::io::duplex(1024);
    let error = mail.server.accept(far, DEADLINE).await.unwrap_err();
    assert!(matches!(error, TlsError::HandshakeTimeout(DEADLINE)));
    assert!(error.is_retryable());
}

#[tokio::test]
async fn bytes_that_are_not_tls_are_refused() {
    let mail = Mail::new(&[&["mail.example.org"]]);
    let (mut near, far) = tokio::io::duplex(1024);
    near.write_all(b"a1 LOGIN user password\r\n").await.unwrap();
    let error = mail.server.accept(far, DEADLINE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Peer);
}

#[test]
fn unusable_files_are_named() {
    let mail = Mail::new(&[&["mail.example.org"]]);
    let path = |name: &str| mail.directory.path().join(name);
    files::replace(&path("empty"), b"", Visibility::World).unwrap();
    let load = |chain: &str, key: &str| {
        let pair = CertificateFiles {
            chain: path(chain),
            key: path(key),
        };
        MailServer::load(MailServerOptions::new(vec![pair])).unwrap_err()
    };
    assert!(matches!(load("absent", "server0.key"), TlsError::ReadFile { .. }));
    assert!(matches!(load("empty", "server0.key"), TlsError::NoCertificate));
    assert!(matches!(load("server0.pem", "empty"), TlsError::NoPrivateKey));
    assert!(matches!(
        MailServer::load(MailServerOptions::new(vec![])),
        Err(TlsError::NoCertificate)
    ));
}

#[tokio::test(start_paused = true)]
async fn the_watcher_looks_every_period_until_stopped() {
    let (looks, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
    let (seen, cancel) = (Arc::clone(&looks), stop.clone());
    watch(Duration::from_secs(60), stop, move || {
        match seen.fetch_add(1, Ordering::SeqCst) {
            0 => Ok(Reload::Replaced),
            1 => Err(TlsError::NoCertificate),
            _ => {
                cancel.cancel();
                Ok(Reload::Unchanged)
            }
        }
    })
    .await;
    assert_eq!(looks.load(Ordering::SeqCst), 3);
}

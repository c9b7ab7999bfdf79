//! Handshakes over in-memory streams, against authorities made on the spot and a clock that stands
//! where the test puts it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio_util::sync::CancellationToken;

use crate::files::{self, Visibility};
use crate::pki::{Authority, Validity};
use crate::*;

const DEADLINE: Duration = Duration::from_secs(10);
const DAY: Duration = Duration::from_secs(86_400);

/// The day on which every test takes place.
fn today() -> SystemTime {
    UNIX_EPOCH + DAY * 20_000
}

fn validity() -> Validity {
    Validity {
        issued: today(),
        lasts: DAY * 365,
    }
}

fn authority() -> Authority {
    Authority::create("test", validity()).unwrap()
}

fn write(directory: &Path, name: &str, pem: &CertificatePem) -> CertificateFiles {
    let pair = CertificateFiles {
        chain: directory.join(format!("{name}.pem")),
        key: directory.join(format!("{name}.key")),
    };
    files::replace(&pair.key, pem.key.as_bytes(), Visibility::Owner).unwrap();
    files::replace(&pair.chain, pem.chain.as_bytes(), Visibility::World).unwrap();
    pair
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

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

type End = Result<TlsStream<DuplexStream>, TlsError>;
type Ends = (End, End);

fn client(authority: &Authority, versions: OfferedVersions, now: SystemTime) -> MailClient {
    MailClient::trusting(
        authority.certificate_pem().as_bytes(),
        versions,
        Clock::fixed(now),
    )
    .unwrap()
}

/// Sends a greeting over both ends, so that the client reads its session tickets too.
async fn greet(ends: Ends) -> (TlsStream<DuplexStream>, TlsStream<DuplexStream>) {
    let (mut client, mut server) = (ends.0.unwrap(), ends.1.unwrap());
    server.write_all(b"* OK").await.unwrap();
    server.flush().await.unwrap();
    let mut greeting = [0; 4];
    client.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"* OK");
    (client, server)
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

mod cluster {
    use super::*;

    fn identity(role: Role, node: &str) -> PeerIdentity {
        PeerIdentity {
            role,
            node: node.parse().unwrap(),
        }
    }

    /// A process of the cluster that trusts `trusted` and is certified by `signer`.
    fn process(signer: &Authority, trusted: &Authority, who: &PeerIdentity, now: SystemTime) -> Cluster {
        let directory = tempfile::tempdir().unwrap();
        let own = write(
            directory.path(),
            "own",
            &signer.issue_role(who, validity()).unwrap(),
        );
        let authorities = directory.path().join("ca.pem");
        files::replace(
            &authorities,
            trusted.certificate_pem().as_bytes(),
            Visibility::World,
        )
        .unwrap();
        let files = ClusterFiles {
            authorities,
            chain: own.chain,
            key: own.key,
        };
        Cluster::load(files, Clock::fixed(now)).unwrap()
    }

    async fn handshake(from: &Cluster, to: &Cluster, expected: ExpectedPeer) -> Ends {
        let (near, far) = tokio::io::duplex(64 * 1024);
        tokio::join!(from.connect(near, &expected, DEADLINE), to.accept(far, DEADLINE))
    }

    fn any(role: Role) -> ExpectedPeer {
        ExpectedPeer { role, node: None }
    }

    #[tokio::test]
    async fn each_end_learns_who_the_other_is() {
        let ca = authority();
        let (proxy, storage) = (identity(Role::Proxy, "p1"), identity(Role::Storage, "s1"));
        let (from, to) = (
            process(&ca, &ca, &proxy, today()),
            process(&ca, &ca, &storage, today()),
        );
        let (client, server) = greet(handshake(&from, &to, any(Role::Storage)).await).await;
        assert_eq!(client.peer_identity().map(|peer| &**peer), Some(&storage));
        assert_eq!(server.peer_identity().map(|peer| &**peer), Some(&proxy));
        assert_eq!(server.application_protocol(), Some(&b"h2"[..]));
        assert!(!server.is_resumed());
        assert_eq!(from.identity(), proxy);
    }

    #[tokio::test]
    async fn another_role_or_node_than_called_is_refused() {
        let ca = authority();
        let from = process(&ca, &ca, &identity(Role::Proxy, "p1"), today());
        let to = process(&ca, &ca, &identity(Role::Lmtp, "l1"), today());
        let (wrong_role, _) = handshake(&from, &to, any(Role::Storage)).await;
        assert!(matches!(wrong_role, Err(TlsError::UnexpectedPeer { .. })));
        let other_node = ExpectedPeer {
            role: Role::Lmtp,
            node: Some("l2".parse().unwrap()),
        };
        let (wrong_node, _) = handshake(&from, &to, other_node).await;
        assert!(matches!(wrong_node, Err(TlsError::UnexpectedPeer { .. })));
    }

    #[tokio::test]
    async fn a_client_of_another_authority_is_refused() {
        let (ours, theirs) = (authority(), authority());
        let intruder = process(&theirs, &ours, &identity(Role::Admin, "x"), today());
        let storage = process(&ours, &ours, &identity(Role::Storage, "s1"), today());
        let (_, server) = handshake(&intruder, &storage, any(Role::Storage)).await;
        assert_eq!(server.unwrap_err().kind(), ErrorKind::Peer);
    }

    #[tokio::test]
    async fn a_server_of_another_authority_is_refused() {
        let (ours, theirs) = (authority(), authority());
        let proxy = process(&ours, &ours, &identity(Role::Proxy, "p1"), today());
        let impostor = process(&theirs, &ours, &identity(Role::Storage, "s1"), today());
        let (client, _) = handshake(&proxy, &impostor, any(Role::Storage)).await;
        assert_eq!(client.unwrap_err().kind(), ErrorKind::Peer);
    }

    #[tokio::test]
    async fn expired_certificates_are_refused_on_both_sides() {
        let ca = authority();
        let (proxy, storage) = (identity(Role::Proxy, "p1"), identity(Role::Storage, "s1"));
        let later = today() + DAY * 366;
        let (from, to) = (
            process(&ca, &ca, &proxy, today()),
            process(&ca, &ca, &storage, later),
        );
        assert!(handshake(&from, &to, any(Role::Storage)).await.1.is_err());
        assert!(handshake(&to, &from, any(Role::Proxy)).await.0.is_err());
    }

    #[tokio::test]
    async fn a_client_without_certificate_is_refused() {
        let ca = authority();
        let storage = process(&ca, &ca, &identity(Role::Storage, "s1"), today());
        let bare = client(&ca, OfferedVersions::All, today());
        let (near, far) = tokio::io::duplex(64 * 1024);
        let (_, server) = tokio::join!(bare.connect(near, "s1", DEADLINE), storage.accept(far, DEADLINE));
        assert_eq!(server.unwrap_err().kind(), ErrorKind::Peer);
    }

    #[test]
    fn a_mail_certificate_gives_no_identity() {
        let directory = tempfile::tempdir().unwrap();
        let ca = authority();
        let own = write(
            directory.path(),
            "own",
            &ca.issue_server(&names(&["localhost"]), validity()).unwrap(),
        );
        let authorities = directory.path().join("ca.pem");
        files::replace(&authorities, ca.certificate_pem().as_bytes(), Visibility::World).unwrap();
        let files = ClusterFiles {
            authorities,
            chain: own.chain,
            key: own.key,
        };
        let error = Cluster::load(files, Clock::fixed(today())).unwrap_err();
        assert!(matches!(error, TlsError::Identity(IdentityError::Missing)));
    }

    #[test]
    fn renewed_certificates_are_picked_up() {
        let directory = tempfile::tempdir().unwrap();
        let ca = LocalAuthority::open(directory.path(), today()).unwrap();
        let who = identity(Role::Storage, "s1");
        let own = ca.role_certificate(&who, today()).unwrap().files;
        let files = ClusterFiles {
            authorities: ca.certificate_path(),
            chain: own.chain,
            key: own.key,
        };
        let cluster = Cluster::load(files, Clock::fixed(today())).unwrap();
        assert_eq!(cluster.reload_if_changed().unwrap(), Reload::Unchanged);
        let expires = cluster.expires();
        let renewed = ca.role_certificate(&who, today() + DAY * 330).unwrap();
        assert!(renewed.renewed);
        assert_eq!(cluster.reload_if_changed().unwrap(), Reload::Replaced);
        assert_eq!(cluster.expires(), expires + DAY * 330);
    }
}

mod local_authority {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_first_start_makes_what_a_second_start_finds() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("tls");
        let first = LocalAuthority::open(&place, today()).unwrap();
        let made = first
            .server_certificate(&names(&["host.example.org"]), today())
            .unwrap();
        assert!(made.renewed);
        let second = LocalAuthority::open(&place, today()).unwrap();
        assert_eq!(
            second.authority().certificate_pem(),
            first.authority().certificate_pem()
        );
        let found = second
            .server_certificate(&names(&["host.example.org"]), today())
            .unwrap();
        assert_eq!(
            found,
            StoredCertificate {
                renewed: false,
                ..made
            }
        );
    }

    #[test]
    fn keys_are_readable_by_their_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("tls");
        let authority = LocalAuthority::open(&place, today()).unwrap();
        let stored = authority.server_certificate(&[], today()).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&place), 0o700);
        assert_eq!(mode(&place.join("ca.key")), 0o600);
        assert_eq!(mode(&stored.files.key), 0o600);
        assert_eq!(mode(&stored.files.chain), 0o644);
    }

    #[test]
    fn certificates_are_renewed_before_expiry_or_for_a_new_name() {
        let directory = tempfile::tempdir().unwrap();
        let authority = LocalAuthority::open(directory.path(), today()).unwrap();
        let renewed = |hosts: &[&str], days: u32| {
            authority
                .server_certificate(&names(hosts), today() + DAY * days)
                .unwrap()
                .renewed
        };
        assert!(renewed(&["a.example.org"], 0));
        assert!(!renewed(&["a.example.org"], 304));
        assert!(renewed(&["a.example.org"], 306));
        assert!(!renewed(&["a.example.org"], 306));
        assert!(renewed(&["b.example.org"], 306));
    }

    #[test]
    fn a_lost_half_of_the_authority_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        LocalAuthority::open(directory.path(), today()).unwrap();
        std::fs::remove_file(directory.path().join("ca.key")).unwrap();
        assert!(matches!(
            LocalAuthority::open(directory.path(), today()),
            Err(TlsError::ReadFile { .. })
        ));
    }

    #[tokio::test]
    async fn its_certificates_serve_mail() {
        let directory = tempfile::tempdir().unwrap();
        let authority = LocalAuthority::open(directory.path(), today()).unwrap();
        let stored = authority
            .server_certificate(&names(&["host.example.org"]), today())
            .unwrap();
        let clock = Clock::fixed(today());
        let options = MailServerOptions {
            clock: clock.clone(),
            ..MailServerOptions::new(vec![stored.files])
        };
        let server = MailServer::load(options).unwrap();
        let trusted = files::read(&authority.certificate_path()).unwrap();
        let client = MailClient::trusting(&trusted, OfferedVersions::All, clock).unwrap();
        for host in ["localhost", "127.0.0.1", "::1", "host.example.org"] {
            let (near, far) = tokio::io::duplex(64 * 1024);
            greet(tokio::join!(
                client.connect(near, host, DEADLINE),
                server.accept(far, DEADLINE)
            ))
            .await;
        }
    }
}

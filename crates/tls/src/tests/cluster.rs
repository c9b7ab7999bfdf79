//! Connections between processes.

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

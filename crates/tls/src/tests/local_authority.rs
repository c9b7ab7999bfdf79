//! Certificates made on first start.

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

#[test]
fn a_lost_certificate_that_others_trust_is_not_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let authority = LocalAuthority::open(directory.path(), today()).unwrap();
    authority.server_certificate(&[], today()).unwrap();
    std::fs::remove_file(directory.path().join("ca.pem")).unwrap();
    assert!(matches!(
        LocalAuthority::open(directory.path(), today()),
        Err(TlsError::ReadFile { .. })
    ));
}

/// Power may go between the two files, or while either is written.
#[test]
fn a_first_start_that_was_cut_off_does_not_stop_the_next() {
    let directory = tempfile::tempdir().unwrap();
    LocalAuthority::open(directory.path(), today()).unwrap();
    std::fs::remove_file(directory.path().join("ca.pem")).unwrap();
    std::fs::write(directory.path().join("ca.pem.new"), "").unwrap();
    std::fs::write(directory.path().join("ca.key.new"), "").unwrap();
    let authority = LocalAuthority::open(directory.path(), today()).unwrap();
    authority.server_certificate(&[], today()).unwrap();
    LocalAuthority::open(directory.path(), today()).unwrap();
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
